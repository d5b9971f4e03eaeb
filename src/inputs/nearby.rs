//! Opening files one after another where neighbours follow each other.
//!
//! The way to a folder is followed once for all files in a row that lie in it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;

use crate::path::RootPath;

/// Opens files below a root.
pub(super) struct Nearby<'a> {
    root: &'a Path,
    /// The folder of the file that was opened last, by its path with a slash at the end.
    folder: Option<(Vec<u8>, OwnedFd)>,
}

impl<'a> Nearby<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Nearby { root, folder: None }
    }

    /// Opens the file at `path` without following a link there, and without waiting should it have
    /// become a FIFO.
    pub(super) fn open(&mut self, path: &RootPath) -> io::Result<File> {
        let name = path.name();
        let folder = &path.relative()[..path.relative().len() - name.len()];
        let known = self.folder.as_ref().map(|(folder, _)| folder.as_slice());
        if known != Some(folder) {
            self.folder = Some((folder.to_vec(), self.open_folder(folder)?));
        }
        let (_, folder) = self.folder.as_ref().expect("it was opened above");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = retry_on_intr(|| rustix::fs::openat(folder, name, flags, Mode::empty()))?;
        Ok(file.into())
    }

    fn open_folder(&self, folder: &[u8]) -> io::Result<OwnedFd> {
        let path = self.root.join(OsStr::from_bytes(folder));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(retry_on_intr(|| {
            rustix::fs::open(&path, flags, Mode::empty())
        })?)
    }
}
