//! The names of images, and how a command says which it means.

use std::fmt::{self, Display, Formatter};

use super::mistake::MistakeKind;
use crate::pattern::matches_sequence;

/// The name of an image in fingerprint.toml: `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 characters, so
/// that it can be the last part of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName(String);

impl ImageName {
    pub(super) const LONGEST: usize = 128;

    pub fn parse(text: &str) -> Result<Self, MistakeKind> {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !text.split(['.', '_', '-']).all(part) {
            return Err(MistakeKind::ImageName(text.to_owned()));
        }
        match text.len() {
            ..=Self::LONGEST => Ok(ImageName(text.to_owned())),
            length => Err(MistakeKind::LongImageName(length)),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for ImageName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Images, as a command names them: one by its name, or any number by a glob in which `*` stands for
/// any characters and `?` for one. No name of an image has either.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a>(pub(super) &'a str);

impl Wanted<'_> {
    pub(super) fn is_glob(self) -> bool {
        self.0.contains(['*', '?'])
    }

    pub(super) fn means(self, name: &ImageName) -> bool {
        let is_run = |byte: &u8| *byte == b'*';
        let take = |byte: &u8, rest: &[u8]| match byte {
            b'?' => (!rest.is_empty()).then_some(1),
            _ => (rest.first() == Some(byte)).then_some(1),
        };
        matches_sequence(self.0.as_bytes(), name.0.as_bytes(), is_run, take, |_| 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageName, Wanted};

    #[test]
    fn globs_mean_the_names_that_they_match_as_a_whole() {
        let means =
            |wanted: &str, name: &str| Wanted(wanted).means(&ImageName::parse(name).unwrap());
        for (wanted, name) in [
            ("ci", "ci"),
            ("*", "ci"),
            ("tools-*", "tools-bookworm"),
            ("*-1?", "base-12"),
            ("a*b*c", "a-b-b.c"),
        ] {
            assert!(means(wanted, name), "{wanted} {name}");
        }
        for (wanted, name) in [("c", "ci"), ("?", "ci"), ("tools-*", "tools"), ("*a", "ab")] {
            assert!(!means(wanted, name), "{wanted} {name}");
        }
    }
}
