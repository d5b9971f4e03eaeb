//! The container engines: they build, hold, push and pull images.
//!
//! An engine is the program of that name, so that its contexts, builders, credential helpers and
//! proxies are the user's. [`process`] is the one place that runs it; arguments and answers are
//! pure functions. [`Engine`] is whichever of them is used. What to ask of an engine, and what registries say, is left to `ensure`.

mod arguments;
mod chosen;
mod collision;
pub mod docker;
mod environment;
mod error;
pub mod podman;
pub mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::platform::Platform;
use crate::reference::{Digest, Reference, Repository};

pub use chosen::{Builder, Choice, Engine, Program};
pub use error::{Error, Refusal};

/// The label that holds an image's full fingerprint.
pub const FINGERPRINT_LABEL: &str = "fp.fingerprint";

/// What an engine says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The version of its program.
    pub client: String,
    /// The version of the engine itself.
    pub version: String,
    /// What it builds for and runs by default.
    pub platform: Platform,
}

/// What an engine calls an image: the digest of its configuration in docker's classic store and with
/// podman, that of its manifest or index in docker's containerd store. Not what a registry calls it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageId(Digest);

impl ImageId {
    /// The id that an engine gave, which is written as a digest.
    pub fn new(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a push of `image` is what arrived, rather than another image that was given the same tag
/// in the meantime: `pushed` is the digest that the push reported, `config` the one that the pushed
/// manifest names as its configuration.
///
/// Both are needed because an id is the one in one store and the other in the other, and with podman. What is an
/// index in the engine and arrived as one of its manifests is taken for another image.
pub fn is_push_of(image: &ImageId, pushed: &Digest, config: &Digest) -> bool {
    image.0 == *pushed || image.0 == *config
}

/// How an engine's image is named in a question to it.
#[derive(Debug, Clone, Copy)]
pub enum Image<'a> {
    /// By its id, with or without a name.
    Id(&'a ImageId),
    /// With either a tag or a digest: the engines do not agree on what both together mean.
    Named(&'a Reference),
}

impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Image::Id(id) => id.fmt(f),
            Image::Named(reference) => reference.fmt(f),
        }
    }
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalImage {
    pub id: ImageId,
    /// `REPOSITORY@DIGEST`, as far as the engine knows. The containerd store knows them before any
    /// push, so they prove none.
    pub repo_digests: Vec<Reference>,
    /// The label [`FINGERPRINT_LABEL`]; of any text, since anybody can write a label.
    pub fingerprint: Option<String>,
    pub platform: Platform,
    /// In bytes, as the engine counts them; `None` if it does not tell.
    pub size: Option<u64>,
}

impl LocalImage {
    /// Whether the engine knows the image as `REPOSITORY@DIGEST`.
    pub fn has_digest(&self, repository: &Repository, digest: &Digest) -> bool {
        self.repo_digests.iter().any(|reference| {
            reference.repository == *repository && reference.digest.as_ref() == Some(digest)
        })
    }
}

/// An image that a build gets under a name, in the place of a stage or of an image of its Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// `REPOSITORY@DIGEST`, which the builder fetches from its registry.
    Published(Reference),
    /// Only the engine has it, as `REPOSITORY:TAG`.
    Local(Reference),
}

/// Something that a build may see, and that is in no argument of a program: in its environment or in a
/// file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// As `RUN --mount=type=secret,id=…` names it: letters, digits, `.`, `_` and `-`.
    pub id: String,
    pub value: SecretValue,
}

/// See [`Secret`].
#[derive(Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// What this file holds.
    File(PathBuf),
    /// The value itself.
    Text(OsString),
}

/// A value is shown nowhere.
impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretValue::File(path) => f.debug_tuple("File").field(path).finish(),
            SecretValue::Text(_) => f.write_str("Text(…)"),
        }
    }
}

/// What signs in by ssh in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    /// As `RUN --mount=type=ssh,id=…` names it: letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// A private key, without a comma in its path; the user's agent if there is none.
    pub file: Option<PathBuf>,
}

