//! Lines of comma-separated values, as docker's flags and BuildKit's mounts are written. Pure.
//!
//! The reference is Go's `encoding/csv`, for one line.

/// Splits a line. A field may be in double quotes, which are doubled inside. `None` if the quotes are
/// wrong.
pub(crate) fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (field, after) = match text.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = text.find(',').unwrap_or(text.len());
                (text[..end].to_owned(), &text[end..])
            }
        };
        if !text.starts_with('"') && field.contains('"') {
            return None;
        }
        fields.push(field);
        rest = match after.strip_prefix(',') {
            None if !after.is_empty() => return None,
            after => after,
        };
    }
    Some(fields)
}

/// Reads a quoted field behind its first quote, and gives what follows its last.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, after)),
        }
    }
}

/// The field as it stands in a line: in quotes where it needs them.
pub(crate) fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{field, fields};

    #[test]
    fn fields_are_written_as_they_are_read() {
        let words = ["a=b", "", "a,b", "a\"b", "\"", "a b"];
        let line = words.map(field).join(",");
        assert_eq!(line, "a=b,,\"a,b\",\"a\"\"b\",\"\"\"\",a b");
        assert_eq!(fields(&line).unwrap(), words);
        for text in ["\"a", "a\"b", "\"a\"b", "a,\""] {
            assert_eq!(fields(text), None, "{text}");
        }
    }
}
