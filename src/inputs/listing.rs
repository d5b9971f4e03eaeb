//! Listing folders one after another, through one buffer.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::retry_on_intr;

use super::tree::Kind;

/// The size of the buffer in bytes: most folders fit into it.
const BUFFER: usize = 32 * 1024;

/// Lists folders.
#[derive(Debug, Default)]
pub(super) struct Listing {
    buffer: Vec<u8>,
}

impl Listing {
    /// The names in a folder and what they stand for, in no particular order.
    pub(super) fn names(&mut self, folder: &Path) -> io::Result<Vec<(OsString, Kind)>> {
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
