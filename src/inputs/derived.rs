//! Inputs that nobody listed: what the sources of a Dockerfile name in the context.
//!
//! Which sources there are is the Dockerfile's business; here they are followed through links as the
//! builder follows them, searched, and rid of what .dockerignore keeps out.

use std::collections::HashSet;

use super::Error;
use super::error::{NoMatch, Place};
use super::findings::{Findings, Found};
use super::links::{self, Resolved};
use super::selection::{Area, Selection};
use super::tree::Tree;
use crate::dockerfile::Source;
use crate::dockerfile::dockerignore::Dockerignore;
use crate::path::RootPath;

/// Where sources are looked for.
pub(super) struct Context<'a> {
    pub(super) tree: &'a dyn Tree,
    /// The folder that is the build context.
    pub(super) folder: &'a RootPath,
    pub(super) ignore: &'a Dockerignore,
}

/// Finds what `sources` name. `place` gives the place of a source in its Dockerfile.
///
/// A source without wildcards has to name something. One with wildcards may name nothing, and the builder
/// then copies nothing; but not where .gitignore alone keeps it from naming something.
pub(super) fn find(
    context: &Context<'_>,
    sources: &[Source],
    place: impl Fn(&Source) -> Place,
) -> Result<Vec<Found>, Error> {
    let mut bases = Vec::new();
    for source in sources {
        bases.push(context.resolve(&source.shape.base)?);
    }
    let mut selection = Selection::in_context(context.folder, context.ignore);
    for (entry, (source, base)) in sources.iter().zip(&bases).enumerate() {
        match source.shape.is_literal() {
            true => selection.add_literal(entry, base.clone()),
            false => selection.add_glob(
                entry,
                Area::Source {
                    base: base.end.clone(),
                    shape: &source.shape,
                },
            ),
        }
    }
    let mut findings = context.search(&mut selection, sources, &bases)?;
    // Links that lead to where a glob begins are no part of what it matches.
    for (entry, base) in bases.iter().enumerate() {
        for (link, _) in &base.crossed {
            findings.take(&selection, link.clone(), entry, true);
        }
    }
    findings.sort();
    let takers = Takers {
        sources,
        bases: &bases,
    };
    takers.keep(&mut findings, &selection);
    takers.check_literals(&selection, &findings, &place)?;
    takers.check_globs(context, &findings, &place)?;
    Ok(findings.into_found())
}

impl Context<'_> {
    fn resolve(&self, path: &RootPath) -> Result<Resolved, Error> {
        links::resolve_in_world(self.tree, path, self.folder)
    }

    /// Searches for what `selection` takes, and follows the links that a source's wildcards match
    /// until no more come up.
    fn search(
        &self,
        selection: &mut Selection<'_>,
        sources: &[Source],
        bases: &[Resolved],
    ) -> Result<Findings, Error> {
        // Another source may have crossed a link on its way: that does not follow it to its end.
        let mut followed = HashSet::new();
        loop {
            let findings = self.tree.search(selection)?;
            let before = followed.len();
            for (entry, link) in matched_links(&findings, sources, bases) {
                if followed.insert(link.clone()) {
                    let inside = link.below(self.folder);
                    let inside = inside.expect("sources name nothing outside the context");
                    selection.add_literal(entry, self.resolve(&inside)?);
                }
            }
            if followed.len() == before {
                return Ok(findings);
            }
        }
    }
}

/// The links that a source with wildcards matches by themselves: the builder follows those.
fn matched_links(
    findings: &Findings,
    sources: &[Source],
    bases: &[Resolved],
) -> Vec<(usize, RootPath)> {
    let globbed = || {
        let pairs = sources.iter().zip(bases).enumerate();
        pairs.filter(|(_, (source, _))| !source.shape.is_literal())
    };
    let matching = |link: &RootPath| {
        let mut globbed = globbed();
        globbed.find(|(_, (source, base))| {
            let inside = link.below(&base.end);
            inside.is_some_and(|inside| source.shape.is_match(&inside))
        })
    };
    let links = findings.found().iter().filter(|found| found.is_link);
    links
        .filter_map(|link| Some((matching(&link.path)?.0, link.path.clone())))
        .collect()
}

