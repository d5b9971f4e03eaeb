//! Why the inputs of an image cannot be told, and what to do about it.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::PathBuf;

use super::argument::ValueError;
use super::revision;
use crate::dockerfile::{self, dockerignore};
use crate::interrupt::Interrupted;
use crate::path::RootPath;
use crate::shown::Shown;

/// A place in a file that is part of the message.
#[derive(Debug)]
pub struct Place {
    /// The file.
    pub file: RootPath,
    /// Its whole text.
    pub text: String,
    /// Byte range in the text; `None` if something is missing from the file.
    pub span: Option<Range<usize>>,
}

/// Why the inputs cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", .mistake.kind)]
    Dockerfile {
        mistake: dockerfile::Mistake,
        place: Box<Place>,
    },
    #[error("the inputs cannot be derived from {path}")]
    Opaque {
        path: RootPath,
        source: dockerfile::Opaque,
    },
    #[error(
        "the source `{}` of {keyword} names nothing that the build gets{why}",
        Shown::text(text)
    )]
    Source {
        keyword: String,
        text: String,
        why: NoMatch,
        place: Box<Place>,
    },
    /// An error that there can also be where inputs are listed: only the way out is another one.
    #[error(transparent)]
    Derived(Box<Error>),
    /// A file beside the inputs, which the configuration names.
    #[error("cannot read {role}")]
    Named { role: Role, source: Box<Error> },
    #[error("cannot read {path}")]
    Unreadable { path: RootPath, source: io::Error },
    #[error("cannot read {}", .path.display())]
    GitFile { path: PathBuf, source: io::Error },
    #[error("there is no file {path}")]
    Missing { path: RootPath },
    #[error("{path} is not a regular file")]
    NotAFile { path: RootPath },
    #[error("there is no folder {path}, which `context` names")]
    NoContext { path: RootPath },
    #[error("{path}, which `context` names, is not a folder")]
    ContextNotFolder { path: RootPath },
    #[error("the context {path} leads through the link {link}")]
    ContextLink { path: RootPath, link: RootPath },
    #[error("the link {link} leads out of the folder of fingerprint.toml, to `{}`", Shown(.text))]
    LinkLeaves { link: RootPath, text: Vec<u8> },
    #[error("{path} leads through too many links, or through a link to itself")]
    LinkLoop { path: RootPath },
    #[error("the link {link} points to {target}, which does not exist")]
    Dangling { link: RootPath, target: RootPath },
    #[error("{path} is inside .git, which is never an input")]
    InsideGit { path: RootPath },
    #[error("the entry `{entry}` of `inputs` matches nothing{}", .why)]
    NoMatch { entry: String, why: NoMatch },
    #[error("{path} is {kind}, which cannot be part of an image")]
    Special { path: RootPath, kind: &'static str },
    #[error("{path} is a git repository of its own, and no submodule")]
    NestedRepository { path: RootPath, is_inside_git: bool },
    #[error("the submodule {path} is not checked out")]
    Submodule { path: RootPath },
    #[error("{path} is left out of this sparse checkout")]
    Sparse { path: RootPath },
    #[error("{path} is a git-lfs pointer; the file itself is not here")]
    LfsPointer { path: RootPath },
    #[error("{path} changed while it was read")]
    Changed { path: RootPath },
    #[error("the file {path} does not give the argument {name} a value")]
    Argument {
        name: String,
        path: RootPath,
        source: ValueError,
    },
    #[error("{path} is not a valid .dockerignore")]
    Dockerignore {
        path: RootPath,
        source: dockerignore::Error,
    },
    #[error("git cannot be started, and which files are tracked in {} decides the answer", .top.display())]
    NoGit { top: PathBuf, source: io::Error },
    #[error("git cannot list the files that it tracks in {}: {}", .top.display(), Shown::text(.said))]
    Git { top: PathBuf, said: String },
    #[error(transparent)]
    Revision(#[from] revision::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What a file is to an image, as its configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The one that `dockerfile` names, or that it means if it is left out.
    Dockerfile,
    /// The one that gives this argument its value.
    Argument(String),
    /// The one whose rules keep files out of the build.
    Dockerignore,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Role::Dockerfile => f.write_str("the Dockerfile, which `dockerfile` names"),
            Role::Argument(name) => write!(f, "the file that gives the argument {name} its value"),
            Role::Dockerignore => f.write_str("the ignore file of the build"),
        }
    }
}

