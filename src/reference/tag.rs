//! Tags: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::ParseError;
use crate::platform::Platform;

const MAX_LENGTH: usize = 128;

/// A tag: the name of one image within a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// What is wrong with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TagProblem {
    #[error("it is empty")]
    Empty,
    #[error("it has {0} characters, and {MAX_LENGTH} are allowed")]
    TooLong(usize),
    #[error("it may not begin with {0:?}")]
    FirstCharacter(char),
    #[error("{0:?} is not allowed (letters, digits, `_`, `.` and `-` are)")]
    Character(char),
}

impl Tag {
    /// The tag as it was written, without a colon.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag of one platform's part of the image that this tag names: `TAG-linux-arm64`.
    ///
    /// It is an error if that is too long.
    pub fn of_part(&self, platform: &Platform) -> Result<Self, ParseError> {
        let platform = platform.to_string().replace('/', "-");
        format!("{self}-{platform}").parse()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match problem_with(text) {
            None => Ok(Tag(text.to_owned())),
            Some(problem) => Err(ParseError::Tag {
                text: text.to_owned(),
                problem,
            }),
        }
    }
}

fn problem_with(text: &str) -> Option<TagProblem> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let Some(first) = text.chars().next() else {
        return Some(TagProblem::Empty);
    };
    if let Some(c) = text.chars().find(|&c| !is_word(c) && c != '.' && c != '-') {
        return Some(TagProblem::Character(c));
    }
    if !is_word(first) {
        return Some(TagProblem::FirstCharacter(first));
    }
    (text.len() > MAX_LENGTH).then_some(TagProblem::TooLong(text.len()))
}
