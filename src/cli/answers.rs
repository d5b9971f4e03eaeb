//! The answers of a command on several images, in the form that was asked for, and what went wrong
//! with some of them.

use serde_json::Value;

use super::arguments::Format;
use super::failure::Failure;
use super::output::Output;
use crate::engine::Engine;
use crate::report;

/// Collects answers and failures.
///
/// Text is printed at once; JSON is one array, printed at the end. A failure is told when it
/// happens and does not keep the other images from being looked at; the gravest gives the exit
/// code.
pub(super) struct Answers<'a> {
    format: Format,
    output: &'a mut Output,
    objects: Vec<Value>,
    gravest: Option<u8>,
    /// Whether it was told which engine is used.
    engine_is_told: bool,
}

impl<'a> Answers<'a> {
    pub(super) fn new(format: Format, output: &'a mut Output) -> Self {
        Answers {
            format,
            output,
            objects: Vec::new(),
            gravest: None,
            engine_is_told: false,
        }
    }

    /// Gives the answer for one image: lines of text, or an object.
    pub(super) fn give(
        &mut self,
        text: impl FnOnce() -> String,
        object: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.output.line(&text())?,
            Format::Json => self.objects.push(object()),
        }
        Ok(())
    }

    /// Tells something that is no answer.
    pub(super) fn note(&mut self, text: &str) {
        self.output.note(text);
    }

    /// Tells what is seen of the images under way.
    pub(super) fn show(&mut self, lines: &[String]) {
        self.output.lines(lines);
    }

    /// Tells which of several engines is used, once that is known, and only once.
    pub(super) fn tell_engine(&mut self, engine: &Engine) {
        if let Some(choice) = engine.choice().filter(|_| !self.engine_is_told) {
            self.engine_is_told = true;
            self.output.note(&report::choice(choice));
        }
    }

    /// Tells of a failure. A signal ends the run at once; what has been answered is still printed.
    pub(super) fn fail(&mut self, failure: Failure) -> Result<(), Failure> {
        if matches!(failure, Failure::Interrupted(_)) {
            self.print_objects()?;
            return Err(failure);
        }
        self.output.problem(&failure);
        self.expect_exit_code(failure.exit_code());
        Ok(())
    }

    /// Has the run end with this exit code, or a graver one, for a reason that the answer itself
    /// tells.
    pub(super) fn expect_exit_code(&mut self, exit_code: u8) {
        self.gravest = self.gravest.max(Some(exit_code));
    }

    /// Prints what is left to print, and fails if something has failed.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.print_objects()?;
        match self.gravest {
            None => Ok(()),
            Some(exit_code) => Err(Failure::Reported { exit_code }),
        }
    }

    fn print_objects(&mut self) -> Result<(), Failure> {
        match self.format {
            Format::Text => Ok(()),
            Format::Json => {
                let objects = std::mem::take(&mut self.objects);
                self.output.json(&Value::Array(objects))
            }
        }
    }
}
