//! Starting `fp` as a process, and holding it to what it promises.
//!
//! Nothing of the environment that the tests run in reaches `fp` but PATH; its home is a new and
//! empty folder. A run is expected to succeed without a word on stderr, unless the test says
//! otherwise, and to end before its time is over.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::Read;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;

/// A run of `fp` in the making.
pub(crate) fn fp() -> Fp {
    let home = tempfile::tempdir().expect("a home");
    let mut run = Fp {
        program: env!("CARGO_BIN_EXE_fp").into(),
        wrapper: Vec::new(),
        arguments: Vec::new(),
        variables: Vec::new(),
        folder: home.path().into(),
        codes: 0..=0,
        stderr: Stderr::Empty,
        limit: Duration::from_secs(60),
        copy: None,
        home,
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let (home, docker) = (run.home.path().into(), run.home.path().join(".docker"));
    run.variables = vec![
        ("PATH".into(), path),
        ("HOME".into(), home),
        ("DOCKER_CONFIG".into(), docker.into()),
    ];
    run
}

/// How `fp` is started, and what is expected of it.
pub(crate) struct Fp {
    program: OsString,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: OsString,
    codes: RangeInclusive<i32>,
    stderr: Stderr,
    limit: Duration,
    copy: Option<TempDir>,
    home: TempDir,
}

/// What is expected on stderr.
enum Stderr {
    Empty,
    Any,
    Contains(Vec<String>),
}

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Fp {
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Fp::arg)
    }

    /// Sets a variable, also one that every run has.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value));
        self
    }

    pub(crate) fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = folder.as_ref().into();
        self
    }

    /// Has `fp` started by this program, which gets the path of `fp` and its arguments after its
    /// own arguments: a umask or a user is the process's, so that a test may only set it for a
    /// process of its own.
    pub(crate) fn under<A: AsRef<OsStr>>(mut self, wrapper: impl IntoIterator<Item = A>) -> Self {
        self.wrapper = wrapper
            .into_iter()
            .map(|word| word.as_ref().into())
            .collect();
        self
    }

    /// Has an ordinary user run `fp`. Root can read everything, and would be another user than the
    /// one who made the tree only like this. The program is copied to where everybody can reach it.
    pub(crate) fn by_ordinary_user(mut self) -> Self {
        if !geteuid().is_root() {
            return self;
        }
        let folder = tempfile::tempdir().expect("a folder for the program");
        let copy = folder.path().join("fp");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("a mode");
        // Another program makes the copy: a child that another test starts at this moment would
        // inherit a file that is open for writing here, and such a file cannot be run.
        let is_linked = fs::hard_link(&self.program, &copy).is_ok();
        let mut cp = Command::new("cp");
        let mut copied = || cp.arg(&self.program).arg(&copy).status();
        assert!(
            is_linked || copied().is_ok_and(|status| status.success()),
            "no copy of the program"
        );
        self.program = copy.into();
        self.copy = Some(folder);
        self.under([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ])
    }

    /// Has an ordinary user run `fp`, which cannot start a thread or another program: there is no room
    /// for one more process of that user.
    pub(crate) fn without_threads_and_children(self) -> Self {
        let mut run = self.by_ordinary_user();
        run.wrapper.extend(["prlimit".into(), "--nproc=1".into()]);
        run
    }

    /// Expects this exit code; one beside 0 comes with a word on stderr.
    pub(crate) fn code(mut self, code: i32) -> Self {
        self.codes = code..=code;
        self
    }

    /// Expects that something is wrong, in the configuration or elsewhere, and a word on stderr.
    pub(crate) fn refuses(mut self) -> Self {
        self.codes = 1..=2;
        self.any_stderr()
    }

    /// Expects this text on stderr, and allows more.
    pub(crate) fn stderr_contains(mut self, text: impl Into<String>) -> Self {
        match &mut self.stderr {
            Stderr::Contains(texts) => texts.push(text.into()),
            other => *other = Stderr::Contains(vec![text.into()]),
        }
        self
    }

    /// Allows anything on stderr.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.stderr = Stderr::Any;
        self
    }

    /// Allows this much time instead of a minute.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs `fp` and returns what it printed on stdout.
    pub(crate) fn run(self) -> String {
        let stdout = self.outcome().stdout;
        String::from_utf8(stdout).expect("stdout is text")
    }

    /// Runs `fp`, checks it, and returns all that it printed.
    pub(crate) fn outcome(self) -> Outcome {
        let mut command = self.command();
        let (status, outcome) = finish(&mut command, self.limit);
        let said = || {
            let stdout = String::from_utf8_lossy(&outcome.stdout);
            format!(
                "{command:?}: {status}\n--- stdout\n{stdout}\n--- stderr\n{}",
                outcome.stderr
            )
        };
        assert!(
            status.code().is_some_and(|code| self.codes.contains(&code)),
            "exit code, not in {:?}, signal {:?}: {}",
            self.codes,
            status.signal(),
            said()
        );
        match &self.stderr {
            Stderr::Empty => assert_eq!(outcome.stderr, "", "stderr of {}", said()),
            Stderr::Any => {}
            Stderr::Contains(texts) => {
                for text in texts {
                    assert!(
                        outcome.stderr.contains(text),
                        "{text:?} is missing: {}",
                        said()
                    );
                }
            }
        }
        outcome
    }

    fn command(&self) -> Command {
        let mut words = self.wrapper.clone();
        words.push(self.program.clone());
        words.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what hangs can be ended with all its children.
            .process_group(0);
        command
    }
}

/// Starts a command and waits for its end, which must come within `limit`.
fn finish(command: &mut Command, limit: Duration) -> (ExitStatus, Outcome) {
    let started = Instant::now();
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = reader(child.stdout.take().expect("piped"));
    let stderr = reader(child.stderr.take().expect("piped"));
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        if started.elapsed() > limit {
            end(&mut child);
            panic!("{command:?} was still running after {limit:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().expect("reading ends"));
    let stderr = String::from_utf8(stderr).expect("stderr is text");
    (status, Outcome { stdout, stderr })
}

fn reader(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

fn end(child: &mut Child) {
    let group = Pid::from_child(child);
    kill_process_group(group, Signal::KILL).expect("the group is there");
    child.wait().expect("the child can be waited for");
}
