use std::cell::RefCell;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{Error, Problem, mentions, raw_words, words};
use crate::dockerfile::effort::Effort;

mod tables;

/// The variables of all tests; `UNKNOWN` has a value that cannot be told.
fn lookup(name: &str) -> Result<Option<String>, String> {
    let value = match name {
        "DIR" => "/srv/app",
        "EMPTY" => "",
        "FILE" => "a/b/c.tar.gz",
        "LINES" => "one\ntwo\nthree",
        "AB" => "abab",
        "STARS" => "a**b*",
        "REGEX" => "()[]{}^$.+|\\x",
        "GLOB" => "*b",
        "HASH" => "#?b",
        "ESCAPED" => "\\*",
        "LONE" => "*\\",
        "DOLLAR" => "-$0$0-",
        "BLANKS" => " x  y ",
        "KO" => "한국어",
        "Ünï_1" => "letters",
        "UNKNOWN" => return Err("set at run time".into()),
        _ => return Ok(None),
    };
    Ok(Some(value.into()))
}

fn expand<W>(
    word: &str,
    escape: char,
    lookup: &impl Fn(&str) -> Result<Option<String>, W>,
) -> Result<String, Error<W>> {
    super::expand(word, escape, lookup, &Effort::default())
}

fn problem(word: &str, escape: char) -> Problem {
    match expand(word, escape, &lookup) {
        Err(Error::Syntax(error)) => {
            assert_eq!(error.word, word);
            error.problem
        }
        other => panic!("{word} became {other:?}"),
    }
}

#[test]
fn words_expand_as_builders_expand_them() {
    for (word, expanded) in tables::EXPANDED {
        assert_eq!(
            expand(word, '\\', &lookup),
            Ok((*expanded).into()),
            "{word}"
        );
    }
    for (word, expanded) in tables::EXPANDED_WITH_BACKQUOTE {
        assert_eq!(expand(word, '`', &lookup), Ok((*expanded).into()), "{word}");
    }
}

#[test]
fn words_that_builders_refuse_are_mistakes() {
    for (word, message) in tables::REFUSED {
        assert_eq!(problem(word, '\\').to_string(), *message, "{word}");
    }
    for (word, message) in tables::REFUSED_WITH_BACKQUOTE {
        assert_eq!(problem(word, '`').to_string(), *message, "{word}");
    }
}

#[test]
fn lines_split_into_raw_words_as_builders_look_for_heredocs() {
    for (line, expected) in tables::RAW_WORDS {
        let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
        assert_eq!(raw_words(line), expected, "{line}");
    }
}

#[test]
fn the_words_of_a_heredocs_name_come_with_and_without_quotes() {
    for (text, bare, quoted) in tables::WORDS {
        let owned = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
        assert_eq!(words(text, false), owned(bare), "{text}");
        assert_eq!(words(text, true), owned(quoted), "{text}");
    }
    assert_eq!(words("'EOF", false), None);
    assert_eq!(words("\"EOF", true), None);
}

#[test]
fn a_value_that_cannot_be_told_makes_only_what_depends_on_it_undecided() {
    for word in [
        "$UNKNOWN",
        "a${UNKNOWN}b",
        "\"$UNKNOWN\"",
        "${UNKNOWN:-x}",
        "${UNKNOWN:+x}",
        "${UNKNOWN?}",
        "${UNKNOWN#x}",
        "${UNSET:-$UNKNOWN}",
        "${EMPTY:-$UNKNOWN}",
        "${DIR:+$UNKNOWN}",
        "${DIR%$UNKNOWN}",
        "${DIR/$UNKNOWN/x}",
        "${DIR//x/$UNKNOWN}",
    ] {
        let undecided = Err(Error::Undecided("set at run time".into()));
        assert_eq!(expand(word, '\\', &lookup), undecided, "{word}");
    }
    for (word, expanded) in [
        ("'$UNKNOWN'", "$UNKNOWN"),
        ("\\$UNKNOWN", "$UNKNOWN"),
        ("${DIR:-$UNKNOWN}", "/srv/app"),
        ("${EMPTY-$UNKNOWN}", ""),
        ("${UNSET:+$UNKNOWN}", ""),
        ("${DIR?$UNKNOWN}", "/srv/app"),
        ("${DIR:-${UNKNOWN:-$UNKNOWN}}", "/srv/app"),
        ("${DIR:+${AB:-$UNKNOWN}}", "abab"),
    ] {
        assert_eq!(expand(word, '\\', &lookup), Ok(expanded.into()), "{word}");
    }
}

#[test]
fn a_mistake_counts_even_where_nothing_depends_on_it() {
    assert!(matches!(
        problem("${DIR:-${UNSET?}}", '\\'),
        Problem::Required { .. }
    ));
    assert_eq!(problem("$UNKNOWN'", '\\'), Problem::OpenSingleQuote);
}

#[test]
fn mentions_are_all_names_in_order() {
    for (word, names) in [
        ("plain", vec![]),
        ("$A/${B}", vec!["A", "B"]),
        ("${A:-${B#$C}}$A", vec!["A", "B", "C", "A"]),
        ("${A//$B/$C}", vec!["A", "B", "C"]),
        ("\"$A\" '$B' \\$C", vec!["A"]),
        ("$1x $@ ${+x} $.", vec!["1", "@"]),
        ("${A:-$B", vec!["A", "B"]),
        ("$A ${} $B", vec!["A"]),
    ] {
        assert_eq!(mentions(word, '\\'), names, "{word}");
    }
    assert_eq!(mentions("`$A \\$B", '`'), ["B"]);
}

