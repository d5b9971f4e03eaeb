//! Listing folders: many at the same time, each thread through one buffer.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::retry_on_intr;

use super::parallel;
use super::tree::Kind;
use crate::path::RootPath;

/// The size of the buffer in bytes: most folders fit into it.
const BUFFER: usize = 32 * 1024;

/// So many folders are listed by one thread in a row.
const RUN: usize = 8;

/// With fewer runs per thread, starting the thread costs more than it saves.
const RUNS_PER_THREAD: usize = 3;

/// What lies in a folder, in no particular order.
pub(super) type Entries = Vec<Entry>;

/// What lies in a folder, by its path from the root.
pub(super) struct Entry {
    pub(super) path: RootPath,
    pub(super) kind: Kind,
}

/// Lists `folders`, which lie below `root`; the answers have the same order.
pub(super) fn of_all(root: &Path, folders: &[&RootPath]) -> Vec<io::Result<Entries>> {
    let runs: Vec<_> = folders.chunks(RUN).collect();
    let threads = match runs.len() / RUNS_PER_THREAD {
        0 | 1 => 1,
        worth => worth.min(parallel::cores()),
    };
    let Ok(listings) = parallel::map(runs.len(), threads, Listing::default, |listing, number| {
        let run = runs[number].iter();
        let entries = run.map(|folder| listing.entries(root, folder));
        Ok::<_, Infallible>(entries.collect::<Vec<_>>())
    });
    listings.into_iter().flatten().collect()
}

/// Lists folders one after another.
#[derive(Debug, Default)]
struct Listing {
    buffer: Vec<u8>,
}

impl Listing {
    fn entries(&mut self, root: &Path, folder: &RootPath) -> io::Result<Entries> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let on_disk = folder.in_root(root);
        let open = retry_on_intr(|| rustix::fs::open(&on_disk, flags, Mode::empty()))?;
        self.buffer.reserve(BUFFER);
        let mut listed = RawDir::new(&open, self.buffer.spare_capacity_mut());
        let mut entries = Vec::new();
        while let Some(entry) = listed.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let kind = kind(&on_disk, OsStr::from_bytes(name), entry.file_type())?;
                let path = folder.join(name);
                entries.push(Entry { path, kind });
            }
        }
        Ok(entries)
    }
}

/// What an entry stands for; not every file system tells that in its listings.
fn kind(folder: &Path, name: &OsStr, listed: FileType) -> io::Result<Kind> {
    Ok(match listed {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => fs::symlink_metadata(folder.join(name))?.file_type().into(),
    })
}
