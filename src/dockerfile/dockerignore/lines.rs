//! From the text of a `.dockerignore` file to cleaned patterns, each with its line.
//!
//! The reference reads and cleans in two steps (moby's `ignorefile`, then `patternmatcher.New`),
//! and what falls between them is kept: `/!a` is an exception, `!/` an error.

use super::Error;

/// What Go's bufio.Scanner, which the reference reads with, can hold.
const LINE_LIMIT: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) exception: bool,
    pub(super) pattern: Vec<u8>,
    raw: &'a [u8],
}

impl Line<'_> {
    /// The line as the user wrote it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(trim(self.raw)).into_owned()
    }
}

pub(super) fn read(text: &[u8]) -> Result<Vec<Line<'_>>, Error> {
    let mut lines = Vec::new();
    for (index, raw) in text.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if raw.len() >= LINE_LIMIT {
            return Err(Error::LongLine {
                line: number,
                length: raw.len(),
            });
        }
        let raw = if index == 0 {
            raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw)
        } else {
            raw
        };
        let Some(pattern) = normalise(raw) else {
            continue;
        };
        let Some((exception, pattern)) = self::pattern(&pattern) else {
            continue;
        };
        let line = Line {
            number,
            exception,
            pattern,
            raw,
        };
        if line.pattern.is_empty() {
            return Err(Error::NoPattern {
                line: number,
                text: line.text(),
            });
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The second step: whether a pattern is an exception, and its cleaned text; `None` if there is
/// nothing in it. A lone exclamation mark is an exception without a text.
///
/// Cleaning once more is not idle: white space behind a leading slash was kept until here.
pub(super) fn pattern(text: &[u8]) -> Option<(bool, Vec<u8>)> {
    let text = trim(text);
    if text.is_empty() {
        return None;
    }
    let pattern = clean(text);
    Some(match pattern.strip_prefix(b"!") {
        Some(exception) => (true, exception.to_vec()),
        None => (false, pattern),
    })
}

/// The first step; `None` for a comment or an empty line. Only a `#` in the first column makes a
/// comment.
fn normalise(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.starts_with(b"#") {
        return None;
    }
    let text = trim(raw);
    let (mark, text) = match text.strip_prefix(b"!") {
        Some(text) => (&b"!"[..], trim(text)),
        None => (&b""[..], text),
    };
    if text.is_empty() {
        return (!mark.is_empty()).then(|| mark.to_vec());
    }
    let cleaned = clean(text);
    let relative = match cleaned.strip_prefix(b"/") {
        Some(relative) if !relative.is_empty() => relative,
        _ => &cleaned,
    };
    Some([mark, relative].concat())
}

/// A path in its shortest form, by the rules of Go's `filepath.Clean`: no empty and no `.` parts,
/// `..` takes the part before it away, and nothing at all is `.`.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let root = if rooted { &b"/"[..] } else { &b""[..] };
    let cleaned = [root, &parts.join(&b'/')].concat();
    if cleaned.is_empty() {
        b".".to_vec()
    } else {
        cleaned
    }
}

/// Without the white space, Unicode's included, at both ends. Bytes that are not UTF-8 stay.
fn trim(text: &[u8]) -> &[u8] {
    let front = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let text = &text[front.len() - front.trim_start().len()..];
    let back = match text.utf8_chunks().last() {
        Some(chunk) if chunk.invalid().is_empty() => chunk.valid(),
        _ => "",
    };
    &text[..text.len() - (back.len() - back.trim_end().len())]
}
