//! The patterns of `${NAME#pattern}`, `${NAME%pattern}` and `${NAME/pattern/replacement}`.
//!
//! BuildKit translates them into regular expressions of Go, so `*` and `?` match no line feed.
//! A match is found with the set of all places that it can have got to, in time proportional to
//! the pattern times the value at worst.

use std::ops::Range;

use super::Problem;
use super::expansion::Room;
use super::expansion::check_name;
use super::lexer::is_in_name;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Literal(char),
    /// `?`.
    AnyChar,
    /// `*`.
    AnyRun,
}

/// Which of several matches counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefer {
    Shortest,
    Longest,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut items = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            items.push(match character {
                '*' if items.last() == Some(&Item::AnyRun) => continue,
                '*' => Item::AnyRun,
                '?' => Item::AnyChar,
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '?' | '\\' | '/' | '}')) => Item::Literal(escaped),
                    _ => return Err(Problem::PatternEscape(text.into())),
                },
                _ => Item::Literal(character),
            });
        }
        Ok(Self { items })
    }

    /// What is left of `value` without the start that matches.
    pub(super) fn trim_start<'v>(
        &self,
        value: &'v str,
        prefer: Prefer,
        room: &Room<'_>,
    ) -> Result<&'v str, Problem> {
        let end = self.end(value, 0, prefer, room)?;
        Ok(&value[end.unwrap_or(0)..])
    }

    /// What is left of `value` without the end that matches.
    pub(super) fn trim_end<'v>(
        &self,
        value: &'v str,
        prefer: Prefer,
        room: &Room<'_>,
    ) -> Result<&'v str, Problem> {
        let length = self.reversed().end(&reversed(value), 0, prefer, room)?;
        Ok(&value[..value.len() - length.unwrap_or(0)])
    }

    /// Replaces the first match.
    pub(super) fn replace_first(
        &self,
        value: &str,
        replacement: &str,
        room: &mut Room<'_>,
    ) -> Result<String, Problem> {
        let Some(&start) = self.starts(value, room)?.first() else {
            return Ok(value.into());
        };
        let end = self.longest(value, start, room)?;
        room.take(value.len() + replacement.len())?;
        Ok([&value[..start], replacement, &value[end..]].concat())
    }

    /// Replaces all matches, from left to right, each as long as can be. An empty one directly
    /// behind another one does not count.
    pub(super) fn replace_all(
        &self,
        value: &str,
        template: &Template<'_>,
        room: &mut Room<'_>,
    ) -> Result<String, Problem> {
        let mut replaced = String::new();
        let mut done = 0;
        for start in self.starts(value, room)? {
            if start < done {
                continue;
            }
            let end = self.longest(value, start, room)?;
            if end > done || start == 0 {
                room.take(start - done)?;
                replaced.push_str(&value[done..start]);
                template.write(&mut replaced, &value[start..end], room)?;
            }
            done = end;
        }
        room.take(value.len() - done)?;
        replaced.push_str(&value[done..]);
        Ok(replaced)
    }

    /// Where matches can start, ascending.
    fn starts(&self, value: &str, room: &Room<'_>) -> Result<Vec<usize>, Problem> {
        let reversed_value = reversed(value);
        let everywhere = boundaries(&reversed_value, 0..value.len()).collect();
        let mut starts = self.reversed().ends(&reversed_value, everywhere, room)?;
        starts.reverse();
        for start in &mut starts {
            *start = value.len() - *start;
        }
        Ok(starts)
    }

    /// The end of the longest match that starts at one of [`Self::starts`].
    fn longest(&self, value: &str, start: usize, room: &Room<'_>) -> Result<usize, Problem> {
        let end = self.end(value, start, Prefer::Longest, room)?;
        Ok(end.expect("a match starts here"))
    }

    fn end(
        &self,
        value: &str,
        start: usize,
        prefer: Prefer,
        room: &Room<'_>,
    ) -> Result<Option<usize>, Problem> {
        let ends = self.ends(value, vec![start], room)?;
        Ok(match prefer {
            Prefer::Shortest => ends.first().copied(),
            Prefer::Longest => ends.last().copied(),
        })
    }

    /// Where a match can end that starts at one of the given places; all ascending.
    ///
    /// A regular expression takes the first match in the order of its own trials. With every run
    /// as short (or as long) as can be, that is the shortest (or longest) one.
    fn ends(
        &self,
        value: &str,
        starts: Vec<usize>,
        room: &Room<'_>,
    ) -> Result<Vec<usize>, Problem> {
        let mut places = starts;
        for item in &self.items {
            if places.is_empty() {
                break;
            }
            places = item.step(value, places);
            room.work(size_of_val(places.as_slice()))?;
        }
        Ok(places)
    }

    fn reversed(&self) -> Self {
        Self {
            items: self.items.iter().rev().copied().collect(),
        }
    }
}

