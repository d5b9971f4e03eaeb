//! The files of one commit of one repository, read from git's objects on demand.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::Error;
use super::folder::{self, Entry, Folder, Mode};
use super::hermetic::Hermetic;
use super::objects::{Failed, ObjectId, Objects, Visit};
use super::place::Place;
use crate::inputs::Error as InputError;
use crate::path::RootPath;

/// A commit, and what has been read of it.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) place: Place,
    pub(super) hermetic: Rc<Hermetic>,
    objects: RefCell<Objects>,
    tree: ObjectId,
    folders: RefCell<HashMap<ObjectId, Rc<Folder>>>,
    submodules: RefCell<HashMap<RootPath, Rc<Commit>>>,
    submodule_names: OnceCell<SubmoduleNames>,
}

/// The name of each submodule by its path.
type SubmoduleNames = HashMap<RootPath, Vec<u8>>;

/// Why a name stands for no commit that could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoCommit {
    /// It is another object, of this kind.
    Other(String),
    Missing,
    /// The commit is there, and the list of its files is not.
    WithoutTree,
}

impl Commit {
    /// The commit `id` of the repository at `place`; that of a tag is the one it was set on.
    pub(super) fn open(
        hermetic: &Rc<Hermetic>,
        place: Place,
        id: &ObjectId,
    ) -> Result<Result<Self, NoCommit>, Error> {
        let command = hermetic.command(&place.objects());
        let mut objects = Objects::start(command, &hermetic.interrupt)
            .map_err(|source| Error::NoGit { source })?;
        let names = [
            id.to_string(),
            format!("{id}^{{commit}}"),
            format!("{id}^{{tree}}"),
        ];
        let mut answers = Vec::new();
        let asked = objects.each(&names, &mut |_, object| {
            answers.push(object.map(|object| (object.kind, object.id)));
            Ok(())
        });
        if let Err(Failed::Git(said)) = asked {
            hermetic.interrupt.check()?;
            let repository = place.git_folder;
            return Err(Error::Git { repository, said });
        }
        Ok(match <[_; 3]>::try_from(answers) {
            Ok([_, Some(_), Some((_, tree))]) => Ok(Commit {
                place,
                hermetic: Rc::clone(hermetic),
                objects: RefCell::new(objects),
                tree,
                folders: RefCell::default(),
                submodules: RefCell::default(),
                submodule_names: OnceCell::new(),
            }),
            Ok([_, Some(_), None]) => Err(NoCommit::WithoutTree),
            Ok([Some((kind, _)), None, _]) => Err(NoCommit::Other(kind)),
            _ => Err(NoCommit::Missing),
        })
    }

    /// The top folder.
    pub(super) fn top(&self) -> Entry {
        Entry {
            mode: Mode::Folder,
            id: self.tree.clone(),
        }
    }

    /// Has git give the objects `names`.
    pub(super) fn each(&self, names: &[String], visit: &mut Visit<'_>) -> Result<(), InputError> {
        let visited = self.objects.borrow_mut().each(names, visit);
        visited.map_err(|failed| match (self.hermetic.interrupt.check(), failed) {
            (Err(interrupted), _) => InputError::Interrupted(interrupted),
            (Ok(()), Failed::Visit(error)) => error,
            (Ok(()), Failed::Git(said)) => Error::Git {
                repository: self.place.git_folder.clone(),
                said,
            }
            .into(),
        })
    }

    /// The bytes of the object `id`, which lies at `shown`.
    pub(super) fn bytes(&self, id: &ObjectId, shown: &RootPath) -> Result<Vec<u8>, InputError> {
        let mut bytes = None;
        self.each(&[id.to_string()], &mut |_, object| {
            let Some(object) = object else { return Ok(()) };
            let mut all = Vec::new();
            let read = object.bytes.read_to_end(&mut all);
            bytes = Some(all);
            read.map(drop).map_err(|source| InputError::Unreadable {
                path: shown.clone(),
                source,
            })
        })?;
        bytes.ok_or_else(|| {
            Error::Away {
                path: shown.clone(),
            }
            .into()
        })
    }