/// The layer caches of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caches {
    /// Where layers are looked for: values of `--cache-from`.
    pub from: Vec<String>,
    /// Where layers are written to: values of `--cache-to`.
    pub to: Vec<String>,
    /// The variables by which a cache is reached; of GitHub's own, with a token.
    pub variables: Vec<(OsString, OsString)>,
}

/// Which caches an engine can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheAbility {
    /// All.
    All,
    /// The one in the image itself. It reads all.
    Inline,
    /// None, and it reads none.
    None,
}

/// What went wrong with a cache in a build that goes on without it. Its texts are the builder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheTrouble {
    Unread { place: String, message: String },
    Unwritten { message: String },
}

/// What to build. The paths are absolute.
#[derive(Debug, Clone, Copy)]
pub struct BuildRequest<'a> {
    /// The sealed context.
    pub context: &'a Path,
    /// Lies outside of the context, beside an ignore file of its own.
    pub dockerfile: &'a Path,
    /// An existing folder outside of the context, where the builder may leave its report.
    pub scratch: &'a Path,
    /// The stage to build; the last one if there is none.
    pub target: Option<&'a str>,
    /// The platform to build for; the engine's own if there is none.
    pub platform: Option<&'a Platform>,
    /// The build arguments' values, by their names.
    pub arguments: &'a BTreeMap<String, String>,
    /// Those of arguments that are not recorded.
    pub hints: &'a BTreeMap<String, String>,
    /// The image's labels, beside those of its Dockerfile.
    pub labels: &'a BTreeMap<String, String>,
    /// The images that the Dockerfile builds on, by the names that it has for them.
    pub upstreams: &'a BTreeMap<String, Upstream>,
    /// What the build may see and the image does not hold.
    pub secrets: &'a [Secret],
    /// What signs in by ssh while the image is built.
    pub ssh: &'a [SshKey],
    /// The layer caches that are read and written.
    pub caches: &'a Caches,
    /// Take bases from their registries, whatever the engine has under their names.
    pub pull: bool,
}

/// What a build asks of an engine that not every engine can do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demand {
    /// The Dockerfile builds on images that are handed over.
    pub contexts: bool,
    /// The Dockerfile has here-documents.
    pub heredocs: bool,
    /// Another frontend than Docker's reads the file.
    pub frontend: bool,
    /// The layers are kept in GitHub's cache.
    pub gha: bool,
    /// The build may write to what it has mounted, and nobody is to see that afterwards.
    pub writable_mounts: bool,
}

#[cfg(test)]
mod tests {
    use super::{ImageId, LocalImage, is_push_of};
    use crate::platform::Platform;
    use crate::reference::Digest;

    fn digest(digit: char) -> Digest {
        format!("sha256:{}", digit.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    #[test]
    fn a_push_is_known_by_manifest_or_config() {
        let (manifest, config, other) = (digest('a'), digest('c'), digest('e'));
        let in_classic_store = ImageId::new(config.clone());
        let in_containerd_store = ImageId::new(manifest.clone());
        assert!(is_push_of(&in_classic_store, &manifest, &config));
        assert!(is_push_of(&in_containerd_store, &manifest, &config));
        assert!(!is_push_of(&in_classic_store, &manifest, &other));
        assert!(!is_push_of(&in_containerd_store, &other, &config));
    }

    #[test]
    fn repo_digests_compare_by_what_they_name() {
        let named = format!("acme/ci@{}", digest('a'));
        let image = LocalImage {
            id: ImageId::new(digest('a')),
            repo_digests: vec![named.parse().unwrap()],
            fingerprint: None,
            platform: Platform::new("linux", "amd64", ""),
            size: None,
        };
        let full = "docker.io/acme/ci".parse().unwrap();
        assert!(image.has_digest(&full, &digest('a')));
        assert!(!image.has_digest(&full, &digest('b')));
        assert!(!image.has_digest(&"ghcr.io/acme/ci".parse().unwrap(), &digest('a')));
    }
}
