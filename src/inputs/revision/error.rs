//! Why the files of a revision cannot be told, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::interrupt::Interrupted;
use crate::path::{self, RootPath};
use crate::shown::Shown;

/// Why the files of a revision cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} lies in no git repository, so there are no revisions", .folder.display())]
    NoRepository { folder: PathBuf },
    #[error("there is no revision `{}` in {}{}", Shown(.revision), .top.display(), why(.said))]
    NoRevision {
        revision: Vec<u8>,
        top: PathBuf,
        said: String,
        is_shallow: bool,
    },
    #[error("the revision `{}` is ambiguous: {}", Shown(.revision), Shown::text(.said))]
    Ambiguous { revision: Vec<u8>, said: String },
    #[error("`{}` is a {kind}, and no commit", Shown(.revision))]
    NoCommit { revision: Vec<u8>, kind: String },
    #[error("there is no fingerprint.toml in `{}:{folder}` or any folder above it", Shown(.revision))]
    NoConfiguration { revision: Vec<u8>, folder: RootPath },
    #[error("there is no file {path} in the revision `{}`", Shown(.revision))]
    NoFile { revision: Vec<u8>, path: RootPath },
    #[error("{} cannot be a path in the repository {}", .file.display(), .top.display())]
    Outside {
        file: PathBuf,
        top: PathBuf,
        source: path::Error,
    },
    #[error("{path} is in the revision, but its content is not in this repository")]
    Away { path: RootPath },
    #[error("git could not check out {path}: a mode or a name there is not valid, or too long")]
    Invalid { path: RootPath },
    #[error("what a clone holds as {path} depends on the program that the filter `{}` runs", Shown(.filter))]
    Filter { path: RootPath, filter: Vec<u8> },
    #[error("the git-lfs object of {path} is not in this repository")]
    LfsAway { path: RootPath },
    #[error("the git-lfs object of {path} is damaged: {}", .file.display())]
    LfsDamaged { path: RootPath, file: PathBuf },
    #[error("the commit of the submodule {path} is not here")]
    Submodule { path: RootPath },
    #[error("cannot read {}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("git cannot be started, and it alone can read a revision")]
    NoGit { source: io::Error },
    #[error("git cannot read the revision from {}: {}", .repository.display(), Shown::text(.said))]
    Git { repository: PathBuf, said: String },
    #[error("cannot make a folder for git in {}", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Error {
    /// Whether the user asked for something that is not there; else something went wrong.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::NoRepository { .. }
                | Error::NoRevision { .. }
                | Error::Ambiguous { .. }
                | Error::NoCommit { .. }
                | Error::NoConfiguration { .. }
                | Error::NoFile { .. }
                | Error::Outside { .. }
        )
    }

    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Error::NoRepository { .. } => "leave out --rev to use the files on disk",
            Error::NoRevision {
                is_shallow: true, ..
            } => {
                "this clone is shallow: `git fetch --unshallow` gets what lies before it, `git fetch \
                 --deepen=N` the next N commits"
            }
            Error::NoRevision { .. } => {
                "a revision is a branch, a tag, a commit or what else git takes for one; what only a \
                 remote has must be fetched first"
            }
            Error::Ambiguous { .. } => {
                "write `refs/heads/NAME` or `refs/tags/NAME`, or more digits of the commit"
            }
            Error::NoConfiguration { .. } | Error::NoFile { .. } => {
                "name another file with --config FILE; its path is looked up in the revision, not on disk"
            }
            Error::Away { .. } => {
                "if this clone is partial, check the revision out once, which fetches what it lacks, or \
                 clone anew without a filter"
            }
            Error::Filter { .. } => {
                "check the revision out and run fp there without --rev, or take the path out with a \
                 `!` entry"
            }
            Error::LfsAway { .. } => {
                "run `git lfs fetch origin REV`, or take the path out with a `!` entry"
            }
            Error::LfsDamaged { .. } => "run `git lfs fsck`, then `git lfs fetch`",
            Error::Submodule { .. } => {
                "run `git submodule update --init --recursive` in a checkout of the revision, or `git \
                 fetch` in the submodule"
            }
            Error::NoGit { .. } => "install git",
            _ => return None,
        })
    }
}

fn why(said: &str) -> String {
    match said {
        "" => String::new(),
        said => format!(": {}", Shown::text(said)),
    }
}
