//! The rules by example, and what hostile files cost. Whether git says the same is asked in [`against_git`].

mod against_git;

use std::time::{Duration, Instant};

use super::{Decision, Gitignore, IgnoreStack, Verdict};

fn decide(rules: &str, path: &str) -> Option<Verdict> {
    let (path, is_dir) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, false),
    };
    Gitignore::parse(rules.as_bytes())
        .decide(path.as_bytes(), is_dir)
        .map(|found| found.verdict)
}

#[test]
fn the_last_match_decides() {
    let rules = "*.log\n!keep.log\nkeep.log/\n/build\n";
    assert_eq!(decide(rules, "a/b/x.log"), Some(Verdict::Ignored));
    assert_eq!(decide(rules, "a/keep.log"), Some(Verdict::Included));
    assert_eq!(decide(rules, "a/keep.log/"), Some(Verdict::Ignored));
    assert_eq!(decide(rules, "build"), Some(Verdict::Ignored));
    assert_eq!(decide(rules, "a/build"), None);
    let found = Gitignore::parse(rules.as_bytes()).decide(b"build", false);
    assert_eq!(
        found,
        Some(Decision {
            verdict: Verdict::Ignored,
            line: 4
        })
    );
}

/// Rules and paths that each stand for one line of git's documentation or code.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("a", &["a", "x/a", "a/"], &["ab", "A", "a/b"]),
    ("a/", &["a/", "x/a/"], &["a"]),
    ("/a", &["a"], &["x/a"]),
    ("a/b", &["a/b"], &["x/a/b", "b"]),
    ("/a/b/", &["a/b/"], &["a/b"]),
    ("*", &["a", "x/.b"], &[]),
    ("a*/b", &["a/b", "ax/b"], &["a/x/b"]),
    ("**", &["a", "a/b"], &[]),
    ("***", &["a", "a/b"], &[]),
    ("**/b", &["b", "a/b", "a/x/b"], &["ab"]),
    ("a/**", &["a/b", "a/b/c"], &["a", "a/", "b/a/b"]),
    ("a/***/b", &["a/b", "a/x/y/b"], &["a/xb"]),
    ("a/**/b", &["a/b", "a/x/y/b"], &["ab", "x/a/b"]),
    ("a**/b", &["a/b", "axx/b"], &["a/x/b"]),
    ("a/**b", &["a/b", "a/xb"], &["a/x/b"]),
    ("a/**\\/b", &["a/x/b", "a/x/y/b"], &["a/b"]),
    ("**foo", &["foo", "x/afoo"], &["foox"]),
    ("?", &["a"], &["ab", "é"]),
    ("??", &["ab", "é"], &["a"]),
    ("[a-c]", &["a", "b", "c"], &["d", "-"]),
    ("[!a-c]", &["d"], &["a"]),
    ("[^a]", &["b", "^"], &["a"]),
    ("[]a]", &["]", "a"], &["[]a]"]),
    ("[!]a]", &["b"], &["]", "a"]),
    ("[a-]", &["a", "-"], &["b"]),
    ("[-a]", &["a", "-"], &["b"]),
    ("[a-c-e]", &["a", "b", "c", "-", "e"], &["d"]),
    ("[c-a]", &["c"], &["a", "b", "-"]),
    ("[\\]]", &["]"], &["\\"]),
    ("[\\a-\\c]", &["a", "b", "c"], &["\\"]),
    ("[[:digit:][:upper:]]", &["1", "Z"], &["a", ":", "["]),
    ("[[:space:]]", &[" ", "\t", "\r"], &["\u{b}", "\u{c}", "a"]),
    ("[[:nope:]]", &[], &["n", ":", "[[:nope:]]"]),
    ("[[:a]", &["[", ":", "a"], &["b"]),
    ("[[:]", &["[", ":"], &["]"]),
    ("[[.a.]]", &[".]", "a]", "[]"], &["a"]),
    ("x[/]y", &[], &["x/y"]),
    ("x[!a]y", &["xby"], &["x/y"]),
    ("[a/b]x", &["ax", "bx"], &["z/ax", "/x"]),
    ("[a", &[], &["a", "[a", "[a/"]),
    ("a\\", &[], &["a", "a\\"]),
    ("\\a\\*\\?", &["a*?"], &["axx"]),
    ("\\#x", &["#x"], &["\\#x"]),
    ("\\!x", &["!x"], &["x"]),
    ("#x", &[], &["#x", "x"]),
    (" #x", &[" #x"], &["#x"]),
    ("{a,b}", &["{a,b}"], &["a", "b"]),
    ("a  ", &["a"], &["a  "]),
    ("a\\ ", &["a "], &["a", "a\\ "]),
    ("a\\  ", &["a "], &["a  "]),
    ("a\t", &["a\t"], &["a"]),
    ("a b", &["a b"], &["a"]),
    ("   ", &[], &["   ", " "]),
    ("/", &[], &["a", "a/"]),
    ("//", &[], &["a", "a/"]),
    ("//a", &[], &["a"]),
    ("a//", &[], &["a", "a/", "a/b"]),
    ("a//b", &[], &["a/b"]),
    ("./a", &[], &["a"]),
    ("a\\/b", &["a/b"], &["x/a/b"]),
    ("\\/a", &[], &["a", "x/a"]),
    ("a\r", &["a"], &["a\r"]),
    ("a\r\r", &["a\r"], &["a"]),
    ("a \r", &["a"], &["a "]),
    ("a\0b", &["a"], &["a\0b", "ab"]),
];

