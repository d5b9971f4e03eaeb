//! A terminal with a person in front of it: a real pseudo-terminal, and what its screen shows.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::running::wait_until;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs on a terminal of its own, which is its stdin, stdout and stderr and controls it.
pub(crate) struct Terminal {
    master: Arc<OwnedFd>,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
    child: Child,
}

/// What came through the terminal.
struct Shown {
    screen: avt::Terminal,
    bytes: Vec<u8>,
}

/// What is left when the program has ended.
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    /// What stands on the screen and above it.
    pub(crate) lines: Vec<String>,
    /// Everything that was written to the terminal.
    pub(crate) bytes: String,
}

impl Terminal {
    /// Runs a command on a terminal of this size.
    pub(crate) fn run(command: &Command, columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = Arc::new(openpt(flags).unwrap());
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, winsize(columns, rows)).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = File::from(open(path, flags, Mode::empty()).unwrap());
        let stream = || Stdio::from(slave.try_clone().unwrap());
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program());
        session.args(command.get_args()).env_clear();
        let variables = command.get_envs();
        session.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        session.current_dir(command.get_current_dir().unwrap());
        session.stdin(stream()).stdout(stream()).stderr(stream());
        let child = session.spawn().expect("the program can be run");
        let screen = avt::Terminal::with_scrollback(columns.into(), rows.into(), None).unwrap();
        let shown = Arc::new(Mutex::new(Shown {
            screen,
            bytes: Vec::new(),
        }));
        let reading = read(Arc::clone(&master), Arc::clone(&shown));
        Terminal {
            master,
            shown,
            reader: Some(reading),
            child,
        }
    }

    /// What stands on the screen now, line by line, without blanks at the ends.
    pub(crate) fn screen(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap();
        lines(shown.screen.screen().visible_lines())
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen().iter().any(|line| line.contains(text)) {
            let screen = self.screen().join("\n");
            assert!(Instant::now() < deadline, "no {text:?} in:\n{screen}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Gives the window another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let mut shown = self.shown.lock().unwrap();
        tcsetwinsize(&self.master, winsize(columns, rows)).unwrap();
        shown.screen.resize(columns.into(), rows.into());
    }

    /// Types on the keyboard.
    pub(crate) fn type_in(&self, text: &str) {
        rustix::io::write(&self.master, text.as_bytes()).unwrap();
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process lives");
    }

    /// Waits for the end of the program.
    pub(crate) fn finish(mut self) -> Left {
        let mut code = None;
        wait_until("the program ends", || {
            let status = self.child.try_wait().unwrap();
            code = status.map(|status| status.code());
            status.is_some()
        });
        self.reader.take().unwrap().join().unwrap();
        let shown = self.shown.lock().unwrap();
        Left {
            code: code.flatten(),
            lines: lines(shown.screen.screen().all_lines()),
            bytes: String::from_utf8_lossy(&shown.bytes).into_owned(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After a test that has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Left {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.lines.join("\n"));
        self
    }
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Reads until nobody has the terminal open any more.
fn read(master: Arc<OwnedFd>, shown: Arc<Mutex<Shown>>) -> JoinHandle<()> {
    let mut file = File::from(master.try_clone().unwrap());
    thread::spawn(move || {
        let mut incomplete = Vec::new();
        let mut piece = [0; 4096];
        loop {
            // An error is how a pseudo-terminal tells of its end.
            let Ok(length @ 1..) = file.read(&mut piece) else {
                return;
            };
            let mut shown = shown.lock().unwrap();
            shown.bytes.write_all(&piece[..length]).unwrap();
            incomplete.extend_from_slice(&piece[..length]);
            let whole = match std::str::from_utf8(&incomplete) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
            let text = incomplete.drain(..whole).collect();
            shown
                .screen
                .feed([String::from_utf8(text).unwrap().as_str()]);
        }
    })
}

fn lines<'a>(lines: impl Iterator<Item = &'a avt::Line>) -> Vec<String> {
    let mut lines: Vec<_> = lines
        .map(|line| line.text().trim_end().to_owned())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
