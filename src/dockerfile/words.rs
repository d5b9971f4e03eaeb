//! How an instruction's line is taken apart: keyword, flags, and arguments in the three forms that
//! instructions have them: words between blanks, words with quotes, a JSON array.
//!
//! The reference is BuildKit's `split_command.go` and `line_parsers.go`. Variables stay as they are.

use serde_json::Value;

/// What BuildKit's parser takes for white space between arguments.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

/// The first word, and what follows the blanks behind it.
pub(super) fn split_first(line: &str) -> (&str, &str) {
    match line.split_once(is_blank) {
        Some((first, rest)) => (first, rest.trim_start_matches(is_blank)),
        None => (line, ""),
    }
}

/// The words between blanks; quotes and escapes mean nothing.
pub(super) fn plain(arguments: &str) -> Vec<String> {
    let words = arguments.split(is_blank).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Whether the arguments are a JSON array of texts.
pub(super) fn is_json(arguments: &str) -> bool {
    matches!(json(arguments), Some(Ok(_)))
}

/// A JSON array that holds something else than texts.
#[derive(Debug)]
pub(super) struct NotTexts;

/// The elements of a JSON array; `None` if the arguments are no array.
pub(super) fn json(arguments: &str) -> Option<Result<Vec<String>, NotTexts>> {
    if !arguments.trim_start().starts_with('[') {
        return None;
    }
    let values: Vec<Value> = serde_json::from_str(&without_half_pairs(arguments)).ok()?;
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(NotTexts),
    };
    Some(values.into_iter().map(text).collect())
}

/// The JSON text with U+FFFD in the place of every escape that is half of a surrogate pair, which Go reads
/// so and `serde_json` not at all.
fn without_half_pairs(json: &str) -> String {
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let (text, length) = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(0xD800..0xDC00), Some(0xDC00..)) => (&rest[..12], 12),
            (Some(_), _) => ("\\ufffd", 6),
            // The character behind a backslash begins no other escape.
            (None, _) => {
                let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
                (&rest[..1 + escaped], 1 + escaped)
            }
        };
        whole.push_str(text);
        rest = &rest[length..];
    }
    whole + rest
}

/// The half of a surrogate pair that `text` starts with as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xD800..0xE000).contains(&unit).then_some(unit)
}

/// Takes the flags off the front of the arguments.
///
/// BuildKit goes through the flags byte by byte and takes each for a character, so that what is not
/// ASCII comes out as something else. What it then looks for is what has to be looked for here.
pub(super) fn flags(line: &str, escape: char) -> (Vec<String>, String) {
    let bytes = line.as_bytes();
    let mut flags = Vec::new();
    let mut at = 0;
    loop {
        at += bytes[at..]
            .iter()
            .take_while(|byte| char::from(**byte).is_whitespace())
            .count();
        if !bytes[at..].starts_with(b"--") {
            break;
        }
        let (word, length, is_quoted) = flag(&bytes[at..], escape);
        at += length;
        if word == "--" {
            break;
        }
        if is_quoted || !word.is_empty() {
            flags.push(word);
        }
    }
    (flags, String::from_utf8_lossy(&bytes[at..]).into_owned())
}

/// Reads one flag: the word without its quotes and escapes, how many bytes it takes up, and whether
/// any of it was quoted.
fn flag(bytes: &[u8], escape: char) -> (String, usize, bool) {
    let mut word = String::new();
    let mut quote = None;
    let mut is_quoted = false;
    let mut characters = bytes.iter().copied().map(char::from).enumerate();
    while let Some((at, character)) = characters.next() {
        match quote {
            None if character.is_whitespace() => return (word, at, is_quoted),
            None if matches!(character, '\'' | '"') => {
                quote = Some(character);
                is_quoted = true;
            }
            Some(open) if character == open => quote = None,
            _ if character == escape => word.extend(characters.next().map(|(_, next)| next)),
            _ => word.push(character),
        }
    }
    (word, bytes.len(), is_quoted)
}

/// The words of ARG, ENV and LABEL: blanks in quotes and behind an escape character do not part
/// words. Quotes and escapes are kept, for whoever expands the word.
pub(super) fn quoted(arguments: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut quote = None;
    let mut characters = arguments.chars();
    while let Some(character) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let escapes = character == escape && quote != Some('\'');
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if character == open => quote = None,
            _ => {}
        }
        if !escapes {
            word.get_or_insert_with(String::new).push(character);
        } else if let Some(next) = characters.next() {
            // An escape character at the very end is dropped.
            word.get_or_insert_with(String::new)
                .extend([character, next]);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::{flags, json, plain, quoted, split_first};

    #[test]
    fn words_between_blanks() {
        assert_eq!(split_first("COPY \t a  b"), ("COPY", "a  b"));
        assert_eq!(split_first("COPY"), ("COPY", ""));
        assert_eq!(plain("a\t 'b  c\u{a0}d'"), ["a", "'b", "c\u{a0}d'"]);
    }

    #[test]
    fn json_arrays_of_texts() {
        assert_eq!(
            json(" [\"a b\", \"\\u00e9\"]").unwrap().unwrap(),
            ["a b", "é"]
        );
        assert!(json("[]").unwrap().unwrap().is_empty());
        assert_eq!(
            json(r#"["\ud83d\ude00\ud83d", "\\ud83d", "\udE00é"]"#)
                .unwrap()
                .unwrap(),
            ["😀\u{fffd}", "\\ud83d", "\u{fffd}é"]
        );
        assert!(json("[1]").unwrap().is_err());
        assert!(json("[a]").is_none() && json("[\"a\"] b").is_none() && json("a").is_none());
    }

    #[test]
    fn flags_lose_quotes_and_escapes() {
        let all = |line: &str| flags(line, '\\');
        assert_eq!(
            all("--a --b=c d"),
            (vec!["--a".into(), "--b=c".into()], "d".into())
        );
        assert_eq!(all("--a='b c'\"d\" e").0, ["--a=b cd"]);
        assert_eq!(all("--a=b\\ c\\\"d e").0, ["--a=b c\"d"]);
        assert_eq!(all("-- --a"), (vec![], " --a".into()));
        assert_eq!(all("--a").1, "");
        assert_eq!(all("--a\\").0, ["--a"]);
        assert_eq!(all("--a=é b").0, ["--a=Ã©"], "as BuildKit garbles it");
        assert_eq!(flags("--a=b` c d", '`').0, ["--a=b c"]);
    }

    #[test]
    fn quoted_words_keep_their_quotes() {
        let words = |text: &str| quoted(text, '\\');
        assert_eq!(words("a=b c='d e' "), ["a=b", "c='d e'"]);
        assert_eq!(words("a=b\\ c d"), ["a=b\\ c", "d"]);
        assert_eq!(words("a=\"b \\\" c\" d"), ["a=\"b \\\" c\"", "d"]);
        assert_eq!(words("a='b \\' c"), ["a='b \\'", "c"]);
        assert_eq!(words("a\\"), ["a"]);
        assert_eq!(words("\"\" b"), ["\"\"", "b"]);
        assert_eq!(quoted("a=b` c d", '`'), ["a=b` c", "d"]);
        assert!(words("  ").is_empty());
    }
}
