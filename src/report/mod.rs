//! What a person reads: problems with their causes, places and ways out.
//!
//! Texts only: nothing is printed here.

mod alias;
mod block;
mod cache;
mod ensure;
mod groups;
mod log;
mod progress;
mod quantity;
mod userinfo;

use std::error::Error;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

pub use alias::{alias_state, alias_states, aliases, aliases_stay};
pub use block::{Block, Size, render};
pub use ensure::{choice, decision, engine, registry, why};
pub use groups::{Groups, without_commands};
pub use progress::{Manner, Progress};

use crate::shown::{self, Shown};
use userinfo::{has_userinfo, without_userinfo};

/// A failure as it is told: what went wrong, why, where, and what to do.
#[derive(Debug)]
pub struct Problem<'a> {
    /// The error; its sources are told after it.
    pub error: &'a dyn Error,
    /// The way out.
    pub hint: Option<String>,
    /// The place that is wrong, in fingerprint.toml or in a Dockerfile.
    pub place: Option<Place<'a>>,
}

/// A place in a file's text, and what is wrong there.
#[derive(Debug)]
pub struct Place<'a> {
    /// What is wrong: told instead of the problem's own error.
    pub mistake: &'a dyn Error,
    /// The file, as a person may see it.
    pub file: String,
    /// The whole text of the file.
    pub text: &'a str,
    /// Byte range in the text; `None` if something is missing from the file.
    pub span: Option<Range<usize>>,
    /// The table that is meant, where the place does not tell.
    pub table: Option<&'a str>,
    /// Whether what is wrong may hold a secret, so that its line is named and not shown.
    pub is_secret: bool,
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
    match &problem.place {
        Some(wrong) => renderer.render(&[place(wrong, problem.hint.as_deref())]),
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
        Some(hint) => group.element(Level::HELP.message(shown_text(hint))),
        None => group,
    }
}

fn place<'a>(place: &'a Place<'_>, hint: Option<&str>) -> Group<'a> {
    let title = Level::ERROR.primary_title(shown(place.mistake));
    let file = place.file.as_str();
    let group = match &place.span {
        Some(span) if place.is_secret || has_userinfo(lines(place.text, span)) => {
            let line = 1 + place.text[..span.start].matches('\n').count();
            Group::with_title(title).element(Origin::path(file).line(line))
        }
        Some(span) => Group::with_title(title).element(snippet(place.text, span).path(file)),
        None => Group::with_title(title).element(Level::NOTE.with_name("file").message(file)),
    };
    let group = match place.table {
        Some(table) => group.element(Level::NOTE.with_name("table").message(shown_text(table))),
        None => group,
    };
    match hint {
        Some(hint) => group.element(Level::HELP.message(shown_text(hint))),
        None => group,
    }
}

/// The whole lines of `text` that `span` is in.
fn lines<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n');
    &text[start..end.map_or(text.len(), |at| span.end + at)]
}

/// The lines of `text` around `span`, as they may be shown.
fn snippet<'a>(text: &str, span: &Range<usize>) -> Snippet<'a, Annotation<'a>> {
    let before = shown::source(&text[..span.start]);
    let marked = shown::source(&text[span.clone()]);
    let behind = shown::source(&text[span.end..]);
    let span = before.len()..before.len() + marked.len();
    Snippet::source(before + &marked + &behind).annotation(AnnotationKind::Primary.span(span))
}

/// An error's message. Wherever a text in it comes from, it cannot steer the terminal, and tells of
/// no user or token.
fn shown(error: &dyn Error) -> String {
    shown_text(&error.to_string())
}

fn shown_text(text: &str) -> String {
    // What tells that something is a secret may be in the part that is left out.
    abridged(without_userinfo(&Shown::text(text).to_string()))
}

/// The longest message that is shown whole, in bytes. Some quote what they are about, such as a word of a file.
const MAX_MESSAGE: usize = 4096;

/// The beginning and the end of a message that nobody would read whole.
fn abridged(message: String) -> String {
    if message.len() <= MAX_MESSAGE {
        return message;
    }
    let begin = message.floor_char_boundary(MAX_MESSAGE / 2);
    let end = message.ceil_char_boundary(message.len() - MAX_MESSAGE / 2);
    let left_out = end - begin;
    format!(
        "{} … ({left_out} bytes left out) … {}",
        &message[..begin],
        &message[end..]
    )
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE, shown_text};

    #[test]
    fn a_message_that_nobody_would_read_whole_is_shown_in_part() {
        let message = "é".repeat(MAX_MESSAGE / 2);
        assert_eq!(shown_text(&message), message);
        let shown = shown_text(&format!(
            "the input `{}` is absolute",
            "é".repeat(1_000_000)
        ));
        assert!(shown.starts_with("the input `é"), "{shown}");
        assert!(shown.ends_with("é` is absolute"), "{shown}");
        assert!(
            shown.contains("é … (1995930 bytes left out) … é"),
            "{shown}"
        );
        assert!(shown.len() < MAX_MESSAGE + 100);
    }

    /// The at sign is what tells that there was one.
    #[test]
    fn no_password_is_shown_because_what_follows_it_is_left_out() {
        let long = "x".repeat(MAX_MESSAGE);
        let shown = shown_text(&format!("https://user:hunter2{long}@host/{long}"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