#[test]
fn big_words_come_to_an_end() {
    let plain = "x".repeat(10 << 20);
    assert_eq!(expand(&plain, '\\', &lookup), Ok(plain.clone()));
    assert_eq!(raw_words(&plain), Some(vec![plain]));

    for part in [
        "\"\"",
        "'a'",
        "\\a",
        "$A",
        "${A}",
        "${A:-b}",
        "<< ",
        "${A-\"\"}",
        "$",
    ] {
        let word = part.repeat(50_000);
        expand(&word, '\\', &lookup).expect("it is well-formed");
        mentions(&word, '\\');
        raw_words(&word).expect("it is well-formed");
    }
}

#[test]
fn deep_nesting_is_a_mistake_and_costs_no_stack() {
    for start in ["${a:-", "${a/b/x", "${a#", "\"${a+", "${a:-x\"${b-'y'"] {
        let open = start.repeat(100_000);
        assert_eq!(problem(&open, '\\'), Problem::TooDeep);
        assert_eq!(raw_words(&open), None);
        assert!(mentions(&open, '\\').len() >= 100_000);
    }
    let nested = |depth| format!("{}x{}", "${a:-".repeat(depth), "}".repeat(depth));
    assert_eq!(expand(&nested(100), '\\', &lookup), Ok("x".into()));
    assert_eq!(problem(&nested(101), '\\'), Problem::TooDeep);
    let deep = nested(100_000);
    assert_eq!(raw_words(&deep), Some(vec![deep]));
}

#[test]
fn growth_without_bound_is_a_mistake() {
    let large = |_: &str| Ok::<_, String>(Some("a".repeat(1 << 16)));
    for word in [
        &"$A".repeat(100),
        &"${A+}".repeat(100),
        "${A//?/$A}",
        "${A//?/${A//?/${A//?/x}}}",
        &format!("${{A//*/{}}}", "\\$0".repeat(100)),
    ] {
        let error = expand(word, '\\', &large).expect_err("it is too large");
        assert!(matches!(error, Error::Syntax(error) if error.problem == Problem::TooLarge));
    }
}

#[test]
fn long_patterns_on_long_values_come_to_an_end() {
    let value = |_: &str| Ok::<_, String>(Some("a".repeat(2_000)));
    let pattern = "*a".repeat(200);
    for modifier in ["#", "##", "%", "%%"] {
        let word = format!("${{A{modifier}{pattern}b}}");
        assert_eq!(expand(&word, '\\', &value), Ok("a".repeat(2_000)));
    }
    let word = format!("${{A//{pattern}/x}}");
    assert_eq!(expand(&word, '\\', &value), Ok("x".into()));
    let stars = format!("${{A##{}}}", "*".repeat(1 << 20));
    assert_eq!(expand(&stars, '\\', &value), Ok(String::new()));
}

/// Texts in which the characters that mean something are common.
fn shell_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[-:+?#%/*\\\\`'\"$<{}. \n]",
        3 => "\\$\\{(DIR|AB|KO|UNSET|UNKNOWN|EMPTY|1|@)(:?[-+?]|##?|%%?|//?)",
        2 => "\\$(DIR|LINES|UNSET|UNKNOWN)",
        2 => Just("}".to_owned()),
        1 => any::<char>().prop_map(String::from),
        1 => "[ab]{1,3}",
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), escape in any::<char>()) {
        let _ = expand(&text, escape, &lookup);
        mentions(&text, escape);
        raw_words(&text);
        words(&text, false);
    }

    #[test]
    fn every_name_that_is_looked_up_is_mentioned(
        text in shell_text(),
        escape in prop_oneof![Just('\\'), Just('`')],
    ) {
        let asked = RefCell::new(Vec::new());
        let _ = expand(&text, escape, &|name: &str| {
            asked.borrow_mut().push(name.to_owned());
            lookup(name)
        });
        let mentioned = mentions(&text, escape);
        for name in asked.into_inner() {
            prop_assert!(mentioned.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_plain_word_expands_to_itself(word in "[^$\\\\'\"\u{feff}]*") {
        prop_assert_eq!(expand(&word, '\\', &lookup), Ok(word.clone()));
        prop_assert!(mentions(&word, '\\').is_empty());
    }

    #[test]
    fn a_word_between_single_quotes_expands_to_itself(word in "[^']*") {
        prop_assert_eq!(expand(&format!("'{word}'"), '\\', &lookup), Ok(word));
    }

    #[test]
    fn raw_words_lose_nothing_but_white_space(line in "([a-z<$]|\\\\[a-z ]| |'[a-z ]*'|\"[a-z ]*\")*x") {
        let blankless = |text: &str| text.replace(' ', "");
        let words = raw_words(&line).expect("every quote is closed");
        prop_assert_eq!(blankless(&words.concat()), blankless(&line));
    }

    #[test]
    fn what_is_split_anywhere_never_panics(text in shell_text()) {
        raw_words(&text);
        words(&text, true);
    }
}
