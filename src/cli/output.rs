//! Writing answers to stdout and everything else to stderr, and turning a failure into an exit
//! code.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde_json::Value;

use super::failure::Failure;
use crate::report;

/// The two streams of the process. A reader that has gone away is no error: there is nobody left to
/// tell.
pub(super) struct Output {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
}

impl Output {
    /// stdout and stderr of this process.
    pub(super) fn of_process() -> Self {
        Output {
            stdout: Box::new(io::stdout().lock()),
            stderr: Box::new(anstream::stderr()),
        }
    }

    /// Prints a line of the answer.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Prints the answer as JSON, indented, for programs that people also read.
    pub(super) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(&format!("{value:#}"))
    }

    /// Prints the answer's bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self
            .stdout
            .write_all(bytes)
            .and_then(|()| self.stdout.flush())
        {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
            _ => Ok(()),
        }
    }

    /// Prints a line that is not part of the answer.
    pub(super) fn note(&mut self, text: &str) {
        // There is no third place to tell that stderr is gone.
        let _ = writeln!(self.stderr, "{text}");
    }

    /// Prints what clap has to say: help and version are answers, the rest is misuse.
    pub(super) fn usage(&mut self, usage: &clap::Error) -> ExitCode {
        if usage.use_stderr() {
            self.note(usage.render().ansi().to_string().trim_end());
            return ExitCode::from(2);
        }
        match self.bytes(usage.render().to_string().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            failed => self.finish(failed),
        }
    }

    /// Reports a failure, if there is one, and gives the exit code.
    pub(super) fn finish(&mut self, result: Result<(), Failure>) -> ExitCode {
        let Err(failure) = result else {
            return ExitCode::SUCCESS;
        };
        self.problem(&failure);
        ExitCode::from(failure.exit_code())
    }

    /// Tells of a failure.
    pub(super) fn problem(&mut self, failure: &Failure) {
        if let Some(problem) = failure.problem() {
            self.note(report::problem(&problem).trim_end());
        }
    }
}
