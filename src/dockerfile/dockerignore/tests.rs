use std::error::Error as _;
use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{Decision, Dockerignore, Error, Malformed};

fn excludes(text: &str, path: &str) -> bool {
    Dockerignore::parse(text.as_bytes())
        .unwrap()
        .excludes(path.as_bytes())
}

/// Files, what they keep out and what they leave in; each was compared with moby's own code.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    // Lines: comments, white space, byte order mark, line ends.
    ("", &[], &["a"]),
    ("#a\n  \n\tb \n", &["b"], &["a", "#a"]),
    (" #a", &["#a"], &["a"]),
    ("\u{feff}#a\n\u{feff}b", &["\u{feff}b"], &["#a", "b"]),
    ("\u{a0}a\u{3000}\r\nb\r", &["a", "b"], &["a\r"]),
    ("a b", &["a b"], &["a", "b"]),
    ("\\#a", &["#a"], &["\\#a"]),
    // Cleaning, and the slash in front.
    ("/a", &["a", "a/b"], &["b/a"]),
    ("//a", &["a"], &[]),
    ("./a/./b//c/", &["a/b/c", "a/b/c/d"], &["a/b"]),
    ("a/../b", &["b"], &["a"]),
    ("/../b", &["b"], &[]),
    ("../b", &[], &["b"]),
    (".", &[], &["a", ".a"]),
    ("/", &[], &["a"]),
    ("!/./a\n*\n! /b/../a ", &["b"], &["a"]),
    ("*\n/!a", &["b"], &["a"]),
    ("a\n!!a", &["a"], &["!a"]),
    // One part, and everything below it.
    ("a", &["a", "a/b/c"], &["A", "ab", "b/a"]),
    ("a/b", &["a/b", "a/b/c"], &["a", "b", "x/a/b"]),
    ("*", &["a", ".a", "a/b"], &[]),
    ("*.c", &["x.c", ".c", "x.c/y"], &["x.cc", "d/x.c"]),
    ("*/*.c", &["d/x.c"], &["x.c", "d/e/x.c"]),
    ("a?c", &["abc", "aéc", "a?c"], &["ac", "a/c", "abbc"]),
    ("a*c", &["ac", "abbc"], &["a/c"]),
    // Double stars, alone and with company.
    ("**", &["a", "a/b"], &[]),
    ("**/", &["a", "a/b"], &[]),
    ("**/b", &["b", "a/b", "a/x/b", "b/c"], &["ab", "a/bb"]),
    ("**b", &["b", "ab", "a/xb"], &["bx"]),
    ("**b*", &["b", "bx", "a/bx", "ab/b"], &["ab", "a/xb"]),
    ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
    ("a**", &["a", "ab", "ab/c"], &["b"]),
    ("a/**/b", &["a/b", "a/x/y/b"], &["a/xb", "b"]),
    ("a**b", &["ab", "axx/b", "a/x/b"], &["axb", "a/xb"]),
    ("a**/*.t", &["a/f.t", "a/d/f.t", "af.t"], &["b/f.t"]),
    ("***.c", &["x.c", "d/x.c"], &["x.h"]),
    ("**/**/*.t", &["f.t", "d/e/f.t"], &["f.h"]),
    ("**/x*", &["a/x1"], &["a\nb/x1", "a"]),
    // Brackets and backslashes.
    ("a[b-d]e", &["abe", "ade"], &["ae", "aae"]),
    ("a[^b-d]e", &["axe", "a/e"], &["abe"]),
    ("[!a]", &["!", "a"], &["b"]),
    ("[a/]x", &["ax"], &["bx"]),
    ("[\\]\\-]", &["]", "-"], &["\\"]),
    ("[.+|{}$]", &[".", "|", "}"], &["a"]),
    ("[[]]", &["[]"], &["[", "]"]),
    ("[[:a]", &["[", ":", "a"], &["b"]),
    ("a]", &["a]"], &["a"]),
    ("a\\*b", &["a*b"], &["axb", "a\\*b"]),
    ("a\\\\", &["a\\"], &["a"]),
    // What a regular expression would take for its own is not, here.
    ("a.c*", &["a.cx"], &["abc"]),
    ("a+(b)$*", &["a+(b)$"], &["aab"]),
    ("{a,b}*", &["{a,b}x"], &["a", "b"]),
    ("{1,2,3}*", &["{1,2,3}"], &["1"]),
    ("a|b", &["a|b"], &["a", "b"]),
    ("**/a{2}^", &["x/a{2}^"], &["aa"]),
    // The last match wins, on the path or on any parent.
    ("a\n!a/b", &["a", "a/c"], &["a/b", "a/b/c"]),
    ("!a/b\na", &["a/b", "a/c"], &[]),
    ("a\n!a/b\na/b/c", &["a/b/c", "a/x"], &["a/b", "a/b/d"]),
    ("*\n!a/b/c", &["a", "a/b", "a/b/d"], &["a/b/c", "a/b/c/d"]),
    ("**\n!**/*.c", &["x.h", "a"], &["x.c", "a/b/x.c"]),
    ("a/*\n!a/b", &["a/c"], &["a", "a/b/c"]),
    ("!a", &[], &["a", "b"]),
    // An exception that comes before there is anything to except is not remembered.
    (
        "**/*.log\n!logs",
        &["x.log", "logs/x.log"],
        &["logs", "logs/x"],
    ),
    ("**/*.log\n!logs/**", &["x.log"], &["logs/x.log"]),
    // Nothing is special about these two.
    ("*.md", &[], &["Dockerfile", ".dockerignore"]),
    (
        "Dockerfile\n.dockerignore",
        &["Dockerfile", ".dockerignore"],
        &[],
    ),
];

