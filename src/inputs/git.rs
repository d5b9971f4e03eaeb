//! Asking git which files it tracks.
//!
//! The one place where `inputs` runs a program. A hostile repository must not get a program of its choice run by this, so
//! the listing is a plumbing command that needs no hooks, filters or monitors, and those are switched off besides.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::Error;
use crate::environment::Environment;

/// One path that git tracks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tracked {
    /// Relative to the top of the work tree.
    pub(super) path: Vec<u8>,
    /// Whether it is a submodule.
    pub(super) is_submodule: bool,
    /// Whether a sparse checkout leaves it out.
    pub(super) is_sparse: bool,
}

/// Lists what the repository at `top` tracks below `folder`, a path relative to `top` (empty: everything).
pub(super) fn tracked(
    top: &Path,
    folder: &[u8],
    environment: &Environment,
) -> Result<Vec<Tracked>, Error> {
    let mut command = command(top, environment);
    command.args(["ls-files", "--stage", "-t", "-z", "--full-name"]);
    if !folder.is_empty() {
        use std::os::unix::ffi::OsStrExt;
        command.arg("--").arg(std::ffi::OsStr::from_bytes(folder));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().map_err(|source| Error::NoGit {
        top: top.to_path_buf(),
        source,
    })?;
    let failed = |said: &str| Error::Git {
        top: top.to_path_buf(),
        said: said.to_owned(),
    };
    if !status.success() {
        return Err(failed(String::from_utf8_lossy(&stderr).trim()));
    }
    stdout
        .split(|&byte| byte == 0)
        .filter(|line| !line.is_empty())
        .map(|line| parse(line).ok_or_else(|| failed("its answer cannot be read")))
        .collect()
}

/// git with nothing inherited but PATH, and nothing configured that could run a program.
///
/// The repository's location is given, so that neither `core.worktree` nor a variable can name another one.
fn command(top: &Path, environment: &Environment) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(environment.get("PATH").map(|path| ("PATH", path)))
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .current_dir(top)
        .stdin(Stdio::null())
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null", "--no-pager"])
        .arg("--git-dir=.git")
        .arg("--work-tree=.");
    command
}

/// Reads `TAG MODE OBJECT STAGE<TAB>PATH`.
fn parse(line: &[u8]) -> Option<Tracked> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    let mut fields = line[..tab].split(|&byte| byte == b' ');
    let (tag, mode) = (fields.next()?, fields.next()?);
    Some(Tracked {
        path: line[tab + 1..].to_vec(),
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
        let path = b"a\tb".to_vec();
        assert_eq!(
            parse(line),
            Some(Tracked {
                path,
                is_submodule: true,
                is_sparse: true
            })
        );
        assert_eq!(parse(b"nonsense"), None);
    }
}
