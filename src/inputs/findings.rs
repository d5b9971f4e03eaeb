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

#[cfg(test)]
mod tests {
    use super::Findings;
    use crate::dockerfile::dockerignore::Dockerignore;
    use crate::inputs::error::NoMatch;
    use crate::inputs::selection::Selection;
    use crate::path::RootPath;

    fn path(text: &str) -> RootPath {
        RootPath::parse(text.as_bytes()).unwrap()
    }

    fn after_taking(taken: &[(&str, usize)], ignored: &[u8]) -> Findings {
        let (context, ignore) = (RootPath::root(), Dockerignore::parse(ignored).unwrap());
        let selection = Selection::in_context(&context, &ignore);
        let mut findings = Findings::default();
        for (text, entry) in taken {
            findings.take(&selection, path(text), *entry, false);
        }
        findings.sort();
        findings
    }

    #[test]
    fn each_path_stands_once_with_its_first_reason() {
        let taken = [("b", 2), ("a/c", 1), ("b", 0), ("a/c", 0), ("b", 1)];
        let findings = after_taking(&taken, b"");
        let found = findings.into_found();
        let told: Vec<_> = found
            .iter()
            .map(|found| (&found.path, found.entry))
            .collect();
        assert_eq!(told, [(&path("a/c"), 1), (&path("b"), 2)]);
    }

    #[test]
    fn neighbours_of_a_folder_are_not_in_it() {
        let findings = after_taking(&[("a-b", 0), ("a0", 0), ("c/d", 0)], b"");
        assert!(!findings.has_any_at(&path("a")) && !findings.has(&path("c")));
        for there in ["a-b", "c", "c/d"] {
            assert!(findings.has_any_at(&path(there)), "{there}");
        }
        assert!(findings.has_any_at(&RootPath::root()));
    }

    #[test]
    fn what_is_taken_out_is_passed_by() {
        let findings = after_taking(&[("a", 0), ("b", 0)], b"a\n");
        assert!(findings.has(&path("b")) && !findings.has(&path("a")));
        let why = findings.why_not(|_| true);
        assert!(matches!(why, Some(NoMatch::Dockerignored(out)) if out == path("a")));
    }
}
