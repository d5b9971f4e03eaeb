//! Why a command did not do what was asked, as an exit code and as a report.

use std::error::Error;
use std::io;

use crate::config::{self, ImageName};
use crate::inputs;
use crate::report::Problem;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("the inputs of `{image}` cannot be told")]
    Inputs { image: ImageName, source: inputs::Error },
    #[error("the current folder cannot be told")]
    CurrentFolder(#[source] io::Error),
    #[error("cannot write to stdout")]
    Output(#[source] io::Error),
}

impl Failure {
    /// The exit code: 1 failed, 2 usage or configuration, 3 absent, 4 could not tell.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Inputs { .. } | Failure::CurrentFolder(_) | Failure::Output(_) => 1,
            Failure::Config(_) => 2,
        }
    }

    /// What to tell the user; `None` if everything has been said.
    pub(super) fn problem(&self) -> Option<Problem<'_>> {
        let mut problem = Problem::new(self);
        match self {
            Failure::Config(error) => {
                problem.hint = error.hint();
                if let config::Error::Invalid(invalid) = error {
                    problem.place = Some(invalid);
                }
            }
            Failure::Inputs { source, .. } => {
                problem.hint = source.hint().map(str::to_owned);
            }
            Failure::CurrentFolder(_) | Failure::Output(_) => {}
        }
        Some(problem)
    }
}
