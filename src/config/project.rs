//! A configuration file and its images, asked for by name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Entry};
use super::matrix::Matches;
use super::mistake::{Error, Invalid, Mistake, at};
use super::name::Wanted;
use super::{EngineChoice, Image, Isolation, resolve};
use crate::environment::Environment;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::record::Fingerprint;
use crate::reference::Tag;
use crate::regular_file;

/// A configuration file and its images.
#[derive(Debug)]
pub struct Project {
    /// As it was found or named.
    file: PathBuf,
    text: String,
    root: PathBuf,
    /// In the order of their names.
    images: Vec<Entry>,
    plain_http: BTreeSet<String>,
    /// Which engine builds and holds the images.
    pub engine: EngineChoice,
    /// How podman is to build, if it is not to choose.
    pub isolation: Option<Isolation>,
}

impl Project {
    /// Reads and resolves `file`.
    ///
    /// All images are checked, but a value that only the environment can give is asked for only
    /// when its image is. `find` finds what a glob matches or covers below the root, which is given to
    /// it as well; it is asked only for what a matrix names by `each`.
    pub fn read<E: From<Error>>(
        file: &Path,
        environment: &Environment,
        find: impl FnMut(&Path, &Pattern) -> Result<Vec<RootPath>, E>,
    ) -> Result<Self, E> {
        let unreadable = |source| Error::Unreadable {
            file: file.to_path_buf(),
            source,
        };
        let bytes = regular_file::read(file).map_err(unreadable)?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let root = folder.canonicalize().map_err(unreadable)?;
        Project::of_bytes(file, root, &bytes, environment, find)
    }

    /// Resolves `bytes`, those of the configuration `file`, which need not lie on disk. `root` is
    /// the absolute path of its folder.
    pub fn of_bytes<E: From<Error>>(
        file: &Path,
        root: PathBuf,
        bytes: &[u8],
        environment: &Environment,
        mut find: impl FnMut(&Path, &Pattern) -> Result<Vec<RootPath>, E>,
    ) -> Result<Self, E> {
        let text = io::read_to_string(bytes).map_err(|source| Error::Unreadable {
            file: file.to_path_buf(),
            source,
        })?;
        let invalid = |mistake| invalid(file, text.clone(), mistake);
        let draft = Draft::parse(&text).map_err(invalid)?;
        let mut matches = Matches::new();
        for glob in draft.globs().map_err(invalid)? {
            let paths = find(&root, &glob)?;
            matches.insert(glob.text().to_owned(), paths);
        }
        let images = draft.resolve(environment, &matches).map_err(invalid)?;
        let plain_http = draft.plain_http().map_err(invalid)?;
        let engine = draft.engine();
        let isolation = draft.isolation().map_err(invalid)?;
        Ok(Project {
            file: file.to_path_buf(),
            root,
            images,
            plain_http,
            engine,
            isolation,
            text,
        })
    }

    /// The root: the absolute path of the folder of fingerprint.toml, without links. In a revision,
    /// where that would be if it were checked out.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The registries that are spoken to without TLS, by their names: `HOST` or `HOST:PORT`.
    pub fn plain_http(&self) -> &BTreeSet<String> {
        &self.plain_http
    }

    /// How many images there are.
    pub fn number_of_images(&self) -> usize {
        self.images.len()
    }

    /// The image called `wanted`, or the only one that this glob matches; without either, the only one
    /// there is.
    pub fn one(&self, wanted: Option<&str>) -> Result<&Image, Error> {
        match (wanted, self.images.as_slice()) {
            (None, [only]) => self.usable(only),
            (None, _) => Err(Error::WhichImage {
                file: self.file.clone(),
                names: self.names(),
            }),
            (Some(wanted), _) => match self.wanted(wanted)?.as_slice() {
                [only] => self.usable(only),
                several => Err(Error::WhichOfMatches {
                    glob: wanted.to_owned(),
                    names: several.iter().map(|entry| entry.name.to_string()).collect(),
                }),
            },
        }
    }

    /// The images that `wanted` names or matches, each once, in that order; all of them if it is empty.
    pub fn several(&self, wanted: &[String]) -> Result<Vec<&Image>, Error> {
        self.each(wanted)?.into_iter().collect()
    }

    /// As [`several`](Self::several), but an image that the environment makes unusable keeps no other
    /// back.
    pub fn each(&self, wanted: &[String]) -> Result<Vec<Result<&Image, Error>>, Error> {
        let mut entries: Vec<&Entry> = Vec::new();
        if wanted.is_empty() {
            entries.extend(&self.images);
        }
        let mut seen = BTreeSet::new();
        for wanted in wanted {
            let meant = self.wanted(wanted)?.into_iter();
            entries.extend(meant.filter(|entry| seen.insert(&entry.name)));
        }
        Ok(entries
            .into_iter()
            .map(|entry| self.usable(entry))
            .collect())
    }

    /// The images that `image` is built on, directly or by another one, each after those that it is
    /// built on itself.
    pub fn upstreams(&self, image: &Image) -> Result<Vec<&Image>, Error> {
        let mut upstreams = Vec::new();
        self.add_upstreams(image, &mut upstreams)?;
        Ok(upstreams)
    }

    fn add_upstreams<'a>(
        &'a self,
        image: &Image,
        upstreams: &mut Vec<&'a Image>,
    ) -> Result<(), Error> {
        for name in image.needs.values() {
            if upstreams.iter().all(|known| known.name != *name) {
                let upstream = self.one(Some(name.as_str()))?;
                self.add_upstreams(upstream, upstreams)?;
                upstreams.push(upstream);
            }
        }
        Ok(())
    }

    /// The tag of `image` for its fingerprint and the arguments that are built with.
    ///
    /// # Errors
    ///
    /// A value that makes no tag, or that is not there.
    pub fn tag(
        &self,
        image: &Image,
        fingerprint: &Fingerprint,
        args: &BTreeMap<String, String>,
    ) -> Result<Tag, Error> {
        let template = &image.tag;
        resolve::expand_tag(template.as_ref(), fingerprint, args).map_err(|kind| {
            let mistake = at(template.span(), kind).in_table(image.table.as_ref());
            invalid(&self.file, self.text.clone(), mistake)
        })
    }

    /// What a name or a glob means: at least one image.
    fn wanted(&self, text: &str) -> Result<Vec<&Entry>, Error> {
        let wanted = Wanted(text);
        let meant = |entry: &&Entry| wanted.means(&entry.name);
        let entries: Vec<_> = self.images.iter().filter(meant).collect();
        if !entries.is_empty() {
            return Ok(entries);
        }
        let (file, names) = (self.file.clone(), self.names());
        Err(match wanted.is_glob() {
            true => Error::NoImageMatches {
                glob: text.to_owned(),
                file,
                names,
            },
            false => Error::NoSuchImage {
                name: text.to_owned(),
                file,
                names,
            },
        })
    }

    fn usable<'a>(&self, entry: &'a Entry) -> Result<&'a Image, Error> {
        let image = entry.image.as_ref();
        image.map_err(|mistake| invalid(&self.file, self.text.clone(), mistake.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.images
            .iter()
            .map(|entry| entry.name.to_string())
            .collect()
    }
}

fn invalid(file: &Path, text: String, mistake: Mistake) -> Error {
    Error::Invalid(Box::new(Invalid {
        file: file.to_path_buf(),
        text,
        mistake,
    }))
}
