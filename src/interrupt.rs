//! SIGINT, SIGTERM and SIGHUP, as a value that running work can look at or wait for.
//!
//! The listener only notes the first signal. What is stopped because of it, and with which exit
//! code `fp` then ends, is up to those who hold an [`Interrupt`].

use std::future;
use std::io;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
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

impl Signal {
    /// The signal's number; a process that ends because of it exits with 128 plus this.
    pub fn number(self) -> u8 {
        match self {
            Signal::HangUp => 1,
            Signal::Interrupt => 2,
            Signal::Terminate => 15,
        }
    }
}

/// The work was given up because a signal asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted by {}", match .signal {
    Signal::HangUp => "SIGHUP",
    Signal::Interrupt => "SIGINT",
    Signal::Terminate => "SIGTERM",
})]
pub struct Interrupted {
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
    /// The signals are noted by a task of the current runtime. On a current-thread runtime they are
    /// therefore seen only while its thread is not blocked: long synchronous work belongs into
    /// `spawn_blocking`, with a clone to [`check`](Self::check).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O enabled.
    pub fn listen() -> io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let mut hang_ups = signal(SignalKind::hangup())?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let signal = tokio::select! {
                _ = interrupts.recv() => Signal::Interrupt,
                _ = terminations.recv() => Signal::Terminate,
                _ = hang_ups.recv() => Signal::HangUp,
            };
            // Nobody may be left who wants to know.
            let _ = sender.send(Some(signal));
        });
        Ok(Self { signal: receiver })
    }

    /// An interrupt that never comes.
    pub fn never() -> Self {
        Self {
            signal: watch::channel(None).1,
        }
    }

    /// An interrupt that a test raises by itself, by sending a signal's name.
    #[cfg(test)]
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
            // An error means that no listener is left, as in `never` and while a runtime shuts
            // down.
            if receiver.changed().await.is_err() && self.check().is_ok() {
                future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::{Interrupt, Interrupted, Signal};

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
    fn signals_have_their_numbers() {
        assert_eq!(Signal::Interrupt.number(), 2);
        assert_eq!(Signal::Terminate.number(), 15);
        assert_eq!(SIGTERM.to_string(), "interrupted by SIGTERM");
    }
}
