//! Docker with BuildKit, through the `docker` program.
//!
//! Each method is one question or one deed: it makes the arguments, runs the program and reads the
//! answer. In which order they come, and whether an image deserves a name, is left to `ensure`.

mod answers;
mod arguments;
mod buildkit;
pub mod cache;
mod contexts;
mod driver;
mod layout;
mod together;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::OnceCell;

use self::arguments::words;
use self::driver::Driver;
use self::together::Together;
use super::collision::despite_collisions;
use super::process::{self, Invocation, Output, Sink};
use super::{About, BuildRequest, Error, Image, ImageId, LocalImage, Refusal, environment};
use crate::interrupt::Interrupt;
use crate::platform::Platform;
use crate::reference::{Digest, Repository, Tag};

pub(super) const PROGRAM: &str = "docker";

/// How long a short command may take. A remote engine answers late: docker gives ssh alone 30 s to
/// connect. `ensure` waits less where the answer matters less.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a build is run again that failed though nothing was wrong with it.
const MAX_COLLISIONS: usize = 5;

/// How long the removal of a container may take once a signal has come.
const TIDY_UP: Duration = Duration::from_secs(5);

/// The engine that the user's environment names.
#[derive(Debug, Clone)]
pub struct Docker {
    environment: BTreeMap<OsString, OsString>,
    interrupt: Interrupt,
    /// What the engine said it is.
    engine: Arc<OnceCell<About>>,
    together: Arc<Together>,
    silence: Arc<OnceLock<Silence>>,
    buildx: Arc<OnceCell<Option<Builder>>>,
    /// The way to BuildKit, and the builder at its end.
    builder: Arc<OnceCell<Builder>>,
    driver: Arc<OnceCell<Driver>>,
}

/// What the engine did not answer, and for how long it was waited for.
#[derive(Debug, Clone)]
struct Silence {
    command: String,
    limit: Duration,
}

impl From<Silence> for Error {
    fn from(Silence { command, limit }: Silence) -> Self {
        Error::Process(process::Error::TimedOut { command, limit })
    }
}

/// The way that leads to BuildKit. The legacy builder is none: it leaves TARGETARCH empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// `docker buildx build`.
    Buildx { has_attestations: bool },
    /// `docker build` with DOCKER_BUILDKIT=1, by a client that needs no plugin for it.
    BuiltIn,
}