/// What is known about an entry that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMatch {
    /// Nothing is there.
    Nothing,
    /// Only an empty folder is there.
    EmptyFolder(RootPath),
    /// What is there is ignored by git and not tracked.
    Ignored(RootPath),
    /// What is there is taken out by a `!` entry.
    TakenOut(RootPath),
    /// What is there is kept out of the build by .dockerignore.
    Dockerignored(RootPath),
    /// What is there lies behind a link, which a glob does not follow.
    BehindLink(RootPath),
}

impl NoMatch {
    /// The path that was seen and not taken.
    pub(super) fn path(&self) -> Option<&RootPath> {
        match self {
            NoMatch::Nothing => None,
            NoMatch::EmptyFolder(path)
            | NoMatch::Ignored(path)
            | NoMatch::TakenOut(path)
            | NoMatch::Dockerignored(path)
            | NoMatch::BehindLink(path) => Some(path),
        }
    }
}

impl std::fmt::Display for NoMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoMatch::Nothing => Ok(()),
            NoMatch::EmptyFolder(path) => {
                write!(
                    f,
                    " but the empty folder {path}, and git cannot hold an empty folder"
                )
            }
            NoMatch::Ignored(path) => write!(f, ": .gitignore excludes {path}"),
            NoMatch::TakenOut(path) => write!(f, ": an entry with `!` takes out {path}"),
            NoMatch::Dockerignored(path) => {
                write!(f, ": .dockerignore keeps {path} out of the build")
            }
            NoMatch::BehindLink(path) => {
                write!(f, ": {path} is a link, and globs do not follow links")
            }
        }
    }
}

impl Error {
    /// The error where inputs are derived.
    pub(super) fn of_derived(self) -> Error {
        match derived_hint(&self) {
            Some(_) => Error::Derived(Box::new(self)),
            None => self,
        }
    }

    /// The error of reading the file that has this role.
    pub(super) fn of(role: Role) -> impl FnOnce(Error) -> Error {
        |error| Error::Named {
            role,
            source: Box::new(error),
        }
    }

    /// The place that is wrong, if it is one in a file's text.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Error::Dockerfile { place, .. } | Error::Source { place, .. } => Some(place),
            Error::Derived(error) => error.place(),
            _ => None,
        }
    }

    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Error::Dockerfile { mistake, .. } => return mistake.kind.hint(),
            Error::Opaque { .. } => {
                "list the files that go into the image in `inputs`, as in `inputs = [\"install.sh\", \"scripts\"]`"
            }
            Error::Source { why, .. } => source_hint(why),
            Error::Derived(error) => return derived_hint(error),
            Error::Named { role, source } => return named_hint(role, source),
            Error::Unreadable { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                "let the user who runs fp read it, or take it out with a `!` entry"
            }
            Error::Unreadable { .. } => {
                "mend what keeps it from being read, or take it out with a `!` entry"
            }
            Error::GitFile { .. } => "let the user who runs fp read it",
            Error::Missing { .. } | Error::NoContext { .. } => {
                "paths in fingerprint.toml are relative to its folder"
            }
            Error::ContextNotFolder { .. } => "name the folder that `COPY` and `ADD` shall see",
            Error::LinkLoop { .. } => "mend the links",
            Error::ContextLink { .. } => "name the folder that the link points to",
            Error::LinkLeaves { .. } => {
                "only what lies below the folder of fingerprint.toml can be an input"
            }
            Error::Dangling { .. } => "mend the link, or take the entry out of `inputs`",
            Error::InsideGit { .. } => "take the entry out of `inputs`",
            Error::NoMatch { entry, why } => entry_hint(entry, why),
            Error::Special { .. } => "take it out with a `!` entry, or remove it",
            Error::NestedRepository {
                is_inside_git: true,
                ..
            } => "make it a submodule, take it out with a `!` entry, or ignore it in .gitignore",
            Error::NestedRepository {
                is_inside_git: false,
                ..
            } => "take it out with a `!` entry, or move it away",
            Error::Submodule { .. } => "run `git submodule update --init --recursive`",
            Error::Sparse { .. } => {
                "widen it with `git sparse-checkout add`, or take the path out with a `!` entry"
            }
            Error::LfsPointer { .. } => "run `git lfs pull`, or take the path out with a `!` entry",
            Error::Changed { .. } => "run fp again when nothing writes to the inputs",
            Error::NoGit { .. } => "install git",
            Error::Revision(error) => return error.hint(),
            _ => return None,
        })
    }
}

