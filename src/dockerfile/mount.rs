//! The value of `RUN --mount`: what it reads, and from where.
//!
//! The reference is BuildKit's `commands_runmount.go`: fields as in a CSV line, variables expanded in
//! every value but that of `from`.

use super::arguments::Naming;
use super::mistake::MistakeKind;
use crate::csv;

/// A mount, as far as it decides what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// `bind`, `cache`, …
    pub(super) kind: String,
    /// Whether it reads from a stage or an image instead of the context.
    pub(super) has_from: bool,
    /// The path that is mounted; empty for everything.
    pub(super) source: String,
}

/// The stage or image that a mount reads from. A number is no stage's here.
pub(super) fn naming(text: &str) -> Result<Option<Naming>, MistakeKind> {
    let fields = fields(text)?;
    let from = fields.iter().rev().find_map(|field| match key(field) {
        (key, Some(value)) if key == "from" => Some(value),
        _ => None,
    });
    match from {
        None | Some("") => Ok(None),
        Some(from) if from.contains('$') => Err(MistakeKind::VariableInFrom(from.to_owned())),
        Some(from) => Ok(Some(Naming::Name(from.to_owned()))),
    }
}

/// Whether what is mounted may be written to, as far as the text tells: a variable might say so as well.
pub(super) fn is_writable(text: &str) -> bool {
    let fields = fields(text).unwrap_or_default();
    let is_bind = fields.iter().all(|field| match key(field) {
        (key, Some(value)) => key != "type" || value.eq_ignore_ascii_case("bind"),
        (_, None) => true,
    });
    let says_so = fields.iter().any(|field| match key(field) {
        (key, None) => key == "rw" || key == "readwrite",
        (key, Some(value)) => match key.as_str() {
            "rw" | "readwrite" => !is_false(value),
            "ro" | "readonly" => is_false(value),
            _ => false,
        },
    });
    is_bind && says_so
}

fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE")
}

/// Reads a mount; `expand` gives the values of its fields.
pub(super) fn parse(
    text: &str,
    expand: &mut impl FnMut(&str) -> Result<String, MistakeKind>,
) -> Result<Mount, MistakeKind> {
    let mut mount = Mount {
        kind: "bind".to_owned(),
        has_from: naming(text)?.is_some(),
        source: String::new(),
    };
    for field in fields(text)? {
        match key(&field) {
            (key, Some(value)) if key == "type" => mount.kind = expand(value)?.to_lowercase(),
            (key, Some(value)) if key == "source" || key == "src" => mount.source = expand(value)?,
            _ => {}
        }
    }
    Ok(mount)
}

/// The name of a field in lower case, and its value if it has one.
fn key(field: &str) -> (String, Option<&str>) {
    match field.split_once('=') {
        Some((key, value)) => (key.to_lowercase(), Some(value)),
        None => (field.to_lowercase(), None),
    }
}

/// Splits a CSV line.
fn fields(text: &str) -> Result<Vec<String>, MistakeKind> {
    csv::fields(text).ok_or_else(|| MistakeKind::Mount(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Mount, fields, naming, parse};
    use crate::dockerfile::arguments::Naming;
    use crate::dockerfile::mistake::MistakeKind;

    fn mount(text: &str) -> (String, bool, String) {
        let Mount {
            kind,
            has_from,
            source,
        } = parse(text, &mut |value| Ok(value.replace("$X", "x"))).unwrap();
        (kind, has_from, source)
    }

    #[test]
    fn a_mount_says_what_it_reads() {
        let bind = |source: &str| ("bind".to_owned(), false, source.to_owned());
        assert_eq!(mount("target=/x"), bind(""));
        assert_eq!(mount("type=BIND,Source=a/$X,target=/x,ro"), bind("a/x"));
        assert_eq!(mount("src=a,source=b,dst=/x"), bind("b"));
        assert_eq!(mount("\"source=a,b\",target=/x"), bind("a,b"));
        assert_eq!(mount("\"source=a\"\"b\""), bind("a\"b"));
        assert_eq!(
            mount("type=cache,from=base,source=/c"),
            ("cache".into(), true, "/c".into())
        );
    }

    #[test]
    fn a_mount_names_a_stage_without_variables() {
        assert_eq!(
            naming("from=a,FROM=b").unwrap(),
            Some(Naming::Name("b".into()))
        );
        assert_eq!(naming("from=,target=/x").unwrap(), None);
        assert_eq!(naming("from=0").unwrap(), Some(Naming::Name("0".into())));
        assert_eq!(
            naming("from=$X"),
            Err(MistakeKind::VariableInFrom("$X".into()))
        );
    }

    #[test]
    fn what_is_no_csv_is_refused() {
        for text in ["source=a\"b", "\"source=a\"b", "\"source=a"] {
            assert_eq!(fields(text), Err(MistakeKind::Mount(text.into())), "{text}");
        }
        assert_eq!(fields("a,,b").unwrap(), ["a", "", "b"]);
    }
}
