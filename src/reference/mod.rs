//! Image references: repository, tag and digest, by the grammar of the distribution project
//! (<https://pkg.go.dev/github.com/distribution/reference>) and with docker's short names.
//!
//! Text is parsed here once, and the types travel. Which server a repository lives on, and how one
//! talks to it, is the business of [`crate::registry`].

mod digest;
mod repository;
mod tag;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use digest::{Algorithm, Digest, DigestProblem};
pub(crate) use repository::is_loopback_host;
pub use repository::{Repository, RepositoryProblem};
pub use tag::{Tag, TagProblem};

/// An image, named as far as the text named it: `REPOSITORY[:TAG][@DIGEST]`.
///
/// It is displayed as it was written: a short name stays short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub repository: Repository,
    pub tag: Option<Tag>,
    pub digest: Option<Digest>,
}

impl Reference {
    /// The same reference, pinned to a digest.
    pub fn at(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (repository, tag) = split_tag(name);
        Ok(Reference {
            repository: repository.parse()?,
            tag: tag.map(str::parse).transpose()?,
            digest,
        })
    }
}

/// Cuts `REPOSITORY:TAG`. A colon before the last slash belongs to the port, as in `host:5000/app`.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[path..].rfind(':') {
        // A scheme is left in one piece, so that the repository's error can name it.
        Some(_) if name.contains("://") => (name, None),
        Some(colon) => (&name[..path + colon], Some(&name[path + colon + 1..])),
        None => (name, None),
    }
}

/// Why a text is no repository, tag or digest. The text is quoted and escaped, so that a control or
/// bidi character in it cannot reach a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    #[error("invalid repository {text:?}: {problem}")]
    Repository {
        text: String,
        problem: RepositoryProblem,
    },
    #[error("invalid tag {text:?}: {problem}")]
    Tag { text: String, problem: TagProblem },
    #[error("invalid digest {text:?}: {problem}")]
    Digest {
        text: String,
        problem: DigestProblem,
    },
}

impl ParseError {
    /// What is wrong, without the text: for those who show it themselves.
    pub fn problem(&self) -> String {
        match self {
            ParseError::Repository { problem, .. } => problem.to_string(),
            ParseError::Tag { problem, .. } => problem.to_string(),
            ParseError::Digest { problem, .. } => problem.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
