//! The words of a Dockerfile and their expansion: each line of the text is the value of a variable, and
//! the last one also a source, a mount and the name of a base.
//!
//! A look-up that no mention announces loses a global argument from the slice, and so changes what the
//! slice means.

#![no_main]

use std::fmt::Write;

use fp::expected;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let words: Vec<&str> = text.lines().take(NAMES.len()).collect();
    let last = words.last().copied().unwrap_or_default();
    let mut dockerfile = String::new();
    for (name, word) in NAMES.iter().zip(&words) {
        writeln!(dockerfile, "ARG {name}={word}").expect("a text takes all of it");
    }
    let body = format!(
        "FROM scratch AS a\nARG A B C\nENV D={last}\nCOPY {last} $D /x/\n\
         RUN --mount=type=bind,source={last} x\nFROM {last}\nCOPY --exclude={last} --parents $A y/./{last} /\n"
    );
    dockerfile.push_str(&body);
    if let Some(file) = expected::dockerfile(&dockerfile) {
        expected::of_target(&dockerfile, &file, None);
        expected::of_target(&dockerfile, &file, Some("a"));
    }
});

const NAMES: [&str; 4] = ["A", "B", "C", "D"];
