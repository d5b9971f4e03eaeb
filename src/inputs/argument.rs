//! The values of build arguments, as far as files give them.

use std::collections::BTreeMap;

use super::content;
use super::error::{Error, Role};
use super::tree::Tree;
use crate::config::{ArgValue, Image, Key, Notation};
use crate::shown::Shown;

/// Why a file gives no value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    #[error("it is not text")]
    NotText,
    #[error("it is not TOML: {}", Shown::text(.0.message()))]
    Toml(Box<toml::de::Error>),
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("there is no `{}` in it", Shown::text(.0))]
    NoKey(String),
    #[error("`{}` in it is {found}, and only a text, an integer or a boolean can be a value", Shown::text(.key))]
    NoValue { key: String, found: &'static str },
}

/// The values of all arguments of `image`, those of `[defaults]` included.
pub(super) fn values(tree: &dyn Tree, image: &Image) -> Result<BTreeMap<String, String>, Error> {
    let args = image.args.iter();
    args.map(|(name, arg)| Ok((name.clone(), value(tree, name, &arg.value)?)))
        .collect()
}

fn value(tree: &dyn Tree, name: &str, value: &ArgValue) -> Result<String, Error> {
    let (path, key) = match value {
        ArgValue::Text(text) => return Ok(text.clone()),
        ArgValue::File(path) => (path, None),
        ArgValue::Key {
            path,
            notation,
            key,
        } => (path, Some((*notation, key))),
    };
    let role = Role::Argument(name.to_owned());
    let bytes = content::text(tree, path).map_err(Error::of(role))?;
    of_bytes(bytes, key).map_err(|source| Error::Argument {
        name: name.to_owned(),
        path: path.clone(),
        source,
    })
}

fn of_bytes(bytes: Vec<u8>, key: Option<(Notation, &Key)>) -> Result<String, ValueError> {
    let text = String::from_utf8(bytes).map_err(|_| ValueError::NotText)?;
    let value = match key {
        Some((notation, key)) => at_key(&text, notation, key)?,
        None => text.trim().to_owned(),
    };
    match value.contains('\0') {
        true => Err(ValueError::NotText),
        false => Ok(value),
    }
}

/// What `key` leads to in a TOML or JSON file.
fn at_key(text: &str, notation: Notation, key: &Key) -> Result<String, ValueError> {
    match notation {
        Notation::Toml => toml_value(text, key),
        Notation::Json => json_value(text, key),
    }
}

fn toml_value(text: &str, key: &Key) -> Result<String, ValueError> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| ValueError::Toml(Box::new(error)))?;
    let mut value = &toml::Value::Table(table);
    for name in key.names() {
        let inner = value.as_table().and_then(|table| table.get(name));
        value = inner.ok_or_else(|| ValueError::NoKey(name.clone()))?;
    }
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(value) => Ok(value.to_string()),
        toml::Value::Float(_) => Err(no_value(key, "a number that is no integer")),
        toml::Value::Datetime(_) => Err(no_value(key, "a date or time")),
        toml::Value::Array(_) => Err(no_value(key, "an array")),
        toml::Value::Table(_) => Err(no_value(key, "a table")),
    }
}

fn json_value(text: &str, key: &Key) -> Result<String, ValueError> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(ValueError::Json)?;
    let mut value = &json;
    for name in key.names() {
        let inner = value.as_object().and_then(|object| object.get(name));
        value = inner.ok_or_else(|| ValueError::NoKey(name.clone()))?;
    }
    match value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Bool(value) => Ok(value.to_string()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Ok(integer.to_string()),
            None => Err(no_value(key, "a number that is no integer of 64 bits")),
        },
        serde_json::Value::Null => Err(no_value(key, "null")),
        serde_json::Value::Array(_) => Err(no_value(key, "an array")),
        serde_json::Value::Object(_) => Err(no_value(key, "an object")),
    }
}

fn no_value(key: &Key, found: &'static str) -> ValueError {
    ValueError::NoValue {
        key: key.names().join("."),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Notation, at_key};

    fn value(notation: Notation, text: &str, key: &str) -> Result<String, String> {
        at_key(text, notation, &Key::parse(key).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_lead_through_tables_to_texts_integers_and_booleans() {
        let toml = "a = 1_000\n[b]\n'c.d' = ' x '\ne = true\n";
        let json = r#"{"a": 1000, "b": {"c.d": " x ", "e": true}}"#;
        for (notation, text) in [(Notation::Toml, toml), (Notation::Json, json)] {
            assert_eq!(value(notation, text, "a").unwrap(), "1000");
            assert_eq!(value(notation, text, "b.\"c.d\"").unwrap(), " x ");
            assert_eq!(value(notation, text, "b.e").unwrap(), "true");
        }
    }

    #[test]
    fn anything_else_is_no_value() {
        for (text, key) in [
            ("a = 1.0", "a"),
            ("a = 2026-11-25", "a"),
            ("a = [1]", "a"),
            ("[a]", "a"),
            ("a = 1", "b"),
            ("a = 1", "a.b"),
            ("a = ", "a"),
        ] {
            assert!(value(Notation::Toml, text, key).is_err(), "{text}");
        }
        for text in ["1.0", "1e2", "9223372036854775808", "null", "[]", "{}", "x"] {
            let text = format!("{{\"a\": {text}}}");
            assert!(value(Notation::Json, &text, "a").is_err(), "{text}");
        }
    }
}
