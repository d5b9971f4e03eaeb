//! Whether requests come together, seen at the registry and told by no clock.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How long a request is held that stays alone: less than fp waits for an answer.
const LONGEST: Duration = Duration::from_secs(10);

/// Holds each request until as many are under way as there may be at once, or all that are still to come. Only the first
/// one is let through alone: it finds out what the registry wants of the others.
pub(crate) struct Crowd {
    requests: usize,
    at_once: usize,
    state: Mutex<State>,
    has_grown: Condvar,
}

#[derive(Default)]
struct State {
    arrived: usize,
    under_way: usize,
    most: usize,
    was_alone: bool,
}

impl Crowd {
    /// Of so many requests, `at_once` of them at the same time.
    pub(crate) fn of(requests: usize, at_once: usize) -> Self {
        Crowd {
            requests,
            at_once,
            state: Mutex::default(),
            has_grown: Condvar::new(),
        }
    }

    /// A request has come, and may be answered when this returns.
    pub(crate) fn join(&self) {
        let mut state = self.state.lock().unwrap();
        state.arrived += 1;
        state.under_way += 1;
        state.most = state.most.max(state.under_way);
        self.has_grown.notify_all();
        let after_first = (state.arrived - 1).next_multiple_of(self.at_once);
        let enough = (1 + after_first).min(self.requests);
        let waited = self
            .has_grown
            .wait_timeout_while(state, LONGEST, |state| state.arrived < enough);
        let (mut state, waited) = waited.unwrap();
        state.was_alone |= waited.timed_out();
        state.under_way -= 1;
    }

    /// How many were under way at once at most. One that waited for others in vain ends the test.
    pub(crate) fn most(&self) -> usize {
        let state = self.state.lock().unwrap();
        assert!(!state.was_alone, "{} came, and no more", state.arrived);
        state.most
    }
}
