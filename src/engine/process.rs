//! The one place that runs an engine's programs.
//!
//! Each runs in a process group of its own, with nothing on stdin and with exactly the environment
//! it was given, and nothing of the group survives the call: not when it ends, not when it is
//! interrupted or takes too long, not when the caller drops the future. What the arguments mean,
//! and what to make of the output, is left to the callers.

mod group;
mod lines;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{sleep, timeout};

use self::group::Group;
use self::lines::{LastLines, MAX_CAPTURED, copy_bytes, copy_lines};
use super::environment;
use crate::interrupt::{Interrupt, Interrupted, Signal};
use crate::shown::Shown;

/// How long output is waited for after the group's end. A daemon that left the group (an ssh
/// master, a gpg-agent) may hold the pipe open for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// A program to run, with its whole environment.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// A name that is looked up in the PATH of `environment`.
    pub program: &'static str,
    /// Without the program's own name.
    pub arguments: Vec<OsString>,
    /// Nothing is inherited beside it.
    pub environment: BTreeMap<OsString, OsString>,
    /// What it is sent in the place of the signal that ends fp, if it tidies up after this one only.
    pub stop: Option<Signal>,
}

impl Invocation {
    /// The same, as a command that ends with its answer.
    pub fn brief(mut self) -> Self {
        self.environment.extend(environment::of_brief());
        self
    }

    /// The command as messages show it: up to the first flag, so that no argument value is told.
    fn command(&self) -> String {
        let mut command = self.program.to_owned();
        for argument in &self.arguments {
            let argument = argument.as_bytes();
            if argument.starts_with(b"-") {
                break;
            }
            command.push(' ');
            command.push_str(&Shown(argument).to_string());
        }
        command
    }

    fn cannot_run(&self, source: io::Error) -> Error {
        let program = self.program;
        match source.kind() {
            io::ErrorKind::NotFound => Error::NotFound { program },
            _ => Error::Run { program, source },
        }
    }

    /// The output of this invocation, if its status tells of success; else [`Error::Failed`].
    pub fn succeeded(&self, output: Output) -> Result<Output, Error> {
        if output.status.success() {
            return Ok(output);
        }
        Err(Error::Failed {
            command: self.command(),
            status: output.status,
            last_lines: output.stderr,
        })
    }
}

/// What a program that was run to its end has answered.
#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    /// Everything, byte for byte.
    pub stdout: Vec<u8>,
    /// The last lines of stderr, trimmed and safe to show.
    pub stderr: Vec<String>,
}

/// Where forwarded output goes: called with each line of stdout and stderr, without its line feed.
///
/// It must not go on blocking once a signal has come, since that is acted upon only afterwards.
/// After its first error (a closed pipe, say) it is not called again, and the program runs on to
/// its end.
pub type Sink<'a> = dyn FnMut(&str) -> io::Result<()> + 'a;

/// Why a program was not run, or not to a good end. No argument's value is told.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the program `{program}` was not found")]
    NotFound { program: &'static str },
    #[error("`{program}` could not be run")]
    Run {
        program: &'static str,
        source: io::Error,
    },
    #[error("`{command}` ended with {status}{}", after_colon(.last_lines))]
    Failed {
        command: String,
        status: ExitStatus,
        /// The last lines of its stderr, or of its stdout if that was all; trimmed and safe
        /// to show.
        last_lines: Vec<String>,
    },
    #[error("`{command}` did not answer within {} s", .limit.as_secs_f32())]
    TimedOut { command: String, limit: Duration },
    #[error("`{command}` printed more than {MAX_CAPTURED} bytes")]
    TooMuchOutput { command: String },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Error {
    /// The way out, where there is a known one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Run { source, .. } if source.kind() == io::ErrorKind::ArgumentListTooLong => {
                Some(
                    "the system takes no argument of more than 128 KiB, and a build argument is one: \
                     have the Dockerfile read so long a value from an input",
                )
            }
            _ => None,
        }
    }

    /// The lines in which the program says why it failed; none if it was not the program that did. Before them a build
    /// tells of its steps, also of those whose failure does not fail it.
    pub fn verdict(&self) -> &[String] {
        match self {
            Error::Failed { last_lines, .. } => verdict(last_lines),
            _ => &[],
        }
    }

    /// The line that most probably says why: the last one that says anything.
    pub fn last_line(&self) -> Option<&str> {
        match self {
            Error::Failed { last_lines, .. } => last_words(last_lines),
            _ => None,
        }
    }
}

