//! Which files count: what a fresh clone would hold, plus new work, as far as the entries of
//! `inputs` select it.
//!
//! Folders are searched only where an entry can match. In a git work tree, what `.gitignore` files
//! exclude is passed by, and git is asked for the tracked files only where that, a submodule or a
//! sparse checkout leaves the answer open.

mod settle;

use std::io;
use std::rc::Rc;

use super::error::NoMatch;
use super::findings::Findings;
use super::gitignore::IgnoreStack;
use super::listing::{self, Entries, Entry};
use super::repositories::{Repository, excludes};
use super::selection::{Literal, Selection};
use super::tree::{Kind, WorkTree};
use super::{Error, git};
use crate::path::RootPath;
use crate::work_tree::is_git_top;

/// Finds what `selection` takes on disk.
pub(super) fn search(tree: WorkTree<'_>, selection: &Selection<'_>) -> Result<Findings, Error> {
    let around = Repository::around(tree.root)?.map(Rc::new);
    let mut search = Search {
        tree,
        selection,
        repositories: around.into_iter().collect(),
        findings: Findings::default(),
        next: Vec::new(),
    };
    for literal in &selection.literals {
        search.literal(literal)?;
    }
    if selection.has_globs() {
        search.globs()?;
    }
    search.settle()?;
    search.findings.sort();
    Ok(search.findings)
}

struct Search<'a> {
    tree: WorkTree<'a>,
    selection: &'a Selection<'a>,
    /// The repository around the root comes first, if there is one.
    repositories: Vec<Rc<Repository>>,
    findings: Findings,
    /// The folders that are to be searched next.
    next: Vec<Folder>,
}

/// A folder that is to be searched.
struct Folder {
    path: RootPath,
    /// What applies to the folder itself.
    scope: Scope,
    /// The entry that means everything in it.
    covered: Option<usize>,
}

/// The repository and the rules that apply to what lies in a folder.
#[derive(Clone)]
struct Scope {
    repository: Option<Rc<Repository>>,
    rules: IgnoreStack,
    /// Set in a repository that is no submodule: nothing in it may be an input.
    foreign: Option<Foreign>,
}

/// A repository of its own, of which no clone of what lies around it would have anything.
#[derive(Clone)]
struct Foreign {
    top: RootPath,
    is_inside_git: bool,
}

impl From<Foreign> for Error {
    fn from(
        Foreign {
            top: path,
            is_inside_git,
        }: Foreign,
    ) -> Self {
        Error::NestedRepository {
            path,
            is_inside_git,
        }
    }
}

