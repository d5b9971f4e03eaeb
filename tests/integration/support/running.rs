//! One run of a program: started, signalled, waited for, and what came of it.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs. Its output goes to files, so that nobody has to read it.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    output: PathBuf,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
}

impl Running {
    /// Starts `command`, with files for its output in `folder`.
    pub(crate) fn spawn(mut command: Command, folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let output = folder.join(format!("run-{count}"));
        let file = |extension| File::create(output.with_extension(extension)).unwrap();
        command.stdout(file("stdout")).stderr(file("stderr"));
        let started = Instant::now();
        let child = command.spawn().expect("the program can be run");
        Running {
            child,
            started,
            output,
        }
    }

    pub(crate) fn send(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(id, signal).expect("the process lives");
    }

    /// Waits until a line of stderr holds `text`.
    pub(crate) fn wait_for_stderr(&mut self, text: &str) {
        let path = self.output.with_extension("stderr");
        wait_until(&format!("stderr tells of {text:?}"), || {
            let stderr = fs::read_to_string(&path).unwrap();
            let has_ended = self.child.try_wait().unwrap().is_some();
            assert!(
                !has_ended || stderr.contains(text),
                "it ended before: {stderr}"
            );
            stderr.contains(text)
        });
    }

    pub(crate) fn finish(mut self) -> Answer {
        let left = PATIENCE.saturating_sub(self.started.elapsed());
        // Whoever looked before may have found it ended, and then no process has its number any more.
        let has_ended = self.child.try_wait().unwrap().is_some();
        if !has_ended && !ends_within(&self.child, left) {
            self.child.kill().unwrap();
        }
        let status = self.child.wait().unwrap();
        let read = |extension| {
            let bytes = fs::read(self.output.with_extension(extension)).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Answer {
            code: status.code(),
            signal: status.signal(),
            stdout: read("stdout"),
            stderr: read("stderr"),
            time: self.started.elapsed(),
        }
    }
}

/// Waits for the end of a process. Looking again and again would be a load where many are waited for.
fn ends_within(child: &Child, limit: Duration) -> bool {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let process = process.expect("a process that nobody has waited for");
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("less than an age");
        let mut ends = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut ends, Some(&left)) {
            Err(Errno::INTR) => {}
            ended => return ended.expect("it can be waited for") > 0,
        }
    }
}

impl Answer {
    /// Checks that the run succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that stderr says `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "{text:?} is not in:\n{}",
            self.stderr
        );
        self
    }

    /// Checks that stderr does not say `text`.
    #[track_caller]
    pub(crate) fn says_nothing_of(self, text: &str) -> Self {
        assert!(
            !self.stderr.contains(text),
            "{text:?} is in:\n{}",
            self.stderr
        );
        self
    }

    /// The one line of stdout.
    #[track_caller]
    pub(crate) fn line(&self) -> &str {
        let mut lines = self.stdout.lines();
        match (lines.next(), lines.next()) {
            (Some(line), None) => line,
            _ => panic!("not one line: {:?}\n{}", self.stdout, self.stderr),
        }
    }

    /// The digest of the reference that is the one line of stdout.
    #[track_caller]
    pub(crate) fn digest(&self) -> &str {
        let (_, digest) = self
            .line()
            .split_once('@')
            .expect("a reference with a digest");
        digest
    }
}

/// Waits until something is so, and fails if it does not come to be.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain waited until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
