//! Inputs: which files go into an image, and what they hold.
//!
//! [`read`] answers for one image: the Dockerfile, the argument values that files give, and every
//! input with its digest and its place in or outside the build. It is an error wherever the answer
//! could be incomplete. What the inputs mean for the fingerprint is `record`'s business, how they
//! reach the builder is `context`'s.

mod argument;
mod candidates;
mod content;
mod derived;
mod error;
mod findings;
mod git;
pub mod gitignore;
mod interpreted;
mod links;
mod listing;
mod nearby;
mod parallel;
mod reader;
mod repositories;
pub mod revision;
mod segments;
mod selection;
mod shared;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use argument::ValueError;
pub(crate) use content::{BUFFER, is_executable, open};
pub use error::{Error, Place, Role};
pub use shared::Known;

use self::findings::Found;
use self::git::Git;
use self::interpreted::Interpreted;
use self::shared::Shared;
use self::tree::{Kind, Tree, WorkTree};
use crate::config::Image;
use crate::dockerfile::Source;
use crate::dockerfile::dockerignore::Dockerignore;
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::record::{ContentDigest, Fingerprint, Item, OutsideKind, Record};

/// Everything that goes into one image, read from disk.
#[derive(Debug)]
pub struct Inputs {
    /// The part of the Dockerfile that decides the image: all that the build gets of it.
    pub slice: Vec<u8>,
    /// The build arguments with their values; those of `[defaults]` only where the slice declares them.
    pub args: BTreeMap<String, String>,
    /// The hints that the build gets, with their values. They are in no record.
    pub hints: BTreeMap<String, String>,
    /// The inputs, in the order of their paths.
    pub entries: Vec<Input>,
}

/// One file or link that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it lies.
    pub path: RootPath,
    /// Why it is one.
    pub reason: Arc<Reason>,
    /// Whether the build gets it.
    pub placement: Placement,
    /// What it holds.
    pub content: Content,
}

/// Why a file is an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// This entry of `inputs` selects it.
    Entry(String),
    /// An instruction of the Dockerfile reads it.
    Source {
        /// Such as `COPY`.
        keyword: String,
        /// The source as the builder gets it.
        text: String,
        /// The number of the instruction's first line.
        line: usize,
    },
}

/// Whether the build gets an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// It is in the sealed context.
    Context,
    /// It lies outside the context folder.
    OutsideContext,
    /// It is excluded by .dockerignore.
    Ignored,
}

/// What an input holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A regular file, and whether its owner may execute it.
    File {
        executable: bool,
        digest: ContentDigest,
    },
    /// A symbolic link, by its text.
    Link { text: Vec<u8> },
}

/// Reads the inputs of `image` below `root`, the absolute path of the folder of fingerprint.toml.
///
/// `environment` is only used to find the git program, should the answer depend on git, and
/// `interrupt` to stop that; it is `None` where a signal ends this process. What is `known` of files is
/// not read again, and what is read is added to it.
pub fn read(
    root: &Path,
    image: &Image,
    environment: &Environment,
    interrupt: Option<&Interrupt>,
    known: &Known,
) -> Result<Inputs, Error> {
    let git = Git {
        environment,
        interrupt,
    };
    let tree = WorkTree { root, git };
    read_from(&Shared { tree, known }, image)
}

/// Reads the slice of `image`: the part of its Dockerfile that the build gets. The parameters are those
/// of [`read`].
pub fn slice(
    root: &Path,
    image: &Image,
    environment: &Environment,
    interrupt: Option<&Interrupt>,
) -> Result<Vec<u8>, Error> {
    let git = Git {
        environment,
        interrupt,
    };
    slice_from(&WorkTree { root, git }, image)
}

/// The files and links below `root` that `glob` matches or covers: of those that could be inputs. The
/// other parameters are those of [`read`].
pub fn matching(
    root: &Path,
    glob: &Pattern,
    environment: &Environment,
    interrupt: Option<&Interrupt>,
) -> Result<Vec<RootPath>, Error> {
    let git = Git {
        environment,
        interrupt,
    };
    selection::matching(&WorkTree { root, git }, glob)
}

fn slice_from(tree: &dyn Tree, image: &Image) -> Result<Vec<u8>, Error> {
    let dockerfile = dockerfile(tree, image)?;
    let args = argument::values(tree, image)?;
    Ok(interpreted::interpret(image, dockerfile, args)?.slice())
}

fn read_from(tree: &dyn Tree, image: &Image) -> Result<Inputs, Error> {
    let dockerfile = dockerfile(tree, image)?;
    check_context(tree, &image.context)?;
    let ignore = dockerignore(tree, image)?;
    let args = argument::values(tree, image)?;
    let interpreted = interpreted::interpret(image, dockerfile, args)?;
    let (found, reasons) = find(tree, image, &interpreted, &ignore)?;
    let contents = tree
        .contents(&found)
        .map_err(|error| of_inputs(image, error))?;
    let entries = found
        .into_iter()
        .zip(contents)
        .map(|(found, content)| Input {
            placement: placement(&found.path, &image.context, &ignore),
            reason: Arc::clone(&reasons[found.entry]),
            path: found.path,
            content,
        })
        .collect();
    Ok(Inputs {
        slice: interpreted.slice(),
        hints: interpreted.hints,
        args: interpreted.args,
        entries,
    })
}

