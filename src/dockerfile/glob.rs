//! The wildcards in sources of COPY and ADD, as BuildKit matches them.
//!
//! The reference is Go's `filepath.Match`: `*` and `?` stay within one part of a path, a bracket
//! expression may take a slash, and a star never gives back what the next text after it has once
//! matched. A malformed pattern matches nothing, and the builder says nothing of it.

/// A pattern, parsed. It is matched against whole paths, parts parted by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Without the backslashes before slashes, which change nothing.
    text: String,
    /// `None` if the pattern is malformed.
    chunks: Option<Vec<Chunk>>,
}

/// What stands between two stars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Chunk {
    is_after_star: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Char(char),
    Any,
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Whether a part of a path holds wildcards. A backslash takes the meaning of the character after it.
pub(super) fn is_wild(part: &str) -> bool {
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

impl Glob {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Self {
        Glob {
            text: with_plain_slashes(text),
            chunks: chunks(text),
        }
    }

    /// Whether the pattern matches the whole path.
    pub fn matches(&self, path: &[u8]) -> bool {
        let Some(chunks) = &self.chunks else {
            return false;
        };
        let mut rest = path;
        for (index, chunk) in chunks.iter().enumerate() {
            let is_last = index + 1 == chunks.len();
            match chunk.find(rest, is_last) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// Whether the pattern matches the path or a folder above it.
    pub fn covers(&self, path: &[u8]) -> bool {
        let ends = (0..path.len()).filter(|at| path[*at] == b'/');
        ends.chain([path.len()])
            .any(|end| self.matches(&path[..end]))
    }

    /// Whether the pattern could match something strictly below a folder. It may say so in vain.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        if self.text.contains('[') {
            return self.chunks.is_some();
        }
        let mut parts = self.text.split('/');
        let is_fitting = folder.split(|byte| *byte == b'/').all(|name| {
            parts
                .next()
                .is_some_and(|part| Glob::parse(part).matches(name))
        });
        is_fitting && parts.next().is_some()
    }
}

impl Chunk {
    /// Finds the first place where the chunk matches, and gives what follows it.
    fn find<'a>(&self, path: &'a [u8], is_last: bool) -> Option<&'a [u8]> {
        if self.is_after_star && self.steps.is_empty() {
            return (!path.contains(&b'/')).then_some(&[]);
        }
        let mut start = 0;
        loop {
            match self.take(&path[start..]) {
                Some(after) if after.is_empty() || !is_last || !self.is_after_star => {
                    return Some(after);
                }
                _ => {}
            }
            // A star takes no slash.
            if !self.is_after_star || start >= path.len() || path[start] == b'/' {
                return None;
            }
            start += 1;
        }
    }

    /// What follows the chunk if the path starts with it.
    fn take<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = path;
        for step in &self.steps {
            let (character, length) = first_char(rest)?;
            let is_accepted = match step {
                Step::Char(literal) => {
                    rest[..length] == *literal.encode_utf8(&mut [0; 4]).as_bytes()
                }
                Step::Any => character != '/',
                Step::Class { is_negated, ranges } => {
                    let is_in = |(low, high): &(char, char)| (*low..=*high).contains(&character);
                    ranges.iter().any(is_in) != *is_negated
                }
            };
            if !is_accepted {
                return None;
            }
            rest = &rest[length..];
        }
        Some(rest)
    }
}

/// The first character and its length; a byte that is no part of one counts as U+FFFD.
fn first_char(text: &[u8]) -> Option<(char, usize)> {
    let window = &text[..text.len().min(4)];
    let chunk = window.utf8_chunks().next()?;
    match chunk.valid().chars().next() {
        Some(character) => Some((character, character.len_utf8())),
        None => Some((char::REPLACEMENT_CHARACTER, 1)),
    }
}

