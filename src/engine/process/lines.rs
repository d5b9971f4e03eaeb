//! Output on its way: cut into lines, counted, kept, made safe to show.

use std::collections::VecDeque;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use crate::shown::Shown;

/// How many of the last lines are kept.
pub(super) const KEPT_LINES: usize = 20;
/// A longer line comes in pieces.
pub(super) const MAX_LINE: usize = 64 * 1024;
/// How much a captured stdout may hold; an inspection answers with a few kilobytes.
pub(super) const MAX_CAPTURED: usize = 16 * 1024 * 1024;

/// Copies everything, but keeps no more than one byte over the limit: enough to see that it was.
pub(super) async fn copy_bytes(stream: impl AsyncRead + Unpin, kept: &mut Vec<u8>) {
    let mut stream = BufReader::new(stream);
    // A read error ends the stream just as its end does: the exit status tells the rest.
    while let Ok(read @ [_, ..]) = stream.fill_buf().await {
        let room = (MAX_CAPTURED + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&read[..read.len().min(room)]);
        let length = read.len();
        stream.consume(length);
    }
}

pub(super) async fn copy_lines(stream: impl AsyncRead + Unpin, mut take: impl FnMut(&str)) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut piece = (&mut stream).take(MAX_LINE as u64);
        // A read error ends the stream just as its end does: the exit status tells the rest.
        match piece.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])),
        }
    }
}

/// The last lines of a stream, without the space around them and safe to show.
#[derive(Default)]
pub(super) struct LastLines(VecDeque<String>);

impl LastLines {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, line: &str) {
        if self.0.len() == KEPT_LINES {
            self.0.pop_front();
        }
        self.0.push_back(Shown::text(line.trim()).to_string());
    }
}

impl From<LastLines> for Vec<String> {
    fn from(lines: LastLines) -> Self {
        lines.0.into()
    }
}