impl Item {
    /// The places that are reached from the given ones by this item; all ascending.
    fn step(self, value: &str, places: Vec<usize>) -> Vec<usize> {
        if self == Self::AnyRun {
            return run_on(value, &places);
        }
        let next = |place: usize| {
            let character = value[place..].chars().next()?;
            let matches = match self {
                Self::Literal(literal) => character == literal,
                Self::AnyChar | Self::AnyRun => character != '\n',
            };
            matches.then(|| place + character.len_utf8())
        };
        places.into_iter().filter_map(next).collect()
    }
}

/// The given places and all behind them on the same lines.
fn run_on(value: &str, places: &[usize]) -> Vec<usize> {
    let mut reached = Vec::new();
    for &place in places {
        if reached.last().is_some_and(|&last| place <= last) {
            continue;
        }
        let line = value[place..].find('\n');
        let end = line.map_or(value.len(), |length| place + length);
        reached.extend(boundaries(value, place..end));
    }
    reached
}

/// The places between the characters of a part of `value`, with both its ends.
fn boundaries(value: &str, part: Range<usize>) -> impl Iterator<Item = usize> {
    let characters = value[part.clone()].char_indices();
    characters
        .map(move |(offset, _)| part.start + offset)
        .chain([part.end])
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// What `${NAME//pattern/replacement}` puts in. Go's regular expressions read it as a template:
/// `$0` and `${0}` are the matched text, `$$` is a dollar sign, and any other `$name` or `${name}`
/// is empty, as the expressions have no groups. A dollar sign elsewhere is itself.
pub(super) struct Template<'t> {
    parts: Vec<Part<'t>>,
}

enum Part<'t> {
    Text(&'t str),
    Matched,
}

impl<'t> Template<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, dollar) = rest.split_at(at);
            parts.push(Part::Text(before));
            let (part, length) = Self::dollar(dollar)?;
            parts.extend(part);
            rest = &dollar[length..];
        }
        parts.push(Part::Text(rest));
        parts.retain(|part| !matches!(part, Part::Text("")));
        Ok(Self { parts })
    }

    /// What a dollar sign and the text behind it stand for, and how long that is.
    fn dollar(text: &str) -> Result<(Option<Part<'_>>, usize), Problem> {
        let behind = &text[1..];
        if behind.starts_with('$') {
            return Ok((Some(Part::Text(&text[..1])), 2));
        }
        let inner = behind.strip_prefix('{');
        let named = inner.unwrap_or(behind);
        let name = &named[..named.find(|c| !is_in_name(c)).unwrap_or(named.len())];
        check_name(name)?;
        let closed = inner.is_none() || named[name.len()..].starts_with('}');
        if name.is_empty() || !closed {
            return Ok((Some(Part::Text(&text[..1])), 1));
        }
        let braces = if inner.is_some() { 2 } else { 0 };
        let part = (name == "0").then_some(Part::Matched);
        Ok((part, 1 + name.len() + braces))
    }

    fn write(&self, to: &mut String, matched: &str, room: &mut Room<'_>) -> Result<(), Problem> {
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => text,
                Part::Matched => matched,
            };
            // An empty match costs time as well.
            room.take(text.len().max(1))?;
            to.push_str(text);
        }
        Ok(())
    }
}
