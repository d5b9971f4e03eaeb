//! One pattern of a `.dockerignore` file, with its `!` taken off, against one path.
//!
//! The reference checks a pattern with Go's `filepath.Match` and then turns it into a plain
//! comparison or a regular expression. Both are followed to the letter: `**` may stand anywhere,
//! and a bracket expression can match a slash. Where the translation lets a pattern mean something
//! that nobody can have wanted (`|`, `{2}`, `\d`), the pattern is refused instead.

use std::mem;

use thiserror::Error;

use super::text::{Characters, Text, decode};

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    #[error("a backslash must be followed by the character that it makes ordinary")]
    NothingEscaped,
    #[error("a bracket expression must be closed and have a character on both sides of each `-`")]
    Brackets,
    #[error("a pattern with a bracket expression must be valid UTF-8")]
    BracketsNotUtf8,
    #[error("the range `{0}-{1}` is the wrong way round")]
    Range(char, char),
    #[error("builders take `{0}` for a part of a regular expression here")]
    Regex(String),
}

/// How paths are compared with a pattern; the kinds are the reference's, since they differ in
/// what they match: `**a` is a plain suffix, `**a*` demands whole parts before the `a`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Glob(Glob),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    steps: Vec<Step>,
    /// Ordinary characters that every match begins and ends with.
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    /// How many characters a match has at least.
    least: usize,
    /// Which ordinary characters every match has somewhere.
    needed: Characters,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Char(char),
    Class(Class),
    /// `?`: anything but a slash.
    One,
    /// `*`: any number of those.
    Run,
    /// `**` or `**/` with something behind it: nothing, or anything that ends with a slash. Stands
    /// before the step that does the work, so that it can be passed over.
    MaybeDirs,
    Dirs,
    /// `**` at the end: anything at all.
    Anything,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Matcher {
    pub(super) fn parse(pattern: &[u8]) -> Result<Self, Malformed> {
        check(&decode(pattern), pattern)?;
        let stars = pattern.windows(2).position(|pair| pair == b"**");
        let plain = |text: &[u8]| !text.iter().any(|byte| b"*?[]\\".contains(byte));
        Ok(match stars {
            None if plain(pattern) => Self::Exact(pattern.to_vec()),
            Some(0) if plain(&pattern[2..]) => Self::Suffix(pattern[2..].to_vec()),
            Some(at) if at + 2 == pattern.len() && plain(&pattern[..at]) => {
                Self::Prefix(pattern[..at].to_vec())
            }
            _ => Self::Glob(Glob::parse(&decode(pattern))?),
        })
    }

    pub(super) fn matches(&self, path: &Text<'_>) -> bool {
        let bytes = path.bytes;
        match self {
            Self::Exact(exact) => exact == bytes,
            Self::Prefix(prefix) => bytes.starts_with(prefix),
            Self::Suffix(suffix) => {
                bytes.ends_with(suffix) || suffix.strip_prefix(b"/") == Some(bytes)
            }
            Self::Glob(glob) => glob.may_match(path) && glob.matches(&path.characters),
        }
    }
}

/// What Go's `filepath.Match` calls a bad pattern.
fn check(pattern: &[char], bytes: &[u8]) -> Result<(), Malformed> {
    let is_text = str::from_utf8(bytes).is_ok();
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            '\\' => after.get(1..).ok_or(Malformed::NothingEscaped)?,
            '[' if !is_text => return Err(Malformed::BracketsNotUtf8),
            '[' => parse_class(after)?.1,
            _ => after,
        };
    }
    Ok(())
}

impl Glob {
    fn parse(pattern: &[char]) -> Result<Self, Malformed> {
        let mut steps = Vec::new();
        let last_colon = pattern.windows(2).rposition(|pair| pair == [':', ']']);
        let behind_classes = last_colon.map_or(pattern.len(), |at| pattern.len() - at - 1);
        // The reference's scanner drops a byte order mark.
        let mut rest = pattern.strip_prefix(&['\u{feff}']).unwrap_or(pattern);
        while !rest.is_empty() {
            rest = match rest {
                ['*', '*', after @ ..] => push_double_star(after, &mut steps),
                _ => {
                    let (step, after) = parse_single(rest, behind_classes)?;
                    steps.push(step);
                    after
                }
            };
        }
        Ok(Self::new(steps))
    }

