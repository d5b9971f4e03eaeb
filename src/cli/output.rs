//! Writing answers to stdout and everything else to stderr, and turning a failure into an exit
//! code.

use std::io::ErrorKind;
use std::process::ExitCode;

use serde_json::Value;

use super::failure::Failure;
use super::writer::{Stream, Writer};
use crate::interrupt::Interrupt;
use crate::report;

/// The two streams of the process. A reader that has gone away is no error: there is nobody left to
/// tell.
pub(super) struct Output {
    writer: Writer,
}

impl Output {
    /// stdout and stderr of this process.
    pub(super) fn of_process() -> Self {
        Output {
            writer: Writer::of_process(),
        }
    }

    /// Lets no reader keep this process from ending once `interrupt` is raised.
    pub(super) fn heed(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        let heeded = self.writer.heed(interrupt.clone());
        heeded.map_err(Failure::Runtime)
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
        match self.writer.write(Stream::Stdout, bytes.to_vec())? {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
            _ => Ok(()),
        }
    }

    /// Prints a line that is not part of the answer.
    pub(super) fn note(&mut self, text: &str) {
        self.writer
            .tell(Stream::Stderr, format!("{text}\n").into_bytes());
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

    /// Reports a failure, if there is one, sees everything written, and gives the exit code.
    pub(super) fn finish(&mut self, result: Result<(), Failure>) -> ExitCode {
        let failure = result.err();
        let last_words = failure.as_ref().and_then(problem).unwrap_or_default();
        let exit_code = failure.map_or(0, |failure| failure.exit_code());
        match self.writer.end(last_words.into_bytes()) {
            Ok(()) => ExitCode::from(exit_code),
            Err(interrupted) => ExitCode::from(Failure::Interrupted(interrupted).exit_code()),
        }
    }

    /// Tells of a failure.
    pub(super) fn problem(&mut self, failure: &Failure) {
        if let Some(problem) = problem(failure) {
            self.writer.tell(Stream::Stderr, problem.into_bytes());
        }
    }
}

/// What there is to tell of a failure, with its last line feed.
fn problem(failure: &Failure) -> Option<String> {
    let problem = report::problem(&failure.problem()?);
    Some(format!("{}\n", problem.trim_end()))
}