/// Finds the inputs, by the entries that list them or by what the Dockerfile reads; and the reasons
/// that what is found has, by their positions.
fn find(
    tree: &dyn Tree,
    image: &Image,
    interpreted: &Interpreted<'_>,
    ignore: &Dockerignore,
) -> Result<(Vec<Found>, Vec<Arc<Reason>>), Error> {
    if let Some(entries) = &image.inputs {
        let found = selection::find(tree, entries, &image.dockerfile)?;
        let reasons = entries.iter().map(Reason::of_entry).map(Arc::new);
        return Ok((found, reasons.collect()));
    }
    let sources = interpreted.sources()?;
    let context = derived::Context {
        tree,
        folder: &image.context,
        ignore,
    };
    let found = derived::find(&context, sources, |source| interpreted.place(source));
    let found = found.map_err(|error| of_inputs(image, error))?;
    let reasons = sources.iter().map(Reason::of_source).map(Arc::new);
    Ok((found, reasons.collect()))
}

fn dockerfile(tree: &dyn Tree, image: &Image) -> Result<Vec<u8>, Error> {
    content::text(tree, &image.dockerfile).map_err(Error::of(Role::Dockerfile))
}

/// An error of finding or reading the inputs: where none are listed, the way out is another one.
fn of_inputs(image: &Image, error: Error) -> Error {
    match image.inputs {
        Some(_) => error,
        None => error.of_derived(),
    }
}

/// The context is a folder, on a way without links.
fn check_context(tree: &dyn Tree, context: &RootPath) -> Result<(), Error> {
    let resolved = links::resolve(tree, context)?;
    if let Some((link, _)) = resolved.crossed.first() {
        return Err(Error::ContextLink {
            path: context.clone(),
            link: link.clone(),
        });
    }
    let path = || context.clone();
    match resolved.kind {
        Some(Kind::Folder) => Ok(()),
        Some(_) => Err(Error::ContextNotFolder { path: path() }),
        None => Err(Error::NoContext { path: path() }),
    }
}

impl Reason {
    fn of_entry(entry: &Pattern) -> Self {
        Reason::Entry(entry.text().to_owned())
    }

    fn of_source(source: &Source) -> Self {
        Reason::Source {
            keyword: source.keyword.clone(),
            text: source.text.clone(),
            line: source.line,
        }
    }
}

/// The fingerprints of the images that an image needs, by the names that its Dockerfile has for them.
pub type Upstreams = BTreeMap<String, Fingerprint>;

impl Inputs {
    /// The record of `image` with these inputs.
    pub fn record(&self, image: &Image, upstreams: &Upstreams) -> Record {
        let args = self.args.iter().map(|(name, value)| Item::Arg {
            name,
            digest: ContentDigest::of(value.as_bytes()),
        });
        let upstreams = upstreams.iter().map(|(name, fingerprint)| Item::Image {
            name,
            fingerprint: *fingerprint,
        });
        let build = [
            Item::Context(&image.context),
            Item::Dockerfile {
                path: &image.dockerfile,
                digest: ContentDigest::of(&self.slice),
            },
        ];
        // In the order of the lines, which then need not be sorted, unless there are links among the entries.
        let items = args
            .chain(build)
            .chain(self.entries.iter().map(Input::item))
            .chain(upstreams)
            .chain(image.platforms.iter().map(Item::Platform))
            .chain(image.salt.as_deref().map(Item::Salt))
            .chain(image.target.as_deref().map(Item::Target));
        Record::new(items)
    }
}

impl Input {
    fn item(&self) -> Item<'_> {
        let path = &self.path;
        match (&self.content, self.placement) {
            (Content::File { executable, digest }, Placement::Context) => Item::File {
                path,
                executable: *executable,
                digest: *digest,
            },
            (Content::Link { text }, Placement::Context) => Item::Link { path, text },
            (Content::File { executable, digest }, _) => {
                let kind = if *executable {
                    OutsideKind::Executable
                } else {
                    OutsideKind::File
                };
                Item::Outside {
                    path,
                    kind,
                    digest: *digest,
                }
            }
            (Content::Link { text }, _) => Item::Outside {
                path,
                kind: OutsideKind::Link,
                digest: ContentDigest::of(text),
            },
        }
    }
}

fn placement(path: &RootPath, context: &RootPath, ignore: &Dockerignore) -> Placement {
    match path.relative_to(context) {
        None => Placement::OutsideContext,
        Some(inside) if ignore.excludes(inside) => Placement::Ignored,
        Some(_) => Placement::Context,
    }
}

/// The rules that keep files out of the build: those of `<Dockerfile>.dockerignore` if it exists,
/// else the context's.
fn dockerignore(tree: &dyn Tree, image: &Image) -> Result<Dockerignore, Error> {
    let own = [image.dockerfile.name(), b".dockerignore"].concat();
    let beside = image.dockerfile.parent().unwrap_or_default().join(&own);
    for path in [beside, image.context.join(b".dockerignore")] {
        let bytes = content::text_if_present(tree, &path);
        if let Some(bytes) = bytes.map_err(Error::of(Role::Dockerignore))? {
            return Dockerignore::parse(&bytes)
                .map_err(|source| Error::Dockerignore { path, source });
        }
    }
    Ok(Dockerignore::default())
}
