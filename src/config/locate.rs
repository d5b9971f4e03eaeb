//! Finding fingerprint.toml, and the top of the git repository that bounds the search.

use std::fs;
use std::path::{Path, PathBuf};

use super::mistake::Error;

/// The name that is searched for.
const FILE_NAME: &str = "fingerprint.toml";

/// The nearest fingerprint.toml from `folder` upwards, no farther than the top of the git
/// repository around `folder`.
pub fn locate(folder: &Path) -> Result<PathBuf, Error> {
    for candidate in folder.ancestors() {
        let file = candidate.join(FILE_NAME);
        if fs::symlink_metadata(&file).is_ok() {
            return Ok(file);
        }
        if is_git_top(candidate) {
            let git_top = Some(candidate.to_path_buf());
            return Err(Error::NotFound {
                from: folder.to_path_buf(),
                git_top,
            });
        }
    }
    Err(Error::NotFound {
        from: folder.to_path_buf(),
        git_top: None,
    })
}

/// Whether `folder` is the top of a git work tree: it holds a `.git` that git itself would take for
/// one.
///
/// That is a folder with `HEAD`, `objects` and `refs`, or a file that points to one (a worktree, a
/// submodule). An empty `.git` folder, as some tools leave it, is none, for git neither; nor is a
/// file of that name that points nowhere.
pub fn is_git_top(folder: &Path) -> bool {
    let git = folder.join(".git");
    match fs::symlink_metadata(&git) {
        Err(_) => false,
        Ok(metadata) if metadata.is_file() => {
            // One that cannot be read could be one, so the search for what it may hide goes on to
            // an error.
            fs::read(&git).map_or(true, |text| text.starts_with(b"gitdir:"))
        }
        Ok(_) => ["HEAD", "objects", "refs"]
            .iter()
            .all(|name| fs::symlink_metadata(git.join(name)).is_ok()),
    }
}