/// The pattern with every `\/` as the slash that it is, so that it can be parted at slashes.
fn with_plain_slashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some('/')) => {}
            ('\\', Some(escaped)) => {
                plain.extend([character, escaped]);
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    plain
}

fn chunks(text: &str) -> Option<Vec<Chunk>> {
    let mut chunks = vec![Chunk::default()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let step = match character {
            '*' => {
                chunks.push(Chunk {
                    is_after_star: true,
                    steps: Vec::new(),
                });
                continue;
            }
            '?' => Step::Any,
            '[' => class(&mut characters)?,
            '\\' => Step::Char(characters.next()?),
            literal => Step::Char(literal),
        };
        chunks
            .last_mut()
            .expect("there is a chunk")
            .steps
            .push(step);
    }
    // Stars in a row are one.
    let mut merged: Vec<Chunk> = Vec::new();
    for chunk in chunks {
        match merged.last_mut() {
            Some(last) if last.is_after_star && last.steps.is_empty() => *last = chunk,
            _ => merged.push(chunk),
        }
    }
    merged.retain(|chunk| chunk.is_after_star || !chunk.steps.is_empty());
    Some(merged)
}

/// Reads a bracket expression behind its `[`.
fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Step> {
    let is_negated = characters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    // A bracket that would close an empty expression is malformed.
    while ranges.is_empty() || characters.next_if_eq(&']').is_none() {
        let low = class_char(characters)?;
        let high = match characters.next_if_eq(&'-') {
            Some(_) => class_char(characters)?,
            None => low,
        };
        ranges.push((low, high));
    }
    Some(Step::Class { is_negated, ranges })
}

fn class_char(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match characters.next()? {
        '-' | ']' => None,
        '\\' => characters.next(),
        character => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, is_wild};

    #[test]
    fn wildcards_match_as_in_go() {
        for (pattern, path, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*", "", true),
            ("*c", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("a[^x]b", "a/b", true),
            ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "z", false),
            ("[]a]", "]", false),
            ("[-]", "-", false),
            ("[x-]", "x", false),
            ("a[", "a", false),
            ("a\\", "a\\", false),
            ("*x", "xxx", true),
            ("**/b", "a/b", true),
            ("**/b", "a/c/b", false),
            ("", "", true),
        ] {
            let found = Glob::parse(pattern).matches(path.as_bytes());
            assert_eq!(found, expected, "{pattern} {path}");
        }
        assert!(Glob::parse("a?b").matches(b"a\xffb"));
        assert!(!Glob::parse("a\u{fffd}b").matches(b"a\xffb"));
    }

    #[test]
    fn a_folder_that_matches_covers_what_is_below() {
        let glob = Glob::parse("a*/b");
        assert!(glob.covers(b"ax/b") && glob.covers(b"ax/b/c/d"));
        assert!(!glob.covers(b"ax/c/b") && !glob.covers(b"ax"));
        assert!(glob.may_match_below(b"ax") && !glob.may_match_below(b"b"));
        assert!(
            !glob.may_match_below(b"ax/b"),
            "what it covers is another question"
        );
        assert!(Glob::parse("[a]/b").may_match_below(b"zzz"));
    }

    #[test]
    fn a_slash_parts_a_pattern_behind_a_backslash_too() {
        let glob = Glob::parse(r"a*\/*");
        assert!(glob.matches(b"ax/b") && glob.may_match_below(b"ax"));
        assert!(!glob.may_match_below(b"b"));
        let glob = Glob::parse(r"*\\/b");
        assert!(glob.matches(br"a\/b") && glob.may_match_below(br"a\"));
        assert!(!glob.may_match_below(b"a"));
    }

    #[test]
    fn wildcards_are_recognised() {
        for wild in ["*", "a?", "[", "\\\\*"] {
            assert!(is_wild(wild), "{wild}");
        }
        for plain in ["a", "\\*", "]", "a\\[b", ""] {
            assert!(!is_wild(plain), "{plain}");
        }
    }
}
