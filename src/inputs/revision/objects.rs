//! Reading git's objects through one `git cat-file --batch` that is asked again and again.

use std::fmt::{self, Display, Formatter};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::inputs::git::{LIMIT, collect, complaint, end};
use crate::inputs::{BUFFER, Error as InputError};
use crate::interrupt::Interrupt;

/// So many names are asked for before the answers are read. They fit into the smallest pipe, of one
/// page, so that neither side ever waits for the other to read.
const AT_ONCE: usize = 4096 / 80;

/// How often whoever waits looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the reason of a git that has ended is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The name of an object, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ObjectId(String);

impl ObjectId {
    /// Reads an id as git prints it: 40 digits, or 64 in a repository with SHA-256.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let is_id = matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(text).ok().filter(|_| is_id)?;
        Some(ObjectId(text.to_owned()))
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        ObjectId(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// How many bytes an id has.
    pub(super) fn length(&self) -> usize {
        self.0.len() / 2
    }
}

impl Display for ObjectId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What git answers about a name.
pub(super) struct Object<'a> {
    pub(super) id: ObjectId,
    /// `blob`, `tree`, `commit` or `tag`.
    pub(super) kind: String,
    pub(super) size: u64,
    pub(super) bytes: &'a mut dyn Read,
}

/// What is done with each object; `None` is one that is missing.
pub(super) type Visit<'a> = dyn FnMut(usize, Option<Object<'_>>) -> Result<(), InputError> + 'a;

/// A running git that gives objects. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Objects {
    child: Option<Child>,
    requests: ChildStdin,
    answers: BufReader<Patient>,
    complaints: Receiver<io::Result<Vec<u8>>>,
}

impl Objects {
    /// Starts git. `command` is made to find the objects and nothing else.
    pub(super) fn start(mut command: Command, interrupt: &Interrupt) -> io::Result<Self> {
        let mut child = command
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let answers = Patient {
            stream: child.stdout.take().expect("stdout is a pipe"),
            interrupt: interrupt.clone(),
        };
        Ok(Objects {
            requests: child.stdin.take().expect("stdin is a pipe"),
            answers: BufReader::with_capacity(BUFFER, answers),
            complaints: collect(child.stderr.take().expect("stderr is a pipe")),
            child: Some(child),
        })
    }

    /// Asks for `names`, and hands what git answers to `visit`, in the same order.
    ///
    /// The names are ids, with or without `^{tree}` and the like. After an error of this or of
    /// `visit`, nothing more can be asked.
    pub(super) fn each(&mut self, names: &[String], visit: &mut Visit<'_>) -> Result<(), Failed> {
        for (chunk, names) in names.chunks(AT_ONCE).enumerate() {
            let request = names
                .iter()
                .fold(String::new(), |text, name| text + name + "\n");
            let asked = self.requests.write_all(request.as_bytes());
            asked.map_err(|error| self.failed(error))?;
            for index in 0..names.len() {
                self.one(chunk * AT_ONCE + index, visit)?;
            }
        }
        Ok(())
    }

