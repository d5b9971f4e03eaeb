//! Reading inputs: bytes to digests, link texts, and the small files whose whole text is needed.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::num::NonZero;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::OFlags;

use super::selection::Found;
use super::tree::{Kind, Tree, WorkTree};
use super::{Content, Error, links};
use crate::path::RootPath;
use crate::record::ContentDigest;

/// Below this many files per thread, starting the thread costs more than it saves.
const FILES_PER_THREAD: usize = 64;

/// More threads than this gain nothing on a page cache and hurt on a disk.
const MAX_THREADS: usize = 16;

/// The size of the reading buffer in bytes.
pub(crate) const BUFFER: usize = 128 * 1024;

/// Every git-lfs pointer starts with this line (git-lfs specification, "The Pointer").
const LFS_HEAD: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// A pointer is smaller than this many bytes (git-lfs specification).
const LFS_MAX: u64 = 1024;

/// Reads from disk what `found` lists; the answer has the same order.
pub(super) fn read_all(tree: WorkTree<'_>, found: &[Found]) -> Result<Vec<Content>, Error> {
    let cores = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MAX_THREADS);
    let threads = cores.min(found.len() / FILES_PER_THREAD).max(1);
    if threads == 1 {
        let mut buffer = vec![0; BUFFER];
        return found
            .iter()
            .map(|found| read(tree, found, &mut buffer))
            .collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; BUFFER];
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(found) = found.get(index) else {
                return done;
            };
            done.push((index, read(tree, found, &mut buffer)));
        }
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<_>>| {
            worker.join().expect("reading does not panic")
        };
        workers.into_iter().flat_map(join).collect()
    });
    // The first error by path is reported, whichever thread met one first.
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, content)| content).collect()
}

fn read(tree: WorkTree<'_>, found: &Found, buffer: &mut [u8]) -> Result<Content, Error> {
    if found.is_link {
        return tree
            .link_text(&found.path)
            .map(|text| Content::Link { text });
    }
    let mut file = open(tree.root, &found.path)?;
    let metadata = file.metadata().map_err(|source| Error::Unreadable {
        path: found.path.clone(),
        source,
    })?;
    if !metadata.is_file() {
        return Err(Error::Changed {
            path: found.path.clone(),
        });
    }
    Ok(Content::File {
        executable: is_executable(metadata.mode()),
        digest: digest(&mut file, metadata.len(), &found.path, buffer)?,
    })
}

/// The digest of `bytes`, those of the file at `path`, which has `size` of them. A git-lfs pointer
/// is an error.
pub(super) fn digest(
    bytes: &mut dyn Read,
    size: u64,
    path: &RootPath,
    buffer: &mut [u8],
) -> Result<ContentDigest, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut is_first = true;
    loop {
        let count = fill(bytes, buffer).map_err(|source| Error::Unreadable {
            path: path.clone(),
            source,
        })?;
        if is_first && is_lfs_pointer(&buffer[..count], size) {
            return Err(Error::LfsPointer { path: path.clone() });
        }
        is_first = false;
        hasher.update(&buffer[..count]);
        if count < buffer.len() {
            return Ok(hasher.finalize().into());
        }
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
