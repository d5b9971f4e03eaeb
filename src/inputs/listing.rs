//! Listing folders: many at the same time, each thread through one buffer.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
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

/// The names in a folder and what they stand for, in no particular order.
pub(super) type Names = Vec<(OsString, Kind)>;

/// Lists `folders`, which lie below `root`; the answers have the same order.
pub(super) fn of_all(root: &Path, folders: &[&RootPath]) -> Vec<io::Result<Names>> {
    let runs: Vec<_> = folders.chunks(RUN).collect();
    let threads = match runs.len() / RUNS_PER_THREAD {
        0 | 1 => 1,
        worth => worth.min(parallel::cores()),
    };
    let Ok(listings) = parallel::map(runs.len(), threads, Listing::default, |listing, number| {
        let run = runs[number].iter();
        let names = run.map(|folder| listing.names(&folder.in_root(root)));
        Ok::<_, Infallible>(names.collect::<Vec<_>>())
    });
    listings.into_iter().flatten().collect()
}

/// Lists folders one after another.
#[derive(Debug, Default)]
struct Listing {
    buffer: Vec<u8>,
}

impl Listing {
    fn names(&mut self, folder: &Path) -> io::Result<Names> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()))?;
        self.buffer.reserve(BUFFER);
        let mut entries = RawDir::new(&open, self.buffer.spare_capacity_mut());
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push((name.to_owned(), kind(folder, name, entry.file_type())?));
            }
        }
        Ok(names)
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
