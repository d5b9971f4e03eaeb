//! The blocks of the images under way, as lines for a terminal of some size.

use std::time::Duration;

use anstyle::Style;
use unicode_width::UnicodeWidthChar;

use super::quantity;
use crate::shown::Shown;

/// How many of an engine's last lines a block shows.
pub(super) const TAIL: usize = 4;

/// What there is to see of an image under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The image, or what else is under way.
    pub name: String,
    /// What is being done.
    pub stage: String,
    /// For how long it has been under way.
    pub elapsed: Duration,
    /// The engine's last lines, as [`plain`] makes them.
    pub tail: Vec<String>,
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// The lines of blocks. All of them fit, with a row and a column to spare: a terminal that has to scroll or
/// to break a line would show something else than what was meant.
///
/// Where there is little room, fewer of the engine's lines are shown, and then fewer images.
pub fn render(blocks: &[Block], size: Size, is_styled: bool) -> Vec<String> {
    let (columns, rows) = (size.columns.max(2) - 1, size.rows.max(2) - 1);
    let write = Pen { columns, is_styled };
    if blocks.len() > rows {
        let shown = blocks
            .iter()
            .take(rows - 1)
            .map(|block| write.header(block));
        let rest = format!("… and {} more", blocks.len() + 1 - rows);
        return shown.chain([write.dimmed(&rest)]).collect();
    }
    // Rows of which nobody makes use are left to those below.
    let mut left = rows - blocks.len();
    let mut lines = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let fair = left / (blocks.len() - index);
        let shown = block.tail.len().min(TAIL).min(fair);
        left -= shown;
        lines.push(write.header(block));
        let tail = &block.tail[block.tail.len() - shown..];
        lines.extend(tail.iter().map(|line| write.dimmed(&format!("  {line}"))));
    }
    lines
}

/// A line of an engine's with nothing in it that a terminal would act upon, not even a colour.
pub(super) fn plain(line: &str) -> String {
    let mut text = anstream::adapter::strip_str(line).to_string();
    // What joins and colours emoji is of different width on different terminals.
    text.retain(|character| !matches!(character, '\u{200d}' | '\u{fe0f}'));
    Shown::text(&text.replace('\t', "    ")).to_string()
}

/// Writes lines that are at most so wide.
struct Pen {
    columns: usize,
    is_styled: bool,
}

impl Pen {
    fn header(&self, block: &Block) -> String {
        let time = quantity::elapsed(block.elapsed);
        self.line(&[
            (Style::new().bold(), &block.name),
            (Style::new(), &format!("  {}  ", block.stage)),
            (Style::new().dimmed(), &time),
        ])
    }

    fn dimmed(&self, text: &str) -> String {
        self.line(&[(Style::new().dimmed(), text)])
    }

    fn line(&self, parts: &[(Style, &str)]) -> String {
        let whole: String = parts.iter().map(|(_, text)| *text).collect();
        let (mut left, is_cut) = cut(&whole, self.columns);
        let mut line = String::new();
        for (style, text) in parts {
            let shown = text.len().min(left);
            left -= shown;
            let is_end = is_cut && shown < text.len();
            let text = format!("{}{}", &text[..shown], if is_end { "…" } else { "" });
            match self.is_styled && !text.is_empty() {
                true => line.push_str(&format!("{style}{text}{style:#}")),
                false => line.push_str(&text),
            }
            if is_end {
                break;
            }
        }
        line
    }
}

/// How many bytes of `text` are shown in so many columns, and whether a `…` has to follow.
fn cut(text: &str, columns: usize) -> (usize, bool) {
    let mut used = 0;
    let mut fits_before_ellipsis = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > columns {
            return (fits_before_ellipsis, true);
        }
        if used < columns {
            fits_before_ellipsis = at + character.len_utf8();
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Block, Size, plain, render};

    fn block(name: &str, tail: &[&str]) -> Block {
        Block {
            name: name.to_owned(),
            stage: "building".to_owned(),
            elapsed: Duration::from_secs(12),
            tail: tail.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn size(columns: usize, rows: usize) -> Size {
        Size { columns, rows }
    }

    #[test]
    fn a_header_and_the_last_lines() {
        let blocks = [block("ci", &["a", "b", "c", "d", "e"]), block("base", &[])];
        let lines = render(&blocks, size(80, 24), false);
        let expected = [
            "ci  building  12 s",
            "  b",
            "  c",
            "  d",
            "  e",
            "base  building  12 s",
        ];
        assert_eq!(lines, expected);
        let styled = render(&blocks[1..], size(80, 24), true);
        assert_eq!(
            styled,
            ["\u{1b}[1mbase\u{1b}[0m  building  \u{1b}[2m12 s\u{1b}[0m"]
        );
    }

    #[test]
    fn lines_are_cut_to_the_width_with_a_column_to_spare() {
        let blocks = [block("ci", &["12345678", "123456789", "größe日本語"])];
        let lines = render(&blocks, size(11, 24), false);
        assert_eq!(
            lines,
            ["ci  build…", "  12345678", "  1234567…", "  größe日…"]
        );
        let styled = render(&blocks[..1], size(11, 2), true);
        assert_eq!(styled, ["\u{1b}[1mci\u{1b}[0m  build…"]);
        assert_eq!(render(&blocks, size(0, 0), false), ["…"]);
    }

    #[test]
    fn where_there_is_little_room_less_is_shown() {
        let tail = ["a", "b", "c", "d"];
        let blocks = [block("1", &tail), block("2", &["x"]), block("3", &tail)];
        let heights = [24, 12, 9, 7, 4].map(|rows| render(&blocks, size(80, rows), false).len());
        assert_eq!(heights, [12, 10, 8, 6, 3]);
        let lines = render(&blocks, size(80, 3), false);
        assert_eq!(lines, ["1  building  12 s", "… and 2 more"]);
        assert_eq!(render(&blocks, size(80, 2), false), ["… and 3 more"]);
        assert_eq!(render(&[], size(80, 24), false), [""; 0]);
    }

    #[test]
    fn nothing_in_a_line_steers_the_terminal() {
        assert_eq!(plain("#7 \u{1b}[1;31mred\u{1b}[0m\tend"), "#7 red    end");
        assert_eq!(plain("a\u{1b}[2Jb\u{1b}]0;title\u{7}c"), "abc");
        assert_eq!(plain("gnp.\u{202e}sh\u{200b}"), r"gnp.\u{202e}sh\u{200b}");
        assert_eq!(plain("👩\u{200d}🚀 ✔\u{fe0f}"), "👩🚀 ✔");
    }
}
