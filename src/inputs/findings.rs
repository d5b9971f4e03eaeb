//! What a search took, and what it passed by.

use super::error::NoMatch;
use super::selection::Selection;
use crate::path::RootPath;

/// A file or link that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it lies.
    pub(super) path: RootPath,
    /// The position of the entry or source because of which it counts.
    pub(super) entry: usize,
    /// Whether it is a symbolic link; else it is a regular file.
    pub(super) is_link: bool,
}

/// What a search came upon.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What counts. A list that is sorted now and then takes less time than a sorted tree.
    found: Vec<Found>,
    /// So many of them, the first ones, are sorted by their paths, and each stands once.
    sorted: usize,
    /// What was seen and not taken, for the message about an entry that matches nothing.
    pub(super) passed_by: Vec<NoMatch>,
}

impl Findings {
    /// Takes a file or link, unless it is taken out. The first entry that selects it is named as
    /// the reason. It is seen by the other methods once it has been [sorted](Findings::sort) in.
    pub(super) fn take(
        &mut self,
        selection: &Selection<'_>,
        path: RootPath,
        entry: usize,
        is_link: bool,
    ) {
        if selection.takes_out(&path) {
            self.passed_by.push(selection.why_out(path));
        } else {
            self.found.push(Found {
                path,
                entry,
                is_link,
            });
        }
    }

    /// Sorts in what was taken.
    pub(super) fn sort(&mut self) {
        if self.sorted < self.found.len() {
            self.found.sort_by(|one, other| one.path.cmp(&other.path));
            self.found.dedup_by(|next, first| next.path == first.path);
            self.sorted = self.found.len();
        }
    }

    /// What counts, in the order of the paths.
    pub(super) fn found(&self) -> &[Found] {
        &self.found[..self.sorted]
    }

    /// The paths of what counts, in their order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RootPath> {
        self.found().iter().map(|found| &found.path)
    }

    /// Whether what lies at `path` counts.
    pub(super) fn has(&self, path: &RootPath) -> bool {
        let found = self.found();
        found.binary_search_by(|found| found.path.cmp(path)).is_ok()
    }

    /// Keeps only what `is_wanted`.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&RootPath) -> bool) {
        self.sort();
        self.found.retain(|found| is_wanted(&found.path));
        self.sorted = self.found.len();
    }

    /// Whether something at or below `path` counts.
    pub(super) fn has_any_at(&self, path: &RootPath) -> bool {
        // No name is less than this one.
        let least_below = path.join(b"\0");
        let found = self.found();
        let next = found.partition_point(|found| found.path < least_below);
        let next = found.get(next);
        self.has(path) || next.is_some_and(|next| next.path.relative_to(path).is_some())
    }

    /// Why nothing that `covers` says yes to was taken, if that is known.
    pub(super) fn why_not(&self, covers: impl Fn(&RootPath) -> bool) -> Option<NoMatch> {
        let mut passed_by = self.passed_by.iter();
        passed_by
            .find(|why| why.path().is_some_and(&covers))
            .cloned()
    }

    /// What counts, in the order of the paths.
    pub(super) fn into_found(mut self) -> Vec<Found> {
        self.sort();
        self.found
    }
}
