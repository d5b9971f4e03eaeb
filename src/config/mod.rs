//! Configuration: fingerprint.toml, found, read, checked and resolved.
//!
//! The file has two shapes: `written` is what stands there, [`Image`] and [`Project`] are what the
//! rest of fp sees, with every text parsed and every default applied. Files that the configuration
//! names are read elsewhere.

mod alias;
mod cache;
mod draft;
mod key;
mod locate;
mod matrix;
mod mistake;
mod name;
mod needs;
mod project;
mod resolve;
mod room;
mod secret;
mod syntax;
mod table;
mod template;
mod written;

use std::collections::BTreeMap;

use toml::Spanned;

pub use alias::{Alias, AliasError};
pub use cache::{CACHE_TAG, Cache, CacheKind, CachePlace};
pub use key::{Key, Notation};
pub use locate::{FILE_NAME, locate};
pub use mistake::{Error, Invalid, Mistake, MistakeKind};
pub use name::ImageName;
pub use project::Project;
pub use secret::{MachinePath, SecretSource, Ssh};
pub use template::TagTemplate;
pub use written::{EngineChoice, Isolation, Push};

use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::reference::Repository;

/// One image, with every default applied.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name of its table, that of a matrix replaced.
    pub name: ImageName,
    /// Its table, for mistakes that are found later; see [`Mistake::table`].
    pub(super) table: Option<String>,
    /// Where it is published; `None` for an image that stays in the engine.
    pub repository: Option<Repository>,
    /// The Dockerfile.
    pub dockerfile: RootPath,
    /// The folder that is the build context.
    pub context: RootPath,
    /// The entries of `inputs`, in their order; `None` if they are derived from the Dockerfile.
    pub inputs: Option<Vec<Pattern>>,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
    /// The platforms that it is for, in their order; empty if that is left to the builder.
    pub platforms: Vec<Platform>,
    /// The build arguments by name.
    pub args: BTreeMap<String, Arg>,
    /// The images that it is built on, by the names that its Dockerfile has for them.
    pub needs: BTreeMap<String, ImageName>,
    /// Build arguments that must not change the result, and are not recorded, by name.
    pub hints: BTreeMap<String, Hint>,
    /// What a build may see and the image does not hold, by the ids that the Dockerfile mounts.
    pub secrets: BTreeMap<String, SecretSource>,
    /// What signs in by ssh while the image is built.
    pub ssh: Vec<Ssh>,
    /// The text whose only purpose is to ask for a new image.
    pub salt: Option<String>,
    /// The shape of its tag, and the place of that.
    pub tag: Spanned<TagTemplate>,
    /// Its moving names.
    pub aliases: Vec<Alias>,
    /// Commands that have to succeed in it before it gets its tag: each a program and its arguments.
    pub verify: Vec<Vec<String>>,
    /// How often a build that fails is tried again.
    pub retry: u8,
    /// Its layer caches.
    pub cache: Cache,
    /// When it is published.
    pub push: Push,
    /// The address for the label `org.opencontainers.image.source`.
    pub source: Option<String>,
    /// Whether its record is stored with it when it is published.
    pub publish_record: bool,
}

impl Image {
    /// The repository; `localhost/fp/NAME` for an image that stays in the engine.
    pub fn repository(&self) -> Repository {
        self.repository.clone().unwrap_or_else(|| {
            let local = format!("localhost/fp/{}", self.name);
            local
                .parse()
                .expect("an image name is a valid part of a repository")
        })
    }
}

/// A build argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Where its value comes from.
    pub value: ArgValue,
    /// Whether it is one of `[defaults]`: it is left out where nothing declares it.
    pub is_default: bool,
}

/// A build argument that must not change the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Its value, if this environment gives it one.
    pub value: Option<String>,
    /// Whether it is one of `[defaults]`: it is left out where nothing declares it.
    pub is_default: bool,
    /// Whether every command of a build gets it without a declaration.
    pub is_proxy: bool,
}

/// Where the value of a build argument comes from, once the environment has been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgValue {
    /// The value itself.
    Text(String),
    /// The trimmed text of this file.
    File(RootPath),
    /// What a key leads to in this file.
    Key {
        path: RootPath,
        notation: Notation,
        key: Key,
    },
}

impl ArgValue {
    /// The file that it comes from, if it does.
    pub fn file(&self) -> Option<&RootPath> {
        match self {
            ArgValue::Text(_) => None,
            ArgValue::File(path) | ArgValue::Key { path, .. } => Some(path),
        }
    }
}

#[cfg(test)]
mod tests;
