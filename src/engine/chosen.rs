//! The engine of a run, whichever it is: what `ensure` talks to.
//!
//! Each method hands its question or deed to the engine that is used, which has a module of its own.

use std::path::Path;
use std::time::Duration;

use super::docker::{self, Docker};
use super::process::Sink;
use super::{About, BuildRequest, CacheAbility, Error, Image, ImageId, LocalImage};
use crate::platform::Platform;
use crate::reference::{Digest, Reference, Repository, Tag};

/// The engine that builds, holds, pushes and pulls the images of a run.
#[derive(Debug, Clone)]
pub enum Engine {
    Docker(Docker),
}

/// The way in which an engine builds; of use only to that engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    Docker(docker::Builder),
}

impl Builder {
    /// Whether layer caches can be named to it.
    pub fn knows_caches(self) -> bool {
        match self {
            Builder::Docker(builder) => builder != docker::Builder::BuiltIn,
        }
    }
}

impl Engine {
    /// The name of the engine, which is that of its program.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Docker(_) => docker::PROGRAM,
        }
    }

    /// The same engine for tidying up, which has to work after an interrupt as well.
    pub fn uninterrupted(&self) -> Self {
        match self {
            Engine::Docker(docker) => Engine::Docker(docker.uninterrupted()),
        }
    }

    /// Asks what the engine is; the way to learn that there is none. It is asked until it has answered.
    pub async fn engine(&self) -> Result<About, Error> {
        match self {
            Engine::Docker(docker) => docker.engine().await,
        }
    }

    /// Finds the way in which the engine builds.
    pub async fn builder(&self, about: &About) -> Result<Builder, Error> {
        match self {
            Engine::Docker(docker) => docker.builder(about).await.map(Builder::Docker),
        }
    }

    /// Which layer caches a build can write, if its builder knows any.
    pub async fn cache_ability(&self) -> Result<CacheAbility, Error> {
        match self {
            Engine::Docker(docker) => docker.cache_ability().await,
        }
    }

    /// Tells that these images will be looked up, each once, so that they can be asked about together.
    pub async fn expect(&self, images: impl IntoIterator<Item = Reference>) {
        match self {
            Engine::Docker(docker) => docker.expect(images).await,
        }
    }

    /// Takes the engine for one that gives no answer, after it was given so long.
    pub fn give_up(&self, limit: Duration) {
        match self {
            Engine::Docker(docker) => docker.give_up(limit),
        }
    }

    /// Forgets what was expected and not looked up: from now on things may change.
    pub async fn expect_no_more(&self) {
        match self {
            Engine::Docker(docker) => docker.expect_no_more().await,
        }
    }

    /// Looks an image up. `None` is the engine's own word that it has none; whatever else keeps it
    /// from telling is an error.
    pub async fn inspect(&self, image: Image<'_>) -> Result<Option<LocalImage>, Error> {
        match self {
            Engine::Docker(docker) => docker.inspect(image).await,
        }
    }

    /// Builds an image that has no name yet, and shows it as the engine now has it.
    pub async fn build(
        &self,
        builder: Builder,
        request: &BuildRequest<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<LocalImage, Error> {
        match (self, builder) {
            (Engine::Docker(docker), Builder::Docker(builder)) => {
                docker.build(builder, request, sink).await
            }
        }
    }

    /// Gives an image a name, taking it from the one that had it.
    ///
    /// An image that loses its only name may be gone with it: docker's containerd store then forgets it,
    /// even while it is being pushed. Who shares a name with other processes keeps a second one to
    /// himself.
    pub async fn tag(
        &self,
        image: &ImageId,
        repository: &Repository,
        tag: &Tag,
    ) -> Result<(), Error> {
        match self {
            Engine::Docker(docker) => docker.tag(image, repository, tag).await,
        }
    }

    /// Takes a name away; that it is gone already is as good. The image may go along with its last name.
    pub async fn untag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        match self {
            Engine::Docker(docker) => docker.untag(repository, tag).await,
        }
    }

    /// Pushes what bears the tag, and returns the digest that the registry got.
    ///
    /// If others use the tag as well, that may be theirs: see [`is_push_of`](super::is_push_of).
    /// Their tagging may also let this push fail in the middle.
    pub async fn push(
        &self,
        repository: &Repository,
        tag: &Tag,
        sink: &mut Sink<'_>,
    ) -> Result<Digest, Error> {
        match self {
            Engine::Docker(docker) => docker.push(repository, tag, sink).await,
        }
    }

    /// Pulls by digest, for `platform` or else the engine's own. The image gets no tag by it.
    pub async fn pull(
        &self,
        repository: &Repository,
        digest: &Digest,
        platform: Option<&Platform>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        match self {
            Engine::Docker(docker) => docker.pull(repository, digest, platform, sink).await,
        }
    }

    /// Runs a program with its arguments in a new container of an image, and removes that again;
    /// `scratch` is an existing folder for what the engine writes about it.
    ///
    /// The image's own entrypoint is not run, and nothing is pulled.
    pub async fn run(
        &self,
        image: &LocalImage,
        command: &[String],
        scratch: &Path,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        match self {
            Engine::Docker(docker) => docker.run(image, command, scratch, sink).await,
        }
    }
}
