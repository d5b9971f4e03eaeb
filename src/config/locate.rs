//! Finding fingerprint.toml, and the top of the git repository that bounds the search.

use std::fs;
use std::path::{Path, PathBuf};

use super::mistake::Error;

/// The name that is searched for.
const FILE_NAME: &str = "fingerprint.toml";

/// The nearest fingerprint.toml from `folder` upwards, no farther than the top of the git repository around `folder`.
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

/// Whether `folder` is the top of a git work tree: it holds a `.git` that git itself would take for one.
///
/// That is a folder with `HEAD`, `objects` and `refs`, or a file that points to one (a worktree, a submodule). An empty
/// `.git` folder, as some tools leave it, is none, for git neither.
pub fn is_git_top(folder: &Path) -> bool {
    let git = folder.join(".git");
    match fs::symlink_metadata(&git) {
        Err(_) => false,
        Ok(metadata) if metadata.is_file() => true,
        Ok(_) => ["HEAD", "objects", "refs"]
            .iter()
            .all(|name| fs::symlink_metadata(git.join(name)).is_ok()),
    }
}
