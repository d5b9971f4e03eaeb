//! What the TOML reader and serde say of a mistake, in the words of fingerprint.toml.

use super::mistake::{Mistake, MistakeKind};

impl From<toml::de::Error> for Mistake {
    fn from(error: toml::de::Error) -> Self {
        let kind = unknown_key(error.message())
            .unwrap_or_else(|| MistakeKind::Syntax(in_words_of_toml(error.message())));
        Mistake {
            span: error.span(),
            table: None,
            kind,
        }
    }
}

/// Serde's message about a value of the wrong type, without Rust's names of types; any other wording is
/// left as it is.
fn in_words_of_toml(message: &str) -> String {
    let types = message.strip_prefix("invalid type: ");
    let Some((found, expected)) = types.and_then(|types| types.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let found = match found {
        "map" => "table",
        "sequence" => "array",
        found => found,
    };
    let expected = match expected {
        "i64" => "an integer",
        "a sequence" => "an array",
        "a map" => "a table",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    };
    format!("invalid type: {found}, expected {expected}")
}

/// Reads serde's message about an unknown field, which is the only place where the known ones are
/// listed; any other wording is left to be shown as it is.
fn unknown_key(message: &str) -> Option<MistakeKind> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, expected) = rest.split_once("`, expected ")?;
    let known = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    Some(MistakeKind::UnknownKey {
        key: key.to_owned(),
        known,
    })
}
