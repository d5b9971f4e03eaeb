//! How an item becomes a line: fields, escapes, separators.
//!
//! Two different items never give the same line, since a field can hold neither of the separators:
//! TAB and LF are always escaped, and so is the escape character itself.

use super::{ContentDigest, Item, OutsideKind};

/// A first line, and others in the order in which they were added, one behind the other in one text.
#[derive(Debug)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// Where the first line ends.
    head: usize,
    /// Where the line begins that was added last.
    last: usize,
    /// Whether each of the added lines is greater than the one before it.
    are_sorted: bool,
}

impl Lines {
    /// No lines yet but the first one, `head`.
    pub(super) fn after(head: &str) -> Self {
        Lines {
            text: head.as_bytes().to_vec(),
            head: head.len(),
            last: head.len(),
            are_sorted: true,
        }
    }

    /// Adds the line of `item`.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        let start = self.text.len();
        write(item, &mut self.text);
        let (before, line) = self.text.split_at(start);
        self.are_sorted &= before[self.last..] < *line;
        self.last = start;
    }

    /// The first line and the others, sorted by their bytes, each once.
    pub(super) fn sorted(self) -> String {
        let text = String::from_utf8(self.text);
        let text = text.expect("a record is UTF-8: all other bytes are escaped");
        if self.are_sorted {
            return text;
        }
        let (head, lines) = text.split_at(self.head);
        let mut lines: Vec<_> = lines.split_inclusive('\n').collect();
        lines.sort();
        lines.dedup();
        let mut sorted = String::with_capacity(text.len());
        sorted.push_str(head);
        sorted.extend(lines);
        sorted
    }
}

/// Appends the line of `item`, LF included.
fn write(item: &Item<'_>, text: &mut Vec<u8>) {
    match item {
        Item::Context(path) => write_fields(&[b"context", path.as_bytes()], text),
        Item::Dockerfile { path, digest } => {
            write_digest(&[b"dockerfile", path.as_bytes()], digest, text);
        }
        Item::Target(name) => write_fields(&[b"target", name.as_bytes()], text),
        Item::Platform(platform) => {
            write_fields(&[b"platform", platform.to_string().as_bytes()], text);
        }
        Item::File {
            path,
            executable,
            digest,
        } => {
            let mode = if *executable { b"x" } else { b"-" };
            write_digest(&[b"file", path.as_bytes(), mode], digest, text);
        }
        Item::Link { path, text: link } => write_fields(&[b"link", path.as_bytes(), link], text),
        Item::Outside { path, kind, digest } => {
            let kind = match kind {
                OutsideKind::File => b"-",
                OutsideKind::Executable => b"x",
                OutsideKind::Link => b"l",
            };
            write_digest(&[b"outside", path.as_bytes(), kind], digest, text);
        }
        Item::Arg { name, digest } => write_digest(&[b"arg", name.as_bytes()], digest, text),
        Item::Image { name, fingerprint } => {
            write_digest(&[b"image", name.as_bytes()], &fingerprint.0, text);
        }
        Item::Salt(salt) => write_fields(&[b"salt", salt.as_bytes()], text),
    }
}

/// Appends a line whose last field, behind `fields`, is `digest`.
fn write_digest(fields: &[&[u8]], digest: &ContentDigest, text: &mut Vec<u8>) {
    for field in fields {
        escape(field, text);
        text.push(b'\t');
    }
    text.extend_from_slice(&digits(digest));
    text.push(b'\n');
}

/// The digest as it is shown. All digits at once take less time than one after the other.
fn digits(digest: &ContentDigest) -> [u8; 64] {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.0.as_bytes()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    digits
}

/// Appends a line of `fields`.
fn write_fields(fields: &[&[u8]], text: &mut Vec<u8>) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(b'\t');
        }
        escape(field, text);
    }
    text.push(b'\n');
}

/// The field on its own, escaped.
pub(super) fn escaped(field: &[u8]) -> String {
    let mut text = Vec::with_capacity(field.len());
    escape(field, &mut text);
    String::from_utf8(text).expect("an escaped field is UTF-8: all other bytes are escaped")
}

/// Appends `field` with `\`, control characters and bytes that are no UTF-8 escaped, and nothing
/// else.
fn escape(field: &[u8], line: &mut Vec<u8>) {
    // Without an early end this takes many bytes at once.
    if field.iter().fold(true, |all, byte| all & is_plain(byte)) {
        return line.extend_from_slice(field);
    }
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

/// Whether a byte is text by itself and never escaped; almost every field has no others.
fn is_plain(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~') & (*byte != b'\\')
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

    use super::{escaped, write_fields};

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
            let mut line = Vec::new();
            write_fields(&slices, &mut line);
            let line = String::from_utf8(line).unwrap();
            let read: Vec<_> = line.strip_suffix('\n').unwrap().split('\t').map(unescaped).collect();
            prop_assert_eq!(read, fields);
        }
    }
}
