//! How `fp ensure` shows what is under way: on a terminal, in a log, in a job of GitHub Actions.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anstream::{AutoStream, ColorChoice};

use super::screen::{self, Screen};
use crate::config::ImageName;
use crate::ensure::trust::{is_ci, is_in_github_actions};
use crate::ensure::{Event, Job};
use crate::environment::Environment;
use crate::report::{Groups, Manner, Progress};

/// On a terminal that is narrower, whole lines tell more than the beginnings of some.
const NARROWEST: usize = 20;

/// What is under way, as it is shown at stderr.
pub(super) struct Shown {
    progress: Arc<Mutex<Progress>>,
    is_drawn: bool,
}

impl Shown {
    /// In the manner that suits this process's stderr and environment.
    pub(super) fn of_process(environment: &Environment, is_verbose: bool) -> Self {
        let is_drawn = !is_verbose
            && io::stderr().is_terminal()
            && may_be_drawn_on(environment)
            && screen::size().is_none_or(|size| size.columns >= NARROWEST);
        let manner = match is_drawn {
            true => Manner::Blocks,
            false if is_in_github_actions(environment) => Manner::Groups(Groups::new(token())),
            false => Manner::Lines,
        };
        Shown {
            progress: Arc::new(Mutex::new(Progress::new(manner))),
            is_drawn,
        }
    }

    /// Where blocks are drawn, if they are.
    pub(super) fn screen(&self) -> Option<Screen> {
        let is_styled = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let screen = || Screen::new(Arc::clone(&self.progress), is_styled);
        self.is_drawn.then(screen)
    }

    /// Waits for the look-ups of images, and shows that meanwhile.
    pub(super) async fn looking_up<T>(
        &self,
        names: &[&ImageName],
        look_ups: impl Future<Output = T>,
    ) -> T {
        self.progress().look_up(names, Instant::now());
        let looked_up = look_ups.await;
        self.progress().looked_up();
        looked_up
    }

    /// Takes note of an event, and returns the lines to print; `asked` is the image that is made because it was
    /// asked for.
    pub(super) fn tell(
        &self,
        job: &Job<'_>,
        event: &Event<'_>,
        asked: Option<&ImageName>,
    ) -> Vec<String> {
        self.progress().tell(job, event, asked, Instant::now())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a terminal of this environment is one that people look at, and does as it is told.
fn may_be_drawn_on(environment: &Environment) -> bool {
    let term = environment.get("TERM");
    !is_ci(environment) && term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// A word that nobody can guess: 32 random hex digits.
fn token() -> String {
    let mut random = [0; 16];
    let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    assert_eq!(
        filled,
        Ok(random.len()),
        "the kernel always has 16 random bytes"
    );
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::may_be_drawn_on;
    use crate::environment::Environment;

    fn drawn(variables: &[(&str, &str)]) -> bool {
        may_be_drawn_on(&variables.iter().copied().collect::<Environment>())
    }

    #[test]
    fn terminals_that_people_look_at_are_drawn_on() {
        assert!(drawn(&[("TERM", "xterm-256color")]));
        assert!(drawn(&[
            ("TERM", "linux"),
            ("CI", "false"),
            ("NO_COLOR", "1")
        ]));
    }

    #[test]
    fn logs_and_dumb_terminals_are_not() {
        assert!(!drawn(&[]));
        assert!(!drawn(&[("TERM", "")]));
        assert!(!drawn(&[("TERM", "dumb")]));
        assert!(!drawn(&[("TERM", "xterm"), ("CI", "true")]));
        assert!(!drawn(&[("TERM", "xterm"), ("BUILDKITE", "true")]));
        assert!(!drawn(&[("TERM", "xterm"), ("GITHUB_ACTIONS", "true")]));
    }
}
