//! Reading inputs: bytes to digests, link texts, and the small files whose whole text is needed.

use std::cell::LazyCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FileType, OFlags};

use super::findings::Found;
use super::reader::Reader;
use super::tree::{Kind, Tree, WorkTree};
use super::{Content, Error, links, parallel, segments};
use crate::path::RootPath;
use crate::record::ContentDigest;

/// So many files, neighbours by their paths, are read by one thread in a row: more of them where there are many.
const RUN: RangeInclusive<usize> = 16..=64;

/// Runs are longer only where there are this many of them all the same, so that no thread is left with the last.
const RUNS: usize = 128;

/// With fewer runs per thread, starting the thread costs more than it saves.
const RUNS_PER_THREAD: usize = 4;

/// So many bytes are hashed at once where the runs are few: using more of the buffer for the first time costs
/// more than it saves. The files of a single run are hashed one by one: finding out which registers there are takes as
/// long as hashing twenty.
const SMALL_BATCH: usize = 32 * 1024;

/// The size of the reading buffer in bytes.
pub(crate) const BUFFER: usize = 128 * 1024;

/// Every git-lfs pointer starts with this line (git-lfs specification, "The Pointer").
pub(super) const LFS_HEAD: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// A pointer is smaller than this many bytes (git-lfs specification).
const LFS_MAX: u64 = 1024;

/// Reads from disk what `found` lists; the answer has the same order.
///
/// Many files are spread over threads; a large file has all of them to itself, one after the other.
pub(super) fn read_all(tree: WorkTree<'_>, found: &[Found]) -> Result<Vec<Content>, Error> {
    let cores = LazyCell::new(parallel::cores);
    let run = (found.len() / RUNS).clamp(*RUN.start(), *RUN.end());
    let runs: Vec<_> = found.chunks(run).collect();
    let threads = match runs.len() / RUNS_PER_THREAD {
        0 | 1 => 1,
        worth => worth.min(*cores),
    };
    let batch = match runs.len() {
        0 | 1 => 0,
        count if count < 2 * RUNS_PER_THREAD => SMALL_BATCH,
        _ => BUFFER,
    };
    let reader = || Reader::new(tree, batch);
    let small = parallel::map(runs.len(), threads, reader, |reader, number| {
        reader.read(runs[number])
    })?;
    let mut contents = Vec::with_capacity(found.len());
    for (content, found) in small.into_iter().flatten().zip(found) {
        contents.push(match content {
            Some(content) => content,
            None => read_large(tree, found, *cores)?,
        });
    }
    Ok(contents)
}

/// Reads a large file, as far as it went when it was opened.
fn read_large(tree: WorkTree<'_>, found: &Found, threads: usize) -> Result<Content, Error> {
    let path = &found.path;
    let file = open_file(&path.in_root(tree.root));
    let regular = regular(file, path)?;
    let changed = || Error::Changed { path: path.clone() };
    if regular.size < segments::LARGE {
        return Err(changed());
    }
    let digest = segments::digest(&regular.file, regular.size, threads);
    let digest = digest.map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => changed(),
        _ => unreadable(path, source),
    })?;
    Ok(Content::File {
        executable: regular.executable,
        digest,
    })
}

