//! What lies at a path of a revision, in whichever repository that is, and what it holds.

use std::rc::Rc;

use super::commit::Commit;
use super::folder::{Entry, Folder, Mode};
use super::reading::{self, Wanted};
use crate::inputs::tree::Kind;
use crate::inputs::{BUFFER, Content, Error, content, revision};
use crate::path::RootPath;

/// No file system takes longer paths, so nobody could check one out (limits.h).
const PATH_MAX: usize = 4096;

/// A file, link or folder; a submodule is the top folder of its own commit.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) commit: Rc<Commit>,
    /// Where it lies, as seen from the top of its repository.
    pub(super) path: RootPath,
    pub(super) entry: Entry,
}

impl From<Mode> for Kind {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::File { .. } => Kind::File,
            Mode::Link => Kind::Link,
            Mode::Folder | Mode::Submodule => Kind::Folder,
        }
    }
}

impl Node {
    pub(super) fn top(commit: &Rc<Commit>) -> Self {
        Node {
            commit: Rc::clone(commit),
            path: RootPath::root(),
            entry: commit.top(),
        }
    }

    /// The names in this folder, which lies at `shown`.
    pub(super) fn names(&self, shown: &RootPath) -> Result<Rc<Folder>, Error> {
        self.commit.folder(&self.entry, shown)
    }

    /// What `name`, one of the names in this folder, stands for. It lies at `shown`.
    pub(super) fn enter(
        &self,
        name: &[u8],
        entry: &Entry,
        shown: &RootPath,
    ) -> Result<Node, Error> {
        let path = self.path.join(name);
        if path.relative().len() >= PATH_MAX {
            let path = shown.clone();
            return Err(revision::Error::Invalid { path }.into());
        }
        if entry.mode == Mode::Submodule {
            let commit = self.commit.submodule(&path, &entry.id, shown)?;
            return Ok(Node::top(&commit));
        }
        Ok(Node {
            commit: Rc::clone(&self.commit),
            path,
            entry: entry.clone(),
        })
    }

    /// This file, which lies at `shown`, to be read.
    pub(super) fn wanted(&self, shown: &RootPath) -> Wanted {
        Wanted {
            shown: shown.clone(),
            path: self.path.clone(),
            id: self.entry.id.clone(),
        }
    }
}

/// Reads `nodes`, files and links with the paths that they are shown with; the answer has the same
/// order.
pub(super) fn contents(nodes: &[(RootPath, Node)]) -> Result<Vec<Content>, Error> {
    let mut contents = vec![None; nodes.len()];
    let mut left: Vec<usize> = (0..nodes.len()).collect();
    while let Some(&first) = left.first() {
        let commit = &nodes[first].1.commit;
        let is_same = |index: &usize| Rc::ptr_eq(&nodes[*index].1.commit, commit);
        let (own, others): (Vec<_>, Vec<_>) = left.into_iter().partition(is_same);
        let is_link = |index: &usize| nodes[*index].1.entry.mode == Mode::Link;
        let (links, files): (Vec<_>, Vec<_>) = own.into_iter().partition(is_link);
        read_links(commit, &links, nodes, &mut contents)?;
        read_files(commit, &files, nodes, &mut contents)?;
        left = others;
    }
    let all: Option<_> = contents.into_iter().collect();
    Ok(all.expect("every file and link was read, or reading failed"))
}

fn read_links(
    commit: &Commit,
    positions: &[usize],
    nodes: &[(RootPath, Node)],
    contents: &mut [Option<Content>],
) -> Result<(), Error> {
    for &index in positions {
        let (shown, node) = &nodes[index];
        let text = commit.bytes(&node.entry.id, shown)?;
        contents[index] = Some(Content::Link { text });
    }
    Ok(())
}

fn read_files(
    commit: &Commit,
    positions: &[usize],
    nodes: &[(RootPath, Node)],
    contents: &mut [Option<Content>],
) -> Result<(), Error> {
    let wanted = |&index: &usize| nodes[index].1.wanted(&nodes[index].0);
    let files: Vec<_> = positions.iter().map(wanted).collect();
    let mut buffer = vec![0; BUFFER];
    reading::read(commit, &files, &mut |position, size, bytes| {
        let index = positions[position];
        let (shown, node) = &nodes[index];
        contents[index] = Some(Content::File {
            executable: node.entry.mode == Mode::File { executable: true },
            digest: content::digest(bytes, size, shown, &mut buffer)?,
        });
        Ok(())
    })
}