    /// The names in the folder `entry`, which lies at `shown`.
    pub(super) fn folder(&self, entry: &Entry, shown: &RootPath) -> Result<Rc<Folder>, InputError> {
        self.hermetic.interrupt.check()?;
        if let Some(known) = self.folders.borrow().get(&entry.id) {
            return Ok(Rc::clone(known));
        }
        let bytes = self.bytes(&entry.id, shown)?;
        let folder = folder::parse(&bytes, entry.id.length())
            .map(Rc::new)
            .ok_or_else(|| Error::Invalid {
                path: shown.clone(),
            })?;
        let mut folders = self.folders.borrow_mut();
        folders.insert(entry.id.clone(), Rc::clone(&folder));
        Ok(folder)
    }

    /// The submodule at `path`, as seen from the top; it lies at `shown` and is at the commit `id`.
    pub(super) fn submodule(
        &self,
        path: &RootPath,
        id: &ObjectId,
        shown: &RootPath,
    ) -> Result<Rc<Commit>, InputError> {
        if let Some(known) = self.submodules.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let name = self.submodule_names(shown)?.get(path);
        for place in self.place.submodules(path, name.map(Vec::as_slice)) {
            if let Ok(commit) = Commit::open(&self.hermetic, place, id)? {
                let commit = Rc::new(commit);
                let mut submodules = self.submodules.borrow_mut();
                submodules.insert(path.clone(), Rc::clone(&commit));
                return Ok(commit);
            }
        }
        Err(Error::Submodule {
            path: shown.clone(),
        }
        .into())
    }

    /// The paths and names of the submodules, as .gitmodules of this commit tells them.
    fn submodule_names(&self, shown: &RootPath) -> Result<&SubmoduleNames, InputError> {
        if let Some(known) = self.submodule_names.get() {
            return Ok(known);
        }
        let top = self.folder(&self.top(), shown)?;
        let names = match top.get(b".gitmodules".as_slice()) {
            Some(Entry {
                mode: Mode::File { .. },
                id,
            }) => self.read_gitmodules(id)?,
            _ => SubmoduleNames::new(),
        };
        Ok(self.submodule_names.get_or_init(|| names))
    }

    fn read_gitmodules(&self, id: &ObjectId) -> Result<SubmoduleNames, Error> {
        let objects = self.place.objects();
        let mut command = self.hermetic.command(&objects);
        command.args([
            "config",
            "--null",
            "--no-includes",
            "--blob",
            id.as_str(),
            "--list",
        ]);
        let listing = self.hermetic.output(&objects, &mut command, Vec::new())?;
        Ok(listing
            .split(|&byte| byte == 0)
            .filter_map(submodule)
            .collect())
    }

    /// What lies at `path`, as seen from the top, on a way without links and submodules.
    pub(super) fn entry(&self, path: &RootPath) -> Result<Option<Entry>, InputError> {
        let mut entry = self.top();
        let mut at = RootPath::root();
        for part in path.parts() {
            if entry.mode != Mode::Folder {
                return Ok(None);
            }
            let Some(next) = self.folder(&entry, &at)?.get(part).cloned() else {
                return Ok(None);
            };
            (entry, at) = (next, at.join(part));
        }
        Ok(Some(entry))
    }
}

/// Reads `submodule.NAME.path<LF>PATH`, where NAME may hold anything.
fn submodule(setting: &[u8]) -> Option<(RootPath, Vec<u8>)> {
    let line_feed = setting.iter().position(|&byte| byte == b'\n')?;
    let (key, path) = (&setting[..line_feed], &setting[line_feed + 1..]);
    let name = key.strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
    Some((RootPath::parse(path).ok()?, name.to_vec()))
}
