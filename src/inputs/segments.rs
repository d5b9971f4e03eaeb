//! The digest of one large file, which several threads read and hash.
//!
//! BLAKE3 is a tree: segments of equal size, a power of two, have chaining values of their own, and
//! these are merged in pairs (BLAKE3 specification, 2.1 and 5.1; `blake3::hazmat`). Segments are
//! read at their place. The file is not mapped into memory: should it shrink, a signal would end
//! the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use blake3::Hasher;
use blake3::hazmat::{self, ChainingValue, HasherExt, Mode};

use super::parallel;
use crate::record::ContentDigest;

/// The size of a segment in bytes: it has to stay in the processor's cache between reading and
/// hashing.
const SEGMENT: usize = 256 * 1024;

/// With fewer bytes per thread, starting the thread costs more than it saves.
const SEGMENTS_PER_THREAD: usize = 4;

/// A file of this many bytes is worth two threads.
pub(super) const LARGE: u64 = (2 * SEGMENTS_PER_THREAD * SEGMENT) as u64;

/// The digest of the first `size` bytes of `file`, which are at least [`LARGE`], on at most
/// `threads` threads.
///
/// # Errors
///
/// The file cannot be read, or it has become shorter ([`io::ErrorKind::UnexpectedEof`]).
pub(super) fn digest(file: &File, size: u64, threads: usize) -> io::Result<ContentDigest> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let count = size.div_ceil(SEGMENT);
    let threads = threads.min(count / SEGMENTS_PER_THREAD);
    let buffer = || vec![0; SEGMENT];
    let values = parallel::map(count, threads, buffer, |buffer: &mut Vec<u8>, number| {
        let start = number * SEGMENT;
        let segment = &mut buffer[..SEGMENT.min(size - start)];
        file.read_exact_at(segment, start as u64)?;
        let mut hasher = Hasher::new();
        hasher.set_input_offset(start as u64);
        Ok::<_, io::Error>(hasher.update(segment).finalize_non_root())
    })?;
    let (left, right) = halves(&values);
    Ok(hazmat::merge_subtrees_root(&merged(left), &merged(right), Mode::Hash).into())
}

/// The chaining value of neighbouring segments.
fn merged(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [value] => *value,
        _ => {
            let (left, right) = halves(values);
            hazmat::merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
        }
    }
}

/// The left half of the tree is the largest full one that leaves something to the right.
fn halves(values: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    values.split_at(values.len().next_power_of_two() / 2)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};

    use super::{LARGE, SEGMENT, digest};
    use crate::record::ContentDigest;

    #[test]
    fn the_digest_is_the_one_of_the_bytes() {
        let large = usize::try_from(LARGE).unwrap();
        let sizes = [
            large,
            large + 1,
            large + SEGMENT - 1,
            large + SEGMENT,
            2 * large - 1,
        ];
        for size in sizes {
            let bytes: Vec<u8> = (0..size).map(|at| (at / 3 % 251) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            for threads in [1, 2, 7] {
                let read = digest(&file, size as u64, threads).unwrap();
                assert_eq!(read, ContentDigest::of(&bytes), "{size} bytes");
            }
        }
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(LARGE).unwrap();
        let read = digest(&file, LARGE + 1, 2);
        assert_eq!(read.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