#[test]
fn follows_the_rules_of_git() {
    for (rule, yes, no) in TABLE {
        for path in *yes {
            assert_eq!(
                decide(rule, path),
                Some(Verdict::Ignored),
                "{rule:?} on {path:?}"
            );
        }
        for path in *no {
            assert_eq!(decide(rule, path), None, "{rule:?} on {path:?}");
        }
        assert_eq!(decide("!", "a"), None);
    }
}

#[test]
fn reads_files_as_they_come() {
    assert_eq!(decide("\u{feff}a\n\u{feff}b", "a"), Some(Verdict::Ignored));
    assert_eq!(decide("\u{feff}#a\n", "#a"), None);
    assert_eq!(decide("\u{feff}a\n\u{feff}b", "b"), None);
    assert_eq!(decide("a\r\nb\r\n\r\n", "b"), Some(Verdict::Ignored));
    assert_eq!(decide("", "a"), None);
    assert!(Gitignore::parse(b"# nothing\n\n/\n[\n").is_empty());
    let latin1 = Gitignore::parse(b"caf\xE9*");
    assert!(latin1.decide(b"x/caf\xE9.txt", false).is_some());
    assert!(latin1.decide("café.txt".as_bytes(), false).is_none());
}

#[test]
fn the_nearest_file_decides() {
    let top = IgnoreStack::default().below(b"", Gitignore::parse(b"*.o\n/a/x\n"));
    let inner = top.below(b"a/b", Gitignore::parse(b"!keep.o\n/x\n"));
    let verdict = |stack: &IgnoreStack, path: &[u8]| {
        stack
            .decide(path, false)
            .map(|(dir, found)| (dir.to_vec(), found.verdict, found.line))
    };
    assert_eq!(
        verdict(&inner, b"a/b/keep.o"),
        Some((b"a/b".to_vec(), Verdict::Included, 1))
    );
    assert_eq!(
        verdict(&inner, b"a/b/c.o"),
        Some((b"".to_vec(), Verdict::Ignored, 1))
    );
    assert_eq!(
        verdict(&inner, b"a/b/x"),
        Some((b"a/b".to_vec(), Verdict::Ignored, 2))
    );
    assert_eq!(verdict(&inner, b"a/b/c/x"), None);
    assert_eq!(verdict(&top, b"a/b/x"), None);
    assert_eq!(
        verdict(&top, b"a/x"),
        Some((b"".to_vec(), Verdict::Ignored, 2))
    );
    assert_eq!(verdict(&IgnoreStack::default(), b"a"), None);
}

#[test]
fn hostile_and_long_files_cost_little() {
    let started = Instant::now();
    let name = "a".repeat(250);
    let stars = "*a".repeat(5000) + "b\n" + &"**/".repeat(10_000) + "b\n" + &"*[a-z]".repeat(5000);
    let rules = Gitignore::parse(stars.as_bytes());
    assert_eq!(
        rules.decide(format!("{name}/{name}").as_bytes(), false),
        None
    );
    let nested = vec!["a"; 1500].join("/");
    assert_eq!(rules.decide(nested.as_bytes(), false), None);

    let lines: String = (0..100_000)
        .map(|n| format!("dir{n}/file{n}\nname{n}\n"))
        .collect();
    let rules = Gitignore::parse(lines.as_bytes());
    for n in 0..10_000 {
        assert!(
            rules
                .decide(format!("x/name{n}").as_bytes(), false)
                .is_some()
        );
        assert!(
            rules
                .decide(format!("other{n}").as_bytes(), false)
                .is_none()
        );
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_bracket_of_ten_thousand_brackets_is_read_once() {
    let rule = |end: &str| format!("[{}{end}", "[:".repeat(500_000));
    assert_eq!(decide(&rule("a]"), ":"), Some(Verdict::Ignored));
    assert_eq!(decide(&rule("alpha:]]"), "a"), None, "no such class");
    assert_eq!(
        decide(&rule("a\\]b[:digit:]]"), "7"),
        Some(Verdict::Ignored)
    );
}
