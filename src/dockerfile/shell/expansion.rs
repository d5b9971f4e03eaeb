//! Puts an expanded word together from its tokens: values, defaults, what modifiers make of them.
//!
//! A value that is not known travels as such until it is clear whether the result depends on it.

use std::mem;

use super::Problem;
use super::lexer::{BYTE_ORDER_MARK, Token};
use super::pattern::{Pattern, Prefer, Template};
use crate::dockerfile::effort::{Effort, TooMuch};

/// How deep substitutions may be nested. BuildKit has no such bound; every level may copy what is
/// inside of it.
pub(super) const DEPTH: usize = 100;

/// How many bytes values and replacements may add to a word. BuildKit has no such bound, but a
/// process gets no argument or environment variable larger than 128 KiB.
pub(super) const GROWTH: usize = 4 << 20;

/// The word as far as it has been read. The lookup is that of [`super::expand`].
pub(super) struct Expansion<'w, 'l, W, L> {
    lookup: &'l L,
    text: Text<W>,
    /// The substitutions around the place that is being read, the innermost last.
    open: Vec<Substitution<'w, W>>,
    room: Room<'l>,
}

/// An expanded text; if it is undecided, only the reason counts.
struct Text<W> {
    text: String,
    undecided: Option<W>,
}

/// A `${NAME:-…}` whose end has not been read yet.
struct Substitution<'w, W> {
    name: &'w str,
    modifier: Modifier,
    /// The pattern of a replacement, once it has been read.
    pattern: Text<W>,
    word: Text<W>,
}

#[derive(Clone, Copy)]
enum Modifier {
    /// `-`, or `:-` where an empty value is as good as none.
    Default { or_empty: bool },
    /// `+`, `:+`.
    Alternative { or_empty: bool },
    /// `?`, `:?`.
    Required { or_empty: bool },
    /// `#`, `##`.
    Prefix,
    /// `%`, `%%`.
    Suffix,
    /// `/`.
    ReplaceFirst,
    /// `//`.
    ReplaceAll,
}

/// How many more bytes may be added to a word, and how much may be done for that.
pub(super) struct Room<'e> {
    left: usize,
    effort: &'e Effort,
}

impl<'e> Room<'e> {
    pub(super) fn new(word: &str, effort: &'e Effort) -> Self {
        let left = GROWTH + word.len();
        Self { left, effort }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        self.left = self.left.checked_sub(bytes).ok_or(Problem::TooLarge)?;
        self.work(bytes)
    }

    /// Does something that takes `steps` and adds nothing.
    pub(super) fn work(&self, steps: usize) -> Result<(), Problem> {
        let spent = self.effort.spend(steps);
        spent.map_err(|TooMuch| Problem::TooMuch)
    }
}

impl<'w, 'l, W, L: Fn(&str) -> Result<Option<String>, W>> Expansion<'w, 'l, W, L> {
    pub(super) fn new(lookup: &'l L, room: Room<'l>) -> Self {
        Self {
            lookup,
            text: Text::default(),
            open: Vec::new(),
            room,
        }
    }

    pub(super) fn add(&mut self, token: Token<'w>) -> Result<(), Problem> {
        match token {
            Token::Bare(text) | Token::Kept(text) | Token::SingleQuoted(text) => {
                self.innermost().text.push_str(text);
            }
            Token::OpenQuote | Token::CloseQuote => {}
            Token::Variable(name) | Token::Braced(name) => {
                let value = self.value(name)?;
                self.innermost().push(match value {
                    Ok(value) => Text::from(value.unwrap_or_default()),
                    Err(reason) => Text::undecided(reason),
                });
            }
            Token::Open { name, modifier } => self.enter(name, modifier)?,
            Token::Middle => {
                let substitution = self.open.last_mut().expect("`/` is inside of one");
                substitution.pattern = mem::take(&mut substitution.word);
            }
            Token::Close => {
                let substitution = self.open.pop().expect("`}` closes one");
                let value = self.value(substitution.name)?;
                let outcome = match value {
                    Ok(value) => substitution.apply(value, &mut self.room)?,
                    Err(reason) => Text::undecided(reason),
                };
                self.innermost().push(outcome);
            }
        }
        Ok(())
    }

    /// The expanded word, or why it is not known.
    pub(super) fn finish(self) -> Result<String, W> {
        match self.text.undecided {
            Some(reason) => Err(reason),
            None => Ok(self.text.text),
        }
    }

    fn enter(&mut self, name: &'w str, modifier: &str) -> Result<(), Problem> {
        if self.open.len() == DEPTH {
            return Err(Problem::TooDeep);
        }
        self.open.push(Substitution {
            name,
            modifier: Modifier::parse(modifier)?,
            pattern: Text::default(),
            word: Text::default(),
        });
        Ok(())
    }

    fn innermost(&mut self) -> &mut Text<W> {
        match self.open.last_mut() {
            Some(substitution) => &mut substitution.word,
            None => &mut self.text,
        }
    }

