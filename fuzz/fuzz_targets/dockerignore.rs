//! `.dockerignore`: the first line is a path, the others are the file.

#![no_main]

use fp::dockerfile::dockerignore::Dockerignore;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (path, text) = cut(bytes);
    match Dockerignore::parse(text) {
        Ok(rules) => check(&rules, path),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(text) = str::from_utf8(text) {
        let _ = Dockerignore::of_patterns(text.lines());
    }
});

fn check(rules: &Dockerignore, path: &[u8]) {
    let is_out = rules.excludes(path);
    if !rules.has_exceptions() {
        let below = [path, b"/x"].concat();
        assert!(!is_out || rules.excludes(&below), "nothing takes it back");
    }
    // A rule that is there a second time decides what it has already decided.
    assert_eq!(rules.matches(path), is_out);
}

fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    match end {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, b""),
    }
}
