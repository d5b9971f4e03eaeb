//! The files of a git revision, as a fresh clone of it would hold them.
//!
//! Everything is read from git's objects: the work tree, the index and the rest of `.git` have no
//! say and are left alone. What .gitattributes does to bytes on checkout is done to them here as
//! well, by git itself; where that would take another program, it is an error.

mod attributes;
mod commit;
mod error;
mod folder;
mod hermetic;
mod lfs;
mod name;
mod node;
mod objects;
mod place;
mod reading;
mod search;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use error::Error;

use self::commit::Commit;
use self::folder::Mode;
use self::node::Node;
use self::place::Place;
use super::findings::{Findings, Found};
use super::selection::Selection;
use super::tree::{Kind, Tree};
use super::{
    Content, Error as InputError, Inputs, content, links, read_from, selection, slice_from,
};
use crate::config::{FILE_NAME, Image};
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::shown::Shown;

/// A revision, and the root in it.
#[derive(Debug)]
pub struct Revision {
    /// As the user wrote it.
    name: OsString,
    /// The folder that the paths in `commit` are relative to.
    top: PathBuf,
    commit: Rc<Commit>,
    /// The root, as seen from the top.
    root: RootPath,
}

/// A configuration file in a revision.
#[derive(Debug)]
pub struct Configuration {
    /// `REV:PATH`, as git calls it.
    pub file: PathBuf,
    /// The folder that it lies in, if the revision were checked out.
    pub root: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What running git takes.
#[derive(Debug)]
pub struct Means<'a> {
    /// Where the folder for git is made.
    pub temporary: &'a Path,
    /// Used to find the git program.
    pub environment: &'a Environment,
    /// What stops git.
    pub interrupt: &'a Interrupt,
}

impl Revision {
    /// Opens the revision `name` of the repository around the current folder, or that around
    /// `file`, and reads its configuration: `file` if it is given, else the nearest one from the
    /// current folder upwards. Neither has to exist on disk.
    pub fn open(
        name: &OsStr,
        current: &Path,
        file: Option<&Path>,
        means: &Means<'_>,
    ) -> Result<(Self, Configuration), InputError> {
        let start = match file {
            Some(file) => current.join(file),
            None => current.join(FILE_NAME),
        };
        let (folder, rest) = name::existing(&start);
        let place = Place::around(&folder)?.ok_or_else(|| Error::NoRepository {
            folder: folder.clone(),
        })?;
        let top = place.for_git().0.to_path_buf();
        let start = name::below(&top, &folder, &rest).map_err(|source| Error::Outside {
            file: start,
            top: top.clone(),
            source,
        })?;
        let mut revision = Revision {
            name: name.to_owned(),
            commit: name::commit(name, place, means)?,
            top,
            root: RootPath::root(),
        };
        let path = match file {
            Some(_) => start,
            None => revision.nearest(&start)?,
        };
        let configuration = revision.configuration(&path)?;
        Ok((revision, configuration))
    }

    /// The nearest fingerprint.toml from `start`, such a file, upwards.
    fn nearest(&self, start: &RootPath) -> Result<RootPath, InputError> {
        let mut folder = start.parent();
        while let Some(candidate) = folder {
            let file = candidate.join(FILE_NAME.as_bytes());
            if self.look(&file)?.is_some() {
                return Ok(file);
            }
            folder = candidate.parent();
        }
        Err(Error::NoConfiguration {
            revision: self.name.as_bytes().to_vec(),
            folder: start.parent().unwrap_or_default(),
        }
        .into())
    }

    /// Reads the configuration at `path`, whose folder becomes the root.
    fn configuration(&mut self, path: &RootPath) -> Result<Configuration, InputError> {
        let mut file = self.name.clone();
        file.push(":");
        file.push(OsStr::from_bytes(path.relative()));
        let bytes = content::text_if_present(self, path)?.ok_or_else(|| Error::NoFile {
            revision: self.name.as_bytes().to_vec(),
            path: path.clone(),
        })?;
        self.root = links::resolve(self, &path.parent().unwrap_or_default())?.end;
        Ok(Configuration {
            file: file.into(),
            root: self.root.in_root(&self.top),
            bytes,
        })
    }

    /// What comes before a path below the root to make it what git calls it: `REV:FOLDER/`.
    pub fn prefix(&self) -> String {
        let name = Shown(self.name.as_bytes());
        match self.root.is_root() {
            true => format!("{name}:"),
            false => format!("{name}:{}/", self.root),
        }
    }

    /// Reads what goes into `image`.
    pub fn inputs(&self, image: &Image) -> Result<Inputs, InputError> {
        read_from(self, image)
    }

    /// Reads the slice of `image`.
    pub fn slice(&self, image: &Image) -> Result<Vec<u8>, InputError> {
        slice_from(self, image)
    }

    /// The files and links below the root that `glob` matches or covers.
    pub fn matching(&self, glob: &Pattern) -> Result<Vec<RootPath>, InputError> {
        selection::matching(self, glob)
    }

    /// What lies at `path`, which is relative to the root.
    fn node(&self, path: &RootPath) -> Result<Option<Node>, InputError> {
        let mut node = Node::top(&self.commit);
        let mut shown = RootPath::root();
        let above = self.root.parts().map(|part| (part, RootPath::root()));
        let own = path.parts().map(|part| {
            shown = shown.join(part);
            (part, shown.clone())
        });
        for (part, shown) in above.chain(own) {
            if node.entry.mode != Mode::Folder {
                return Ok(None);
            }
            let names = node.names(&shown)?;
            let Some(entry) = names.get(part) else {
                return Ok(None);
            };
            node = node.enter(part, entry, &shown)?;
        }
        Ok(Some(node))
    }

    /// The node that was found at `path` before.
    fn known(&self, path: &RootPath) -> Result<Node, InputError> {
        let node = self.node(path)?;
        node.ok_or_else(|| InputError::Missing { path: path.clone() })
    }
}

impl Tree for Revision {
    fn look(&self, path: &RootPath) -> Result<Option<Kind>, InputError> {
        let node = self.node(path)?;
        Ok(node.map(|node| node.entry.mode.into()))
    }

    fn link_text(&self, path: &RootPath) -> Result<Vec<u8>, InputError> {
        let node = self.known(path)?;
        node.commit.bytes(&node.entry.id, path)
    }

    fn bytes(&self, path: &RootPath) -> Result<Vec<u8>, InputError> {
        let node = self.known(path)?;
        let mut all = Vec::new();
        reading::read(&node.commit, &[node.wanted(path)], &mut |_, _, bytes| {
            let read = bytes.read_to_end(&mut all);
            read.map(drop).map_err(|source| InputError::Unreadable {
                path: path.clone(),
                source,
            })
        })?;
        Ok(all)
    }

    fn search(&self, selection: &Selection<'_>) -> Result<Findings, InputError> {
        search::search(self, selection)
    }

    fn ignored(
        &self,
        _findings: &Findings,
        _wanted: &dyn Fn(&RootPath) -> bool,
        _reaches: &dyn Fn(&RootPath) -> bool,
    ) -> Option<RootPath> {
        // Everything in a revision is tracked.
        None
    }

    fn contents(&self, found: &[Found]) -> Result<Vec<Content>, InputError> {
        let known = |found: &Found| Ok((found.path.clone(), self.known(&found.path)?));
        let nodes: Vec<_> = found.iter().map(known).collect::<Result<_, InputError>>()?;
        node::contents(&nodes)
    }
}
