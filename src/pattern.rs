//! One entry of `inputs`: what it means, and which paths it names.
//!
//! Everything here is about text: paths are bytes, relative to the root, separated by `/`, without
//! `.` and `..` parts; the root itself is the empty path or `.`. Looking at the file system,
//! following links and combining several entries is left to `inputs`.

use thiserror::Error;

use crate::path::RootPath;
use crate::shown::Shown;

/// Why an entry of `inputs` cannot be used. Every variant carries the entry as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    #[error("the input `{0}` is empty; `.` is the root itself")]
    Empty(String),
    #[error("the input `{0}` is absolute; inputs are relative to the root and cannot leave it")]
    Absolute(String),
    #[error("the input `{0}` has a `..` part; inputs are relative to the root and cannot leave it")]
    LeavesRoot(String),
    #[error("the input `{}` holds a NUL character, which no file name can", Shown::text(.0))]
    Nul(String),
    #[error(
        "the input `{text}` has `**` beside other characters in `{part}`; `**` stands for whole \
         path parts and must be alone between slashes, `*` matches within one part"
    )]
    DoubleStarInPart { text: String, part: String },
}

/// An entry of `inputs`, parsed.
///
/// `*` and `?` match within one path part, `?` one character (a code point, or a single byte where
/// the name is not UTF-8); `**` as a whole part matches any number of parts, also none. No other
/// character is special, but a `!` in front makes the entry an exclusion (`./!x` names a file
/// `!x`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    exclusion: bool,
    /// The parts, then `**`: what an entry matches and covers is what this matches.
    covering: Vec<Part>,
    literal_prefix: RootPath,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Vec<u8>),
    Glob(Vec<Token>),
    AnyDepth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    AnyChar,
    AnyRun,
}

impl Pattern {
    /// Parses an entry as a person writes it; empty and `.` parts mean nothing, so that `./a//b/`
    /// is `a/b`.
    ///
    /// It is an error if the entry is empty, absolute, or has a `..` or NUL in it, or `**` beside
    /// other characters of a part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (path, exclusion) = match text.strip_prefix('!') {
            Some(path) => (path, true),
            None => (text, false),
        };
        if path.is_empty() {
            return Err(Error::Empty(text.into()));
        }
        if path.starts_with('/') {
            return Err(Error::Absolute(text.into()));
        }
        if path.contains('\0') {
            return Err(Error::Nul(text.into()));
        }
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            parts.push(parse_part(text, part)?);
        }
        parts.dedup_by(|a, b| *a == Part::AnyDepth && *b == Part::AnyDepth);
        let literal_prefix = literal_prefix(&parts);
        parts.push(Part::AnyDepth);
        Ok(Self {
            text: text.into(),
            exclusion,
            covering: parts,
            literal_prefix,
        })
    }

    /// The entry as the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the entry began with `!` and takes paths out.
    pub fn is_exclusion(&self) -> bool {
        self.exclusion
    }

    /// Whether the entry has no glob characters and so names exactly one path.
    pub fn is_literal(&self) -> bool {
        self.parts()
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// The leading parts without glob characters: every match is this path or lies below it. Of a
    /// literal entry, this is the path that it names.
    pub fn literal_prefix(&self) -> &RootPath {
        &self.literal_prefix
    }

    /// Whether the entry names this very path.
    pub fn matches(&self, path: &[u8]) -> bool {
        parts_match(self.parts(), path)
    }

    /// Whether the entry names this path or one of its parents: an entry that matches a directory
    /// means everything under it.
    pub fn matches_or_covers(&self, path: &[u8]) -> bool {
        parts_match(&self.covering, path)
    }

    /// Whether the entry could name a path strictly below the directory. It is exact: if not, no
    /// name that a file could have there would match. What lies below a directory that the entry
    /// itself matches is the business of [`Pattern::matches_or_covers`].
    pub fn can_match_below(&self, dir: &[u8]) -> bool {
        let mut rest = without_dot(dir);
        for part in self.parts() {
            // Reaching `**` settles it, since it can take whatever is left of the directory; so
            // does using up the directory while a part is left, since every part fits some name.
            if *part == Part::AnyDepth || rest.is_empty() {
                return true;
            }
            match take_part(rest, |name| part.matches(name)) {
                Some(taken) => rest = &rest[taken..],
                None => return false,
            }
        }
        false
    }

    fn parts(&self) -> &[Part] {
        &self.covering[..self.covering.len() - 1]
    }
}

