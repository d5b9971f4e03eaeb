//! What git has to be asked: the files that it tracks although `.gitignore` excludes them, and the submodules.

use std::rc::Rc;

use super::{Folder, Scope, Search};
use crate::inputs::Error;
use crate::inputs::gitignore::IgnoreStack;
use crate::inputs::repositories::Repository;
use crate::inputs::tree::{Kind, Tree};
use crate::path::RootPath;

impl Search<'_> {
    /// Asks git where the files on disk left the answer open.
    ///
    /// Looking into a submodule can make more repositories known, which are then settled as well.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        let mut next = 0;
        while let Some(repository) = self.repositories.get(next).map(Rc::clone) {
            next += 1;
            let concerns = |path: &RootPath| self.selection.concerns(path);
            if repository.in_doubt.get() || repository.named_submodules()?.iter().any(concerns) {
                self.settle_one(&repository)?;
            }
        }
        Ok(())
    }

    fn settle_one(&mut self, repository: &Rc<Repository>) -> Result<(), Error> {
        // What is taken from here on needs no sorting in: a submodule's files are not tracked here, and a path that is
        // listed twice, as in a conflict, may be taken twice.
        self.findings.sort();
        let reach = self.selection.reach();
        for tracked in repository.tracked(self.tree.git)?.tracked() {
            let tracked = tracked?;
            let bytes = repository.bytes_in_root(tracked.path);
            if !bytes.is_some_and(|bytes| reach.may_concern(&bytes)) {
                continue;
            }
            let Some(path) = repository.in_root(tracked.path) else {
                continue;
            };
            if tracked.is_submodule {
                self.submodule(repository, path)?;
            } else if !self.findings.has(&path) && !self.selection.takes_out(&path) {
                self.tracked(path, tracked.is_sparse)?;
            }
        }
        Ok(())
    }

    /// Sees to it that a submodule under an input is checked out, and searches it if the search
    /// passed it by.
    fn submodule(&mut self, outer: &Rc<Repository>, path: RootPath) -> Result<(), Error> {
        if !self.selection.concerns(&path) || self.known(&path).is_some() {
            return Ok(());
        }
        if !self.is_top(&path)? {
            return Err(Error::Submodule { path });
        }
        let scope = Scope {
            repository: Some(Rc::clone(outer)),
            rules: IgnoreStack::default(),
            foreign: None,
        };
        self.below(Folder {
            covered: self.selection.covering(&path),
            path,
            scope,
        })
    }

    /// Takes a tracked file that the search passed by because `.gitignore` excludes it.
    fn tracked(&mut self, path: RootPath, is_sparse: bool) -> Result<(), Error> {
        let Some(entry) = self.selection.covering(&path) else {
            return Ok(());
        };
        match self.tree.look(&path)? {
            None if is_sparse => return Err(Error::Sparse { path }),
            Some(kind @ (Kind::File | Kind::Link)) if self.has_real_parents(&path)? => {
                self.take(path, entry, kind == Kind::Link);
            }
            // A file that was deleted, or replaced by something else, is gone.
            _ => {}
        }
        Ok(())
    }

    /// Whether no folder above `path` is a link: git does not look behind one.
    fn has_real_parents(&self, path: &RootPath) -> Result<bool, Error> {
        let mut folder = path.parent();
        while let Some(at) = folder.filter(|at| !at.is_root()) {
            if self.tree.look(&at)? != Some(Kind::Folder) {
                return Ok(false);
            }
            folder = at.parent();
        }
        Ok(true)
    }
}
