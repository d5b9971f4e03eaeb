//! git that reads the objects of a repository and nothing else of it.
//!
//! Its own folder is a temporary one, without configuration, hooks, references or attributes; only
//! the object store is the repository's. So nothing that somebody could have written into `.git`
//! has a say, nothing of it is changed, and no filter or fetch is configured that could be run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Error;
use crate::environment::Environment;
use crate::inputs::git::{Unanswered, bare_command, output};
use crate::interrupt::Interrupt;

/// The temporary folder, and what it takes to run git. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct Hermetic {
    folder: TempDir,
    environment: Environment,
    pub(super) interrupt: Interrupt,
}

impl Hermetic {
    /// Makes the folder inside `temporary`. `has_sha256` tells which hash names the objects.
    pub(super) fn new(
        temporary: &Path,
        has_sha256: bool,
        environment: Environment,
        interrupt: Interrupt,
    ) -> Result<Self, Error> {
        let make = || {
            let folder = tempfile::Builder::new()
                .prefix("fp-")
                .tempdir_in(temporary)?;
            fill(folder.path(), has_sha256)?;
            Ok(folder)
        };
        let unmade = |source| Error::Folder {
            folder: temporary.to_path_buf(),
            source,
        };
        Ok(Hermetic {
            folder: make().map_err(unmade)?,
            environment,
            interrupt,
        })
    }

    /// git that knows the objects in `objects`, in an empty work tree.
    pub(super) fn command(&self, objects: &Path) -> Command {
        let mut command = bare_command(&self.environment);
        command
            .current_dir(self.folder.path().join("empty"))
            .env("GIT_DIR", self.folder.path().join("git"))
            .env("GIT_WORK_TREE", self.folder.path().join("empty"))
            .env("GIT_OBJECT_DIRECTORY", objects);
        command
    }

    /// What a command for the objects in `objects` prints.
    pub(super) fn output(
        &self,
        objects: &Path,
        command: &mut Command,
        input: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let output = output(command, input, Some(&self.interrupt));
        output.map_err(|error| unanswered(error, objects))
    }

    /// A new folder, which goes when the value is dropped.
    pub(super) fn scratch(&self) -> Result<TempDir, Error> {
        TempDir::new_in(self.folder.path()).map_err(|source| Error::Folder {
            folder: self.folder.path().to_path_buf(),
            source,
        })
    }
}

/// The error of a git that was asked about the repository at `repository`.
pub(super) fn unanswered(error: Unanswered, repository: &Path) -> Error {
    match error {
        Unanswered::Run(source) => Error::NoGit { source },
        Unanswered::Interrupted(interrupted) => Error::Interrupted(interrupted),
        Unanswered::TimedOut(_) | Unanswered::Refused(_) => Error::Git {
            repository: PathBuf::from(repository),
            said: error.to_string(),
        },
    }
}

/// The least that git takes for a repository.
fn fill(folder: &Path, has_sha256: bool) -> io::Result<()> {
    fs::create_dir(folder.join("empty"))?;
    fs::create_dir_all(folder.join("git/refs"))?;
    fs::write(folder.join("git/HEAD"), "ref: refs/heads/none\n")?;
    let format = match has_sha256 {
        true => "[core]\nrepositoryFormatVersion = 1\n[extensions]\nobjectFormat = sha256\n",
        false => "",
    };
    fs::write(folder.join("git/config"), format)
}
