//! Following a path through symbolic links, never out of the root.
//!
//! Only a path that a person wrote is followed. Every link that it crosses is reported, since what it points to is part of
//! the answer.

use std::collections::VecDeque;
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Error;
use crate::path::RootPath;

/// How many links one path may cross; Linux itself allows as many.
const MAX_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The path behind all links.
    pub(super) end: RootPath,
    /// What lies there; `None` if nothing does.
    pub(super) kind: Option<Kind>,
    /// The links that were crossed, with their texts.
    pub(super) crossed: Vec<(RootPath, Vec<u8>)>,
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

/// What lies at `path`, links not followed; `None` if nothing does.
pub(super) fn look(root: &Path, path: &RootPath) -> Result<Option<Kind>, Error> {
    match fs::symlink_metadata(path.in_root(root)) {
        Ok(metadata) => Ok(Some(metadata.file_type().into())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(Error::Unreadable {
            path: path.clone(),
            source,
        }),
    }
}

/// Follows `path` from the root, part by part.
pub(super) fn resolve(root: &Path, path: &RootPath) -> Result<Resolved, Error> {
    let mut crossed = Vec::new();
    let mut end = RootPath::root();
    let mut kind = Some(Kind::Folder);
    let mut rest: VecDeque<Vec<u8>> = path.parts().map(<[u8]>::to_vec).collect();
    while let Some(part) = rest.pop_front() {
        if part == b".git" {
            return Err(Error::InsideGit { path: path.clone() });
        }
        if part == b".." {
            end = end.parent().ok_or_else(|| leaves(&crossed))?;
            continue;
        }
        let next = end.join(&part);
        kind = look(root, &next)?;
        if kind != Some(Kind::Link) {
            end = next;
            if kind.is_none() {
                // From a folder that is not there, `..` leads nowhere.
                rest.into_iter()
                    .take_while(|part| part != b"..")
                    .for_each(|part| end = end.join(&part));
                break;
            }
            continue;
        }
        let text = text(root, &next)?;
        let absolute = text.starts_with(b"/");
        let parts = text
            .split(|&byte| byte == b'/')
            .filter(|part| !matches!(*part, b"" | b"."));
        for part in parts.rev() {
            rest.push_front(part.to_vec());
        }
        kind = Some(Kind::Folder);
        crossed.push((next, text.clone()));
        if absolute {
            return Err(leaves(&crossed));
        }
        if crossed.len() > MAX_LINKS {
            return Err(Error::LinkLoop { path: path.clone() });
        }
    }
    Ok(Resolved { end, kind, crossed })
}

/// The text of the link at `path`.
pub(super) fn text(root: &Path, path: &RootPath) -> Result<Vec<u8>, Error> {
    fs::read_link(path.in_root(root))
        .map(|text| text.as_os_str().as_bytes().to_vec())
        .map_err(|source| Error::Unreadable {
            path: path.clone(),
            source,
        })
}

/// `..` at the root can only come from a link: written paths cannot leave it.
fn leaves(crossed: &[(RootPath, Vec<u8>)]) -> Error {
    let (link, text) = crossed
        .last()
        .expect("only a link can lead out of the root");
    Error::LinkLeaves {
        link: link.clone(),
        text: text.clone(),
    }
}
