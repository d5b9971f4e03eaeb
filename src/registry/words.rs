//! What a server says in the body of a refusal: the registry's own error codes and messages, made
//! fit to be shown.
//!
//! Everything here is foreign text: it is bounded, and escaped before it can reach a terminal.

use std::fmt;

use serde::Deserialize;

/// What the server said beside the status: the registry's own code and message, or what else the
/// body shows. Displayed with its separator, so that it can be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(String);

const MAX_WORDS: usize = 300;

impl Words {
    pub(super) fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        Words(match RegistryErrors::parse(body) {
            Some(errors) => format!(": {}", escape(&errors.first())),
            None if text.is_empty() => String::new(),
            None if text.starts_with('<') => " (with a web page)".to_owned(),
            None => format!(": {}", escape(text)),
        })
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bounds foreign text, and escapes what could act on a terminal or turn the writing direction.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if escaped.len() > MAX_WORDS {
            escaped.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => escaped.push(c),
            _ => escaped.extend(c.escape_debug()),
        }
    }
    escaped
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
