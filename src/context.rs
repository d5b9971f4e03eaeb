//! The sealed build context: a folder that holds what the record lists, and nothing else.
//!
//! Modes are set, not inherited, so that no umask shows in an image; bytes are checked against the
//! record while they are copied, so that what is built is what was hashed. Files keep their
//! modification times, which cargo and make compare.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, FileTimes, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Image;
use crate::inputs::{self, BUFFER, Content, Input, Inputs, Placement};
use crate::interrupt::{Interrupt, Interrupted};
use crate::path::RootPath;
use crate::record::ContentDigest;
use crate::reference::Tag;

/// Why a context could not be staged. Nothing of it is left on disk.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} changed after it was hashed, so nothing was built")]
    Changed { path: RootPath },
    #[error(transparent)]
    Input(#[from] inputs::Error),
    #[error("cannot stage {path} in {}", .folder.display())]
    Write {
        path: RootPath,
        folder: PathBuf,
        source: io::Error,
    },
    #[error("cannot make a folder for the build context in {}", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// An ignore file without rules. It is not empty: a frontend that is an image cannot tell an empty file
/// from none, and would apply the context's.
const NO_RULES: &str = "# what lies in the context was chosen already\n";

/// What follows a Dockerfile's name in that of its own ignore file.
const IGNORE_SUFFIX: &str = ".dockerignore";

/// The longest name of a file, in bytes (limits.h).
const NAME_MAX: usize = 255;

/// A staged context. Dropping it removes the folder.
#[derive(Debug)]
pub struct StagedContext {
    folder: TempDir,
    dockerfile: PathBuf,
}

impl StagedContext {
    /// Stages `inputs` of `image` in a new folder inside `temporary`.
    pub fn stage(
        root: &Path,
        image: &Image,
        inputs: &Inputs,
        temporary: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let unmade = |source| Error::Folder {
            folder: temporary.to_path_buf(),
            source,
        };
        let folder = tempfile::Builder::new()
            .prefix("fp-")
            .tempdir_in(temporary)
            .map_err(unmade)?;
        let staging = Staging {
            root,
            context: folder.path().join("context"),
            interrupt,
        };
        make_folder(&staging.context).map_err(unmade)?;
        let mut buffer = vec![0; BUFFER];
        for input in inputs
            .entries
            .iter()
            .filter(|input| input.placement == Placement::Context)
        {
            interrupt.check()?;
            staging.entry(input, &image.context, &mut buffer)?;
        }
        let dockerfile = write_dockerfile(folder.path(), image.dockerfile.name(), &inputs.slice)
            .map_err(unmade)?;
        Ok(StagedContext { folder, dockerfile })
    }

    /// The folder that the builder gets as its context.
    pub fn context(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    /// The Dockerfile, which lies outside the context. An ignore file without rules lies beside it,
    /// so that the builder does not apply one that is an input.
    pub fn dockerfile(&self) -> &Path {
        &self.dockerfile
    }

    /// A new folder for what a builder writes about the build of the image that gets this tag; it goes with
    /// the context.
    pub fn scratch_of(&self, tag: &Tag) -> Result<PathBuf, Error> {
        let scratch = self.folder.path().join(format!("scratch-{tag}"));
        let made = make_folder(&scratch);
        made.map_err(|source| Error::Folder {
            folder: self.folder.path().to_path_buf(),
            source,
        })?;
        Ok(scratch)
    }
}

/// Writes the Dockerfile into a folder of its own, under its own name, which builders show, unless that
/// leaves no room for the name of the ignore file.
fn write_dockerfile(staged: &Path, name: &[u8], bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = staged.join("dockerfile");
    make_folder(&folder)?;
    let name: &[u8] = match name.len() + IGNORE_SUFFIX.len() <= NAME_MAX {
        true => name,
        false => b"Dockerfile",
    };
    let path = folder.join(OsStr::from_bytes(name));
    fs::write(&path, bytes)?;
    let mut ignore = path.as_os_str().to_owned();
    ignore.push(IGNORE_SUFFIX);
    fs::write(ignore, NO_RULES)?;
    Ok(path)
}

struct Staging<'a> {
    root: &'a Path,
    context: PathBuf,
    interrupt: &'a Interrupt,
}

impl Staging<'_> {
    fn entry(&self, input: &Input, context: &RootPath, buffer: &mut [u8]) -> Result<(), Error> {
        let inside = input
            .path
            .below(context)
            .expect("what is in the context lies below it");
        let target = inside.in_root(&self.context);
        let unwritable = |source| self.write_error(input, source);
        make_folders(&self.context, &inside).map_err(unwritable)?;
        match &input.content {
            Content::File { executable, digest } => {
                self.file(input, &target, *executable, *digest, buffer)
            }
            Content::Link { text } => self.link(input, &target, text),
        }
    }

    fn link(&self, input: &Input, target: &Path, text: &[u8]) -> Result<(), Error> {
        let now = fs::read_link(input.path.in_root(self.root));
        if !now.is_ok_and(|now| now.as_os_str().as_bytes() == text) {
            return Err(Error::Changed {
                path: input.path.clone(),
            });
        }
        symlink(OsStr::from_bytes(text), target).map_err(|source| self.write_error(input, source))
    }

    fn file(
        &self,
        input: &Input,
        target: &Path,
        executable: bool,
        digest: ContentDigest,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let changed = || Error::Changed {
            path: input.path.clone(),
        };
        let unreadable = |source| inputs::Error::Unreadable {
            path: input.path.clone(),
            source,
        };
        let mut source = match inputs::open(self.root, &input.path) {
            Err(inputs::Error::Unreadable { source, .. }) if is_gone(&source) => {
                return Err(changed());
            }
            opened => opened?,
        };
        let metadata = source.metadata().map_err(unreadable)?;
        let unwritable = |source| self.write_error(input, source);
        let mut copy = File::create_new(target).map_err(unwritable)?;
        let mut hasher = blake3::Hasher::new();
        loop {
            self.interrupt.check()?;
            let count = match source.read(buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error).into()),
            };
            hasher.update(&buffer[..count]);
            copy.write_all(&buffer[..count]).map_err(unwritable)?;
        }
        let is_same = ContentDigest::from(hasher.finalize()) == digest
            && inputs::is_executable(metadata.mode()) == executable;
        if !metadata.is_file() || !is_same {
            return Err(changed());
        }
        finish(&copy, executable, &metadata).map_err(unwritable)
    }

    fn write_error(&self, input: &Input, source: io::Error) -> Error {
        Error::Write {
            path: input.path.clone(),
            folder: self.context.clone(),
            source,
        }
    }
}

/// Whether an error of opening a path says that what was there is no longer a file.
fn is_gone(error: &io::Error) -> bool {
    let is_link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    is_link || matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn finish(copy: &File, executable: bool, metadata: &fs::Metadata) -> io::Result<()> {
    copy.set_permissions(Permissions::from_mode(if executable {
        0o755
    } else {
        0o644
    }))?;
    copy.set_times(FileTimes::new().set_modified(metadata.modified()?))
}

/// Makes the folders above `inside`, which is relative to `context`.
fn make_folders(context: &Path, inside: &RootPath) -> io::Result<()> {
    let Some(parent) = inside.parent().filter(|parent| !parent.is_root()) else {
        return Ok(());
    };
    if parent.in_root(context).is_dir() {
        return Ok(());
    }
    make_folders(context, &parent)?;
    make_folder(&parent.in_root(context))
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(path)?;
    // The umask has had its say; it shall have none.
    fs::set_permissions(path, Permissions::from_mode(0o755))
}
