//! The git repositories that the root lies in or holds, as far as they decide which files are
//! candidates.
//!
//! A repository here is a place, its `.gitignore` rules and, only if asked, its list of tracked
//! files.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::git::Git;
use super::gitignore::{Gitignore, IgnoreStack, Verdict};
use super::{Error, git};
use crate::path::RootPath;
use crate::work_tree::{git_folder, is_git_top};

/// A git work tree.
#[derive(Debug)]
pub(super) struct Repository {
    top: PathBuf,
    place: Place,
    tracked: OnceCell<git::Listing>,
    /// Whether the files on disk do not tell the whole answer, so that git has to be asked.
    pub(super) in_doubt: Cell<bool>,
}

/// Where the top of a work tree lies, seen from the root.
#[derive(Debug)]
enum Place {
    /// At the root or above it; the root's path from the top.
    Around(Vec<u8>),
    /// Below the root.
    Below(RootPath),
}

impl Repository {
    /// The work tree that the root lies in.
    pub(super) fn around(root: &Path) -> Result<Option<Self>, Error> {
        for top in root.ancestors() {
            let path = top.join(".git");
            if is_git_top(top).map_err(|source| Error::GitFile { path, source })? {
                let prefix = root.strip_prefix(top).expect("an ancestor is a prefix");
                let place = Place::Around(prefix.as_os_str().as_bytes().to_vec());
                return Ok(Some(Repository::new(top.to_path_buf(), place)));
            }
        }
        Ok(None)
    }

    /// The work tree whose top is `path`.
    pub(super) fn below(root: &Path, path: &RootPath) -> Self {
        Repository::new(path.in_root(root), Place::Below(path.clone()))
    }

    fn new(top: PathBuf, place: Place) -> Self {
        // A sparse checkout lacks files that only the index tells of.
        let is_sparse = fs::exists(git_folder(&top).join("info/sparse-checkout")).unwrap_or(true);
        Repository {
            top,
            place,
            tracked: OnceCell::new(),
            in_doubt: Cell::new(is_sparse),
        }
    }

    /// Whether this is the repository whose top is `path`, below the root.
    pub(super) fn is_below(&self, path: &RootPath) -> bool {
        matches!(&self.place, Place::Below(top) if top == path)
    }

    /// The repository around the root, among those known.
    pub(super) fn first_around(known: &[Rc<Repository>]) -> Option<Rc<Repository>> {
        known
            .iter()
            .find(|repository| matches!(repository.place, Place::Around(_)))
            .map(Rc::clone)
    }

    /// `path` as git sees it: relative to the top.
    pub(super) fn relative<'a>(&'a self, path: &'a RootPath) -> Cow<'a, [u8]> {
        match &self.place {
            Place::Around(prefix) if prefix.is_empty() => path.relative().into(),
            Place::Around(prefix) if path.is_root() => prefix.into(),
            Place::Around(prefix) => [prefix, b"/".as_slice(), path.relative()].concat().into(),
            Place::Below(top) => path.relative_to(top).unwrap_or_default().into(),
        }
    }

    /// The bytes of [`in_root`](Self::in_root), should that be a path.
    pub(super) fn bytes_in_root<'a>(&self, relative: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match &self.place {
            Place::Around(prefix) if prefix.is_empty() => Some(relative.into()),
            Place::Around(prefix) => relative
                .strip_prefix(prefix.as_slice())?
                .strip_prefix(b"/")
                .map(Cow::from),
            Place::Below(top) => Some([top.relative(), b"/", relative].concat().into()),
        }
    }

    /// The path in the root of what git calls `relative`; `None` if it lies outside the root.
    pub(super) fn in_root(&self, relative: &[u8]) -> Option<RootPath> {
        let path = RootPath::parse(relative).ok()?;
        match &self.place {
            Place::Around(prefix) if prefix.is_empty() => Some(path),
            Place::Around(prefix) => path.below(&RootPath::parse(prefix).ok()?),
            Place::Below(top) => Some(path.parts().fold(top.clone(), |at, part| at.join(part))),
        }
    }

    /// What git tracks in the root. git is asked once.
    pub(super) fn tracked(&self, git: Git<'_>) -> Result<&git::Listing, Error> {
        if let Some(tracked) = self.tracked.get() {
            return Ok(tracked);
        }
        let folder = match &self.place {
            Place::Around(prefix) => prefix.as_slice(),
            Place::Below(_) => b"",
        };
        let tracked = git::tracked(&self.top, folder, git)?;
        Ok(self.tracked.get_or_init(|| tracked))
    }

    /// The submodules that .gitmodules names; what git really tracks can differ.
    pub(super) fn named_submodules(&self) -> Result<Vec<RootPath>, Error> {
        let path = self.top.join(".gitmodules");
        let Some(text) = read_own(&path)? else {
            return Ok(Vec::new());
        };
        let value = |line: &[u8]| {
            let (key, value) = line.split_at(line.iter().position(|&byte| byte == b'=')?);
            let value = value[1..].trim_ascii();
            let value = value
                .strip_prefix(b"\"")
                .and_then(|v| v.strip_suffix(b"\""))
                .unwrap_or(value);
            key.trim_ascii()
                .eq_ignore_ascii_case(b"path")
                .then(|| self.in_root(value))?
        };
        Ok(text
            .split(|&byte| byte == b'\n')
            .filter_map(value)
            .collect())
    }

    /// The rules of all folders from the top down to the one that holds `folder`, and whether they
    /// exclude `folder` or one of those in between.
    pub(super) fn rules_above(&self, folder: &RootPath) -> Result<(IgnoreStack, bool), Error> {
        let relative = self.relative(folder);
        let mut rules = IgnoreStack::default();
        let mut excluded = false;
        let mut length = 0;
        for part in relative
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
        {
            rules = self.with_own(&rules, &relative[..length])?;
            length += part.len() + usize::from(length > 0);
            excluded |= excludes(&rules, &relative[..length], true);
        }
        Ok((rules, excluded))
    }

    /// `rules` and those of the `.gitignore` in `folder`, a path relative to the top.
    pub(super) fn with_own(
        &self,
        rules: &IgnoreStack,
        folder: &[u8],
    ) -> Result<IgnoreStack, Error> {
        let path = self.top.join(OsStr::from_bytes(folder)).join(".gitignore");
        Ok(match read_own(&path)? {
            Some(text) => rules.below(folder, Gitignore::parse(&text)),
            None => rules.clone(),
        })
    }
}

/// The bytes of a file that git reads by its name; `None` if there is none. A link is none, for git
/// neither, and nor is anything else that could not be committed under that name.
fn read_own(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let read = fs::symlink_metadata(path).and_then(|metadata| match metadata.is_file() {
        true => fs::read(path).map(Some),
        false => Ok(None),
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map_err(|source| Error::GitFile {
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// Whether `rules` exclude the path that git calls `relative`; folders above it are not looked at.
pub(super) fn excludes(rules: &IgnoreStack, relative: &[u8], is_folder: bool) -> bool {
    rules
        .decide(relative, is_folder)
        .is_some_and(|(_, decision)| decision.verdict == Verdict::Ignored)
}
