//! `.gitignore`: the first line is a path, the others are the file. The last line that matches by
//! itself is the one that decides.

#![no_main]

use fp::inputs::gitignore::{Decision, Gitignore};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    // A byte order mark is one only at the start of a file.
    let text = [b"\n", &*bytes[path.len()..].to_vec()].concat();
    let rules = Gitignore::parse(&text);
    for is_dir in [false, true] {
        let alone = |(index, line): (usize, &[u8])| {
            let rule = Gitignore::parse(&[b"\n", line].concat());
            let decision = rule.decide(path, is_dir)?;
            let line = index + 1;
            Some(Decision { line, ..decision })
        };
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        let expected = lines.into_iter().enumerate().rev().find_map(alone);
        assert_eq!(rules.decide(path, is_dir), expected);
    }
});
