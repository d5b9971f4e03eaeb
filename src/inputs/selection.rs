//! The entries of `inputs`, sorted by what they do: name a path, match by a glob, take out.

use std::path::Path;

use super::links::{self, Kind};
use super::{Error, error::NoMatch};
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
        root: &Path,
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
                    links::resolve(root, pattern.literal_prefix())?;
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

    /// Checks that every entry matched one of the `found` paths. `passed_by` is what was seen and
    /// not taken, and why.
    pub(super) fn check_matches<'f>(
        &self,
        root: &Path,
        entries: &[Pattern],
        found: impl Iterator<Item = &'f RootPath> + Clone,
        passed_by: &[NoMatch],
    ) -> Result<(), Error> {
        for literal in &self.literals {
            let mut found = found.clone();
            if found.any(|path| path.below(&literal.end).is_some()) {
                continue;
            }
            if let (None, Some((link, _))) = (literal.kind, literal.crossed.last()) {
                return Err(Error::Dangling {
                    link: link.clone(),
                    target: literal.end.clone(),
                });
            }
            let why = reason(passed_by, |path| path.below(&literal.end).is_some());
            return Err(no_match(
                &entries[literal.entry],
                why.unwrap_or(NoMatch::Nothing),
            ));
        }
        for (_, pattern) in &self.globs {
            let covers = |path: &RootPath| pattern.matches_or_covers(path.relative());
            if found.clone().any(covers) {
                continue;
            }
            let why = match reason(passed_by, covers) {
                Some(why) => why,
                None => behind_link(root, pattern)?,
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
fn behind_link(root: &Path, pattern: &Pattern) -> Result<NoMatch, Error> {
    let mut at = RootPath::root();
    for part in pattern.literal_prefix().parts() {
        at = at.join(part);
        if links::look(root, &at)? == Some(Kind::Link) {
            return Ok(NoMatch::BehindLink(at));
        }
    }
    Ok(NoMatch::Nothing)
}
