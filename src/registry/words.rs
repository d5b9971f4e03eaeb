//! What a server says in the body of a refusal: the registry's own error codes and messages, made
//! fit to be shown.
//!
//! Everything here is foreign text: it is bounded, and escaped before it can reach a terminal.

use std::fmt;

use serde::Deserialize;

use crate::shown::Shown;

/// What the server said beside the status: the registry's own code and message, or what else the
/// body shows. Displayed with its separator, so that it can be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    text: String,
    /// Whether the server complains of a request without TLS, in the words of Go's or nginx's.
    pub(super) tell_of_tls: bool,
}

/// How many bytes of what a server says are shown.
const MAX_WORDS: usize = 300;

impl Words {
    pub(super) fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let shown = match RegistryErrors::parse(body) {
            Some(errors) => format!(": {}", bounded(&errors.first())),
            None if text.is_empty() => String::new(),
            None if text.starts_with('<') => " (with a web page)".to_owned(),
            None => format!(": {}", bounded(text)),
        };
        let told = |words| text.contains(words);
        Words {
            text: shown,
            tell_of_tls: told("HTTP request to an HTTPS server") || told("sent to HTTPS port"),
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The beginning of a foreign text, safe to show.
pub(super) fn bounded(text: &str) -> String {
    let (beginning, rest) = text.split_at(text.floor_char_boundary(MAX_WORDS));
    let more = if rest.is_empty() { "" } else { "…" };
    format!("{}{more}", Shown::text(beginning))
}

/// The error body of the OCI distribution specification: `{"errors": [{"code", "message"}]}`.
#[derive(Deserialize)]
pub(super) struct RegistryErrors {
    errors: Vec<RegistryError>,
}

#[derive(Deserialize)]
struct RegistryError {
    #[serde(default)]
    code: String,
    message: Option<String>,
}

impl RegistryErrors {
    /// None unless the body is such an object with at least one error.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<RegistryErrors>(body)
            .ok()
            .filter(|e| !e.errors.is_empty())
    }

    pub(super) fn all_codes(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.errors.iter().all(|error| is_meant(&error.code))
    }

    /// Whether any error has a code or message of the kind that is meant.
    pub(super) fn any(&self, is_meant: impl Fn(&str, &str) -> bool) -> bool {
        let message = |error: &RegistryError| error.message.clone().unwrap_or_default();
        self.errors
            .iter()
            .any(|error| is_meant(&error.code, &message(error)))
    }

    fn first(&self) -> String {
        match self.errors.first() {
            Some(RegistryError {
                code,
                message: Some(message),
            }) => format!("{code}: {message}"),
            Some(RegistryError {
                code,
                message: None,
            }) => code.clone(),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_WORDS, Words, bounded};

    #[test]
    fn foreign_text_is_bounded_between_characters() {
        let full = "x".repeat(MAX_WORDS);
        assert_eq!(bounded(&full), full);
        assert_eq!(bounded(&(full.clone() + "y")), full + "…");
        let cut = bounded(&"é\u{1b}".repeat(MAX_WORDS));
        assert_eq!(cut, r"é\u{1b}".repeat(MAX_WORDS / 3) + "…");
    }

    #[test]
    fn foreign_text_keeps_its_quotes_and_loses_what_misleads() {
        let words = Words::of("\"it's\" a\\b\u{ad}\u{e0041}\u{202e}".as_bytes());
        assert_eq!(words.to_string(), r#": "it's" a\b\u{ad}\u{e0041}\u{202e}"#);
    }
}