/// The sources and where they lead, to be asked which of them takes a path.
struct Takers<'a> {
    sources: &'a [Source],
    bases: &'a [Resolved],
}

impl Takers<'_> {
    /// Keeps of what was found only what a source takes, since patterns may take out part of it.
    fn keep(&self, findings: &mut Findings, selection: &Selection<'_>) {
        let are_all_taken = self.sources.iter().all(|source| source.shape.takes_all());
        if are_all_taken {
            return;
        }
        let followed = selection.literals.iter().map(|literal| &literal.crossed);
        let followed = followed.chain(self.bases.iter().map(|base| &base.crossed));
        let crossed: HashSet<_> = followed.flatten().map(|(link, _)| link).collect();
        findings.retain(|path| self.takes(path, selection) || crossed.contains(path));
    }

    fn takes(&self, path: &RootPath, selection: &Selection<'_>) -> bool {
        let mut pairs = self.sources.iter().zip(self.bases);
        let by_source = pairs.any(|(source, base)| {
            let inside = path.below(&base.end);
            inside.is_some_and(|inside| source.shape.takes(&inside))
        });
        // What a matched link leads to is taken whole.
        by_source
            || selection.literals[self.literals()..]
                .iter()
                .any(|literal| path.below(&literal.end).is_some())
    }

    /// How many sources name one path.
    fn literals(&self) -> usize {
        let sources = self.sources.iter();
        sources.filter(|source| source.shape.is_literal()).count()
    }

    /// Checks that every source that names one path, and every link that wildcards match, names
    /// something that the build gets.
    fn check_literals(
        &self,
        selection: &Selection<'_>,
        findings: &Findings,
        place: &impl Fn(&Source) -> Place,
    ) -> Result<(), Error> {
        for literal in &selection.literals {
            let source = &self.sources[literal.entry];
            let takes = |path: &RootPath| {
                let inside = path.below(&literal.end);
                inside.is_some_and(|inside| source.shape.takes(&inside))
            };
            let names_something = match source.shape.is_literal() && !source.shape.takes_all() {
                true => findings.paths().any(takes),
                false => findings.has_any_at(&literal.end),
            };
            if !names_something {
                literal.check_not_dangling()?;
                let why = findings.why_not(|path| path.below(&literal.end).is_some());
                return Err(nothing(source, why.unwrap_or(NoMatch::Nothing), place));
            }
        }
        Ok(())
    }

    /// Checks that no source with wildcards names nothing because of .gitignore: a build in the same
    /// folder would get what is there.
    fn check_globs(
        &self,
        context: &Context<'_>,
        findings: &Findings,
        place: &impl Fn(&Source) -> Place,
    ) -> Result<(), Error> {
        for (source, base) in self.sources.iter().zip(self.bases) {
            let shape = &source.shape;
            let inside = |path: &RootPath| path.below(&base.end);
            let takes = |path: &RootPath| inside(path).is_some_and(|path| shape.takes(&path));
            if shape.is_literal() || findings.paths().any(takes) {
                continue;
            }
            let is_kept_out = |path: &RootPath| {
                let in_context = path.below(context.folder);
                in_context.is_none_or(|path| context.ignore.excludes(path.relative()))
            };
            let wanted = |path: &RootPath| takes(path) && !is_kept_out(path);
            let reaches = |folder: &RootPath| {
                let below = inside(folder).map(|folder| shape.may_cover_below(&folder));
                below.unwrap_or_else(|| base.end.below(folder).is_some())
            };
            if let Some(path) = context.tree.ignored(findings, &wanted, &reaches) {
                return Err(nothing(source, NoMatch::Ignored(path), place));
            }
        }
        Ok(())
    }
}

fn nothing(source: &Source, why: NoMatch, place: &impl Fn(&Source) -> Place) -> Error {
    Error::Source {
        keyword: source.keyword.clone(),
        text: source.text.clone(),
        why,
        place: Box::new(place(source)),
    }
}