/// A regular file, open.
pub(super) struct Regular {
    pub(super) file: File,
    /// In bytes.
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// The file that was opened at `path`, which was a regular one when its folder was searched.
pub(super) fn regular(file: io::Result<File>, path: &RootPath) -> Result<Regular, Error> {
    let file = file.map_err(|source| unreadable(path, source))?;
    let stat = rustix::fs::fstat(&file).map_err(|source| unreadable(path, source.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::Changed { path: path.clone() });
    }
    Ok(Regular {
        file,
        size: stat.st_size.cast_unsigned(),
        executable: is_executable(stat.st_mode),
    })
}

fn unreadable(path: &RootPath, source: io::Error) -> Error {
    Error::Unreadable {
        path: path.clone(),
        source,
    }
}

/// The digest of `bytes`, those of the file at `path`, which has `size` of them. A git-lfs pointer
/// is an error.
pub(super) fn digest(
    bytes: &mut dyn Read,
    size: u64,
    path: &RootPath,
    buffer: &mut [u8],
) -> Result<ContentDigest, Error> {
    Ok(match take(bytes, size, path, buffer)? {
        // What is there at once is hashed with wider vectors.
        Taken::InBuffer(count) => ContentDigest::of(&buffer[..count]),
        Taken::Hashed(digest) => digest,
    })
}

/// What became of the bytes of a file.
pub(super) enum Taken {
    /// So many stand at the buffer's start, and these are all.
    InBuffer(usize),
    /// They fill the buffer, or are more.
    Hashed(ContentDigest),
}

/// Takes `bytes` into `buffer`, or hashes them if it is too small. The parameters are those of [`digest`].
pub(super) fn take(
    bytes: &mut dyn Read,
    size: u64,
    path: &RootPath,
    buffer: &mut [u8],
) -> Result<Taken, Error> {
    let mut count = fill(bytes, buffer).map_err(|source| unreadable(path, source))?;
    if is_lfs_pointer(&buffer[..count], size) {
        return Err(Error::LfsPointer { path: path.clone() });
    }
    if count < buffer.len() {
        return Ok(Taken::InBuffer(count));
    }
    let mut hasher = blake3::Hasher::new();
    loop {
        hasher.update(&buffer[..count]);
        if count < buffer.len() {
            return Ok(Taken::Hashed(hasher.finalize().into()));
        }
        count = fill(bytes, buffer).map_err(|source| unreadable(path, source))?;
    }
}

/// Reads until `buffer` is full or there is no more, and tells how much there was.
fn fill(bytes: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match bytes.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Whether the owner may execute a file of this mode; no other bit counts.
pub(crate) fn is_executable(mode: u32) -> bool {
    mode & 0o100 != 0
}

/// Opens the file at `path` below `root`, as [`open_file`] does.
pub(crate) fn open(root: &Path, path: &RootPath) -> Result<File, Error> {
    open_file(&path.in_root(root)).map_err(|source| Error::Unreadable {
        path: path.clone(),
        source,
    })
}

/// Opens a file without following a link there, and without waiting should it have become a FIFO.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("open flags fit the type that open takes");
    File::options().read(true).custom_flags(flags).open(path)
}

/// The bytes of the file that `path` leads to, through links that stay in the root.
pub(super) fn text(tree: &dyn Tree, path: &RootPath) -> Result<Vec<u8>, Error> {
    text_if_present(tree, path)?.ok_or_else(|| Error::Missing { path: path.clone() })
}

/// Like [`text`]; `None` if there is nothing at `path`.
pub(super) fn text_if_present(tree: &dyn Tree, path: &RootPath) -> Result<Option<Vec<u8>>, Error> {
    let resolved = links::resolve(tree, path)?;
    match (resolved.kind, resolved.crossed.last()) {
        (Some(Kind::File), _) => {}
        (Some(_), _) => return Err(Error::NotAFile { path: path.clone() }),
        (None, None) => return Ok(None),
        (None, Some((link, _))) => {
            return Err(Error::Dangling {
                link: link.clone(),
                target: resolved.end,
            });
        }
    }
    let bytes = tree.bytes(&resolved.end)?;
    if is_lfs_pointer(&bytes, bytes.len() as u64) {
        return Err(Error::LfsPointer { path: path.clone() });
    }
    Ok(Some(bytes))
}

/// Whether a file of `size` bytes that starts with `head` is a pointer to a file that git-lfs keeps.
pub(super) fn is_lfs_pointer(head: &[u8], size: u64) -> bool {
    size < LFS_MAX && head.starts_with(LFS_HEAD)
}
