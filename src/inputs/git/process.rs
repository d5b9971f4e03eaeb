//! Running git, for as long as its answer may take and no longer than fp itself runs.
//!
//! What git is asked, and with which environment, is up to those who make the command.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::child;
use crate::interrupt::{Interrupt, Interrupted};

/// A listing takes milliseconds, in huge repositories seconds. git that takes longer waits for
/// something that may never come, such as a writer to a FIFO that .git/config includes.
pub(in crate::inputs) const LIMIT: Duration = Duration::from_secs(60);

/// How long output is waited for once git has ended; only another process can still hold it back.
const DRAIN: Duration = Duration::from_secs(1);

/// How often it is looked whether git has ended, and whether a signal has come.
const PAUSE: Duration = Duration::from_millis(1);

/// Why there is no output of git.
#[derive(Debug, thiserror::Error)]
pub(in crate::inputs) enum Unanswered {
    #[error(transparent)]
    Run(#[from] io::Error),
    #[error("it did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Runs git to its end, gives it `input`, and returns what it prints. A complaint is no answer.
pub(in crate::inputs) fn output(
    command: &mut Command,
    input: Vec<u8>,
    interrupt: Option<&Interrupt>,
) -> Result<Vec<u8>, Unanswered> {
    let output = answer(command, input, LIMIT, interrupt)?;
    let complaint = complaint(&output.stderr);
    match (output.status.success(), complaint.as_str()) {
        (true, "") => Ok(output.stdout),
        (false, "") => Err(Unanswered::Refused(format!(
            "it ended with {}",
            output.status
        ))),
        (_, _) => Err(Unanswered::Refused(complaint)),
    }
}

/// Runs git to its end, which must come within `limit`, and gives it `input`.
pub(in crate::inputs) fn answer(
    command: &mut Command,
    input: Vec<u8>,
    limit: Duration,
    interrupt: Option<&Interrupt>,
) -> Result<Output, Unanswered> {
    if interrupt.is_some() {
        command.process_group(0);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    supply(child.stdin.take().expect("stdin is a pipe"), input);
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

/// Writes all of `input`, on a thread, since git may print before it has read everything.
fn supply(mut stream: impl Write + Send + 'static, input: Vec<u8>) {
    // git that ends before it has read everything has its reasons, and tells them.
    if !input.is_empty() {
        thread::spawn(move || stream.write_all(&input));
    }
}

/// Reads to the end, on a thread, since another stream has to be read at the same time.
pub(in crate::inputs) fn collect(
    mut stream: impl Read + Send + 'static,
) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        // Nobody waits any more if git was stopped.
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

/// Waits until git has ended, and leaves it unreaped.
fn wait(child: &Child, limit: Duration, interrupt: Option<&Interrupt>) -> Result<(), Unanswered> {
    let started = Instant::now();
    while !child::has_ended(Pid::from_child(child))? {
        interrupt.map_or(Ok(()), Interrupt::check)?;
        if started.elapsed() > limit {
            return Err(Unanswered::TimedOut(limit));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Ends git, if it has not ended, and all that is left of its group if it leads one.
pub(in crate::inputs) fn end(mut child: Child, is_leader: bool) -> io::Result<ExitStatus> {
    if is_leader {
        child::signal_group(Pid::from_child(&child), Signal::KILL);
    }
    child.kill()?;
    child.wait()
}

/// What git says on stderr, warnings and hints left out.
///
/// A listing from which a folder is missing because it could not be read ends with exit code 0 and
/// an error message.
pub(in crate::inputs) fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("warning:") && !line.starts_with("hint:"));
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{LIMIT, Unanswered, answer, complaint, output};
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
            let answer = answer(&mut hanging(), Vec::new(), limit, interrupt);
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
        let answer = answer(&mut hanging(), Vec::new(), LIMIT, Some(&interrupt));
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
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let output = answer(&mut command, Vec::new(), LIMIT, interrupt).unwrap();
            assert_eq!(output.status.code(), Some(3));
            assert_eq!(
                (output.stdout.len(), output.stderr.len()),
                (1000000, 1000000)
            );
        }
    }

    #[test]
    fn git_that_prints_before_it_has_read_is_given_everything() {
        let input = vec![b'x'; 1000000];
        let output = output(&mut Command::new("cat"), input.clone(), None).unwrap();
        assert!(output == input);
    }

    #[test]
    fn warnings_are_no_complaints() {
        let said = b"warning: a\nhint: b\nerror: Could not read 1\nfatal: c\n";
        assert_eq!(complaint(said), "error: Could not read 1; fatal: c");
        assert_eq!(complaint(b"warning: a\n"), "");
    }
}
