//! What a person reads: problems with their causes, places and ways out.
//!
//! Texts only: nothing is printed here.

mod ensure;

use std::error::Error;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

pub use ensure::{decision, engine, event, outcome, registry, why};

use crate::config::Invalid;
use crate::shown::Shown;

/// A failure as it is told: what went wrong, why, where, and what to do.
#[derive(Debug)]
pub struct Problem<'a> {
    /// The error; its sources are told after it.
    pub error: &'a dyn Error,
    /// The way out.
    pub hint: Option<String>,
    /// The place in fingerprint.toml that is wrong.
    pub place: Option<&'a Invalid>,
}

impl<'a> Problem<'a> {
    /// A problem that is only an error so far.
    pub fn new(error: &'a dyn Error) -> Self {
        Problem {
            error,
            hint: None,
            place: None,
        }
    }
}

/// Renders a problem, styled for a terminal.
pub fn problem(problem: &Problem<'_>) -> String {
    let renderer = Renderer::styled();
    match problem.place {
        Some(invalid) => renderer.render(&[place(invalid, problem.hint.as_deref())]),
        None => renderer.render(&[chain(problem)]),
    }
}

fn chain<'a>(problem: &'a Problem<'_>) -> Group<'a> {
    let mut group = Group::with_title(Level::ERROR.primary_title(shown(problem.error)));
    let mut source = problem.error.source();
    while let Some(error) = source {
        group = group.element(Level::NOTE.with_name("cause").message(shown(error)));
        source = error.source();
    }
    match &problem.hint {
        Some(hint) => group.element(Level::HELP.message(hint.as_str())),
        None => group,
    }
}

fn place<'a>(invalid: &'a Invalid, hint: Option<&'a str>) -> Group<'a> {
    let message = shown(&invalid.mistake.kind);
    let path = Shown::path(&invalid.file).to_string();
    let title = Level::ERROR.primary_title(message);
    let group = match &invalid.mistake.span {
        Some(span) => Group::with_title(title).element(
            Snippet::source(invalid.text.as_str())
                .path(path)
                .annotation(AnnotationKind::Primary.span(span.clone())),
        ),
        None => Group::with_title(title).element(Level::NOTE.with_name("file").message(path)),
    };
    match hint {
        Some(hint) => group.element(Level::HELP.message(hint)),
        None => group,
    }
}

/// An error's message. Wherever a text in it comes from, it cannot steer the terminal.
fn shown(error: &dyn Error) -> String {
    Shown::text(&error.to_string()).to_string()
}
