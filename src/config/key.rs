//! The way to a value in a TOML or JSON file: `toolchain.channel`.
//!
//! Reading such files is left to `inputs`.

use crate::path::RootPath;

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a key: names with `.` between them, each with `\"` around it if it has a `.`"
)]
pub struct Error(pub String);

/// Names of tables, one in the other, and of the value in the last one. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<String>);

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    Toml,
    Json,
}

impl Key {
    /// Parses names with `.` between them. A name that is empty or holds a `.` stands in `"…"`; there
    /// are no escapes, and no `"` is part of a name.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = || Error(text.to_owned());
        let mut names = Vec::new();
        let mut rest = text;
        loop {
            let (name, behind) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(error)?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if name.contains('"') || name.is_empty() && !rest.starts_with('"') {
                return Err(error());
            }
            names.push(name.to_owned());
            match behind.strip_prefix('.') {
                Some(next) => rest = next,
                None if behind.is_empty() => return Ok(Key(names)),
                None => return Err(error()),
            }
        }
    }

    /// The names, outermost first.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Notation {
    /// How the file at `path` is written, by the end of its name.
    pub(super) fn of(path: &RootPath) -> Option<Self> {
        match path.name() {
            name if name.ends_with(b".toml") => Some(Notation::Toml),
            name if name.ends_with(b".json") => Some(Notation::Json),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Key};

    #[test]
    fn keys_are_names_with_dots_between_them() {
        let names = |text: &str| Key::parse(text).map(|key| key.names().join("|"));
        assert_eq!(names("a").unwrap(), "a");
        assert_eq!(names("tool chain.ch-1").unwrap(), "tool chain|ch-1");
        assert_eq!(names("a.\"b.c\".\"\"").unwrap(), "a|b.c|");
        for text in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b", "a\"b\""] {
            assert_eq!(names(text), Err(Error(text.into())), "{text}");
        }
    }
}