#[test]
fn keeps_out_what_the_builder_keeps_out() {
    for (text, out, left_in) in TABLE {
        for path in *out {
            assert!(excludes(text, path), "{text:?} should keep {path:?} out");
        }
        for path in *left_in {
            assert!(!excludes(text, path), "{text:?} should leave {path:?} in");
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_characters_of_their_own() {
    let excludes = |text: &[u8], path: &[u8]| Dockerignore::parse(text).unwrap().excludes(path);
    assert!(excludes(b"caf\xE9", b"caf\xE9"));
    assert!(!excludes(b"caf\xE9", b"caf\xE8"));
    assert!(excludes(b"caf?", b"caf\xE9"));
    assert!(excludes(b"a??b", b"a\xE2\x82b"));
    assert!(excludes(b" \xFFa* ", b"\xFFab"));
    // As in Go, a pattern cannot tell them from each other, nor from the replacement character.
    assert!(excludes(b"\xE9*", b"\xE8"));
}

#[test]
fn refuses_what_builders_refuse_or_twist() {
    let source = |text: &str| match Dockerignore::parse(text.as_bytes()) {
        Err(Error::Pattern { source, .. }) => source,
        other => panic!("{text:?} gave {other:?}"),
    };
    for text in [
        "[", "a[", "[]", "[]a]", "[a-]", "[-a]", "[^", "[a-b-c]", "[\\", "[a",
    ] {
        assert_eq!(source(text), Malformed::Brackets, "{text:?}");
    }
    assert_eq!(source("a\\"), Malformed::NothingEscaped);
    assert_eq!(source("a/\\/"), Malformed::NothingEscaped);
    assert_eq!(source("[z-a]"), Malformed::Range('z', 'a'));
    let regex = [
        ("a|b*", "|"),
        ("a^b*", "^"),
        ("*{2}", "{2}"),
        ("*{2,}", "{2,}"),
        ("a{1,2}?", "{1,2}"),
        ("\\d", "\\d"),
        ("\\é", "\\é"),
        ("[\\w]", "\\w"),
        ("[*]", "[*]"),
        ("[a?]", "[a?]"),
        ("[[:alpha:]]", "[:"),
    ];
    for (text, part) in regex {
        assert_eq!(source(text), Malformed::Regex(part.into()), "{text:?}");
    }
    assert!(matches!(
        Dockerignore::parse(b"\xFF[a]"),
        Err(Error::Pattern {
            source: Malformed::BracketsNotUtf8,
            ..
        })
    ));
}

#[test]
fn an_error_names_the_line() {
    let error = Dockerignore::parse(b"a\r\n# [\r\n\n ![b \r\nc").unwrap_err();
    assert_eq!(error.to_string(), "line 4, `![b`, is not a valid pattern");
    assert_eq!(
        error.source().unwrap().to_string(),
        "a bracket expression must be closed and have a character on both sides of each `-`"
    );
    for text in ["!", " ! ", "!/", "a\n!", "/!"] {
        let error = Dockerignore::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::NoPattern { .. }), "{text:?}");
    }
    let line =
        |length: usize| Dockerignore::parse(["#", &"x".repeat(length - 1)].concat().as_bytes());
    assert!(line(65_535).is_ok());
    assert_eq!(
        line(65_536).unwrap_err(),
        Error::LongLine {
            line: 1,
            length: 65_536
        }
    );
}

#[test]
fn hostile_and_long_files_cost_little() {
    let started = Instant::now();
    let path = "a/".repeat(500) + &"a".repeat(250);
    for hostile in [
        "*a".repeat(30_000),
        "**/".repeat(20_000) + "b",
        "?*".repeat(600) + "**/b",
    ] {
        assert!(!excludes(&hostile, &path));
    }
    let lines: String = (0..100_000).map(|n| format!("dir/{n}\n")).collect();
    let rules = Dockerignore::parse((lines + "*.log\n!keep.log\n").as_bytes()).unwrap();
    for n in 0..10_000 {
        assert!(rules.excludes(format!("dir/{n}/a/b").as_bytes()));
        assert!(!rules.excludes(format!("src/{n}/keep.log").as_bytes()));
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

fn tokens(tokens: &'static [&'static str], count: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(tokens), 1..count).prop_map(|tokens| tokens.concat())
}

proptest! {
    /// Any bytes give rules or an error, and going down a tree gives what a single question gives.
    #[test]
    fn going_down_is_asking_for_each(
        lines in prop::collection::vec(tokens(&["a", "b", "/", "*", "**", "?", "!", "[ab]"], 6), 1..6),
        path in tokens(&["a/", "b/", "ab/", "c/"], 5),
    ) {
        if let Ok(rules) = Dockerignore::parse(lines.join("\n").as_bytes()) {
            let mut decision = Decision::default();
            for (end, _) in path.match_indices('/') {
                let path = &path.as_bytes()[..end];
                decision = rules.decide(&decision, path);
                prop_assert_eq!(decision.excluded, rules.excludes(path));
            }
        }
    }

    /// Without exceptions, a rule for a path is a rule for everything below it, and the order of
    /// rules is of no importance.
    #[test]
    fn plain_rules_only_add_up(
        mut lines in prop::collection::vec(tokens(&["a", "b", "/", "*", "**", "?"], 6), 1..6),
        path in tokens(&["a", "b", "/a", "/b"], 6),
    ) {
        let excludes = |lines: &[String], path: &str| {
            Dockerignore::parse(lines.join("\n").as_bytes()).unwrap().excludes(path.as_bytes())
        };
        let path = path.trim_matches('/');
        let excluded = excludes(&lines, path);
        let below = [path, "/x"].concat();
        prop_assert!(!excluded || excludes(&lines, &below));
        lines.reverse();
        prop_assert_eq!(excludes(&lines, path), excluded);
    }

    #[test]
    fn no_text_is_too_odd(text in prop::collection::vec(prop::num::u8::ANY, 0..60)) {
        if let Ok(rules) = Dockerignore::parse(&text) {
            rules.excludes(b"a/b");
        }
    }
}

#[test]
fn braces_and_brackets_by_the_thousand_are_each_looked_at_once() {
    for part in ["{", "{1", "[é]", "[[:a]", "?*"] {
        let line = part.repeat(60_000 / part.len());
        assert!(!excludes(&format!("{line}*\n").repeat(10), "a/b"));
    }
    let class = format!("[{}]", "[:a".repeat(20_000));
    assert!(!excludes(&class, "b"));
}

#[test]
fn a_path_is_compared_with_a_hundred_thousand_patterns_in_no_time() {
    let lines: String = (0..50_000)
        .map(|n| format!("**/x{n}*\n!**/y{n}*.log\n"))
        .collect();
    let rules = Dockerignore::parse(lines.as_bytes()).unwrap();
    assert!(rules.excludes(b"a/b/x77.log") && !rules.excludes(b"a/b/x7/y7.log"));
}
