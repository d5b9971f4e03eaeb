//! Asking git which files it tracks.
//!
//! The one place where `inputs` runs a program. A hostile repository must not get a program of its
//! choice run by this, so the listing is a plumbing command that needs no hooks, filters or
//! monitors, and those are switched off besides.

use std::io::{self, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Error;
use crate::environment::Environment;
use crate::interrupt::{Interrupt, Interrupted};

/// A listing takes milliseconds, in huge repositories seconds. git that takes longer waits for
/// something that may never come, such as a writer to a FIFO that .git/config includes.
const LIMIT: Duration = Duration::from_secs(60);

/// How long output is waited for once git has ended; only another process can still hold it back.
const DRAIN: Duration = Duration::from_secs(1);

/// How often it is looked whether git has ended, and whether a signal has come.
const PAUSE: Duration = Duration::from_millis(1);

/// The git program: where it is found, and what stops it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Git<'a> {
    pub(super) environment: &'a Environment,
    /// With one, git is in a process group of its own, which ends with it. Without, signals have
    /// the system's default effect, and git stays in the group of `fp`, so that what a terminal
    /// sends reaches both.
    pub(super) interrupt: Option<&'a Interrupt>,
}

/// Why there is no output of git.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Run(#[from] io::Error),
    #[error("it did not answer within {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

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
pub(super) fn tracked(top: &Path, folder: &[u8], git: Git<'_>) -> Result<Vec<Tracked>, Error> {
    let mut command = command(top, git.environment);
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
    } = answer(&mut command, LIMIT, git.interrupt).map_err(|error| match error {
        Unanswered::Run(source) => Error::NoGit {
            top: top.to_path_buf(),
            source,
        },
        Unanswered::TimedOut(_) => failed(&error.to_string()),
        Unanswered::Interrupted(interrupted) => Error::Interrupted(interrupted),
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
fn answer(
    command: &mut Command,
    limit: Duration,
    interrupt: Option<&Interrupt>,
) -> Result<Output, Unanswered> {
    if interrupt.is_some() {
        command.process_group(0);
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = collect(child.stdout.take().expect("stdout is a pipe"));
    let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
    let waited = wait(&child, limit, interrupt);
    let status = end(child, interrupt.is_some())?;
    waited?;
    let output = |stream: Receiver<_>| {
        let output = stream.recv_timeout(DRAIN);
        output.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    };
    Ok(Output {
        status,
        stdout: output(stdout)?,
        stderr: output(stderr)?,
    })
}

/// Reads to the end, on a thread, since another stream has to be read at the same time.
fn collect(mut stream: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        // Nobody waits any more if git was stopped.
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

/// Waits until git has ended, and leaves it unreaped: until then nobody else can get its id.
fn wait(child: &Child, limit: Duration, interrupt: Option<&Interrupt>) -> Result<(), Unanswered> {
    let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let started = Instant::now();
    while waitid(WaitId::Pid(Pid::from_child(child)), look_only)
        .map_err(io::Error::from)?
        .is_none()
    {
        interrupt.map_or(Ok(()), Interrupt::check)?;
        if started.elapsed() > limit {
            return Err(Unanswered::TimedOut(limit));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Ends git, if it has not ended, and all that is left of its group if it leads one.
fn end(mut child: Child, is_leader: bool) -> io::Result<ExitStatus> {
    if is_leader {
        // The only possible failure is that nobody is left to get it.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    }
    child.kill()?;
    child.wait()
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
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{LIMIT, Tracked, Unanswered, answer, complaint, parse};
    use crate::interrupt::{Interrupt, Signal};

    /// Something that runs a program which holds its output, and prints.
    fn hanging() -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo; sleep 60; echo"]);
        command
    }

    #[test]
    fn a_git_that_hangs_is_not_waited_for() {
        let limit = Duration::from_millis(50);
        for interrupt in [None, Some(&Interrupt::never())] {
            let answer = answer(&mut hanging(), limit, interrupt);
            assert!(matches!(answer, Err(Unanswered::TimedOut(_))), "{answer:?}");
        }
    }

    #[test]
    fn a_git_that_hangs_is_interrupted() {
        let (sender, interrupt) = Interrupt::controlled();
        let started = Instant::now();
        let interrupting = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            sender.send(Some(Signal::Terminate)).unwrap();
        });
        let answer = answer(&mut hanging(), LIMIT, Some(&interrupt));
        interrupting.join().unwrap();
        assert!(
            matches!(answer, Err(Unanswered::Interrupted(_))),
            "{answer:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn both_streams_are_read() {
        let script = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; exit 3";
        for interrupt in [None, Some(&Interrupt::never())] {
            let output = answer(Command::new("sh").args(["-c", script]), LIMIT, interrupt).unwrap();
            assert_eq!(output.status.code(), Some(3));
            assert_eq!(
                (output.stdout.len(), output.stderr.len()),
                (1000000, 1000000)
            );
        }
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
