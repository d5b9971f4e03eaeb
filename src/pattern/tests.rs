use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{Error, Part, Pattern, Token, char_len};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn names_exactly_the_paths_it_says() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "Makefile",
            &["Makefile"],
            &["makefile", "Makefile2", "a/Makefile", ""],
        ),
        ("./a//b/./c/", &["a/b/c"], &["a/b", "a/b/c/d"]),
        ("*", &["a", ".hidden", "a b"], &["", "a/b"]),
        ("*.sh", &["x.sh", ".sh"], &["x.sh.bak", "d/x.sh"]),
        (
            "a?c",
            &["abc", "a?c", "aéc", "a🦀c"],
            &["ac", "abbc", "a/c"],
        ),
        ("??", &["ab", "éé"], &["é", "abc"]),
        ("a*b*c", &["abc", "a-b-c", "abcbc"], &["acb", "ab", "abcd"]),
        ("**", &["", "a", "a/b/c"], &[]),
        ("a/**", &["a", "a/b", "a/b/c"], &["b", "ab"]),
        ("**/b", &["b", "a/b", "a/a/b"], &["ab", "b/a"]),
        (
            "a/**/b",
            &["a/b", "a/x/b", "a/x/y/b", "a/b/b"],
            &["a", "b", "a/bb", "x/a/b"],
        ),
        ("a/**/**/b", &["a/b", "a/x/y/b"], &["a"]),
        (
            "**/a/*/c/**/d",
            &["a/b/c/d", "x/a/a/b/c/y/d"],
            &["a/c/d", "a/b/x/c/d"],
        ),
        (
            "[ab]{c,d}\\*",
            &["[ab]{c,d}\\", "[ab]{c,d}\\*"],
            &["a", "ac", "[ab]c*"],
        ),
        ("a!b", &["a!b"], &["ab"]),
        ("./!a", &["!a"], &["a"]),
        (" a ", &[" a "], &["a"]),
    ];
    for (text, yes, no) in table {
        for path in *yes {
            assert!(
                pattern(text).matches(path.as_bytes()),
                "{text} should match {path}"
            );
        }
        for path in *no {
            assert!(
                !pattern(text).matches(path.as_bytes()),
                "{text} should not match {path}"
            );
        }
    }
}

#[test]
fn a_question_mark_takes_one_byte_where_a_name_is_not_utf8() {
    assert!(pattern("a?c").matches(b"a\xFFc"));
    assert!(pattern("a??c").matches(b"a\xE2\x82c"));
    assert!(!pattern("a?c").matches(b"a\xE2\x82c"));
    assert!(pattern("*c").matches(b"\xFF\xFEc"));
    assert!(!pattern("*??").matches("é".as_bytes()));
}

#[test]
fn a_match_covers_what_lies_below_it() {
    let scripts = pattern("scripts");
    assert!(scripts.matches_or_covers(b"scripts"));
    assert!(scripts.matches_or_covers(b"scripts/a/b"));
    assert!(!scripts.matches_or_covers(b"scripts2/a"));
    assert!(!scripts.matches(b"scripts/a"));
    assert!(pattern("**/test").matches_or_covers(b"a/test/b"));
    assert!(pattern(".").matches_or_covers(b"a/b"));
    assert!(pattern(".").matches(b"") && pattern(".").matches(b"."));
    assert!(!pattern(".").matches(b"a"));
}

#[test]
fn says_where_matches_can_lie() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "a/b/c",
            &["", ".", "a", "a/b"],
            &["a/b/c", "b", "a/c", "a/b/c/d"],
        ),
        ("a/*/c", &["a", "a/x"], &["a/x/c", "a/x/y", "b"]),
        ("*.d/x", &["", "conf.d"], &["conf", "conf.d/x"]),
        ("a/**/c", &["a", "a/x/y/z", "a/c", "a/c/c"], &["b", "b/a"]),
        ("**", &["", "a/b"], &[]),
        (".", &[], &["", "a"]),
    ];
    for (text, yes, no) in table {
        for dir in *yes {
            assert!(
                pattern(text).can_match_below(dir.as_bytes()),
                "{text} below {dir}"
            );
        }
        for dir in *no {
            assert!(
                !pattern(text).can_match_below(dir.as_bytes()),
                "{text} not below {dir}"
            );
        }
    }
}

#[test]
fn tells_its_literal_parts() {
    let table = [
        ("a//b/", true, "a/b"),
        (".", true, "."),
        ("a/b/*.c", false, "a/b"),
        ("*/a", false, "."),
        ("a/**", false, "a"),
    ];
    for (text, is_literal, prefix) in table {
        let pattern = pattern(text);
        assert_eq!(pattern.is_literal(), is_literal, "{text}");
        assert_eq!(
            pattern.literal_prefix().as_bytes(),
            prefix.as_bytes(),
            "{text}"
        );
    }
}

#[test]
fn takes_the_exclamation_mark_off() {
    assert!(pattern("!a/*").is_exclusion() && pattern("!a/*").matches(b"a/b"));
    assert!(pattern("!!a").matches(b"!a"));
    assert!(!pattern("a").is_exclusion());
    assert_eq!(pattern("!a/*").text(), "!a/*");
}

#[test]
fn refuses_what_cannot_be_meant() {
    let parse = |text: &str| Pattern::parse(text).unwrap_err();
    assert_eq!(parse(""), Error::Empty("".into()));
    assert_eq!(parse("!"), Error::Empty("!".into()));
    assert_eq!(parse("/etc"), Error::Absolute("/etc".into()));
    assert_eq!(parse("!/etc"), Error::Absolute("!/etc".into()));
    assert_eq!(parse("a/../b"), Error::LeavesRoot("a/../b".into()));
    assert_eq!(parse("a\0b").to_string().matches('\0').count(), 0);
    for (text, part) in [("src/**.rs", "**.rs"), ("a**/b", "a**"), ("***", "***")] {
        let error = Error::DoubleStarInPart {
            text: text.into(),
            part: part.into(),
        };
        assert_eq!(parse(text), error);
    }
}

