//! What is under way, drawn at the bottom of what a terminal shows.
//!
//! The cursor rests where the drawing begins, and everything below it is the drawing. So it is taken away by
//! erasing from the cursor down: however a terminal that was resized has broken, cut or moved the lines, nothing
//! of them is left, and nothing above is lost. indicatif, the usual crate, leaves the cursor behind the last
//! line and goes up by as many lines as it has drawn, which after a change of width are others.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

use crate::report::{Progress, Size, render};

/// Erases from the beginning of the cursor's line to the end of the screen (ECMA-48, "ED").
const CLEAR: &[u8] = b"\r\x1b[J";

/// A terminal that does not tell its size is taken for one of this.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// The drawing, and what it shows.
pub(super) struct Screen {
    progress: Arc<Mutex<Progress>>,
    is_styled: bool,
    /// What was drawn last, and how large the terminal was.
    drawn: Option<(Size, Vec<String>)>,
}

impl Screen {
    /// The terminal at stderr, with nothing drawn yet.
    pub(super) fn new(progress: Arc<Mutex<Progress>>, is_styled: bool) -> Self {
        Screen {
            progress,
            is_styled,
            drawn: None,
        }
    }

    /// What has to be written to draw anew; nothing if that would change nothing.
    pub(super) fn draw(&mut self) -> Vec<u8> {
        if !is_in_foreground() {
            // The terminal is somebody else's, and what was drawn scrolls away.
            self.drawn = None;
            return Vec::new();
        }
        let frame = self.frame();
        if frame.1.is_empty() {
            return self.clear();
        }
        if self.drawn.as_ref() == Some(&frame) {
            return Vec::new();
        }
        let bytes = written(&frame.1);
        self.drawn = Some(frame);
        bytes
    }

    /// What has to be written to have `text`, which is whole lines, above the drawing.
    pub(super) fn above(&mut self, text: &[u8]) -> Vec<u8> {
        let mut bytes = self.clear();
        bytes.extend_from_slice(text);
        bytes.extend(self.draw());
        bytes
    }

    /// What has to be written to take the drawing away.
    pub(super) fn clear(&mut self) -> Vec<u8> {
        match self.drawn.take() {
            Some(_) if is_in_foreground() => CLEAR.to_vec(),
            _ => Vec::new(),
        }
    }

    fn frame(&self) -> (Size, Vec<String>) {
        let progress = self.progress.lock();
        let progress = progress.unwrap_or_else(PoisonError::into_inner);
        let blocks = progress.blocks(Instant::now());
        drop(progress);
        let size = size().unwrap_or(USUAL);
        (size, render(&blocks, size, self.is_styled))
    }
}

/// Lines that are written over what was drawn before, and after which the cursor is where it was.
fn written(lines: &[String]) -> Vec<u8> {
    let up = match lines.len() - 1 {
        0 => String::new(),
        lines => format!("\x1b[{lines}A"),
    };
    // Each line is erased behind its end only, so that what stays the same does not flicker.
    format!("\r{}\x1b[J{up}\r", lines.join("\x1b[K\r\n")).into_bytes()
}

/// The size of the terminal at stderr, if it is one that tells.
pub(super) fn size() -> Option<Size> {
    let size = tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| Size {
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
    })
}

/// Whether this process may draw: a job that a shell has put into the background would draw over what its user
/// types. A terminal that does not tell is nobody else's.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stderr()).map_or(true, |group| group == getpgrp())
}

#[cfg(test)]
mod tests {
    use avt::Terminal;

    use super::{CLEAR, written};

    const ABOVE: [&str; 2] = ["above 1", "above 2"];

    /// A terminal of 40 columns and 8 rows that shows [`ABOVE`], and so many lines below it, each as wide as
    /// lines become.
    fn drawn_on(count: usize, way: &str) -> Terminal {
        let mut terminal = Terminal::new(40, 8).unwrap();
        feed(&mut terminal, way.as_bytes());
        feed(
            &mut terminal,
            format!("{}\r\n", ABOVE.join("\r\n")).as_bytes(),
        );
        feed(&mut terminal, &written(&lines(count, 39)));
        terminal
    }

    fn lines(count: usize, width: usize) -> Vec<String> {
        let line = |number: usize| format!("{number}{}", "x".repeat(width - 1));
        (0..count).map(line).collect()
    }

    fn feed(terminal: &mut Terminal, bytes: &[u8]) {
        terminal.feed([std::str::from_utf8(bytes).unwrap()]);
    }

    /// What is to be seen, without blanks.
    fn seen(terminal: &Terminal) -> Vec<String> {
        let lines = terminal.screen().visible_lines();
        let mut lines: Vec<_> = lines
            .map(|line| line.text().trim_end().to_owned())
            .collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    fn below_above(lines: Vec<String>) -> Vec<String> {
        ABOVE.map(str::to_owned).into_iter().chain(lines).collect()
    }

    /// Those that break lines anew when they are resized, as most do, and those that cut them.
    const WAYS: [&str; 2] = ["", "\u{1b}[?1049h"];

    #[test]
    fn a_drawing_takes_the_place_of_the_last_one() {
        let mut terminal = drawn_on(4, "");
        assert_eq!(seen(&terminal), below_above(lines(4, 39)));
        for (count, width) in [(5, 20), (2, 39), (1, 10)] {
            feed(&mut terminal, &written(&lines(count, width)));
            assert_eq!(seen(&terminal), below_above(lines(count, width)));
        }
        feed(&mut terminal, CLEAR);
        assert_eq!(seen(&terminal), ABOVE);
    }

    #[test]
    fn a_drawing_at_the_bottom_scrolls_once() {
        let mut terminal = drawn_on(7, "");
        for _ in 0..3 {
            feed(&mut terminal, &written(&lines(7, 39)));
        }
        let expected = [vec!["above 2".to_owned()], lines(7, 39)].concat();
        assert_eq!(seen(&terminal), expected);
    }

    #[test]
    fn after_a_resize_nothing_is_left_of_the_last_one() {
        for way in WAYS {
            for (columns, rows) in [(17, 8), (17, 20), (40, 5), (90, 8), (15, 40)] {
                let mut terminal = drawn_on(3, way);
                terminal.resize(columns, rows);
                feed(&mut terminal, &written(&lines(3, 14)));
                let seen = seen(&terminal);
                let tail = &seen[seen.len().saturating_sub(3)..];
                assert_eq!(tail, lines(3, 14), "{way:?} {columns} {rows}: {seen:?}");
                assert!(!seen[..seen.len() - 3].concat().contains('x'), "{seen:?}");
                feed(&mut terminal, CLEAR);
                feed(&mut terminal, b"below");
                assert!(!self::seen(&terminal).concat().contains('x'));
            }
        }
    }
}
