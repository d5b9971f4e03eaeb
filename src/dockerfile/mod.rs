//! What is read out of a Dockerfile, and the ignore file beside it: pure functions of their texts.
//!
//! A [`Dockerfile`] is read as BuildKit reads it. [`Dockerfile::interpret`] tells, for one target and
//! its arguments, which stages are reached, which part of the file decides the image (the slice), and
//! what the build reads from its context. Finding those files is left to `inputs`.

pub mod dockerignore;

mod arguments;
mod directives;
mod effort;
mod glob;
mod heredoc;
mod instruction;
mod interpret;
mod mistake;
mod mount;
mod reach;
mod shell;
mod slice;
mod source;
mod stage;
mod variables;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use self::directives::Head;
use self::instruction::Instruction;
use self::stage::{Global, Stage};
use crate::platform::Platform;

pub use self::glob::Glob;
pub use self::mistake::{Mistake, MistakeKind};
pub use self::source::{Shape, Source};
pub use self::variables::Undecided;

/// A Dockerfile, or what stands in its place.
#[derive(Debug)]
pub enum Read {
    /// A file that BuildKit's own frontend reads.
    Dockerfile(Dockerfile),
    /// A file whose meaning is not known here.
    Opaque(Opaque),
}

/// Why the meaning of a file is not known: nothing can be derived from it, and all of it counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Opaque {
    #[error("it is not valid UTF-8")]
    NotUtf8,
    #[error("the frontend `{0}` reads it, whose language fp does not know")]
    Frontend(String),
}

/// A Dockerfile, read.
#[derive(Debug)]
pub struct Dockerfile {
    text: String,
    head: Head,
    instructions: Vec<Instruction>,
    globals: Vec<Global>,
    stages: Vec<Stage>,
}

/// What a build is asked for, as far as it decides what is read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The stage to build; `None` for the last one.
    pub target: Option<&'a str>,
    /// The build arguments.
    pub args: &'a BTreeMap<String, String>,
    /// The names of the arguments whose values are not recorded, and so must decide nothing.
    pub hints: &'a BTreeSet<&'a str>,
    /// The platforms that are built for; empty if that is left to the builder.
    pub platforms: &'a [Platform],
    /// Names, in lower case, that stand for images which are handed to the builder: stages of such a
    /// name are none.
    pub needs: &'a BTreeSet<&'a str>,
}

/// What a build of one target takes from the Dockerfile and from its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpretation {
    /// The part of the file that decides the image.
    pub slice: String,
    /// The names of the build arguments that the slice declares, ascending.
    pub declared: Vec<String>,
    /// Those of the names that stand for images which what is reached uses, ascending.
    pub needed: Vec<String>,
    /// What is read from the context, in the order of the instructions, each once; or why that
    /// cannot be told.
    pub sources: Result<Vec<Source>, Mistake>,
}

/// Reads the bytes of a Dockerfile.
///
/// # Errors
///
/// What BuildKit would refuse to read.
pub fn read(bytes: &[u8]) -> Result<Read, Mistake> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(Read::Opaque(Opaque::NotUtf8));
    };
    match directives::frontend(text) {
        Some(frontend) if !is_own_frontend(&frontend) => {
            Ok(Read::Opaque(Opaque::Frontend(frontend)))
        }
        _ => Dockerfile::parse(text).map(Read::Dockerfile),
    }
}

/// Whether a Dockerfile has here-documents, as far as its language is known here.
pub fn has_heredocs(bytes: &[u8]) -> bool {
    match read(bytes) {
        Ok(Read::Dockerfile(file)) => {
            let mut instructions = file.instructions.iter();
            instructions.any(|instruction| !instruction.heredocs.is_empty())
        }
        Ok(Read::Opaque(_)) | Err(_) => false,
    }
}

/// Whether a RUN instruction mounts something that it may write to, in the context or in another image.
pub fn has_writable_mounts(bytes: &[u8]) -> bool {
    let Ok(Read::Dockerfile(file)) = read(bytes) else {
        return false;
    };
    let flags = file
        .instructions
        .iter()
        .flat_map(|instruction| &instruction.flags);
    flags
        .filter_map(|flag| flag.strip_prefix("--mount="))
        .any(mount::is_writable)
}

/// Whether a file is for another frontend than Docker's, and so in a language that only BuildKit can have read.
pub fn has_other_frontend(bytes: &[u8]) -> bool {
    matches!(read(bytes), Ok(Read::Opaque(Opaque::Frontend(_))))
}

/// Whether an image reference names a frontend that reads Dockerfiles: one whose repository ends in
/// `docker/dockerfile` or `docker/dockerfile-upstream`.
fn is_own_frontend(reference: &str) -> bool {
    let without_digest = reference.split('@').next().unwrap_or_default();
    let (path, name) = without_digest.rsplit_once('/').unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    let owner = path.rsplit('/').next().unwrap_or_default();
    owner == "docker" && ["dockerfile", "dockerfile-upstream"].contains(&name)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod frontend_tests {
    use super::{Opaque, Read, has_heredocs, has_writable_mounts, is_own_frontend, read};

    #[test]
    fn frontends_are_told_by_their_repository() {
        for own in [
            "docker/dockerfile:1",
            "docker/dockerfile",
            "docker.io/docker/dockerfile:1.7-labs",
            "mirror:5000/x/docker/dockerfile-upstream:master@sha256:00",
        ] {
            assert!(is_own_frontend(own), "{own}");
        }
        for other in [
            "acme/dockerfile:1",
            "dockerfile",
            "docker/dockerfiles",
            "x-docker/dockerfile",
        ] {
            assert!(!is_own_frontend(other), "{other}");
        }
    }

    #[test]
    fn here_documents_are_seen() {
        assert!(has_heredocs(b"FROM a\nRUN <<E\nx\nE\n"));
        assert!(has_heredocs(b"FROM a\nCOPY <<E /x\nx\nE\n"));
        assert!(!has_heredocs(b"FROM a\nRUN echo '<<E'\nENV A=<<E\n"));
        assert!(!has_heredocs(b"\xff<<E"));
    }

    #[test]
    fn mounts_that_may_be_written_to_are_seen() {
        let mounts = |flag: &str| {
            has_writable_mounts(format!("FROM a\nRUN --mount={flag} true\n").as_bytes())
        };
        assert!(mounts("target=/x,rw"));
        assert!(mounts("type=bind,from=b,target=/x,readwrite=true"));
        assert!(mounts("type=bind,target=/x,ro=false"));
        assert!(!mounts("type=bind,target=/x"));
        assert!(!mounts("type=bind,target=/x,rw=false"));
        assert!(!mounts("type=cache,target=/x,rw"));
    }

    #[test]
    fn a_file_of_another_language_is_opaque() {
        let opaque = |bytes: &[u8]| match read(bytes).unwrap() {
            Read::Opaque(opaque) => Some(opaque),
            Read::Dockerfile(_) => None,
        };
        assert_eq!(opaque(b"FROM a\n# \xff\n"), Some(Opaque::NotUtf8));
        let frontend = opaque(b"# syntax=acme/thing:1\n:-)");
        assert_eq!(frontend, Some(Opaque::Frontend("acme/thing:1".into())));
        assert_eq!(opaque(b"# syntax=docker/dockerfile:1\nFROM a"), None);
    }
}
