//! The words of a Dockerfile, read as BuildKit's own small shell reads them.
//!
//! The reference is `frontend/dockerfile/shell` of BuildKit, its newest behaviour. Nothing here
//! knows instructions: which words are expanded, with which variables, and what a heredoc is, is
//! left to others. Inputs may be hostile: nothing recurses, and nothing grows without bound.
//!
//! A name is made of ASCII letters, digits and `_`. BuildKit takes letters and digits of other scripts,
//! too; a word that would look such a name up is refused, since which characters those are depends on
//! the version of Unicode.

use thiserror::Error;

use self::expansion::{Expansion, Room};
use self::lexer::{Lexer, Token};
pub(super) use self::words::{raw_words, words};
use super::effort::Effort;
use crate::shown::Shown;

mod expansion;
mod lexer;
mod pattern;
mod words;

/// Why a word cannot be expanded. `W` says why a variable's value is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Error<W> {
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error("{0}")]
    Undecided(W),
}

/// A word that BuildKit refuses, too, or would expand beyond all measure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the word `{}` cannot be expanded: {problem}", Shown::text(word))]
pub struct SyntaxError {
    pub word: String,
    pub problem: Problem,
}

/// What is wrong with a word.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("a single quote is never closed")]
    OpenSingleQuote,
    #[error("a double quote is never closed")]
    OpenDoubleQuote,
    #[error("a `${{` is never closed by `}}`")]
    OpenBrace,
    #[error("the pattern of a `${{NAME/PATTERN/REPLACEMENT}}` is never closed by `/`")]
    OpenPattern,
    #[error("no variable's name follows a `${{`")]
    NoName,
    #[error("the name of the variable `{}` has characters beyond ASCII", Shown::text(.0))]
    ForeignName(String),
    #[error("builders do not know `{}` behind a variable's name", Shown::text(.0))]
    UnknownModifier(String),
    /// The message of `${NAME:?message}`, or what it stands for if there is none.
    #[error("{}: {}", Shown::text(name), Shown::text(message))]
    Required { name: String, message: String },
    #[error(
        "in the pattern `{}`, a `\\` stands before something other than `*`, `?`, `\\`, `/` and `}}`",
        Shown::text(.0)
    )]
    PatternEscape(String),
    #[error("its substitutions are nested more than {} deep", expansion::DEPTH)]
    TooDeep,
    #[error("its variables add more than {} MiB to it", expansion::GROWTH >> 20)]
    TooLarge,
    #[error("with all else that the Dockerfile asks for, that takes too long")]
    TooMuch,
}

/// Expands `word` as a shell would: quotes and escapes are taken off, variables replaced.
///
/// `lookup` gives a variable's value: `None` if it is known to be unset, `Err` if its value cannot
/// be told. Such a value makes the word [`Error::Undecided`] only if the result depends on it:
/// `${SET:-$UNKNOWN}` is what `SET` is. A mistake is one even there, as BuildKit evaluates every
/// part of a word. What it takes to expand the word is taken off `effort`.
pub(super) fn expand<W>(
    word: &str,
    escape: char,
    lookup: &impl Fn(&str) -> Result<Option<String>, W>,
    effort: &Effort,
) -> Result<String, Error<W>> {
    let mut expansion = Expansion::new(lookup, Room::new(word, effort));
    for token in Lexer::new(word, escape, false) {
        let added = token.and_then(|token| expansion.add(token));
        added.map_err(|problem| SyntaxError {
            word: word.into(),
            problem,
        })?;
    }
    expansion.finish().map_err(Error::Undecided)
}

/// The names of all variables that `word` mentions, in order, whether or not its result depends on
/// them. Nothing that [`expand`] asks for is missing: a word that is malformed is read as far as
/// it would be.
pub(super) fn mentions(word: &str, escape: char) -> Vec<String> {
    Lexer::new(word, escape, false)
        .map_while(Result::ok)
        .filter_map(|token| match token {
            Token::Variable(name) | Token::Braced(name) | Token::Open { name, .. } => Some(name),
            _ => None,
        })
        .filter(|name| !name.is_empty())
        .map(String::from)
        .collect()
}

#[cfg(test)]
mod tests;
