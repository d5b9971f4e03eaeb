//! The entries of `inputs`, sorted by what they do: name a path, match by a glob, take out; and
//! what a search took because of them.

use std::collections::BTreeMap;

use super::tree::{Kind, Tree};
use super::{Error, error::NoMatch, links};
use crate::path::RootPath;
use crate::pattern::Pattern;

/// The entries of one image.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    /// The entries without glob characters.
    pub(super) literals: Vec<Literal>,
    globs: Vec<(usize, &'a Pattern)>,
    exclusions: Vec<&'a Pattern>,
}

/// A file or link that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it lies.
    pub(super) path: RootPath,
    /// The position in `inputs` of the entry because of which it counts.
    pub(super) entry: usize,
    /// Whether it is a symbolic link; else it is a regular file.
    pub(super) is_link: bool,
}

/// What a search came upon.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What counts: the position of the entry because of which it does, and whether it is a link.
    pub(super) found: BTreeMap<RootPath, (usize, bool)>,
    /// What was seen and not taken, for the message about an entry that matches nothing.
    pub(super) passed_by: Vec<NoMatch>,
}

impl Findings {
    /// Takes a file or link, unless it is taken out. The first entry that selects it is named as
    /// the reason.
    pub(super) fn take(
        &mut self,
        selection: &Selection<'_>,
        path: RootPath,
        entry: usize,
        is_link: bool,
    ) {
        if selection.takes_out(&path) {
            self.passed_by.push(NoMatch::TakenOut(path));
        } else {
            self.found.entry(path).or_insert((entry, is_link));
        }
    }
}

/// Finds what `entries` select in `tree`, in the order of the paths.
pub(super) fn find(
    tree: &dyn Tree,
    entries: &[Pattern],
    dockerfile: &RootPath,
) -> Result<Vec<Found>, Error> {
    let selection = Selection::new(tree, entries, dockerfile)?;
    let findings = tree.search(&selection)?;
    selection.check_matches(tree, entries, &findings)?;
    let found = |(path, (entry, is_link))| Found {
        path,
        entry,
        is_link,
    };
    Ok(findings.found.into_iter().map(found).collect())
}

/// An entry without glob characters, followed through the links that it crosses.
#[derive(Debug)]
pub(super) struct Literal {
    /// Its position in `inputs`.
    pub(super) entry: usize,
    /// Where it leads.
    pub(super) end: RootPath,
    /// What lies there.
    pub(super) kind: Option<Kind>,
    /// The links that it crosses.
    pub(super) crossed: Vec<(RootPath, Vec<u8>)>,
}

impl<'a> Selection<'a> {
    /// Sorts `entries`. The entry that names `dockerfile` is left out: the Dockerfile is recorded
    /// anyway.
    pub(super) fn new(
        tree: &dyn Tree,
        entries: &'a [Pattern],
        dockerfile: &RootPath,
    ) -> Result<Self, Error> {
        let mut selection = Selection {
            literals: Vec::new(),
            globs: Vec::new(),
            exclusions: Vec::new(),
        };
        for (entry, pattern) in entries.iter().enumerate() {
            if pattern.is_exclusion() {
                selection.exclusions.push(pattern);
            } else if !pattern.is_literal() {
                selection.globs.push((entry, pattern));
            } else if pattern.literal_prefix() != dockerfile {
                let links::Resolved { end, kind, crossed } =
                    links::resolve(tree, pattern.literal_prefix())?;
                selection.literals.push(Literal {
                    entry,
                    end,
                    kind,
                    crossed,
                });
            }
        }
        Ok(selection)
    }

    /// Whether any entry has glob characters, so that folders have to be searched.
    pub(super) fn has_globs(&self) -> bool {
        !self.globs.is_empty()
    }

    /// The glob that matches `path` or a folder above it.
    pub(super) fn glob_covering(&self, path: &RootPath) -> Option<usize> {
        let covers = |pattern: &Pattern| pattern.matches_or_covers(path.relative());
        self.globs
            .iter()
            .find(|(_, pattern)| covers(pattern))
            .map(|(entry, _)| *entry)
    }

    /// The entry because of which `path` is an input, whatever the exclusions say.
    pub(super) fn covering(&self, path: &RootPath) -> Option<usize> {
        self.literals
            .iter()
            .find(|literal| path.below(&literal.end).is_some())
            .map(|literal| literal.entry)
            .or_else(|| self.glob_covering(path))
    }

    /// Whether a glob could match something below the folder `path`.
    pub(super) fn glob_reaches_below(&self, path: &RootPath) -> bool {
        self.globs
            .iter()
            .any(|(_, pattern)| pattern.can_match_below(path.relative()))
    }

    /// Whether `path` or a folder above it is taken out.
    pub(super) fn takes_out(&self, path: &RootPath) -> bool {
        self.exclusions
            .iter()
            .any(|pattern| pattern.matches_or_covers(path.relative()))
    }

    /// Whether something at or below `path` could be an input.
    pub(super) fn concerns(&self, path: &RootPath) -> bool {
        let leads_below = |literal: &Literal| literal.end.below(path).is_some();
        !self.takes_out(path)
            && (self.covering(path).is_some()
                || self.glob_reaches_below(path)
                || self.literals.iter().any(leads_below))
    }

    /// Checks that every entry matched something.
    fn check_matches(
        &self,
        tree: &dyn Tree,
        entries: &[Pattern],
        Findings { found, passed_by }: &Findings,
    ) -> Result<(), Error> {
        for literal in &self.literals {
            let is_below = |path: &RootPath| path.below(&literal.end).is_some();
            if found.keys().any(is_below) {
                continue;
            }
            if let (None, Some((link, _))) = (literal.kind, literal.crossed.last()) {
                return Err(Error::Dangling {
                    link: link.clone(),
                    target: literal.end.clone(),
                });
            }
            let why = reason(passed_by, is_below);
            return Err(no_match(
                &entries[literal.entry],
                why.unwrap_or(NoMatch::Nothing),
            ));
        }
        for (_, pattern) in &self.globs {
            let covers = |path: &RootPath| pattern.matches_or_covers(path.relative());
            if found.keys().any(covers) {
                continue;
            }
            let why = match reason(passed_by, covers) {
                Some(why) => why,
                None => behind_link(tree, pattern)?,
            };
            return Err(no_match(pattern, why));
        }
        Ok(())
    }
}

fn no_match(pattern: &Pattern, why: NoMatch) -> Error {
    Error::NoMatch {
        entry: pattern.text().to_owned(),
        why,
    }
}

fn reason(passed_by: &[NoMatch], covers: impl Fn(&RootPath) -> bool) -> Option<NoMatch> {
    passed_by
        .iter()
        .find(|why| why.path().is_some_and(&covers))
        .cloned()
}

/// Globs do not follow links; a link in the part before the first glob character is a likely
/// surprise.
fn behind_link(tree: &dyn Tree, pattern: &Pattern) -> Result<NoMatch, Error> {
    let mut at = RootPath::root();
    for part in pattern.literal_prefix().parts() {
        at = at.join(part);
        if tree.look(&at)? == Some(Kind::Link) {
            return Ok(NoMatch::BehindLink(at));
        }
    }
    Ok(NoMatch::Nothing)
}
