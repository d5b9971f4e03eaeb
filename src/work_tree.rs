//! Where a git work tree begins, as far as the file system tells it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Whether `folder` is the top of a git work tree: it holds a `.git` that git itself would take for
/// one.
///
/// That is a folder with `HEAD`, `objects` and `refs`, or a file that points to one (a worktree, a
/// submodule). An empty `.git` folder, as some tools leave it, is none, for git neither; nor is a
/// file of that name that points nowhere. A `.git` that may not be looked into is taken for one:
/// whoever then needs git's answer gets git's error.
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
        Ok(_) => Ok(["HEAD", "objects", "refs"]
            .iter()
            .all(|name| may_exist(&git.join(name)))),
    }
}

fn may_exist(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| !says_absent(&error), |_| true)
}

fn says_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