    fn new(steps: Vec<Step>) -> Self {
        let literal = |step: &Step| match step {
            // This one stands for any byte that is not UTF-8, too.
            Step::Char(char::REPLACEMENT_CHARACTER) => None,
            Step::Char(literal) => Some(*literal),
            _ => None,
        };
        let prefix: String = steps.iter().map_while(literal).collect();
        let suffix: Vec<char> = steps.iter().rev().map_while(literal).collect();
        let single = |step: &&Step| matches!(step, Step::Char(_) | Step::Class(_) | Step::One);
        let ordinary = |step: &Step| match step {
            Step::Char(ordinary) => Some(*ordinary),
            _ => None,
        };
        Self {
            least: steps.iter().filter(single).count(),
            needed: steps.iter().filter_map(ordinary).collect(),
            prefix: prefix.into_bytes(),
            suffix: suffix.iter().rev().collect::<String>().into_bytes(),
            steps,
        }
    }

    /// Whether a glance does not rule a match out.
    fn may_match(&self, path: &Text<'_>) -> bool {
        self.needed.are_all_in(path.present)
            && self.least <= path.characters.len()
            && path.bytes.starts_with(&self.prefix)
            && path.bytes.ends_with(&self.suffix)
    }

    /// Follows all ways through the steps at once, so that the work is bounded by the number of
    /// steps times the length of the path.
    fn matches(&self, path: &[char]) -> bool {
        let end = self.steps.len();
        let mut here = Reached::none(end);
        let mut next = Reached::none(end);
        self.arrive(0, &mut here);
        for &char in path {
            for &at in &here.places {
                let (stays, passes) = match self.steps.get(at) {
                    Some(step) => step.takes(char),
                    None => (false, false),
                };
                if stays {
                    self.arrive(at, &mut next);
                }
                if passes {
                    self.arrive(at + 1, &mut next);
                }
            }
            here.clear();
            mem::swap(&mut here, &mut next);
            if here.places.is_empty() {
                return false;
            }
        }
        here.is_reached[end]
    }

    /// Marks a step, and those behind it that need no character to be reached.
    fn arrive(&self, at: usize, reached: &mut Reached) {
        let mut at = at;
        while reached.add(at) {
            match self.steps.get(at) {
                Some(Step::Run | Step::Anything) => at += 1,
                Some(Step::MaybeDirs) => {
                    reached.add(at + 1);
                    at += 2;
                }
                _ => return,
            }
        }
    }
}

/// The places between a pattern's steps that are reached with a part of the path; mostly a few.
struct Reached {
    is_reached: Vec<bool>,
    places: Vec<usize>,
}

impl Reached {
    fn none(end: usize) -> Self {
        Self {
            is_reached: vec![false; end + 1],
            places: Vec::new(),
        }
    }

    /// Whether the place was not reached before.
    fn add(&mut self, at: usize) -> bool {
        let is_new = !mem::replace(&mut self.is_reached[at], true);
        if is_new {
            self.places.push(at);
        }
        is_new
    }

    fn clear(&mut self) {
        for at in self.places.drain(..) {
            self.is_reached[at] = false;
        }
    }
}

impl Step {
    /// Whether the step can take a character and go on taking, and whether it can be done then.
    fn takes(&self, char: char) -> (bool, bool) {
        match self {
            Step::Char(literal) => (false, *literal == char),
            Step::Class(class) => (false, class.contains(char)),
            Step::One => (false, char != '/'),
            Step::Run => (char != '/', false),
            Step::MaybeDirs => (false, false),
            // The dot of the reference's regular expression takes no line feed.
            Step::Dirs => (char != '\n', char == '/'),
            Step::Anything => (char != '\n', false),
        }
    }
}

impl Class {
    fn contains(&self, char: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&char))
            != self.negated
    }
}