#[test]
fn an_error_names_the_entry_and_the_rule() {
    assert_eq!(
        Pattern::parse("../x").unwrap_err().to_string(),
        "the input `../x` has a `..` part; inputs are relative to the root and cannot leave it"
    );
}

#[test]
fn hostile_patterns_cost_little() {
    let started = Instant::now();
    let name = "a".repeat(4000);
    assert!(!pattern(&("*a".repeat(2000) + "b")).matches(name.as_bytes()));
    assert!(!pattern(&("?*".repeat(20_000))).matches(name.as_bytes()));
    let path = vec!["a"; 2000].join("/");
    assert!(!pattern(&("**/a/".repeat(2000) + "b")).matches(path.as_bytes()));
    assert!(pattern(&("**/".repeat(50_000) + "a")).matches(path.as_bytes()));
    assert!(pattern(&"**/*/".repeat(2000)).matches(path.as_bytes()));
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// A long run of ordinary parts between two `**` is the worst case there is.
#[test]
fn a_deep_path_costs_little() {
    let started = Instant::now();
    let path = vec!["a"; 2000].join("/");
    let late = pattern(&("**/".to_owned() + &"a/".repeat(1000) + "b"));
    assert!(!late.matches_or_covers(path.as_bytes()));
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// The rules once more, in the shortest form that can be believed: it tries every possibility.
fn every_way_matches(parts: &[Part], names: &[&[u8]]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((Part::AnyDepth, parts_left)), names_split) => {
            every_way_matches(parts_left, names)
                || names_split.is_some_and(|(_, names_left)| every_way_matches(parts, names_left))
        }
        (Some((part, parts_left)), Some((name, names_left))) => {
            let fits = match part {
                Part::Literal(literal) => literal == name,
                Part::Glob(tokens) => tokens_match(tokens, name),
                Part::AnyDepth => true,
            };
            fits && every_way_matches(parts_left, names_left)
        }
        _ => false,
    }
}

fn tokens_match(tokens: &[Token], name: &[u8]) -> bool {
    match (tokens.split_first(), name.first()) {
        (None, first) => first.is_none(),
        (Some((Token::AnyRun, left)), first) => {
            tokens_match(left, name) || first.is_some() && tokens_match(tokens, &name[1..])
        }
        (Some((_, _)), None) => false,
        (Some((Token::AnyChar, left)), Some(_)) => tokens_match(left, &name[char_len(name)..]),
        (Some((Token::Byte(byte), left)), Some(first)) => {
            byte == first && tokens_match(left, &name[1..])
        }
    }
}

fn part() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "é", "*", "?"]), 1..5)
        .prop_map(|tokens| tokens.concat().replace("**", "*a*").replace("**", "*"))
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(proptest::prop_oneof![3 => part(), 1 => "\\*\\*"], 1..6)
        .prop_map(|parts| parts.join("/"))
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::collection::vec(
        prop::sample::select(vec![&b"a"[..], b"b", "é".as_bytes(), b"\xFF"]),
        1..4,
    );
    prop::collection::vec(name.prop_map(|name| name.concat()), 0..6)
        .prop_map(|names| names.join(&b'/'))
}

fn names(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .collect()
}

proptest! {
    #[test]
    fn agrees_with_trying_every_possibility(text in text(), path in path()) {
        let pattern = pattern(&text);
        prop_assert_eq!(pattern.matches(&path), every_way_matches(pattern.parts(), &names(&path)));
    }

    #[test]
    fn covers_what_lies_below_a_match(text in text(), path in path()) {
        let pattern = pattern(&text);
        let names = names(&path);
        let any = (0..=names.len()).any(|end| pattern.matches(&names[..end].join(&b'/')));
        prop_assert_eq!(pattern.matches_or_covers(&path), any);
    }

    #[test]
    fn pruning_loses_nothing(text in text(), path in path(), cut in any::<usize>()) {
        let pattern = pattern(&text);
        let names = names(&path);
        if pattern.matches(&path) && !names.is_empty() {
            let dir = names[..cut % names.len()].join(&b'/');
            prop_assert!(pattern.can_match_below(&dir));
            let prefix = [pattern.literal_prefix().relative(), b"/"].concat();
            prop_assert!(prefix == b"/" || [&path[..], b"/"].concat().starts_with(&prefix));
        }
    }

    /// If a pattern says that something below a directory could match, then such a path exists.
    #[test]
    fn pruning_is_exact(text in text(), dir in path()) {
        let pattern = pattern(&text);
        if pattern.can_match_below(&dir) {
            let found = (0..=pattern.parts().len()).any(|from| {
                let below: Vec<Vec<u8>> = pattern.parts()[from..].iter().map(example).collect();
                let mut whole = names(&dir);
                whole.extend(below.iter().map(|name| &name[..]));
                whole.len() > names(&dir).len() && pattern.matches(&whole.join(&b'/'))
            });
            prop_assert!(found);
        }
    }
}

fn example(part: &Part) -> Vec<u8> {
    match part {
        Part::Literal(name) => name.clone(),
        Part::AnyDepth => b"x".to_vec(),
        Part::Glob(tokens) => tokens
            .iter()
            .map(|token| {
                if let Token::Byte(byte) = token {
                    *byte
                } else {
                    b'x'
                }
            })
            .collect(),
    }
}
