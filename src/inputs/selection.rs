//! What is selected, sorted by what it does: names a path, matches by a glob, takes out.

use std::collections::BTreeMap;

use super::findings::{Findings, Found};
use super::tree::{Kind, Tree};
use super::{Error, error::NoMatch, links};
use crate::dockerfile::Shape;
use crate::dockerfile::dockerignore::Dockerignore;
use crate::path::RootPath;
use crate::pattern::Pattern;

/// What is selected for one image, by entries of `inputs` or by the sources of a Dockerfile. Both are
/// named here by their positions.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    /// What names one path.
    pub(super) literals: Vec<Literal>,
    /// Where the literals lead, each with the first of them that leads there.
    ends: BTreeMap<RootPath, usize>,
    globs: Vec<(usize, Area<'a>)>,
    outs: Outs<'a>,
}

/// What one entry or source with wildcards takes.
#[derive(Debug)]
pub(super) enum Area<'a> {
    Entry(&'a Pattern),
    /// A source, below the path that its part without wildcards leads to.
    Source {
        base: RootPath,
        shape: &'a Shape,
    },
}

/// What is taken out of everything else.
#[derive(Debug)]
enum Outs<'a> {
    Entries(Vec<&'a Pattern>),
    /// The rules of .dockerignore, relative to the context.
    Dockerignore {
        context: &'a RootPath,
        ignore: &'a Dockerignore,
    },
}

/// Finds what `entries` select in `tree`, in the order of the paths.
pub(super) fn find(
    tree: &dyn Tree,
    entries: &[Pattern],
    dockerfile: &RootPath,
) -> Result<Vec<Found>, Error> {
    let selection = Selection::of_entries(tree, entries, dockerfile)?;
    let findings = tree.search(&selection)?;
    selection.check_matches(tree, entries, &findings)?;
    Ok(findings.into_found())
}

/// What `glob` matches or covers in `tree`, in the order of the paths.
pub(super) fn matching(tree: &dyn Tree, glob: &Pattern) -> Result<Vec<RootPath>, Error> {
    let mut selection = Selection::empty(Outs::Entries(Vec::new()));
    selection.add_glob(0, Area::Entry(glob));
    let found = tree.search(&selection)?.into_found();
    Ok(found.into_iter().map(|found| found.path).collect())
}

/// An entry or source that names one path, followed through the links that it crosses.
#[derive(Debug)]
pub(super) struct Literal {
    /// Its position.
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
    pub(super) fn of_entries(
        tree: &dyn Tree,
        entries: &'a [Pattern],
        dockerfile: &RootPath,
    ) -> Result<Self, Error> {
        let exclusions = entries.iter().filter(|pattern| pattern.is_exclusion());
        let mut selection = Selection::empty(Outs::Entries(exclusions.collect()));
        for (entry, pattern) in entries.iter().enumerate() {
            if pattern.is_exclusion() {
                continue;
            }
            if !pattern.is_literal() {
                selection.add_glob(entry, Area::Entry(pattern));
            } else if pattern.literal_prefix() != dockerfile {
                let resolved = links::resolve(tree, pattern.literal_prefix())?;
                selection.add_literal(entry, resolved);
            }
        }
        Ok(selection)
    }

    /// A selection of what lies in `context` and is not kept out of it; of nothing so far.
    pub(super) fn in_context(context: &'a RootPath, ignore: &'a Dockerignore) -> Self {
        Selection::empty(Outs::Dockerignore { context, ignore })
    }

    fn empty(outs: Outs<'a>) -> Self {
        Selection {
            literals: Vec::new(),
            ends: BTreeMap::new(),
            globs: Vec::new(),
            outs,
        }
    }

    /// Adds what names one path.
    pub(super) fn add_literal(&mut self, entry: usize, resolved: links::Resolved) {
        let links::Resolved { end, kind, crossed } = resolved;
        self.ends.entry(end.clone()).or_insert(entry);
        self.literals.push(Literal {
            entry,
            end,
            kind,
            crossed,
        });
    }

    /// Adds what has wildcards.
    pub(super) fn add_glob(&mut self, entry: usize, area: Area<'a>) {
        self.globs.push((entry, area));
    }

    /// Whether anything has wildcards, so that folders have to be searched.
    pub(super) fn has_globs(&self) -> bool {
        !self.globs.is_empty()
    }

    /// The glob that matches `path` or a folder above it.
    pub(super) fn glob_covering(&self, path: &RootPath) -> Option<usize> {
        let mut globs = self.globs.iter();
        globs
            .find(|(_, area)| area.covers(path))
            .map(|(entry, _)| *entry)
    }

    /// The position of what selects `path`, whatever is taken out.
    pub(super) fn covering(&self, path: &RootPath) -> Option<usize> {
        let mut above = Some(path.clone());
        let mut first: Option<usize> = None;
        while let Some(at) = above {
            let entry = self.ends.get(&at).copied();
            first = [first, entry].into_iter().flatten().min();
            above = at.parent();
        }
        first.or_else(|| self.glob_covering(path))
    }

    /// Whether a glob could match something below the folder `path`.
    pub(super) fn glob_reaches_below(&self, path: &RootPath) -> bool {
        self.globs
            .iter()
            .any(|(_, area)| area.can_match_below(path))
    }

