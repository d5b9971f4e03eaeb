//! What was told of an image, kept in case it fails.
//!
//! A build can print without end, so what is kept is bounded: the beginning, where it tells what it is
//! about, and the end, where it tells what went wrong.

use std::collections::VecDeque;

/// How many bytes of the beginning are kept.
const HEAD: usize = 256 << 10;

/// How many bytes of the end are kept.
const TAIL: usize = 768 << 10;

/// Lines, without those in the middle if there are too many.
#[derive(Debug, Default)]
pub(super) struct Log {
    head: Vec<String>,
    head_size: usize,
    tail: VecDeque<String>,
    tail_size: usize,
    left_out: u64,
}

impl Log {
    pub(super) fn push(&mut self, line: String) {
        let size = line.len() + 1;
        if self.tail.is_empty() && self.left_out == 0 && self.head_size + size <= HEAD {
            self.head_size += size;
            self.head.push(line);
            return;
        }
        self.tail_size += size;
        self.tail.push_back(line);
        // The last line is kept, however long it is.
        while self.tail_size > TAIL && self.tail.len() > 1 {
            let oldest = self.tail.pop_front().unwrap_or_default();
            self.tail_size -= oldest.len() + 1;
            self.left_out += 1;
        }
    }

    /// All lines that were kept, with one that tells how many are missing.
    pub(super) fn into_lines(self) -> Vec<String> {
        let gap =
            (self.left_out > 0).then(|| format!("  … {} lines are left out …", self.left_out));
        self.head.into_iter().chain(gap).chain(self.tail).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Log, TAIL};

    #[test]
    fn a_short_log_is_whole() {
        let mut log = Log::default();
        for line in ["a", "", "b"] {
            log.push(line.to_owned());
        }
        assert_eq!(log.into_lines(), ["a", "", "b"]);
    }

    #[test]
    fn a_long_log_keeps_its_ends() {
        let mut log = Log::default();
        for number in 0..1_000_000 {
            log.push(format!("{number:09}"));
        }
        let lines = log.into_lines();
        let (head, tail) = (HEAD / 10, TAIL / 10);
        assert_eq!(lines.len(), head + 1 + tail);
        assert_eq!(lines[head - 1], format!("{:09}", head - 1));
        let left_out = 1_000_000 - head - tail;
        assert_eq!(lines[head], format!("  … {left_out} lines are left out …"));
        assert_eq!(lines[head + 1], format!("{:09}", head + left_out));
        assert_eq!(lines.last().unwrap(), "000999999");
    }

    #[test]
    fn a_line_that_is_too_long_is_kept_if_it_is_the_last() {
        let mut log = Log::default();
        log.push("a".to_owned());
        log.push("b".repeat(TAIL + 1));
        log.push("c".repeat(TAIL + 1));
        let lines = log.into_lines();
        assert_eq!(lines[..2], ["a", "  … 1 lines are left out …"]);
        assert!(lines[2].starts_with('c'));
    }
}
