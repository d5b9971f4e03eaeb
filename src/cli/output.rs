//! Writing answers to stdout and everything else to stderr, and turning a failure into an exit
//! code.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::process::ExitCode;

use serde_json::Value;

use super::failure::Failure;
use super::screen::Screen;
use super::writer::{Stream, Writer};
use crate::ensure::trust::is_in_github_actions;
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::report;

/// The two streams of the process. A reader that has gone away is no error: there is nobody left to
/// tell.
pub(super) struct Output {
    writer: Writer,
    /// Whether whoever keeps stderr acts upon commands in it, as GitHub's runners do.
    is_obeyed: bool,
}

impl Output {
    /// stdout and stderr of this process.
    pub(super) fn of_process() -> Self {
        Output {
            writer: Writer::of_process(),
            is_obeyed: false,
        }
    }

    /// Lets no reader keep this process from ending once `interrupt` is raised.
    pub(super) fn heed(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        self.heed_and_draw(interrupt, None)
    }

    /// The same, with a screen on which the writing thread draws what is under way.
    pub(super) fn heed_and_draw(
        &mut self,
        interrupt: &Interrupt,
        screen: Option<Screen>,
    ) -> Result<(), Failure> {
        let heeded = self.writer.heed(interrupt.clone(), screen);
        heeded.map_err(Failure::Runtime)
    }

    /// Lets nothing foreign in a message be taken for a command, where stderr is the log of a job in GitHub
    /// Actions.
    pub(super) fn guard(&mut self, environment: &Environment) {
        self.is_obeyed = is_in_github_actions(environment);
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
        let note = format!("{}\n", self.guarded(text));
        self.writer.tell(Stream::Stderr, note.into_bytes());
    }

    /// Prints lines that are not part of the answer, as they are: commands may be among them.
    pub(super) fn lines(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            let text = lines.join("\n") + "\n";
            self.writer.tell(Stream::Stderr, text.into_bytes());
        }
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
        let last_words = failure.as_ref().and_then(|failure| self.words(failure));
        let last_words = last_words.unwrap_or_default();
        let exit_code = failure.map_or(0, |failure| failure.exit_code());
        match self.writer.end(last_words.into_bytes()) {
            Ok(()) => ExitCode::from(exit_code),
            Err(interrupted) => ExitCode::from(Failure::Interrupted(interrupted).exit_code()),
        }
    }

    /// Tells of a failure.
    pub(super) fn problem(&mut self, failure: &Failure) {
        if let Some(problem) = self.words(failure) {
            self.writer.tell(Stream::Stderr, problem.into_bytes());
        }
    }

    /// What there is to tell of a failure, with its last line feed.
    fn words(&self, failure: &Failure) -> Option<String> {
        let problem = report::problem(&failure.problem()?);
        Some(format!("{}\n", self.guarded(problem.trim_end())))
    }

    fn guarded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.is_obeyed {
            true => report::without_commands(text).into(),
            false => text.into(),
        }
    }
}
