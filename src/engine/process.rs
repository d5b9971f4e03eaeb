//! The one place that runs an engine's programs.
//!
//! Each runs in a process group of its own, with nothing on stdin and with exactly the environment it
//! was given, and nothing of the group survives the call: not when it ends, not when it is
//! interrupted or takes too long, not when the caller drops the future. What the arguments mean, and
//! what to make of the output, is left to the callers.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::future;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::interrupt::{Interrupt, Interrupted, Signal};

/// How many of the last lines an error keeps.
const KEPT_LINES: usize = 20;
/// A line longer than this reaches the sink in pieces.
const MAX_LINE: usize = 64 * 1024;
/// How much a captured stdout may hold; an inspection answers with a few kilobytes.
const MAX_CAPTURED: usize = 16 * 1024 * 1024;
/// How long a group has to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long output is waited for after the group's end. A daemon that left the group (an ssh
/// master, a gpg-agent) may hold the pipe open for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// A program to run, with its whole environment.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// A name that is looked up in the PATH of `environment`.
    pub program: &'static str,
    pub arguments: Vec<OsString>,
    pub environment: BTreeMap<OsString, OsString>,
}

impl Invocation {
    /// The command as messages show it: up to the first flag, so that no argument value is told.
    fn command(&self) -> String {
        let mut command = self.program.to_owned();
        for argument in &self.arguments {
            let argument = argument.to_string_lossy();
            if argument.starts_with('-') {
                break;
            }
            command.push(' ');
            command.push_str(&escaped(&argument));
        }
        command
    }

    /// The output of this invocation, if its status tells of success.
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
    pub stdout: Vec<u8>,
    /// The last lines of stderr, control characters escaped.
    pub stderr: Vec<String>,
}

/// Where forwarded output goes: called with each line of stdout and stderr, without its line feed.
///
/// It must not block for long, since signals are not seen meanwhile. After its first error (a closed
/// pipe, say) it is not called again, and the program runs on to its end.
pub type Sink<'a> = dyn FnMut(&str) -> io::Result<()> + 'a;

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
        /// The last lines of its stderr, or of its stdout if that was all; control characters escaped.
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
    /// The line that most probably says why: the last one that says anything.
    pub fn last_line(&self) -> Option<&str> {
        match self {
            Error::Failed { last_lines, .. } => last_words(last_lines),
            _ => None,
        }
    }
}

fn last_words(lines: &[String]) -> Option<&str> {
    let mut lines = lines.iter().rev().map(|line| line.trim());
    lines.find(|line| !line.is_empty())
}

fn after_colon(lines: &[String]) -> String {
    last_words(lines).map_or_else(String::new, |line| format!(": {line}"))
}

/// Runs a program and keeps its stdout. Any exit status is an answer; `limit` is for the whole call.
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

/// Runs a program, hands every line of its stdout and stderr to `sink`, and fails unless it succeeds.
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
    // The streams come in any order, so that the last line of both need not be the one that says why.
    let last_lines = if complaints.0.is_empty() {
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
    let cannot_run = |source| Error::Run {
        program: invocation.program,
        source,
    };
    let (mut group, stdout, stderr) = Group::spawn(invocation)?;
    let mut pump = pin!(pump(stdout, stderr));
    let mut pumping = true;
    let outcome = {
        let mut ending = pin!(async {
            let reason = tokio::select! {
                status = group.ended() => return status.map_err(cannot_run),
                interrupted = interrupt.raised() => Error::Interrupted(interrupted),
                limit = elapsed(limit) => Error::TimedOut { command: invocation.command(), limit },
            };
            group.stop(&reason).await.map_err(cannot_run)?;
            Err(reason)
        });
        loop {
            tokio::select! {
                outcome = &mut ending => break outcome,
                () = &mut pump, if pumping => pumping = false,
            }
        }
    };
    if pumping {
        // Whoever still holds the pipes is not of the group; its silence is no failure.
        let _ = timeout(DRAIN, pump).await;
    }
    outcome
}

/// Waits for the limit and returns it; for ever if there is none.
async fn elapsed(limit: Option<Duration>) -> Duration {
    let Some(limit) = limit else {
        return future::pending().await;
    };
    sleep(limit).await;
    limit
}

/// A child and the process group that it leads. Dropped, it takes the whole group along.
struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    fn spawn(invocation: &Invocation) -> Result<(Self, ChildStdout, ChildStderr), Error> {
        let program = invocation.program;
        let mut leader = Command::new(program)
            .args(&invocation.arguments)
            .env_clear()
            .envs(&invocation.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => Error::NotFound { program },
                _ => Error::Run { program, source },
            })?;
        let stdout = leader.stdout.take().expect("stdout is a pipe");
        let stderr = leader.stderr.take().expect("stderr is a pipe");
        let id = leader
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .expect("a child that was not waited for has an id");
        Ok((Self { leader, id }, stdout, stderr))
    }

    /// Waits for the leader's end, then ends what it left behind.
    ///
    /// The rest is killed before the leader is reaped: until then nobody else can get its id, so the
    /// signal cannot hit a stranger's group.
    async fn ended(&mut self) -> io::Result<ExitStatus> {
        let mut children = signal(SignalKind::child())?;
        while !self.leader_has_exited()? {
            children.recv().await;
        }
        self.send(rustix::process::Signal::KILL);
        self.leader.wait().await
    }

    fn leader_has_exited(&self) -> io::Result<bool> {
        let look_only = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id), look_only)?.is_some())
    }

    /// Asks the group to end, and after a while makes it.
    async fn stop(&mut self, reason: &Error) -> io::Result<()> {
        self.send(match reason {
            Error::Interrupted(Interrupted {
                signal: Signal::Interrupt,
            }) => rustix::process::Signal::INT,
            _ => rustix::process::Signal::TERM,
        });
        if let Ok(ended) = timeout(GRACE, self.ended()).await {
            return ended.map(drop);
        }
        self.send(rustix::process::Signal::KILL);
        self.ended().await.map(drop)
    }

    fn send(&self, signal: rustix::process::Signal) {
        // The only possible failure is that nobody is left to get it.
        let _ = kill_process_group(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let is_reaped = self.leader.id().is_none();
        if !is_reaped {
            self.send(rustix::process::Signal::KILL);
        }
    }
}

/// Copies everything, but keeps no more than one byte over the limit: enough to see that it was.
async fn copy_bytes(stream: impl AsyncRead + Unpin, kept: &mut Vec<u8>) {
    let mut stream = BufReader::new(stream);
    // A read error ends the stream just as its end does: the exit status tells the rest.
    while let Ok(read @ [_, ..]) = stream.fill_buf().await {
        let room = (MAX_CAPTURED + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&read[..read.len().min(room)]);
        let length = read.len();
        stream.consume(length);
    }
}

async fn copy_lines(stream: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut piece = (&mut stream).take(MAX_LINE as u64);
        // A read error ends the stream just as its end does: the exit status tells the rest.
        match piece.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])),
        }
    }
}

#[derive(Default)]
struct LastLines(VecDeque<String>);

impl LastLines {
    fn push(&mut self, line: &str) {
        if self.0.len() == KEPT_LINES {
            self.0.pop_front();
        }
        self.0.push_back(escaped(line));
    }
}

impl From<LastLines> for Vec<String> {
    fn from(lines: LastLines) -> Self {
        lines.0.into()
    }
}

/// The text with everything escaped that could move a terminal's cursor or hide what is written.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => escaped.push(character),
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{61c}'
            | '\u{feff}' => escaped.extend(character.escape_default()),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
