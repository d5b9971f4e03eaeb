//! The engine of a run, whichever it is: what `ensure` talks to.
//!
//! Each question or deed is handed to the program that is used, which has a module of its own. Where
//! several might be, it is the first that answers, and that is found out when it is first needed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::docker::{self, Docker};
use super::podman::{self, Podman};
use super::process::Sink;
use super::{About, BuildRequest, CacheAbility, Demand, Error, Image, ImageId, LocalImage};
use crate::interrupt::Interrupt;
use crate::platform::Platform;
use crate::reference::{Digest, Reference, Repository, Tag};

/// A program that is an engine.
#[derive(Debug, Clone)]
pub enum Program {
    Docker(Docker),
    Podman(Podman),
}

/// The engine that builds, holds, pushes and pulls the images of a run.
#[derive(Debug, Clone)]
pub struct Engine {
    /// At least one, in the order in which they are tried.
    programs: Vec<Program>,
    choice: Arc<OnceCell<Choice>>,
}

/// Which of several engines is used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    index: usize,
    /// The engine's name.
    pub name: &'static str,
    /// What it is.
    pub about: About,
    /// Those that come before it, and why they are not used.
    pub passed_over: Vec<(&'static str, String)>,
}

/// The way in which an engine builds; of use only to that engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    Docker(docker::Builder),
    Podman,
}

impl Program {
    fn name(&self) -> &'static str {
        match self {
            Program::Docker(_) => docker::PROGRAM,
            Program::Podman(_) => podman::PROGRAM,
        }
    }

    async fn engine(&self) -> Result<About, Error> {
        match self {
            Program::Docker(docker) => docker.engine().await,
            Program::Podman(podman) => podman.engine().await,
        }
    }

    async fn inspect(&self, image: Image<'_>) -> Result<Option<LocalImage>, Error> {
        match self {
            Program::Docker(docker) => docker.inspect(image).await,
            Program::Podman(podman) => podman.inspect(image).await,
        }
    }

    fn heeding(&self, interrupt: &Interrupt) -> Self {
        match self {
            Program::Docker(docker) => Program::Docker(docker.heeding(interrupt)),
            Program::Podman(podman) => Program::Podman(podman.heeding(interrupt)),
        }
    }
}

impl Builder {
    /// Whether layer caches can be named to it.
    pub fn knows_caches(self) -> bool {
        match self {
            Builder::Docker(builder) => builder != docker::Builder::BuiltIn,
            Builder::Podman => false,
        }
    }
}

impl Engine {
    /// The engine that the user named.
    pub fn only(program: Program) -> Self {
        Engine::first_of(vec![program])
    }

    /// The first of `programs` that answers; there is at least one.
    pub fn first_of(programs: Vec<Program>) -> Self {
        let choice = Arc::default();
        Engine { programs, choice }
    }