/// Reads a step that is not `**` from the start of a text that is not empty. `behind_classes` is how
/// much is left of the pattern behind the last colon that could end a POSIX class.
fn parse_single(text: &[char], behind_classes: usize) -> Result<(Step, &[char]), Malformed> {
    let (first, after) = (text[0], &text[1..]);
    Ok(match first {
        '*' => (Step::Run, after),
        '?' => (Step::One, after),
        '[' => {
            let (class, after) = parse_class(after)?;
            let brackets = &text[..text.len() - after.len()];
            refuse_regex_in_brackets(brackets, after.len(), behind_classes)?;
            (Step::Class(class), after)
        }
        '\\' => {
            let (&escaped, after) = after.split_first().ok_or(Malformed::NothingEscaped)?;
            refuse_regex_escape(escaped)?;
            (Step::Char(escaped), after)
        }
        '|' | '^' => return Err(Malformed::Regex(first.into())),
        '{' if let Some(count) = repetition(text) => {
            return Err(Malformed::Regex(count.iter().collect()));
        }
        _ => (Step::Char(first), after),
    })
}

/// Adds what `**` means; takes the text behind it and gives the text behind a slash that belongs
/// to it.
fn push_double_star<'a>(after: &'a [char], steps: &mut Vec<Step>) -> &'a [char] {
    let after = after.strip_prefix(&['/']).unwrap_or(after);
    if after.is_empty() {
        steps.push(Step::Anything);
    } else if steps.last() != Some(&Step::Dirs) {
        steps.extend([Step::MaybeDirs, Step::Dirs]);
    }
    after
}

/// Reads a bracket expression behind its `[`; gives it and the text behind its `]`.
fn parse_class(text: &[char]) -> Result<(Class, &[char]), Malformed> {
    let negated = text.first() == Some(&'^');
    let mut rest = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    loop {
        match rest.split_first() {
            Some((']', after)) if !ranges.is_empty() => {
                return Ok((Class { negated, ranges }, after));
            }
            _ => {}
        }
        let low;
        (low, rest) = class_char(rest)?;
        let mut high = low;
        if let Some(after) = rest.strip_prefix(&['-']) {
            (high, rest) = class_char(after)?;
        }
        if high < low {
            return Err(Malformed::Range(low, high));
        }
        ranges.push((low, high));
    }
}

fn class_char(text: &[char]) -> Result<(char, &[char]), Malformed> {
    match text {
        [] | ['-' | ']', ..] | ['\\'] => Err(Malformed::Brackets),
        ['\\', escaped, rest @ ..] => Ok((*escaped, rest)),
        [char, rest @ ..] => Ok((*char, rest)),
    }
}

/// Refuses what would not stand for itself in a bracket expression after the translation. A POSIX
/// class reaches from `[:` to a `:]` that may lie behind it, where `after` characters are left.
fn refuse_regex_in_brackets(
    brackets: &[char],
    after: usize,
    behind_classes: usize,
) -> Result<(), Malformed> {
    let mut rest = &brackets[1..];
    while let Some((first, left)) = rest.split_first() {
        rest = match first {
            '\\' => {
                refuse_regex_escape(left[0])?;
                &left[1..]
            }
            '*' | '?' => return Err(Malformed::Regex(brackets.iter().collect())),
            '[' if left.first() == Some(&':') && left.len() + after > behind_classes => {
                return Err(Malformed::Regex("[:".into()));
            }
            _ => left,
        };
    }
    Ok(())
}

/// A backslash makes punctuation ordinary; before a letter or a digit it would begin a class, an
/// assertion or a number.
fn refuse_regex_escape(escaped: char) -> Result<(), Malformed> {
    if escaped.is_ascii() && !escaped.is_ascii_alphanumeric() {
        Ok(())
    } else {
        Err(Malformed::Regex(format!("\\{escaped}")))
    }
}

/// `{2}`, `{2,}` or `{2,3}` at the start of the text.
fn repetition(text: &[char]) -> Option<&[char]> {
    let is_in_count = |char: &char| char.is_ascii_digit() || *char == ',';
    let close = 1 + text[1..].iter().position(|char| !is_in_count(char))?;
    let counts = &text[1..close];
    let (low, high) = match counts.iter().position(|char| *char == ',') {
        Some(comma) => (&counts[..comma], &counts[comma + 1..]),
        None => (counts, &counts[..0]),
    };
    let is_count = !low.is_empty() && low.iter().chain(high).all(char::is_ascii_digit);
    (is_count && text[close] == '}').then_some(&text[..=close])
}
