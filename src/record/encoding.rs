//! How an item becomes a line: fields, escapes, separators.
//!
//! Two different items never give the same line, since a field can hold neither of the separators:
//! TAB and LF are always escaped, and so is the escape character itself.

use super::{Item, OutsideKind};

/// The line of `item`, LF included.
pub(super) fn line(item: &Item) -> Vec<u8> {
    match item {
        Item::Context(path) => joined(&[b"context", path.as_bytes()]),
        Item::Dockerfile { path, digest } => joined(&[
            b"dockerfile",
            path.as_bytes(),
            digest.to_string().as_bytes(),
        ]),
        Item::Target(name) => joined(&[b"target", name.as_bytes()]),
        Item::Platform(platform) => joined(&[b"platform", platform.to_string().as_bytes()]),
        Item::File {
            path,
            executable,
            digest,
        } => {
            let mode = if *executable { b"x" } else { b"-" };
            joined(&[
                b"file",
                path.as_bytes(),
                mode,
                digest.to_string().as_bytes(),
            ])
        }
        Item::Link { path, text } => joined(&[b"link", path.as_bytes(), text]),
        Item::Outside { path, kind, digest } => {
            let kind = match kind {
                OutsideKind::File => b"-",
                OutsideKind::Executable => b"x",
                OutsideKind::Link => b"l",
            };
            joined(&[
                b"outside",
                path.as_bytes(),
                kind,
                digest.to_string().as_bytes(),
            ])
        }
        Item::Arg { name, digest } => {
            joined(&[b"arg", name.as_bytes(), digest.to_string().as_bytes()])
        }
        Item::Salt(text) => joined(&[b"salt", text.as_bytes()]),
    }
}

/// The fields of a line that [`line()`] made, still escaped.
pub(super) fn fields(line: &[u8]) -> Vec<&str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = str::from_utf8(line).expect("an encoded line is UTF-8: all other bytes are escaped");
    text.split('\t').collect()
}

/// The field on its own, escaped.
pub(super) fn escaped(field: &[u8]) -> String {
    let mut text = Vec::with_capacity(field.len());
    escape(field, &mut text);
    String::from_utf8(text).expect("an escaped field is UTF-8: all other bytes are escaped")
}

fn joined(fields: &[&[u8]]) -> Vec<u8> {
    let mut line = Vec::with_capacity(fields.iter().map(|field| field.len() + 1).sum());
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            line.push(b'\t');
        }
        escape(field, &mut line);
    }
    line.push(b'\n');
    line
}

/// Appends `field` with `\`, control characters and bytes that are no UTF-8 escaped, and nothing
/// else.
fn escape(field: &[u8], line: &mut Vec<u8>) {
    for chunk in field.utf8_chunks() {
        let mut plain = chunk.valid().as_bytes();
        while let Some(at) = plain.iter().position(|&byte| is_special(byte)) {
            line.extend_from_slice(&plain[..at]);
            match plain[at] {
                b'\\' => line.extend_from_slice(b"\\\\"),
                b'\t' => line.extend_from_slice(b"\\t"),
                b'\n' => line.extend_from_slice(b"\\n"),
                b'\r' => line.extend_from_slice(b"\\r"),
                byte => hex(byte, line),
            }
            plain = &plain[at + 1..];
        }
        line.extend_from_slice(plain);
        chunk.invalid().iter().for_each(|&byte| hex(byte, line));
    }
}

fn is_special(byte: u8) -> bool {
    byte == b'\\' || byte.is_ascii_control()
}

fn hex(byte: u8, line: &mut Vec<u8>) {
    line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::{escaped, joined};

    #[test]
    fn what_separates_and_what_is_no_text_is_escaped() {
        assert_eq!(escaped(b"a b\"'-\xc3\xa9"), "a b\"'-é");
        assert_eq!(escaped(b"a\\t\t\n\r"), "a\\\\t\\t\\n\\r");
        assert_eq!(
            escaped(b"\x00\x1f\x7f\xff\xc3"),
            "\\x00\\x1f\\x7f\\xff\\xc3"
        );
        // A C1 control character is valid UTF-8 and not in the list of escapes.
        assert_eq!(escaped("\u{85}".as_bytes()), "\u{85}");
    }

    /// Reads an escaped field back, by the rules of the format and not by the code above.
    fn unescaped(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            let (&kind, tail) = rest.split_first().unwrap();
            rest = tail;
            bytes.push(match kind {
                b't' => b'\t',
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                b'x' => {
                    let digits = str::from_utf8(&rest[..2]).unwrap();
                    rest = &rest[2..];
                    u8::from_str_radix(digits, 16).unwrap()
                }
                other => panic!("unknown escape {other}"),
            });
        }
        bytes
    }

    fn nasty_bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            Just(b'\\'),
            Just(b'\t'),
            Just(b'\n'),
            Just(b'x'),
            Just(0xc3),
            Just(0xa9)
        ];
        proptest::collection::vec(byte, 0..24)
    }

    proptest! {
        #[test]
        fn a_line_gives_its_fields_back(fields in proptest::collection::vec(nasty_bytes(), 1..4)) {
            let slices: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            let line = String::from_utf8(joined(&slices)).unwrap();
            let read: Vec<_> = line.strip_suffix('\n').unwrap().split('\t').map(unescaped).collect();
            prop_assert_eq!(read, fields);
        }
    }
}
