//! Which files of a revision count: all that are in it are tracked, so no .gitignore has a say.

use super::{Node, Revision};
use crate::inputs::Error;
use crate::inputs::findings::Findings;
use crate::inputs::selection::{Literal, Selection};
use crate::inputs::tree::Kind;
use crate::path::RootPath;

/// Finds what `selection` takes in `revision`.
pub(super) fn search(revision: &Revision, selection: &Selection<'_>) -> Result<Findings, Error> {
    let mut search = Search {
        revision,
        selection,
        findings: Findings::default(),
    };
    for literal in &selection.literals {
        search.literal(literal)?;
    }
    if selection.has_globs() {
        let root = RootPath::root();
        search.below(&root, selection.glob_covering(&root))?;
    }
    search.findings.sort();
    Ok(search.findings)
}

struct Search<'a> {
    revision: &'a Revision,
    selection: &'a Selection<'a>,
    findings: Findings,
}

impl Search<'_> {
    fn literal(&mut self, literal: &Literal) -> Result<(), Error> {
        for (link, _) in &literal.crossed {
            self.take(link.clone(), literal.entry, true);
        }
        match literal.kind {
            Some(Kind::File) => self.take(literal.end.clone(), literal.entry, false),
            Some(Kind::Folder) => self.below(&literal.end, Some(literal.entry))?,
            None | Some(Kind::Link | Kind::Special(_)) => {}
        }
        Ok(())
    }

    fn below(&mut self, path: &RootPath, covered: Option<usize>) -> Result<(), Error> {
        match self.revision.node(path)? {
            Some(node) => self.folder(path, &node, covered),
            None => Ok(()),
        }
    }

    /// Searches the folder `node` at `path`. `covered` is the entry that means everything in it.
    fn folder(
        &mut self,
        path: &RootPath,
        node: &Node,
        covered: Option<usize>,
    ) -> Result<(), Error> {
        for (name, entry) in node.names(path)?.iter() {
            let path = path.join(name);
            let kind = Kind::from(entry.mode);
            let is_folder = kind == Kind::Folder;
            let covered = covered.or_else(|| self.selection.glob_covering(&path));
            if covered.is_none() && !(is_folder && self.selection.glob_reaches_below(&path)) {
                continue;
            }
            let is_out = match is_folder {
                true => self.selection.takes_out_all_of(&path),
                false => self.selection.takes_out(&path),
            };
            if is_out {
                self.findings.passed_by.push(self.selection.why_out(path));
            } else if is_folder {
                let inner = node.enter(name, entry, &path)?;
                self.folder(&path, &inner, covered)?;
            } else if let Some(covered) = covered {
                self.take(path, covered, kind == Kind::Link);
            }
        }
        Ok(())
    }

    fn take(&mut self, path: RootPath, entry: usize, is_link: bool) {
        self.findings.take(self.selection, path, entry, is_link);
    }
}