    /// Whether `path` or a folder above it is taken out.
    pub(super) fn takes_out(&self, path: &RootPath) -> bool {
        match &self.outs {
            Outs::Entries(patterns) => patterns
                .iter()
                .any(|pattern| pattern.matches_or_covers(path.relative())),
            Outs::Dockerignore { context, ignore } => path
                .relative_to(context)
                .is_some_and(|inside| !inside.is_empty() && ignore.excludes(inside)),
        }
    }

    /// Whether everything at and below the folder `path` is taken out.
    pub(super) fn takes_out_all_of(&self, path: &RootPath) -> bool {
        let may_take_back = match &self.outs {
            Outs::Entries(_) => false,
            Outs::Dockerignore { ignore, .. } => ignore.has_exceptions(),
        };
        !may_take_back && self.takes_out(path)
    }

    /// That `path` is taken out, and by what.
    pub(super) fn why_out(&self, path: RootPath) -> NoMatch {
        match self.outs {
            Outs::Entries(_) => NoMatch::TakenOut(path),
            Outs::Dockerignore { .. } => NoMatch::Dockerignored(path),
        }
    }

    /// Where all that is selected lies.
    pub(super) fn reach(&self) -> Reach<'_> {
        let globs = self.globs.iter().map(|(_, area)| match area {
            Area::Entry(pattern) => pattern.literal_prefix(),
            Area::Source { base, .. } => base,
        });
        Reach(self.ends.keys().chain(globs).collect())
    }

    /// Whether something at or below `path` could be an input.
    pub(super) fn concerns(&self, path: &RootPath) -> bool {
        let leads_below = |literal: &Literal| literal.end.below(path).is_some();
        !self.takes_out_all_of(path)
            && (self.covering(path).is_some()
                || self.glob_reaches_below(path)
                || self.literals.iter().any(leads_below))
    }

    /// Checks that every entry matched something.
    fn check_matches(
        &self,
        tree: &dyn Tree,
        entries: &[Pattern],
        findings: &Findings,
    ) -> Result<(), Error> {
        for literal in &self.literals {
            if findings.has_any_at(&literal.end) {
                continue;
            }
            literal.check_not_dangling()?;
            let why = findings.why_not(|path| path.below(&literal.end).is_some());
            let why = why.unwrap_or(NoMatch::Nothing);
            return Err(no_match(&entries[literal.entry], why));
        }
        for (entry, area) in &self.globs {
            let covers = |path: &RootPath| area.covers(path);
            if findings.paths().any(covers) {
                continue;
            }
            let pattern = &entries[*entry];
            let why = match findings.why_not(covers) {
                Some(why) => why,
                None => behind_link(tree, pattern)?,
            };
            return Err(no_match(pattern, why));
        }
        Ok(())
    }
}

/// Paths at and below which all that is selected lies.
pub(super) struct Reach<'a>(Vec<&'a RootPath>);

impl Reach<'_> {
    /// Whether something at or below a path could be selected, as far as these bytes of it tell.
    pub(super) fn may_concern(&self, path: &[u8]) -> bool {
        let is_below = |path: &[u8], folder: &[u8]| {
            let rest = path.strip_prefix(folder);
            folder.is_empty() || rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
        };
        let mut places = self.0.iter().map(|place| place.relative());
        places.any(|place| is_below(path, place) || is_below(place, path))
    }
}

impl Literal {
    /// Checks that it does not lead through a link to nothing.
    pub(super) fn check_not_dangling(&self) -> Result<(), Error> {
        match (self.kind, self.crossed.last()) {
            (None, Some((link, _))) => Err(Error::Dangling {
                link: link.clone(),
                target: self.end.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl Area<'_> {
    fn covers(&self, path: &RootPath) -> bool {
        match self {
            Area::Entry(pattern) => pattern.matches_or_covers(path.relative()),
            Area::Source { base, shape } => {
                let inside = path.below(base);
                inside.is_some_and(|inside| shape.covers(&inside))
            }
        }
    }

    fn can_match_below(&self, folder: &RootPath) -> bool {
        match self {
            Area::Entry(pattern) => pattern.can_match_below(folder.relative()),
            Area::Source { base, shape } => match folder.below(base) {
                Some(inside) => shape.may_cover_below(&inside),
                None => base.below(folder).is_some(),
            },
        }
    }
}

fn no_match(pattern: &Pattern, why: NoMatch) -> Error {
    Error::NoMatch {
        entry: pattern.text().to_owned(),
        why,
    }
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

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::path::RootPath;

    #[test]
    fn what_lies_at_a_place_above_it_or_below_it_may_be_concerned() {
        let place = RootPath::parse(b"vendor/tools").unwrap();
        let reach = Reach(vec![&place]);
        for path in ["vendor", "vendor/tools", "vendor/tools/a/b"] {
            assert!(reach.may_concern(path.as_bytes()), "{path}");
        }
        for path in ["vendo", "vendor/tool", "vendor/tools2", "tools", "a/vendor"] {
            assert!(!reach.may_concern(path.as_bytes()), "{path}");
        }
        let root = RootPath::root();
        assert!(Reach(vec![&root]).may_concern(b"a"));
        assert!(!Reach(Vec::new()).may_concern(b"a"));
    }
}