impl Search<'_> {
    /// Takes what an entry without glob characters names: it is always meant, ignored or not.
    fn literal(&mut self, literal: &Literal) -> Result<(), Error> {
        for (link, _) in &literal.crossed {
            self.repository_of(&link.parent().unwrap_or_default())?;
            self.take(link.clone(), literal.entry, true);
        }
        match literal.kind {
            None | Some(Kind::Link) => Ok(()),
            Some(Kind::Special(_)) if self.selection.takes_out(&literal.end) => Ok(()),
            Some(Kind::Special(kind)) => Err(Error::Special {
                path: literal.end.clone(),
                kind,
            }),
            Some(Kind::File) => {
                self.repository_of(&literal.end.parent().unwrap_or_default())?;
                self.take(literal.end.clone(), literal.entry, false);
                Ok(())
            }
            Some(Kind::Folder) => {
                let (scope, _) = self.scope(&literal.end)?;
                self.below(Folder {
                    path: literal.end.clone(),
                    scope,
                    covered: Some(literal.entry),
                })
            }
        }
    }

    /// Searches the root for what the globs match.
    fn globs(&mut self) -> Result<(), Error> {
        let path = RootPath::root();
        let (scope, excluded) = self.scope(&path)?;
        match &scope.repository {
            // The whole root is ignored by a repository around it: only tracked files count.
            Some(repository) if excluded => {
                repository.in_doubt.set(true);
                Ok(())
            }
            _ => self.below(Folder {
                covered: self.selection.glob_covering(&path),
                path,
                scope,
            }),
        }
    }

    /// Searches `top` and what lies below it, one level after the other: the folders of a level are
    /// listed at the same time.
    fn below(&mut self, top: Folder) -> Result<(), Error> {
        let mut level = vec![top];
        while !level.is_empty() {
            let paths: Vec<_> = level.iter().map(|folder| &folder.path).collect();
            let listings = listing::of_all(self.tree.root, &paths);
            for (folder, entries) in level.into_iter().zip(listings) {
                self.folder(folder, entries)?;
            }
            level = std::mem::take(&mut self.next);
        }
        Ok(())
    }

    /// Goes through `entries`, those of `folder`.
    fn folder(&mut self, folder: Folder, entries: io::Result<Entries>) -> Result<(), Error> {
        let Folder {
            path: folder,
            mut scope,
            covered,
        } = folder;
        let entries = entries.map_err(|source| Error::Unreadable {
            path: folder.clone(),
            source,
        })?;
        let has = |path: &RootPath| entries.iter().any(|entry| entry.path == *path);
        let git = folder.join(b".git");
        if has(&git) && self.is_nested(&folder, &scope)? {
            scope = self.nested_scope(&folder, &scope)?;
        }
        if let Some(repository) = &scope.repository {
            if has(&folder.join(b".gitignore")) {
                scope.rules = repository.with_own(&scope.rules, &repository.relative(&folder))?;
            }
            if entries.is_empty() {
                // It could be a submodule that is not checked out.
                repository.in_doubt.set(true);
            }
        }
        if entries.is_empty() && covered.is_some() {
            self.pass_by(NoMatch::EmptyFolder(folder.clone()));
        }
        for entry in entries {
            if entry.path != git {
                self.entry(entry, &scope, covered)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        Entry { path, kind }: Entry,
        scope: &Scope,
        covered: Option<usize>,
    ) -> Result<(), Error> {
        let is_folder = kind == Kind::Folder;
        let covered = covered.or_else(|| self.selection.glob_covering(&path));
        if covered.is_none() && !(is_folder && self.selection.glob_reaches_below(&path)) {
            return Ok(());
        }
        let is_out = match is_folder {
            true => self.selection.takes_out_all_of(&path),
            false => self.selection.takes_out(&path),
        };
        if is_out {
            self.pass_by(self.selection.why_out(path));
            return Ok(());
        }
        if let Some(repository) = &scope.repository
            && excludes(&scope.rules, &repository.relative(&path), is_folder)
        {
            repository.in_doubt.set(true);
            self.pass_by(NoMatch::Ignored(path));
            return Ok(());
        }
        match (kind, covered) {
            (Kind::Folder, _) => {
                self.next.push(Folder {
                    path,
                    scope: scope.clone(),
                    covered,
                });
                Ok(())
            }
            (_, None) => Ok(()),
            (Kind::Special(kind), Some(_)) => Err(Error::Special { path, kind }),
            (Kind::File | Kind::Link, Some(entry)) => match &scope.foreign {
                Some(foreign) => Err(foreign.clone().into()),
                None => {
                    self.take(path, entry, kind == Kind::Link);
                    Ok(())
                }
            },
        }
    }

    fn take(&mut self, path: RootPath, entry: usize, is_link: bool) {
        self.findings.take(self.selection, path, entry, is_link);
    }

    fn pass_by(&mut self, why: NoMatch) {
        self.findings.passed_by.push(why);
    }

    /// Whether `folder` is the top of another repository than the one of `scope`.
    fn is_nested(&self, folder: &RootPath, scope: &Scope) -> Result<bool, Error> {
        let is_own_top = match &scope.repository {
            Some(repository) => repository.relative(folder).is_empty(),
            None => folder.is_root(),
        };
        Ok(!is_own_top && self.is_top(folder)?)
    }

    fn is_top(&self, folder: &RootPath) -> Result<bool, Error> {
        is_git_top(&folder.in_root(self.tree.root)).map_err(|source| Error::Unreadable {
            path: folder.clone(),
            source,
        })
    }

    /// The scope of what lies in the nested repository at `folder`.
    fn nested_scope(&mut self, folder: &RootPath, outer: &Scope) -> Result<Scope, Error> {
        let repository = self.submodule_at(folder, outer.repository.as_deref())?;
        let foreign = repository.is_none().then(|| Foreign {
            top: folder.clone(),
            is_inside_git: outer.repository.is_some(),
        });
        Ok(Scope {
            repository,
            rules: IgnoreStack::default(),
            foreign,
        })
    }

    /// The repository at `folder`, if it is a submodule of `outer`.
    fn submodule_at(
        &mut self,
        folder: &RootPath,
        outer: Option<&Repository>,
    ) -> Result<Option<Rc<Repository>>, Error> {
        if let Some(known) = self.known(folder) {
            return Ok(Some(known));
        }
        let Some(outer) = outer else { return Ok(None) };
        let relative = outer.relative(folder);
        let tracked = outer.tracked(self.tree.git)?;
        let is_it = |tracked: &git::Tracked<'_>| tracked.is_submodule && *tracked.path == *relative;
        if !tracked.has(is_it)? {
            return Ok(None);
        }
        let repository = Rc::new(Repository::below(self.tree.root, folder));
        self.repositories.push(Rc::clone(&repository));
        Ok(Some(repository))
    }

    fn known(&self, top: &RootPath) -> Option<Rc<Repository>> {
        let at_top = |repository: &&Rc<Repository>| repository.is_below(top);
        self.repositories.iter().find(at_top).map(Rc::clone)
    }

    /// The innermost repository that holds what lies in `folder`, on a way that is free of links.
    fn repository_of(&mut self, folder: &RootPath) -> Result<Option<Rc<Repository>>, Error> {
        let mut repository = Repository::first_around(&self.repositories);
        let mut at = RootPath::root();
        for part in folder.parts() {
            at = at.join(part);
            if self.is_top(&at)? {
                let is_inside_git = repository.is_some();
                repository = self.submodule_at(&at, repository.as_deref())?;
                if repository.is_none() {
                    return Err(Foreign {
                        top: at,
                        is_inside_git,
                    }
                    .into());
                }
            }
        }
        Ok(repository)
    }

    /// The scope of `folder` without its own `.gitignore`, and whether `.gitignore` files above
    /// exclude it.
    fn scope(&mut self, folder: &RootPath) -> Result<(Scope, bool), Error> {
        let repository = self.repository_of(folder)?;
        let (rules, excluded) = match &repository {
            Some(repository) => repository.rules_above(folder)?,
            None => (IgnoreStack::default(), false),
        };
        Ok((
            Scope {
                repository,
                rules,
                foreign: None,
            },
            excluded,
        ))
    }
}