impl Docker {
    /// `variables` are the caller's own environment; what must not reach the program is left out.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            environment: environment::of_docker(variables),
            interrupt,
            engine: Arc::default(),
            together: Arc::default(),
            silence: Arc::default(),
            buildx: Arc::default(),
            builder: Arc::default(),
            driver: Arc::default(),
        }
    }

    /// The same engine, which heeds another interrupt.
    pub fn heeding(&self, interrupt: &Interrupt) -> Self {
        Self {
            interrupt: interrupt.clone(),
            ..self.clone()
        }
    }

    /// Asks what the engine is; the way to learn that there is none. It is asked until it has answered.
    pub async fn engine(&self) -> Result<About, Error> {
        let engine = self.engine.get_or_try_init(|| self.ask_for_engine());
        engine.await.cloned()
    }

    async fn ask_for_engine(&self) -> Result<About, Error> {
        let question = self
            .invocation(words(&["version", "--format", "{{json .}}"]))
            .brief();
        let output = self.ask_successfully(&question).await?;
        let versions = answers::versions(&output.stdout).map_err(|source| Error::Answer {
            command: "docker version",
            source,
        })?;
        versions
            .into_engine()
            .ok_or(Error::NotDocker { program: PROGRAM })
    }

    /// Looks an image up. `None` is the engine's own word that it has none; whatever else keeps it
    /// from telling is an error.
    pub async fn inspect(&self, image: Image<'_>) -> Result<Option<LocalImage>, Error> {
        let name = image.to_string();
        if let Some(image) = self.inspect_expected(&name).await {
            return Ok(image);
        }
        let question = self.invocation(words(&["image", "inspect", &name])).brief();
        let output = self.ask(&question).await?;
        if answers::says_no_such_images(&output, 1) {
            return Ok(None);
        }
        let output = question.succeeded(output)?;
        let images = answers::inspected(&output.stdout, 1).map_err(|source| Error::Answer {
            command: "docker image inspect",
            source,
        })?;
        Ok(images.into_iter().next())
    }

    /// Has the engine, which was asked about an image and waited for so long in vain, not be waited for again.
    pub fn give_up(&self, limit: Duration) {
        self.note_silence(Error::INSPECTION, limit);
    }

    /// Builds an image that has no name yet, and shows it as the engine now has it.
    pub async fn build(
        &self,
        builder: Builder,
        request: &BuildRequest<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<LocalImage, Error> {
        let report = request.scratch.join("build-report");
        let contexts = self.contexts(builder, request).await?;
        let mut build = self.invocation(arguments::build(builder, request, &contexts, &report));
        build
            .environment
            .extend(arguments::secret_variables(request.secrets));
        let of_caches = request.caches.variables.iter().cloned();
        build.environment.extend(of_caches);
        if builder == Builder::BuiltIn {
            build
                .environment
                .insert("DOCKER_BUILDKIT".into(), "1".into());
        }
        let run = async || self.forward(&build, sink).await;
        let may_help = async |line: &str| match answers::lost_snapshot(line) {
            Some(snapshot) => self.forget_step(builder, snapshot).await,
            None => answers::collided(line),
        };
        despite_collisions(MAX_COLLISIONS, may_help, run).await?;

        let report = fs::read_to_string(report).map_err(|source| Error::Report { source })?;
        let ids = answers::built(builder, &report).map_err(|source| Error::Answer {
            command: "docker build",
            source,
        })?;
        for id in &ids {
            if let Some(image) = self.inspect(Image::Id(id)).await? {
                return Ok(image);
            }
        }
        let ids: Vec<_> = ids.iter().map(ImageId::to_string).collect();
        let ids = ids.join(" or ");
        Err(Error::BuiltImageMissing { ids })
    }

    /// Gives an image a name, taking it from the one that had it.
    ///
    /// An image that loses its only name may be gone with it: the containerd store then forgets it,
    /// even while it is being pushed. Who shares a name with other processes keeps a second one to
    /// himself.
    pub async fn tag(
        &self,
        image: &ImageId,
        repository: &Repository,
        tag: &Tag,
    ) -> Result<(), Error> {
        let name = repository.tagged(tag).to_string();
        let deed = self
            .invocation(words(&["tag", &image.to_string(), &name]))
            .brief();
        self.ask_successfully(&deed).await.map(drop)
    }

    /// Takes a name away; that it is gone already is as good.
    ///
    /// The image goes along with its last name, and in the classic store with it all that is known
    /// of its digests in that repository.
    pub async fn untag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        let name = repository.tagged(tag).to_string();
        let deed = self.invocation(words(&["image", "rm", &name])).brief();
        let output = self.ask(&deed).await?;
        if output.stderr.iter().any(|line| answers::is_gone(line)) {
            return Ok(());
        }
        deed.succeeded(output).map(drop).map_err(Error::from)
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
        let reference = repository.tagged(tag).to_string();
        let deed = self.invocation(words(&["push", &reference]));
        let mut digest = None;
        let mut sink_is_open = true;
        let mut watching = |line: &str| {
            digest = answers::pushed(line, tag).or(digest.take());
            // The digest is wanted even if nobody reads the progress any more.
            sink_is_open = sink_is_open && sink(line).is_ok();
            Ok(())
        };
        self.forward(&deed, &mut watching)
            .await
            .map_err(|error| of_push(error, &reference))?;
        digest.ok_or(Error::NoDigest { reference })
    }

    /// Pulls by digest, for `platform` or else the engine's own. The image gets no tag by it.
    pub async fn pull(
        &self,
        repository: &Repository,
        digest: &Digest,
        platform: Option<&Platform>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let reference = repository.at(digest);
        let deed = self.invocation(arguments::pull(&reference, platform));
        self.forward(&deed, sink).await
    }

    /// Runs a program with its arguments in a new container of an image, and removes that again;
    /// `scratch` is an existing folder for what docker writes about it.
    ///
    /// The image's own entrypoint is not run, and nothing is pulled.
    pub async fn run(
        &self,
        image: &LocalImage,
        command: &[String],
        scratch: &Path,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let report = scratch.join("container");
        // docker refuses to write over it.
        let _ = fs::remove_file(&report);
        let deed = self.invocation(arguments::run(image, command, &report));
        let result = self.forward(&deed, sink).await;
        if matches!(result, Err(Error::Interrupted(_)))
            && let Ok(container) = fs::read_to_string(&report)
        {
            // The end of the program does not end the container.
            let removal = self.invocation(words(&["rm", "--force", container.trim()]));
            let _ = process::capture(&removal, TIDY_UP, &Interrupt::never()).await;
        }
        result
    }

    fn invocation(&self, arguments: Vec<OsString>) -> Invocation {
        Invocation {
            program: PROGRAM,
            arguments,
            environment: self.environment.clone(),
            stop: None,
        }
    }

    /// Runs a short command. Whatever its status: that the engine was not reached is an error.
    async fn ask(&self, question: &Invocation) -> Result<Output, Error> {
        let output = self.capture(question).await?;
        let unreachable = output
            .stderr
            .iter()
            .find_map(|line| answers::unreachable(line));
        match unreachable {
            Some(error) if !output.status.success() => Err(error),
            _ => Ok(output),
        }
    }

    /// Runs a short command, unless an earlier one has shown that the engine hangs: whoever waited for it once
    /// need not wait again for each image of a run.
    async fn capture(&self, question: &Invocation) -> Result<Output, Error> {
        if let Some(silence) = self.silence.get() {
            return Err(silence.clone().into());
        }
        let output = process::capture(question, LIMIT, &self.interrupt).await;
        if let Err(process::Error::TimedOut { command, limit }) = &output {
            self.note_silence(command, *limit);
        }
        Ok(output?)
    }

    /// Tells that the engine was asked by `command` and waited for so long in vain, which from now on is its
    /// answer to every short command.
    fn note_silence(&self, command: &str, limit: Duration) {
        self.silence.get_or_init(|| Silence {
            command: command.to_owned(),
            limit,
        });
    }

    async fn ask_successfully(&self, question: &Invocation) -> Result<Output, Error> {
        let output = self.ask(question).await?;
        Ok(question.succeeded(output)?)
    }

    /// Runs a long command, and shows what it prints.
    async fn forward(&self, deed: &Invocation, sink: &mut Sink<'_>) -> Result<(), Error> {
        let result = process::forward(deed, sink, &self.interrupt).await;
        result.map_err(|error| {
            // Only the last line is the client's own for sure: a build may print anything before.
            let unreachable = error.last_line().and_then(answers::unreachable);
            unreachable.unwrap_or_else(|| error.into())
        })
    }
}

/// What a failed push means.
fn of_push(error: Error, reference: &str) -> Error {
    let Error::Process(failed) = &error else {
        return error;
    };
    let line = failed.last_line().unwrap_or_default();
    let reference = reference.to_owned();
    if answers::is_nothing_to_push(line) {
        return Error::NothingToPush { reference };
    }
    if answers::is_incomplete(line) {
        return Error::Incomplete { reference };
    }
    match Refusal::told_by(line) {
        Some(refusal) => Error::PushRefused {
            reference,
            program: PROGRAM,
            refusal,
            message: line.to_owned(),
        },
        None => error,
    }
}
