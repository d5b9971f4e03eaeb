//! Entries of `inputs`: the first line is the entry, the second one a path.

#![no_main]

use fp::path::RootPath;
use fp::pattern::Pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Some(Ok(text)) = lines.next().map(str::from_utf8) else {
        return;
    };
    let Ok(path) = RootPath::parse(lines.next().unwrap_or_default()) else {
        return;
    };
    match Pattern::parse(text) {
        Ok(pattern) => check(&pattern, &path),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn check(pattern: &Pattern, path: &RootPath) {
    let folders = || std::iter::successors(path.parent(), RootPath::parent);
    let matches = |path: &RootPath| pattern.matches(path.relative());
    let covers = matches(path) || folders().any(|folder| matches(&folder));
    assert_eq!(pattern.matches_or_covers(path.relative()), covers);
    if matches(path) {
        let reaches = |folder: RootPath| pattern.can_match_below(folder.relative());
        assert!(folders().all(reaches), "a search finds what matches");
        assert!(path.below(pattern.literal_prefix()).is_some());
    }
    if pattern.is_literal() {
        assert!(pattern.matches(pattern.literal_prefix().relative()));
    }
}
