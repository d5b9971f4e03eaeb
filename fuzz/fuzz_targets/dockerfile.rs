//! Whole Dockerfiles: whatever they hold, the slice decides the same image as the file.

#![no_main]

use fp::expected;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(file) = expected::dockerfile(text) else {
        return;
    };
    let words: Vec<_> = text.split_whitespace().collect();
    let named = words
        .windows(2)
        .rfind(|pair| pair[0].eq_ignore_ascii_case("as"));
    for target in [None, Some("0"), named.map(|pair| pair[1])] {
        expected::of_target(text, &file, target);
    }
});
