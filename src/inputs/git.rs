//! Asking git which files it tracks.
//!
//! The one place where `inputs` runs a program. A hostile repository must not get a program of its
//! choice run by this, so the listing is a plumbing command that needs no hooks, filters or
//! monitors, and those are switched off besides.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Error;
use crate::environment::Environment;

/// A listing takes milliseconds, in huge repositories seconds. git that takes longer waits for
/// something that may never come, such as a writer to a FIFO that .git/config includes.
const LIMIT: Duration = Duration::from_secs(60);

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

/// Lists what the repository at `top` tracks below `folder`, a path relative to `top` (empty:
/// everything).
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
    let failed = |said: &str| Error::Git {
        top: top.to_path_buf(),
        said: said.to_owned(),
    };
    let Output {
        status,
        stdout,
        stderr,
    } = answer(&mut command, LIMIT).map_err(|source| match source.kind() {
        ErrorKind::TimedOut => failed(&format!("it did not answer within {LIMIT:?}")),
        _ => Error::NoGit {
            top: top.to_path_buf(),
            source,
        },
    })?;
    let complaint = complaint(&stderr);
    match (status.success(), complaint.as_str()) {
        (true, "") => {}
        (false, "") => return Err(failed(&format!("it ended with {status}"))),
        (_, complaint) => return Err(failed(complaint)),
    }
    stdout
        .split(|&byte| byte == 0)
        .filter(|line| !line.is_empty())
        .map(|line| parse(line).ok_or_else(|| failed("its answer cannot be read")))
        .collect()
}

/// git with nothing inherited but PATH, and nothing configured that could run a program.
///
/// The repository's location is given, so that neither `core.worktree` nor a variable can name
/// another one.
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
        // In a partial clone with a sparse index, git would fetch a missing folder by a program
        // that .git/config names. Versions of git that do not know the first variable obey the
        // second.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .current_dir(top)
        .stdin(Stdio::null())
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null", "--no-pager"])
        .args(["-c", "advice.sparseIndexExpanded=false"])
        .arg("--git-dir=.git")
        .arg("--work-tree=.");
    command
}

/// Runs git to its end, which must come within `limit`.
fn answer(command: &mut Command, limit: Duration) -> io::Result<Output> {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let process = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    receiver.recv_timeout(limit).unwrap_or_else(|_| {
        // If it has ended by now, there is nothing left to end.
        let _ = kill_process(process, Signal::KILL);
        Err(ErrorKind::TimedOut.into())
    })
}

/// What git says on stderr, warnings and hints left out.
///
/// A listing from which a folder is missing because it could not be read ends with exit code 0 and
/// an error message.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("warning:") && !line.starts_with("hint:"));
    lines.collect::<Vec<_>>().join("; ")
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
    use std::io::ErrorKind;
    use std::process::Command;
    use std::time::Duration;

    use super::{Tracked, answer, complaint, parse};

    #[test]
    fn a_git_that_hangs_is_not_waited_for() {
        let answer = answer(Command::new("sleep").arg("60"), Duration::from_millis(50));
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn warnings_are_no_complaints() {
        let said = b"warning: a\nhint: b\nerror: Could not read 1\nfatal: c\n";
        assert_eq!(complaint(said), "error: Could not read 1; fatal: c");
        assert_eq!(complaint(b"warning: a\n"), "");
    }

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
