//! Foreign text, as a person may safely see it in a terminal or a log.
//!
//! A file name, the words of a server or an engine's last line may hold escape sequences,
//! bidirectional overrides or bytes that are no text at all. Whatever fp tells of such a text goes
//! through [`Shown`]; what fp computes never does (the record has an encoding of its own). How much
//! of a text is shown is left to those who show it.

use std::fmt::{self, Display, Formatter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Displays bytes with control, bidirectional, zero-width and invalid characters escaped.
#[derive(Clone, Copy)]
pub struct Shown<'a>(pub &'a [u8]);

impl<'a> Shown<'a> {
    /// Shows a text.
    pub fn text(text: &'a str) -> Self {
        Shown(text.as_bytes())
    }

    /// Shows a path of the file system.
    pub fn path(path: &'a Path) -> Self {
        Shown(path.as_os_str().as_bytes())
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if misleads(character) {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Displays a line that a program printed: as [`Shown`] does it, but with its tabs, its colours and
/// what joins emoji. No colour lasts beyond the line.
#[derive(Clone, Copy)]
pub struct Printed<'a>(pub &'a str);

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut has_colours = false;
        while let Some(character) = rest.chars().next() {
            let length = colour(rest).unwrap_or(character.len_utf8());
            let (piece, behind) = rest.split_at(length);
            match character {
                '\u{1b}' if length > 1 => {
                    has_colours = true;
                    f.write_str(piece)?;
                }
                '\t' | '\u{200d}' | '\u{fe0f}' => f.write_str(piece)?,
                _ => Shown::text(piece).fmt(f)?,
            }
            rest = behind;
        }
        f.write_str(if has_colours { "\u{1b}[0m" } else { "" })
    }
}

/// The length of the sequence for colours that `text` begins with, if it does (ECMA-48, "SGR").
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    let is_colour = parameters[end..].starts_with('m');
    is_colour.then(|| text.len() - parameters.len() + end + 1)
}

/// The text of a file, to be shown with its lines: the characters that leave no trace or reorder
/// others are escaped, controls are left to whoever lays the lines out.
pub fn source(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if misleads(character) && !character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character moves the cursor, reorders text or leaves no trace on the screen.
///
/// Beside the control characters these are the line and paragraph separators, and the format
/// characters, fillers and selectors that show as nothing: Unicode's `Default_Ignorable_Code_Point`
/// with the annotation and hieroglyph controls.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{Printed, Shown, source};

    #[test]
    fn ordinary_names_stay_as_they_are() {
        assert_eq!(
            Shown::text("scripts/größe – a b.sh").to_string(),
            "scripts/größe – a b.sh"
        );
    }

    #[test]
    fn what_could_mislead_is_escaped() {
        assert_eq!(Shown(b"a\x1b[2Jb\n").to_string(), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(
            Shown::text("gnp.\u{202e}sh\u{200b}").to_string(),
            "gnp.\\u{202e}sh\\u{200b}"
        );
        assert_eq!(Shown(b"caf\xe9").to_string(), "caf\\xe9");
    }

    #[test]
    fn what_a_program_printed_keeps_its_colours_and_steers_nothing_else() {
        let shown = |text| Printed(text).to_string();
        assert_eq!(
            shown("#7 0.1\ta ✔\u{fe0f} größe"),
            "#7 0.1\ta ✔\u{fe0f} größe"
        );
        assert_eq!(shown("\u{1b}[1;31mred"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(
            shown("\u{1b}[38:5:1mx\u{1b}[m"),
            "\u{1b}[38:5:1mx\u{1b}[m\u{1b}[0m"
        );
        assert_eq!(
            shown("\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}2J\u{1b}[1"),
            r"\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}2J\u{1b}[1"
        );
        assert_eq!(shown("gnp.\u{202e}sh\u{1b}"), r"gnp.\u{202e}sh\u{1b}");
    }

    #[test]
    fn a_file_keeps_its_lines_and_hides_nothing() {
        assert_eq!(
            source("a\r\n\t\u{200b}b\u{202e}\n"),
            "a\r\n\t\\u{200b}b\\u{202e}\n"
        );
    }
}
