//! stdout and stderr of this process, and how long anybody waits for those who read them.
//!
//! They are written on the spot as long as a signal ends the process. Once signals are only noted,
//! a thread writes, and nobody waits for it longer than a signal allows. That thread also draws what
//! is under way, if there is a screen for it. What is written, and to which of the two, is left to `output`.

use std::io::{self, Stderr, Stdout, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};

use super::screen::Screen;
use crate::interrupt::{Interrupt, Interrupted};

/// How many pieces may wait to be written. A piece is a line, of an engine's at most 64 KiB; when
/// there is no room, `fp` waits, and with it the engine.
const QUEUE: usize = 256;

/// How long the last words may take once a signal has come.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often the screen is drawn at most.
const FRAME: Duration = Duration::from_millis(100);

/// How often whoever waits looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(10);

/// One of the two streams.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// The way to the streams. What goes into it comes out in the same order.
pub(super) enum Writer {
    /// The caller writes.
    Direct(Streams),
    /// A thread writes.
    Queued(Queue),
}

/// The streams themselves.
pub(super) struct Streams {
    stdout: Stdout,
    stderr: Stderr,
    /// What stderr gets of styles.
    styles: ColorChoice,
    screen: Option<Screen>,
}

/// The way to the thread that writes.
pub(super) struct Queue {
    pieces: SyncSender<Piece>,
    interrupt: Interrupt,
}

struct Piece {
    stream: Stream,
    bytes: Vec<u8>,
    /// Who wants to know what came of it.
    written: Option<Sender<io::Result<()>>>,
    /// Whether nothing is drawn from now on.
    is_last: bool,
}

impl Writer {
    /// Writes to the streams of this process.
    pub(super) fn of_process() -> Self {
        Writer::Direct(Streams::of_process())
    }

    /// Has a thread write from now on, and draw on the screen if there is one, and gives way to `interrupt`.
    pub(super) fn heed(&mut self, interrupt: Interrupt, screen: Option<Screen>) -> io::Result<()> {
        let (pieces, queue) = sync_channel(QUEUE);
        let write = move || {
            let streams = Streams {
                screen,
                ..Streams::of_process()
            };
            streams.take(&queue);
        };
        thread::Builder::new().name("output".into()).spawn(write)?;
        *self = Writer::Queued(Queue { pieces, interrupt });
        Ok(())
    }

    /// Writes without telling what comes of it. After a signal, what would have to wait is lost.
    pub(super) fn tell(&mut self, stream: Stream, bytes: Vec<u8>) {
        // There is no third place to tell that a stream is gone.
        let _ = match self {
            Writer::Direct(streams) => streams.write(stream, &bytes).map_err(drop),
            Writer::Queued(queue) => queue.tell(stream, bytes).map_err(drop),
        };
    }

    /// Writes, and waits until that and all before it is done, or a signal comes.
    pub(super) fn write(
        &mut self,
        stream: Stream,
        bytes: Vec<u8>,
    ) -> Result<io::Result<()>, Interrupted> {
        match self {
            Writer::Direct(streams) => Ok(streams.write(stream, &bytes)),
            Writer::Queued(queue) => queue.write(stream, bytes, false),
        }
    }

    /// Writes what is said last, to stderr. A signal makes this short, but does not prevent it.
    pub(super) fn end(&mut self, bytes: Vec<u8>) -> Result<(), Interrupted> {
        // There is no third place to tell that stderr is gone.
        let _ = match self {
            Writer::Direct(streams) => streams.write(Stream::Stderr, &bytes),
            Writer::Queued(queue) => queue.write(Stream::Stderr, bytes, true)?,
        };
        Ok(())
    }
}

impl Streams {
    fn of_process() -> Self {
        Streams {
            stdout: io::stdout(),
            stderr: io::stderr(),
            styles: AutoStream::choice(&io::stderr()),
            screen: None,
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Stdout => {
                // It may be the same terminal.
                self.clear();
                self.stdout.write_all(bytes)?;
                self.stdout.flush()?;
                self.draw();
                Ok(())
            }
            Stream::Stderr => {
                let mut styled = AutoStream::new(Vec::new(), self.styles);
                styled.write_all(bytes)?;
                let bytes = styled.into_inner();
                match &mut self.screen {
                    None => self.stderr.write_all(&bytes),
                    Some(screen) => self.stderr.write_all(&screen.above(&bytes)),
                }
            }
        }
    }

    /// Draws what is under way. Whoever cannot see it misses nothing that is not told otherwise.
    fn draw(&mut self) {
        if let Some(screen) = &mut self.screen {
            let _ = self.stderr.write_all(&screen.draw());
        }
    }

    /// Takes away what is drawn.
    fn clear(&mut self) {
        if let Some(screen) = &mut self.screen {
            let _ = self.stderr.write_all(&screen.clear());
        }
    }

    /// Writes what comes through the queue, until nobody is left who could say more, and draws in between.
    fn take(mut self, queue: &Receiver<Piece>) {
        loop {
            let next = match self.screen {
                None => queue.recv().map_err(RecvTimeoutError::from),
                Some(_) => queue.recv_timeout(FRAME),
            };
            let piece = match next {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => {
                    self.draw();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if piece.is_last {
                self.clear();
                self.screen = None;
            }
            let result = self.write(piece.stream, &piece.bytes);
            if let Some(written) = piece.written {
                // Whoever asked may have stopped waiting.
                let _ = written.send(result);
            }
        }
    }
}

impl Queue {
    fn tell(&self, stream: Stream, bytes: Vec<u8>) -> Result<(), Interrupted> {
        let piece = Piece {
            stream,
            bytes,
            written: None,
            is_last: false,
        };
        self.put(piece, &mut Patience::new(&self.interrupt, Duration::ZERO))
    }

    fn write(
        &self,
        stream: Stream,
        bytes: Vec<u8>,
        is_last: bool,
    ) -> Result<io::Result<()>, Interrupted> {
        let grace = if is_last { LAST_WORDS } else { Duration::ZERO };
        let mut patience = Patience::new(&self.interrupt, grace);
        let (sender, result) = channel();
        let piece = Piece {
            stream,
            bytes,
            written: Some(sender),
            is_last,
        };
        self.put(piece, &mut patience)?;
        loop {
            match result.recv_timeout(PAUSE) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Timeout) => patience.check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
        }
    }

    /// Waits for room.
    fn put(&self, mut piece: Piece, patience: &mut Patience<'_>) -> Result<(), Interrupted> {
        while let Err(TrySendError::Full(back)) = self.pieces.try_send(piece) {
            patience.check()?;
            piece = back;
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

/// How long somebody waits: for ever, but once a signal has come only for `grace`.
struct Patience<'a> {
    interrupt: &'a Interrupt,
    grace: Duration,
    until: Option<Instant>,
}

impl<'a> Patience<'a> {
    fn new(interrupt: &'a Interrupt, grace: Duration) -> Self {
        Patience {
            interrupt,
            grace,
            until: None,
        }
    }

    fn check(&mut self) -> Result<(), Interrupted> {
        let Err(interrupted) = self.interrupt.check() else {
            return Ok(());
        };
        let until = *self
            .until
            .get_or_insert_with(|| Instant::now() + self.grace);
        match Instant::now() < until {
            true => Ok(()),
            false => Err(interrupted),
        }
    }
}