    /// Nothing can give a value to a variable without a name, which `${+word}` would be.
    fn value(&mut self, name: &str) -> Result<Result<Option<String>, W>, Problem> {
        if name.is_empty() {
            return Ok(Ok(None));
        }
        check_name(name)?;
        self.room.work(1)?;
        let value = (self.lookup)(name);
        if let Ok(Some(value)) = &value {
            self.room.take(value.len())?;
        }
        Ok(value)
    }
}

/// Which characters beyond ASCII belong to a name depends on tables that differ between languages.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    match name.is_ascii() {
        true => Ok(()),
        false => Err(Problem::ForeignName(name.into())),
    }
}

impl<W> Substitution<'_, W> {
    fn apply(self, value: Option<String>, room: &mut Room<'_>) -> Result<Text<W>, Problem> {
        match self.modifier {
            Modifier::Default { or_empty } => {
                Ok(usable(value, or_empty).map_or(self.word, Text::from))
            }
            Modifier::Alternative { or_empty } => {
                let word = usable(value, or_empty).map(|_| self.word);
                Ok(word.unwrap_or_default())
            }
            Modifier::Required { or_empty } => self.require(value, or_empty),
            Modifier::Prefix | Modifier::Suffix | Modifier::ReplaceFirst | Modifier::ReplaceAll => {
                self.edit(&value.unwrap_or_default(), room)
            }
        }
    }

    fn require(self, value: Option<String>, or_empty: bool) -> Result<Text<W>, Problem> {
        let state = if value.is_none() { "unset" } else { "empty" };
        if let Some(value) = usable(value, or_empty) {
            return Ok(value.into());
        }
        let message = match self.word.text {
            message if message.is_empty() => format!("is not allowed to be {state}"),
            message => message,
        };
        Err(Problem::Required {
            name: self.name.into(),
            message,
        })
    }

    /// What patterns make of the value.
    fn edit(self, value: &str, room: &mut Room<'_>) -> Result<Text<W>, Problem> {
        if let Some(reason) = self.pattern.undecided.or(self.word.undecided) {
            return Ok(Text::undecided(reason));
        }
        let word = self.word.text.as_str();
        let edited = match self.modifier {
            Modifier::Suffix => {
                let (prefer, pattern) = preference(word, '%');
                let pattern = pattern.strip_suffix(BYTE_ORDER_MARK).unwrap_or(pattern);
                let pattern = Pattern::parse(pattern)?;
                pattern.trim_end(value, prefer, room)?.into()
            }
            Modifier::ReplaceFirst => {
                parse(&self.pattern.text)?.replace_first(value, word, room)?
            }
            Modifier::ReplaceAll => {
                parse(&self.pattern.text)?.replace_all(value, &Template::parse(word)?, room)?
            }
            _ => {
                let (prefer, pattern) = preference(word, '#');
                parse(pattern)?.trim_start(value, prefer, room)?.into()
            }
        };
        Ok(Text::from(edited))
    }
}

fn usable(value: Option<String>, or_empty: bool) -> Option<String> {
    value.filter(|value| !(or_empty && value.is_empty()))
}

/// A second `#` or `%` asks for the longest match; BuildKit looks for it in the expanded word.
fn preference(word: &str, sign: char) -> (Prefer, &str) {
    match word.strip_prefix(sign) {
        Some(pattern) => (Prefer::Longest, pattern),
        None => (Prefer::Shortest, word),
    }
}

/// Patterns are read as words are, and a suffix's pattern from its end.
fn parse(pattern: &str) -> Result<Pattern, Problem> {
    Pattern::parse(pattern.strip_prefix(BYTE_ORDER_MARK).unwrap_or(pattern))
}

impl Modifier {
    fn parse(text: &str) -> Result<Self, Problem> {
        let or_empty = text.starts_with(':');
        Ok(match text {
            "-" | ":-" => Self::Default { or_empty },
            "+" | ":+" => Self::Alternative { or_empty },
            "?" | ":?" => Self::Required { or_empty },
            "#" => Self::Prefix,
            "%" => Self::Suffix,
            "/" => Self::ReplaceFirst,
            "//" => Self::ReplaceAll,
            _ => return Err(Problem::UnknownModifier(text.into())),
        })
    }
}

impl<W> Text<W> {
    fn undecided(reason: W) -> Self {
        Self {
            text: String::new(),
            undecided: Some(reason),
        }
    }

    fn push(&mut self, other: Self) {
        self.text.push_str(&other.text);
        if self.undecided.is_none() {
            self.undecided = other.undecided;
        }
    }
}

impl<W> From<String> for Text<W> {
    fn from(text: String) -> Self {
        Self {
            text,
            undecided: None,
        }
    }
}

impl<W> Default for Text<W> {
    fn default() -> Self {
        Self::from(String::new())
    }
}