    /// The name of the engine; of the one that is tried first, as long as none has answered.
    pub fn name(&self) -> &'static str {
        self.choice
            .get()
            .map_or(self.programs[0].name(), |choice| choice.name)
    }

    /// What was chosen, if there was a choice and one has answered.
    pub fn choice(&self) -> Option<&Choice> {
        let choice = self.choice.get();
        choice.filter(|_| self.programs.len() > 1)
    }

    /// The same engine, which heeds another interrupt.
    pub fn heeding(&self, interrupt: &Interrupt) -> Self {
        let programs = self.programs.iter();
        Engine {
            programs: programs.map(|program| program.heeding(interrupt)).collect(),
            choice: Arc::clone(&self.choice),
        }
    }

    /// Asks what the engine is; the way to learn that there is none. It is asked until it has answered.
    pub async fn engine(&self) -> Result<About, Error> {
        self.chosen().await.map(|choice| choice.about.clone())
    }

    async fn chosen(&self) -> Result<&Choice, Error> {
        self.choice.get_or_try_init(|| self.choose()).await
    }

    async fn choose(&self) -> Result<Choice, Error> {
        let mut tried = Vec::new();
        for (index, program) in self.programs.iter().enumerate() {
            match program.engine().await {
                Ok(about) => {
                    let passed_over = tried.iter();
                    let passed_over =
                        passed_over.map(|(name, error): &(_, Error)| (*name, error.to_string()));
                    return Ok(Choice {
                        index,
                        name: program.name(),
                        about,
                        passed_over: passed_over.collect(),
                    });
                }
                Err(error @ Error::Interrupted(_)) => return Err(error),
                Err(error) => tried.push((program.name(), error)),
            }
        }
        match <[_; 1]>::try_from(tried) {
            Ok([(_, error)]) => Err(error),
            Err(tried) => Err(Error::NoEngine { tried }),
        }
    }

    async fn program(&self) -> Result<&Program, Error> {
        let choice = self.chosen().await?;
        Ok(&self.programs[choice.index])
    }

    /// Finds the way in which the engine builds.
    pub async fn builder(&self, about: &About) -> Result<Builder, Error> {
        match self.program().await? {
            Program::Docker(docker) => docker.builder(about).await.map(Builder::Docker),
            Program::Podman(_) => Ok(Builder::Podman),
        }
    }

    /// Asks now what a build will ask: there will probably be one, and time until then.
    pub async fn expect_build(&self) {
        if let Program::Docker(docker) = &self.programs[0] {
            docker.expect_build().await;
        }
    }

    /// Fails if the engine cannot build what is demanded.
    pub async fn check(&self, demand: &Demand) -> Result<(), Error> {
        match self.program().await? {
            Program::Docker(docker) => docker.check(demand).await,
            Program::Podman(podman) => podman.check(demand).await,
        }
    }

    /// Which layer caches a build can write, if its builder knows any.
    pub async fn cache_ability(&self) -> Result<CacheAbility, Error> {
        match self.program().await? {
            Program::Docker(docker) => docker.cache_ability().await,
            Program::Podman(_) => Ok(CacheAbility::None),
        }
    }

    /// Tells that these images will be looked up, each once, so that they can be asked about together.
    pub async fn expect(&self, images: impl IntoIterator<Item = Reference>) {
        if let Program::Docker(docker) = &self.programs[0] {
            docker.expect(images).await;
        }
    }

    /// Takes the engine for one that gives no answer, after it was given so long.
    pub fn give_up(&self, limit: Duration) {
        if let Program::Docker(docker) = &self.programs[0] {
            docker.give_up(limit);
        }
    }

    /// Forgets what was expected and not looked up: from now on things may change.
    pub async fn expect_no_more(&self) {
        if let Program::Docker(docker) = &self.programs[0] {
            docker.expect_no_more().await;
        }
    }

    /// Looks an image up. `None` is the engine's own word that it has none; whatever else keeps it
    /// from telling is an error.
    pub async fn inspect(&self, image: Image<'_>) -> Result<Option<LocalImage>, Error> {
        if self.choice.initialized() {
            return self.program().await?.inspect(image).await;
        }
        // The first one is asked at once, and not only when it has said what it is.
        let first = &self.programs[0];
        let (chosen, answer) = tokio::join!(self.chosen(), first.inspect(image));
        match chosen?.index {
            0 => answer,
            other => self.programs[other].inspect(image).await,
        }
    }

    /// Builds an image that has no name yet, and shows it as the engine now has it.
    pub async fn build(
        &self,
        builder: Builder,
        request: &BuildRequest<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<LocalImage, Error> {
        match (self.program().await?, builder) {
            (Program::Docker(docker), Builder::Docker(builder)) => {
                docker.build(builder, request, sink).await
            }
            (Program::Podman(podman), Builder::Podman) => podman.build(request, sink).await,
            _ => unreachable!("a builder is the engine's own"),
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
        match self.program().await? {
            Program::Docker(docker) => docker.tag(image, repository, tag).await,
            Program::Podman(podman) => podman.tag(image, repository, tag).await,
        }
    }

    /// Takes a name away; that it is gone already is as good. The image may go along with its last name.
    pub async fn untag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        match self.program().await? {
            Program::Docker(docker) => docker.untag(repository, tag).await,
            Program::Podman(podman) => podman.untag(repository, tag).await,
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
        match self.program().await? {
            Program::Docker(docker) => docker.push(repository, tag, sink).await,
            Program::Podman(podman) => podman.push(repository, tag, sink).await,
        }
    }

    /// Lets the engine know under which digest its image was published, if it does not by itself. It
    /// would otherwise pull it the next time; so it does no harm if this fails.
    pub async fn learn(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        match self.program().await? {
            Program::Docker(_) => Ok(()),
            Program::Podman(podman) => podman.learn(repository, digest).await,
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
        match self.program().await? {
            Program::Docker(docker) => docker.pull(repository, digest, platform, sink).await,
            Program::Podman(podman) => podman.pull(repository, digest, platform, sink).await,
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
        match self.program().await? {
            Program::Docker(docker) => docker.run(image, command, scratch, sink).await,
            Program::Podman(podman) => podman.run(image, command, scratch, sink).await,
        }
    }
}
