//! A process group with all that is in it: its start, its end, and making it end.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::Invocation;
use crate::child;
use crate::interrupt::Signal;

/// How long a group has to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A child and the process group that it leads. Dropped, it takes the whole group along.
pub(super) struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    pub(super) fn spawn(invocation: &Invocation) -> io::Result<(Self, ChildStdout, ChildStderr)> {
        let mut leader = Command::new(invocation.program)
            .args(&invocation.arguments)
            .env_clear()
            .envs(&invocation.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = leader.stdout.take().expect("stdout is a pipe");
        let stderr = leader.stderr.take().expect("stderr is a pipe");
        let id = leader
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .expect("a child that was not waited for has an id");
        Ok((Self { leader, id }, stdout, stderr))
    }

    /// Waits for the leader's end, then ends what it left behind, and reaps it after that.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let mut children = signal(SignalKind::child())?;
        while !child::has_ended(self.id)? {
            children.recv().await;
        }
        child::signal_group(self.id, rustix::process::Signal::KILL);
        self.leader.wait().await
    }

    /// Asks the group to end, and after a while makes it.
    pub(super) async fn stop(&mut self, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::HangUp => rustix::process::Signal::HUP,
        };
        child::signal_group(self.id, signal);
        if let Ok(ended) = timeout(GRACE, self.ended()).await {
            return ended.map(drop);
        }
        child::signal_group(self.id, rustix::process::Signal::KILL);
        self.ended().await.map(drop)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let is_reaped = self.leader.id().is_none();
        if !is_reaped {
            child::signal_group(self.id, rustix::process::Signal::KILL);
        }
    }
}