fn parse_part(text: &str, part: &str) -> Result<Part, Error> {
    match part {
        ".." => Err(Error::LeavesRoot(text.into())),
        "**" => Ok(Part::AnyDepth),
        _ if part.contains("**") => Err(Error::DoubleStarInPart {
            text: text.into(),
            part: part.into(),
        }),
        _ if part.contains(['*', '?']) => Ok(Part::Glob(part.bytes().map(token).collect())),
        _ => Ok(Part::Literal(part.into())),
    }
}

fn token(byte: u8) -> Token {
    match byte {
        b'*' => Token::AnyRun,
        b'?' => Token::AnyChar,
        _ => Token::Byte(byte),
    }
}

fn literal_prefix(parts: &[Part]) -> RootPath {
    let names = parts.iter().map_while(|part| match part {
        Part::Literal(name) => Some(name),
        Part::Glob(_) | Part::AnyDepth => None,
    });
    let mut prefix = RootPath::root();
    names.for_each(|name| prefix.push(name));
    prefix
}

fn parts_match(parts: &[Part], path: &[u8]) -> bool {
    matches_sequence(
        parts,
        without_dot(path),
        |part| *part == Part::AnyDepth,
        |part, rest| take_part(rest, |name| part.matches(name)),
        skip_part,
    )
}

impl Part {
    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Glob(tokens) => matches_sequence(
                tokens,
                name,
                |token| *token == Token::AnyRun,
                |token, rest| match token {
                    Token::Byte(byte) => (rest.first() == Some(byte)).then_some(1),
                    Token::AnyChar => (!rest.is_empty()).then(|| char_len(rest)),
                    Token::AnyRun => None,
                },
                char_len,
            ),
            Part::AnyDepth => true,
        }
    }
}

/// Whether the items, one after the other, take up the whole text. An item is either a run, which
/// takes any number of units of the text, or it takes what `take` says; `unit` is the length of the
/// unit at the start of a text that is not empty.
///
/// Only the latest run is ever extended: once the items between two runs have matched at their
/// earliest place, no later place could help what follows. The work is therefore bounded by the
/// number of items times the length of the text, whatever the pattern.
pub(crate) fn matches_sequence<T>(
    items: &[T],
    text: &[u8],
    is_run: impl Fn(&T) -> bool,
    take: impl Fn(&T, &[u8]) -> Option<usize>,
    unit: impl Fn(&[u8]) -> usize,
) -> bool {
    let (mut item, mut at) = (0, 0);
    let mut latest_run = None;
    loop {
        let taken = match items.get(item) {
            None if at == text.len() => return true,
            None => None,
            Some(run) if is_run(run) => {
                latest_run = Some((item + 1, at));
                Some(0)
            }
            Some(single) => take(single, &text[at..]),
        };
        if let Some(length) = taken {
            item += 1;
            at += length;
            continue;
        }
        match &mut latest_run {
            Some((after_run, run_end)) if *run_end < text.len() => {
                *run_end += unit(&text[*run_end..]);
                (item, at) = (*after_run, *run_end);
            }
            _ => return false,
        }
    }
}

/// How much of a path its first part takes, with the slash behind it, if the part is accepted.
pub(crate) fn take_part(path: &[u8], accepts: impl FnOnce(&[u8]) -> bool) -> Option<usize> {
    let name = path
        .split(|byte| *byte == b'/')
        .next()
        .filter(|name| !name.is_empty())?;
    accepts(name).then(|| skip_part(path))
}

/// The length of the first part of a path, with the slash behind it.
pub(crate) fn skip_part(path: &[u8]) -> usize {
    path.iter()
        .position(|byte| *byte == b'/')
        .map_or(path.len(), |slash| slash + 1)
}

fn without_dot(path: &[u8]) -> &[u8] {
    if path == b"." { b"" } else { path }
}

/// The length of the code point that the text starts with, or 1 if it starts with none.
fn char_len(text: &[u8]) -> usize {
    let length = match text[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    match text.get(..length) {
        Some(bytes) if std::str::from_utf8(bytes).is_ok() => length,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
