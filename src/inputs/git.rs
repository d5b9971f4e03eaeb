//! Asking git which files it tracks.
//!
//! git is the one program that `inputs` runs. A hostile repository must not get a program of its
//! choice run by this, so the listing is a plumbing command that needs no hooks, filters or
//! monitors, and those are switched off besides.

mod process;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) use process::{LIMIT, Unanswered, answer, collect, complaint, end, output};

use super::Error;
use crate::environment::Environment;
use crate::interrupt::Interrupt;

/// The git program: where it is found, and what stops it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Git<'a> {
    pub(super) environment: &'a Environment,
    /// With one, git is in a process group of its own, which ends with it. Without, signals have
    /// the system's default effect, and git stays in the group of `fp`, so that what a terminal
    /// sends reaches both.
    pub(super) interrupt: Option<&'a Interrupt>,
}

/// What git tracks, as it lists it. Of a million files, most are looked at once and never again.
#[derive(Debug)]
pub(super) struct Listing {
    top: PathBuf,
    lines: Vec<u8>,
}

/// One path that git tracks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tracked<'a> {
    /// Relative to the top of the work tree.
    pub(super) path: &'a [u8],
    /// Whether it is a submodule.
    pub(super) is_submodule: bool,
    /// Whether a sparse checkout leaves it out.
    pub(super) is_sparse: bool,
}

/// Lists what the repository at `top` tracks below `folder`, a path relative to `top` (empty:
/// everything).
pub(super) fn tracked(top: &Path, folder: &[u8], git: Git<'_>) -> Result<Listing, Error> {
    let mut command = command(top, ".git", git.environment);
    command.args(["ls-files", "--stage", "-t", "-z", "--full-name"]);
    if !folder.is_empty() {
        command.arg("--").arg(OsStr::from_bytes(folder));
    }
    let lines = output(&mut command, Vec::new(), git.interrupt).map_err(|error| match error {
        Unanswered::Run(source) => Error::NoGit {
            top: top.to_path_buf(),
            source,
        },
        Unanswered::Interrupted(interrupted) => Error::Interrupted(interrupted),
        Unanswered::TimedOut(_) | Unanswered::Refused(_) => failed(top, &error.to_string()),
    })?;
    Ok(Listing {
        top: top.to_path_buf(),
        lines,
    })
}

impl Listing {
    /// All that is listed, in git's order.
    pub(super) fn tracked(&self) -> impl Iterator<Item = Result<Tracked<'_>, Error>> {
        let lines = self.lines.split(|&byte| byte == 0);
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(|line| parse(line).ok_or_else(|| failed(&self.top, "its answer cannot be read")))
    }

    /// Whether something is listed that `wanted` says yes to.
    pub(super) fn has(&self, wanted: impl Fn(&Tracked<'_>) -> bool) -> Result<bool, Error> {
        for tracked in self.tracked() {
            if wanted(&tracked?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn failed(top: &Path, said: &str) -> Error {
    Error::Git {
        top: top.to_path_buf(),
        said: said.to_owned(),
    }
}

/// git for the work tree at `top`, with nothing configured that could run a program.
///
/// The repository's location is given, `git_folder` as seen from `top`, so that neither
/// `core.worktree` nor a variable can name another one.
pub(super) fn command(top: &Path, git_folder: &str, environment: &Environment) -> Command {
    let mut command = bare_command(environment);
    command
        .current_dir(top)
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null", "--no-pager"])
        .args(["-c", "advice.sparseIndexExpanded=false"])
        .arg(format!("--git-dir={git_folder}"))
        .arg("--work-tree=.");
    command
}

/// git with nothing inherited but PATH, and no configuration but that of the repository.
pub(super) fn bare_command(environment: &Environment) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(environment.get("PATH").map(|path| ("PATH", path)))
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // In a partial clone, git would fetch what is missing by a program that .git/config names.
        // Versions of git that do not know the first variable obey the second.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .env("GIT_LITERAL_PATHSPECS", "1");
    command
}

/// Reads `TAG MODE OBJECT STAGE<TAB>PATH`.
fn parse(line: &[u8]) -> Option<Tracked<'_>> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    let mut fields = line[..tab].split(|&byte| byte == b' ');
    let (tag, mode) = (fields.next()?, fields.next()?);
    Some(Tracked {
        path: &line[tab + 1..],
        is_submodule: mode == b"160000",
        is_sparse: tag.eq_ignore_ascii_case(b"S"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Tracked, parse};

    #[test]
    fn lines_of_the_listing_are_read() {
        let line = b"S 160000 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0\ta\tb";
        assert_eq!(
            parse(line),
            Some(Tracked {
                path: b"a\tb",
                is_submodule: true,
                is_sparse: true
            })
        );
        assert_eq!(parse(b"nonsense"), None);
    }
}
