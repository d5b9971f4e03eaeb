//! Finding fingerprint.toml, and the top of the git repository that bounds the search.

use std::fs;
use std::path::{Path, PathBuf};

use super::mistake::Error;
use crate::work_tree::is_git_top;

/// The name that is searched for.
pub const FILE_NAME: &str = "fingerprint.toml";

/// The nearest fingerprint.toml from `folder` upwards, no farther than the top of the git
/// repository around `folder`.
pub fn locate(folder: &Path) -> Result<PathBuf, Error> {
    for candidate in folder.ancestors() {
        let file = candidate.join(FILE_NAME);
        if fs::symlink_metadata(&file).is_ok() {
            return Ok(file);
        }
        let unreadable = |source| Error::Unreadable {
            file: candidate.join(".git"),
            source,
        };
        if is_git_top(candidate).map_err(unreadable)? {
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
