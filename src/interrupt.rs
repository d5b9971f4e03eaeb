//! SIGINT, SIGTERM and SIGHUP, as a value that running work can look at or wait for.
//!
//! The listener only notes the first signal. What is stopped because of it, and with which exit
//! code `fp` then ends, is up to those who hold an [`Interrupt`].

use std::fs;
use std::future::{self, poll_fn};
use std::io;
use std::task::Poll;
use std::thread;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;

/// A signal that asks `fp` to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, what Ctrl-C sends.
    Interrupt,
    /// SIGTERM, what a CI system or an init sends.
    Terminate,
    /// SIGHUP, what a closed terminal sends.
    HangUp,
}

/// Every signal that is listened to.
const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];

impl Signal {
    /// The signal's number; a process that ends because of it exits with 128 plus this.
    pub fn number(self) -> u8 {
        match self {
            Signal::HangUp => 1,
            Signal::Interrupt => 2,
            Signal::Terminate => 15,
        }
    }

    fn kind(self) -> SignalKind {
        SignalKind::from_raw(self.number().into())
    }
}

/// The error of work that was given up because a signal asked for it.
///
/// It is no failure of the work, so it is handed up as it is, and ends the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted by {}", match .signal {
    Signal::HangUp => "SIGHUP",
    Signal::Interrupt => "SIGINT",
    Signal::Terminate => "SIGTERM",
})]
pub struct Interrupted {
    /// The first signal that came.
    pub signal: Signal,
}

/// Whether a signal has come. Clones are cheap and all tell the same.
#[derive(Debug, Clone)]
pub struct Interrupt {
    signal: watch::Receiver<Option<Signal>>,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP over from the system's default, from now until the process
    /// ends.
    ///
    /// One that this process was started to ignore stays ignored: SIGHUP under `nohup`, SIGINT in a
    /// shell's background job.
    ///
    /// They are noted by a thread of their own, whatever the others are waiting for.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored(&fs::read_to_string("/proc/self/status").unwrap_or_default());
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let streams = {
            let _context = runtime.enter();
            ALL.into_iter()
                .filter(|signal| ignored & (1 << (signal.number() - 1)) == 0)
                .map(|signal| Ok((signal, unix::signal(signal.kind())?)))
                .collect::<io::Result<Vec<_>>>()?
        };
        let (sender, receiver) = watch::channel(None);
        let note = move || {
            let signal = first(&runtime, streams);
            // Nobody may be left who wants to know.
            let _ = sender.send(Some(signal));
        };
        thread::Builder::new().name("signals".into()).spawn(note)?;
        Ok(Self { signal: receiver })
    }

    /// An interrupt that never comes.
    pub fn never() -> Self {
        Self {
            signal: watch::channel(None).1,
        }
    }

    /// An interrupt that is raised by sending a signal's name: for work that is given up together.
    pub(crate) fn controlled() -> (watch::Sender<Option<Signal>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self { signal: receiver })
    }

    /// Fails if a signal has come. For synchronous work, as often as it likes.
    pub fn check(&self) -> Result<(), Interrupted> {
        match *self.signal.borrow() {
            Some(signal) => Err(Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// Waits until a signal comes; at once if it has come already, and for ever if none does.
    pub async fn raised(&self) -> Interrupted {
        let mut receiver = self.signal.clone();
        loop {
            if let Err(interrupted) = self.check() {
                return interrupted;
            }
            // An error means that no listener is left, as in `never` and after the first signal.
            if receiver.changed().await.is_err() && self.check().is_ok() {
                future::pending::<()>().await;
            }
        }
    }
}

/// Waits for the first signal that comes.
fn first(runtime: &Runtime, mut streams: Vec<(Signal, unix::Signal)>) -> Signal {
    runtime.block_on(poll_fn(|context| {
        for (signal, stream) in &mut streams {
            if stream.poll_recv(context).is_ready() {
                return Poll::Ready(*signal);
            }
        }
        Poll::Pending
    }))
}

/// The signals that a process ignores, as `/proc/PID/status` tells it (proc(5), "SigIgn"): the
/// lowest bit is signal 1. None if it does not tell.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::{Interrupt, Interrupted, Signal, ignored};

    const SIGTERM: Interrupted = Interrupted {
        signal: Signal::Terminate,
    };

    #[tokio::test]
    async fn one_that_never_comes_leaves_work_alone() {
        let interrupt = Interrupt::never();
        assert_eq!(interrupt.check(), Ok(()));
        let waited = timeout(Duration::from_millis(20), interrupt.raised()).await;
        assert!(waited.is_err());
    }

    /// One test for both ways of looking, since a real signal reaches the whole test process.
    #[tokio::test]
    async fn a_signal_reaches_waiting_and_polling_work() {
        let interrupt = Interrupt::listen().unwrap();
        let polled = interrupt.clone();
        let copy = tokio::task::spawn_blocking(move || {
            loop {
                if let Err(interrupted) = polled.check() {
                    return interrupted;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        sleep(Duration::from_millis(20)).await;
        assert_eq!(interrupt.check(), Ok(()));

        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        assert_eq!(interrupt.raised().await, SIGTERM);
        assert_eq!(copy.await.unwrap(), SIGTERM);
        assert_eq!(interrupt.check(), Err(SIGTERM));
    }

    #[test]
    fn ignored_signals_are_read() {
        let status = "Name:\tfp\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), 1 << 12 | 1);
        assert_eq!(ignored("SigIgn:\tall\n"), 0);
        assert_eq!(ignored(""), 0);
    }

    #[test]
    fn signals_have_their_numbers() {
        assert_eq!(Signal::Interrupt.number(), 2);
        assert_eq!(Signal::Terminate.number(), 15);
        assert_eq!(SIGTERM.to_string(), "interrupted by SIGTERM");
    }
}
