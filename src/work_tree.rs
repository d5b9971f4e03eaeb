//! Where a git work tree begins and where git keeps its own files, as far as the file system tells
//! it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether `folder` is the top of a git work tree: it holds a `.git` that git itself would take for
/// one.
///
/// That is a folder with `HEAD`, `objects` and `refs`, or a file that says where such a folder is (a
/// worktree, a submodule). An empty `.git` folder, as some tools leave it, is none, for git neither;
/// nor is a file of that name that says something else. Where a file points is not looked at, and a
/// `.git` that may not be looked into is taken for one: whoever then needs git's answer gets git's
/// error.
///
/// # Errors
///
/// Whether there is a `.git` at all cannot be told.
pub fn is_git_top(folder: &Path) -> io::Result<bool> {
    let git = folder.join(".git");
    match fs::symlink_metadata(&git) {
        Err(error) if says_absent(&error) => Ok(false),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_file() => {
            Ok(fs::read(&git).map_or(true, |text| text.starts_with(b"gitdir:")))
        }
        Ok(_) => Ok(is_git_folder(&git)),
    }
}

/// The folder with git's own files, of the work tree whose top is `top`: `.git`, or what a `.git`
/// file points to.
pub fn git_folder(top: &Path) -> PathBuf {
    let git = top.join(".git");
    match fs::read(&git) {
        Ok(text) => match text.trim_ascii_end().strip_prefix(b"gitdir: ") {
            Some(folder) => top.join(OsStr::from_bytes(folder)),
            None => git,
        },
        Err(_) => git,
    }
}

/// Whether `folder` itself is one with git's own files.
pub fn is_git_folder(folder: &Path) -> bool {
    ["HEAD", "objects", "refs"]
        .iter()
        .all(|name| may_exist(&folder.join(name)))
}

fn may_exist(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| !says_absent(&error), |_| true)
}

fn says_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