    fn one(&mut self, index: usize, visit: &mut Visit<'_>) -> Result<(), Failed> {
        let mut line = Vec::new();
        let read = self.answers.read_until(b'\n', &mut line);
        read.map_err(|error| self.failed(error))?;
        if line.ends_with(b" missing\n") {
            return visit(index, None).map_err(Failed::Visit);
        }
        let Some((id, kind, size)) = parse_head(&line) else {
            let said = String::from_utf8_lossy(&line).into_owned();
            return Err(self.failed(io::Error::new(ErrorKind::InvalidData, said)));
        };
        let mut bytes = (&mut self.answers).take(size);
        let object = Object {
            id,
            kind,
            size,
            bytes: &mut bytes,
        };
        visit(index, Some(object)).map_err(Failed::Visit)?;
        // Whatever the visitor left, and the line feed behind it. If there is less, then the
        // visitor has not seen everything either.
        let rest = bytes.limit() + 1;
        match io::copy(&mut (&mut self.answers).take(rest), &mut io::sink()) {
            Ok(count) if count == rest => Ok(()),
            Ok(_) => Err(self.failed(ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What git says about its end, or else `error`.
    fn failed(&mut self, error: io::Error) -> Failed {
        let last_words = self.complaints.recv_timeout(LAST_WORDS);
        let said = last_words
            .ok()
            .and_then(Result::ok)
            .map(|said| complaint(&said));
        let said = said.filter(|said| !said.is_empty());
        Failed::Git(said.unwrap_or_else(|| error.to_string()))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            // It is killed, and there is nobody to tell what could go wrong with that.
            let _ = end(child, true);
        }
    }
}

/// Why not everything was read.
#[derive(Debug)]
pub(super) enum Failed {
    /// git failed, and said this.
    Git(String),
    /// The visitor failed.
    Visit(InputError),
}

/// Reads `ID KIND SIZE<LF>`.
fn parse_head(line: &[u8]) -> Option<(ObjectId, String, u64)> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let mut fields = line.split(' ');
    let (id, kind, size) = (fields.next()?, fields.next()?, fields.next()?);
    let is_end = fields.next().is_none();
    let id = ObjectId::parse(id.as_bytes()).filter(|_| is_end)?;
    Some((id, kind.to_owned(), size.parse().ok()?))
}

/// What git prints, waited for no longer than a signal allows, and not for ever.
#[derive(Debug)]
struct Patient {
    stream: ChildStdout,
    interrupt: Interrupt,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pause = Timespec::try_from(PAUSE).expect("a pause is short");
        let started = Instant::now();
        loop {
            self.interrupt.check().map_err(io::Error::other)?;
            let mut ready = [PollFd::new(&self.stream, PollFlags::IN)];
            match poll(&mut ready, Some(&pause)) {
                Ok(0) if started.elapsed() > LIMIT => return Err(ErrorKind::TimedOut.into()),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return self.stream.read(buffer),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Failed, ObjectId, Objects, parse_head};
    use crate::interrupt::{Interrupt, Signal};

    /// Something that answers like git, as far as `script` does.
    fn scripted(script: &str, interrupt: &Interrupt) -> Objects {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]);
        Objects::start(command, interrupt).unwrap()
    }

    fn read(objects: &mut Objects) -> Result<Vec<Vec<u8>>, Failed> {
        let mut all = Vec::new();
        objects.each(&["x".to_owned(), "y".to_owned()], &mut |_, object| {
            let mut bytes = Vec::new();
            if let Some(object) = object {
                object.bytes.read_to_end(&mut bytes).unwrap();
            }
            all.push(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn answers_are_kept_apart() {
        let id = "0".repeat(40);
        let script = format!("printf '{id} blob 3\\na\\nb\\ny missing\\n'; cat > /dev/null");
        let mut objects = scripted(&script, &Interrupt::never());
        assert_eq!(read(&mut objects).unwrap(), [b"a\nb".to_vec(), Vec::new()]);
    }

    #[test]
    fn an_object_that_ends_too_early_is_no_object() {
        let id = "0".repeat(40);
        for size in [2, 3, 4, 1000] {
            let script = format!("printf '{id} blob {size}\\nab'; echo fatal: corrupt >&2");
            let failed = read(&mut scripted(&script, &Interrupt::never())).unwrap_err();
            assert!(
                matches!(&failed, Failed::Git(said) if said == "fatal: corrupt"),
                "{failed:?}"
            );
        }
    }

    #[test]
    fn a_git_that_does_not_answer_is_interrupted() {
        let (sender, interrupt) = Interrupt::controlled();
        let mut objects = scripted("sleep 60", &interrupt);
        let started = Instant::now();
        let interrupting = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            sender.send(Some(Signal::Terminate)).unwrap();
        });
        assert!(matches!(read(&mut objects), Err(Failed::Git(_))));
        interrupting.join().unwrap();
        drop(objects);
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn heads_are_read() {
        let id = "ab".repeat(20);
        let head = parse_head(format!("{id} blob 12\n").as_bytes());
        assert_eq!(head, Some((ObjectId(id.clone()), "blob".to_owned(), 12)));
        for line in [
            format!("{id} blob 12"),
            format!("{id} blob x\n"),
            "a blob 1\n".to_owned(),
        ] {
            assert_eq!(parse_head(line.as_bytes()), None, "{line}");
        }
    }
}
