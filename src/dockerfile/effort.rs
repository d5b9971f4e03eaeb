//! How much a Dockerfile may ask for before fp gives up on it.
//!
//! A short file can ask for more than anybody waits for or has memory for: variables are made of
//! other variables, patterns are tried against long values, and triggers are run again by every stage
//! that starts from theirs. All of that is counted here, in steps of about one byte that is looked
//! at or copied.

use std::cell::Cell;

/// A file of 10 MB that asks for each of its bytes once takes a third of it; all of it is a matter of
/// a second.
const LIMIT: usize = 128 << 20;

/// What is left of the steps that one file may take on one platform.
#[derive(Debug)]
pub(super) struct Effort(Cell<usize>);

/// The file asks for too much.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Effort {
    /// Takes steps off. Once they do not suffice, none are left.
    pub(super) fn spend(&self, steps: usize) -> Result<(), TooMuch> {
        let left = self.0.get().saturating_sub(steps);
        self.0.set(left);
        self.check()
    }

    /// Whether any steps are left.
    pub(super) fn check(&self) -> Result<(), TooMuch> {
        match self.0.get() {
            0 => Err(TooMuch),
            _ => Ok(()),
        }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Effort(Cell::new(LIMIT))
    }
}