/// The lines from the last on that begins as engines' programs tell of errors; all of them if none does.
fn verdict(lines: &[String]) -> &[String] {
    // `ERROR: ` is buildx's since 0.9, `error: ` before, `Error: ` podman's. Docker with BuildKit built in has no such word.
    let is_verdict = |line: &String| {
        let begin = line.as_bytes().get(.."error: ".len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(b"error: "))
    };
    let begin = lines.iter().rposition(is_verdict).unwrap_or(0);
    &lines[begin..]
}

fn last_words(lines: &[String]) -> Option<&str> {
    // With Docker Desktop, buildx ends with an address.
    let says_why = |line: &&String| !line.is_empty() && !line.starts_with("View build details: ");
    lines.iter().rev().find(says_why).map(String::as_str)
}

fn after_colon(lines: &[String]) -> String {
    last_words(lines).map_or_else(String::new, |line| format!(": {line}"))
}

/// Runs a program and keeps its stdout. Any exit status is an answer; `limit` is for the whole
/// call.
pub async fn capture(
    invocation: &Invocation,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Output, Error> {
    let mut captured = Vec::new();
    let mut lines = LastLines::default();
    let status = supervise(
        invocation,
        Some(limit),
        interrupt,
        async |stdout, stderr| {
            tokio::join!(
                copy_bytes(stdout, &mut captured),
                copy_lines(stderr, |line| lines.push(line)),
            );
        },
    )
    .await?;
    if captured.len() > MAX_CAPTURED {
        let command = invocation.command();
        return Err(Error::TooMuchOutput { command });
    }
    Ok(Output {
        status,
        stdout: captured,
        stderr: lines.into(),
    })
}

/// Runs a program, hands every line of its stdout and stderr to `sink`, and fails unless it
/// succeeds.
pub async fn forward(
    invocation: &Invocation,
    sink: &mut Sink<'_>,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let mut progress = LastLines::default();
    let mut complaints = LastLines::default();
    let mut sink_is_open = true;
    let status = supervise(invocation, None, interrupt, async |stdout, stderr| {
        let show = RefCell::new(|line: &str| sink_is_open = sink_is_open && sink(line).is_ok());
        let take = |line: &str, lines: &mut LastLines| {
            lines.push(line);
            (show.borrow_mut())(line);
        };
        tokio::join!(
            copy_lines(stdout, |line| take(line, &mut progress)),
            copy_lines(stderr, |line| take(line, &mut complaints)),
        );
    })
    .await?;
    if status.success() {
        return Ok(());
    }
    // The streams come in any order, so that the last line of both need not be the one that says
    // why.
    let last_lines = if complaints.is_empty() {
        progress
    } else {
        complaints
    };
    Err(Error::Failed {
        command: invocation.command(),
        status,
        last_lines: last_lines.into(),
    })
}

/// Runs a program to its end while `pump` takes its output, and stops it when it has to.
async fn supervise(
    invocation: &Invocation,
    limit: Option<Duration>,
    interrupt: &Interrupt,
    pump: impl AsyncFnOnce(ChildStdout, ChildStderr),
) -> Result<ExitStatus, Error> {
    interrupt.check()?;
    let (group, stdout, stderr) =
        Group::spawn(invocation).map_err(|source| invocation.cannot_run(source))?;
    let mut end = pin!(end(group, invocation, limit, interrupt));
    let mut pump = pin!(pump(stdout, stderr));
    let mut pumping = true;
    let outcome = loop {
        tokio::select! {
            outcome = &mut end => break outcome,
            () = &mut pump, if pumping => pumping = false,
        }
    };
    if pumping {
        // Whoever still holds the pipes is not of the group; its silence is no failure.
        let _ = timeout(DRAIN, pump).await;
    }
    outcome
}

/// Waits for a group's end, which may come by itself or has to be made.
async fn end(
    mut group: Group,
    invocation: &Invocation,
    limit: Option<Duration>,
    interrupt: &Interrupt,
) -> Result<ExitStatus, Error> {
    let cannot_run = |source| invocation.cannot_run(source);
    let (signal, reason) = tokio::select! {
        status = group.ended() => return status.map_err(cannot_run),
        interrupted = interrupt.raised() => (interrupted.signal, Error::Interrupted(interrupted)),
        limit = elapsed(limit) => {
            let command = invocation.command();
            (Signal::Terminate, Error::TimedOut { command, limit })
        }
    };
    let signal = invocation.stop.unwrap_or(signal);
    group.stop(signal).await.map_err(cannot_run)?;
    Err(reason)
}

/// Waits for the limit and returns it; for ever if there is none.
async fn elapsed(limit: Option<Duration>) -> Duration {
    let Some(limit) = limit else {
        return future::pending().await;
    };
    sleep(limit).await;
    limit
}

#[cfg(test)]
mod tests;
