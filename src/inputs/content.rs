//! Reading inputs: bytes to digests, link texts, and the small files whose whole text is needed.

use std::cell::LazyCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FileType, OFlags};

use super::findings::Found;
use super::nearby::Nearby;
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

/// The size of the reading buffer in bytes.
pub(crate) const BUFFER: usize = 128 * 1024;

/// Every git-lfs pointer starts with this line (git-lfs specification, "The Pointer").
const LFS_HEAD: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

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
    let reader = || Reader::new(tree);
    let small = parallel::map(runs.len(), threads, reader, |reader, number| {
        let run = runs[number].iter();
        run.map(|found| reader.read(found))
            .collect::<Result<Vec<_>, _>>()
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

/// Reads files one after another, into one buffer.
struct Reader<'a> {
    tree: WorkTree<'a>,
    nearby: Nearby<'a>,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(tree: WorkTree<'a>) -> Self {
        Reader {
            tree,
            nearby: Nearby::new(tree.root),
            buffer: vec![0; BUFFER],
        }
    }

    /// What a file or link holds; `None` of a large file, which is not read.
    fn read(&mut self, found: &Found) -> Result<Option<Content>, Error> {
        let path = &found.path;
        if found.is_link {
            let text = self.tree.link_text(path)?;
            return Ok(Some(Content::Link { text }));
        }
        let Regular {
            file,
            size,
            executable,
        } = regular(self.nearby.open(path), path)?;
        if size >= segments::LARGE {
            return Ok(None);
        }
        // Where the size is known, no further call has to tell that this is the end. Files of some
        // file systems have no size.
        let limit = if size == 0 { u64::MAX } else { size };
        Ok(Some(Content::File {
            executable,
            digest: digest(&mut file.take(limit), size, path, &mut self.buffer)?,
        }))
    }
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
struct Regular {
    file: File,
    /// In bytes.
    size: u64,
    executable: bool,
}

/// The file that was opened at `path`, which was a regular one when its folder was searched.
fn regular(file: io::Result<File>, path: &RootPath) -> Result<Regular, Error> {
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
    let mut count = fill(bytes, buffer).map_err(|source| unreadable(path, source))?;
    if is_lfs_pointer(&buffer[..count], size) {
        return Err(Error::LfsPointer { path: path.clone() });
    }
    if count < buffer.len() {
        // What is there at once is hashed with wider vectors.
        return Ok(ContentDigest::of(&buffer[..count]));
    }
    let mut hasher = blake3::Hasher::new();
    loop {
        hasher.update(&buffer[..count]);
        if count < buffer.len() {
            return Ok(hasher.finalize().into());
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
