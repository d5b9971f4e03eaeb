//! Inputs that several images of a run share, read once.
//!
//! That changes no answer but one: files that are written to during the run look alike to all images.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::findings::{Findings, Found};
use super::selection::Selection;
use super::tree::{Kind, Tree};
use super::{Content, Error};
use crate::path::RootPath;

/// What was read of files and links in this run; nothing is kept where nobody would ask for it again.
#[derive(Debug, Clone, Default)]
pub struct Known(Option<Memory>);

/// What files and links hold, by their paths.
type Memory = Arc<Mutex<HashMap<RootPath, Content>>>;

impl Known {
    /// What a run with so many images is to know.
    pub fn of_run_with(images: usize) -> Self {
        Known((images > 1).then(Memory::default))
    }
}

fn get(memory: &Memory, found: &Found) -> Option<Content> {
    let known = memory.lock().unwrap_or_else(PoisonError::into_inner);
    let content = known.get(&found.path)?;
    (found.is_link == matches!(content, Content::Link { .. })).then(|| content.clone())
}

fn add(memory: &Memory, found: &[Found], contents: &[Content]) {
    let mut known = memory.lock().unwrap_or_else(PoisonError::into_inner);
    let paths = found.iter().map(|found| found.path.clone());
    known.extend(paths.zip(contents.iter().cloned()));
}

/// A tree of which nothing is read twice.
pub(super) struct Shared<'a, T> {
    pub(super) tree: T,
    pub(super) known: &'a Known,
}

impl<T: Tree> Tree for Shared<'_, T> {
    fn look(&self, path: &RootPath) -> Result<Option<Kind>, Error> {
        self.tree.look(path)
    }

    fn link_text(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        self.tree.link_text(path)
    }

    fn bytes(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        self.tree.bytes(path)
    }

    fn search(&self, selection: &Selection<'_>) -> Result<Findings, Error> {
        self.tree.search(selection)
    }

    fn ignored(
        &self,
        findings: &Findings,
        wanted: &dyn Fn(&RootPath) -> bool,
        reaches: &dyn Fn(&RootPath) -> bool,
    ) -> Option<RootPath> {
        self.tree.ignored(findings, wanted, reaches)
    }

    fn contents(&self, found: &[Found]) -> Result<Vec<Content>, Error> {
        let Known(Some(memory)) = self.known else {
            return self.tree.contents(found);
        };
        let known: Vec<_> = found.iter().map(|found| get(memory, found)).collect();
        let is_new = |(found, known): (&Found, &Option<Content>)| {
            known.is_none().then(|| Found {
                path: found.path.clone(),
                ..*found
            })
        };
        let new: Vec<_> = found.iter().zip(&known).filter_map(is_new).collect();
        let contents = self.tree.contents(&new)?;
        add(memory, &new, &contents);
        let mut contents = contents.into_iter();
        let each = |known: Option<Content>| known.or_else(|| contents.next());
        let all = known.into_iter().map(each);
        Ok(all
            .map(|content| content.expect("what is not known was read"))
            .collect())
    }
}
