//! Where the files below the root are kept.
//!
//! Everything that decides about inputs gets its facts from a [`Tree`]: it follows links, matches
//! entries and reads what they select without knowing whether the files lie on disk.

use std::fs::{self, FileType};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::NoMatch;
use super::findings::{Findings, Found};
use super::git::Git;
use super::selection::Selection;
use super::{Content, Error, candidates, content};
use crate::path::RootPath;

/// The longest name of a file, in bytes (limits.h): nothing can have a longer one.
const NAME_MAX: usize = 255;

/// The files below the root.
pub(super) trait Tree {
    /// What lies at `path`, links not followed; `None` if nothing does.
    fn look(&self, path: &RootPath) -> Result<Option<Kind>, Error>;

    /// The text of the link at `path`.
    fn link_text(&self, path: &RootPath) -> Result<Vec<u8>, Error>;

    /// The bytes of the regular file at `path`, on a way that is free of links.
    fn bytes(&self, path: &RootPath) -> Result<Vec<u8>, Error>;

    /// Finds the candidates that `selection` takes, sorted.
    fn search(&self, selection: &Selection<'_>) -> Result<Findings, Error>;

    /// A file or link that .gitignore kept out of `findings` and that is `wanted`. Folders are entered
    /// where `reaches` says so.
    fn ignored(
        &self,
        findings: &Findings,
        wanted: &dyn Fn(&RootPath) -> bool,
        reaches: &dyn Fn(&RootPath) -> bool,
    ) -> Option<RootPath>;

    /// Reads what `found` lists; the answer has the same order.
    fn contents(&self, found: &[Found]) -> Result<Vec<Content>, Error>;
}

/// What lies at a path, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// Anything that no image can hold, by its name.
    Special(&'static str),
}

impl From<FileType> for Kind {
    fn from(file_type: FileType) -> Self {
        use std::os::unix::fs::FileTypeExt;
        match file_type {
            t if t.is_file() => Kind::File,
            t if t.is_dir() => Kind::Folder,
            t if t.is_symlink() => Kind::Link,
            t if t.is_fifo() => Kind::Special("a FIFO"),
            t if t.is_socket() => Kind::Special("a socket"),
            _ => Kind::Special("a device"),
        }
    }
}

/// The files on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct WorkTree<'a> {
    /// The absolute path of the root.
    pub(super) root: &'a Path,
    /// What tells which files are tracked.
    pub(super) git: Git<'a>,
}

impl Tree for WorkTree<'_> {
    fn look(&self, path: &RootPath) -> Result<Option<Kind>, Error> {
        match fs::symlink_metadata(path.in_root(self.root)) {
            Ok(metadata) => Ok(Some(metadata.file_type().into())),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
                    || path.name().len() > NAME_MAX =>
            {
                Ok(None)
            }
            Err(source) => Err(Error::Unreadable {
                path: path.clone(),
                source,
            }),
        }
    }

    fn link_text(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        fs::read_link(path.in_root(self.root))
            .map(|text| text.as_os_str().as_bytes().to_vec())
            .map_err(|source| Error::Unreadable {
                path: path.clone(),
                source,
            })
    }

    fn bytes(&self, path: &RootPath) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        content::open(self.root, path)?
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Unreadable {
                path: path.clone(),
                source,
            })?;
        Ok(bytes)
    }

    fn search(&self, selection: &Selection<'_>) -> Result<Findings, Error> {
        candidates::search(*self, selection)
    }

    fn ignored(
        &self,
        findings: &Findings,
        wanted: &dyn Fn(&RootPath) -> bool,
        reaches: &dyn Fn(&RootPath) -> bool,
    ) -> Option<RootPath> {
        let ignored = findings.passed_by.iter().filter_map(|why| match why {
            NoMatch::Ignored(path) => Some(path),
            _ => None,
        });
        let mut candidates: Vec<RootPath> = ignored.cloned().collect();
        while let Some(path) = candidates.pop() {
            if !matches!(self.look(&path), Ok(Some(Kind::Folder))) {
                if wanted(&path) && !findings.has(&path) {
                    return Some(path);
                }
            } else if reaches(&path) {
                // What cannot be listed cannot be copied, either.
                let names = fs::read_dir(path.in_root(self.root)).into_iter().flatten();
                let names = names.flatten().map(|entry| entry.file_name());
                candidates.extend(names.map(|name| path.join(name.as_bytes())));
            }
        }
        None
    }

    fn contents(&self, found: &[Found]) -> Result<Vec<Content>, Error> {
        content::read_all(*self, found)
    }
}
