//! Where a repository keeps its objects, those of git-lfs, and its submodules (gitrepository-layout(5)).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Error;
use crate::path::RootPath;
use crate::regular_file;
use crate::work_tree::{git_folder, is_git_folder, is_git_top};

/// A repository on disk.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The top of its work tree; `None` if it is bare, or a submodule that is not checked out.
    pub(super) top: Option<PathBuf>,
    /// The folder with git's own files.
    pub(super) git_folder: PathBuf,
    /// The one that linked work trees have in common.
    common: PathBuf,
}

impl Place {
    /// The repository around `folder`, which is absolute and free of links, or the bare one that it
    /// is or lies in.
    pub(super) fn around(folder: &Path) -> Result<Option<Self>, Error> {
        for top in folder.ancestors() {
            let is_top = is_git_top(top).map_err(|source| Error::Unreadable {
                file: top.join(".git"),
                source,
            })?;
            if is_top {
                return Ok(Some(Place::new(git_folder(top), Some(top.to_path_buf()))));
            }
        }
        let bare = folder.ancestors().find(|folder| is_git_folder(folder));
        Ok(bare.map(|folder| Place::new(folder.to_path_buf(), None)))
    }

    fn new(git_folder: PathBuf, top: Option<PathBuf>) -> Self {
        let common = match regular_file::read(&git_folder.join("commondir")).ok() {
            Some(text) => git_folder.join(OsStr::from_bytes(text.trim_ascii_end())),
            None => git_folder.clone(),
        };
        Place {
            top,
            git_folder,
            common,
        }
    }

    /// The folder to run git in, and its own folder as seen from there.
    pub(super) fn for_git(&self) -> (&Path, &'static str) {
        match &self.top {
            Some(top) => (top, ".git"),
            None => (&self.git_folder, "."),
        }
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// Whether history was cut off when this was cloned.
    pub(super) fn is_shallow(&self) -> bool {
        self.common.join("shallow").exists()
    }

    /// Where git-lfs keeps the object whose SHA-256 is `id`, in hex.
    pub(super) fn lfs_object(&self, id: &str) -> PathBuf {
        let folder = self.common.join("lfs/objects");
        folder.join(&id[..2]).join(&id[2..4]).join(id)
    }

    /// Where the repository of the submodule at `path` may be: what is called `name` among git's
    /// own files, and what is checked out.
    pub(super) fn submodules(&self, path: &RootPath, name: Option<&[u8]>) -> Vec<Place> {
        let top = self.top.as_ref().map(|top| path.in_root(top));
        let name = name.filter(|name| is_safe(name)).map(OsStr::from_bytes);
        let own = [&self.git_folder, &self.common]
            .into_iter()
            .filter_map(|folder| {
                let git_folder = folder.join("modules").join(name?);
                Some(Place::new(git_folder, top.clone()))
            });
        let checked_out = top.iter().filter(|top| is_git_top(top).unwrap_or(false));
        let checked_out = checked_out.map(|top| Place::new(git_folder(top), Some(top.clone())));
        let mut places: Vec<_> = own.chain(checked_out).collect();
        places.retain(|place| place.objects().is_dir());
        places.dedup_by(|a, b| a.git_folder == b.git_folder);
        places
    }
}

/// Whether the name of a submodule stays in the folder of submodules; git itself refuses others.
fn is_safe(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .split(|&byte| byte == b'/')
            .all(|part| !matches!(part, b"" | b"." | b".."))
}