/// The way out where a source of the Dockerfile names nothing.
fn source_hint(why: &NoMatch) -> &'static str {
    match why {
        NoMatch::Dockerignored(_) => {
            "take the rule out of .dockerignore, or the source out of the Dockerfile"
        }
        NoMatch::Ignored(_) => {
            "name the file without wildcards to mean it whatever .gitignore says, or keep it out of the build by \
             .dockerignore"
        }
        _ => {
            "sources are relative to the build context; correct it, or list the inputs in `inputs`"
        }
    }
}

/// The way out where an entry of `inputs` matches nothing.
fn entry_hint(entry: &str, why: &NoMatch) -> &'static str {
    match why {
        NoMatch::Ignored(_) => {
            "name the file or folder without `*` or `?` to mean it whatever .gitignore says"
        }
        _ if entry.contains(['{', '}', '[', ']']) => {
            "only `*`, `?` and `**` are special here: instead of `{a,b}` or `[ab]`, list an entry for each"
        }
        _ => "correct the entry, or take it out",
    }
}

/// The way out where no entry of `inputs` can be changed.
fn derived_hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Special { .. } => "keep it out of the build by .dockerignore, or remove it",
        Error::Dangling { .. } => "mend the link, or take the source out of the Dockerfile",
        Error::InsideGit { .. } => "take the source out of the Dockerfile",
        Error::NestedRepository { .. } => {
            "make it a submodule, keep it out of the build by .dockerignore, or ignore it in .gitignore"
        }
        Error::Sparse { .. } => {
            "widen the checkout with `git sparse-checkout add`, or keep the path out of the build by .dockerignore"
        }
        Error::LfsPointer { .. } => {
            "run `git lfs pull`, or keep it out of the build by .dockerignore"
        }
        Error::Unreadable { .. } => {
            "let the user who runs fp read it, or keep it out of the build by .dockerignore"
        }
        _ => return None,
    })
}

/// The way out where a file is no input, so that no entry of `inputs` can help.
fn named_hint(role: &Role, error: &Error) -> Option<&'static str> {
    Some(match (error, role) {
        (Error::Missing { .. }, Role::Dockerfile) => {
            "name it with `dockerfile`; paths in fingerprint.toml are relative to its folder"
        }
        (Error::NotAFile { .. } | Error::InsideGit { .. }, Role::Dockerfile) => {
            "name the Dockerfile itself with `dockerfile`"
        }
        (Error::NotAFile { .. }, Role::Dockerignore) => "put a file there, or nothing",
        (Error::NotAFile { .. } | Error::InsideGit { .. }, Role::Argument(_)) => {
            "name a file that is part of the project"
        }
        (Error::Dangling { .. }, _) => "mend the link",
        (Error::Unreadable { .. }, _) => "let the user who runs fp read it",
        (Error::LfsPointer { .. }, _) => "run `git lfs pull`",
        _ => return error.hint(),
    })
}
