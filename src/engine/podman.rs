//! Podman, through the `podman` program.
//!
//! As with docker, each method is one question or one deed. podman has no daemon: its program does
//! the work itself, in this user's storage, unless it was told of a service elsewhere.

mod answers;
mod arguments;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use self::answers::Info;
use self::arguments::Build;
use super::arguments::{secret_variables, words};
use super::collision::despite_collisions;
use super::process::{self, Invocation, Output, Sink};
use super::{About, BuildRequest, Demand, Error, Image, ImageId, LocalImage, Refusal, environment};
use crate::interrupt::{Interrupt, Signal};
use crate::platform::Platform;
use crate::reference::{Digest, Repository, Tag};

pub(super) const PROGRAM: &str = "podman";

/// How long a short command may take. A busy storage answers late: podman's processes wait for one
/// another's locks.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a build is run again because a layer went meanwhile. A storage that is broken for good says the same.
const MAX_COLLISIONS: usize = 2;

/// How long the removal of a container may take once a signal has come.
const TIDY_UP: Duration = Duration::from_secs(5);

/// The podman of the user's environment.
#[derive(Debug, Clone)]
pub struct Podman {
    environment: BTreeMap<OsString, OsString>,
    /// The value of `--isolation` for builds; podman's own choice if there is none.
    isolation: Option<&'static str>,
    /// An existing folder for what podman writes about its work.
    temporary: PathBuf,
    interrupt: Interrupt,
    info: Arc<OnceCell<Info>>,
}

impl Podman {
    /// `variables` are the caller's own environment; what must not reach the program is left out.
    /// `isolation` is a value of `podman build --isolation`, `temporary` the folder for temporary files.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        isolation: Option<&'static str>,
        temporary: PathBuf,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            environment: environment::of_podman(variables),
            isolation,
            temporary,
            interrupt,
            info: Arc::default(),
        }
    }

    /// The same engine, which heeds another interrupt.
    pub fn heeding(&self, interrupt: &Interrupt) -> Self {
        Self {
            interrupt: interrupt.clone(),
            ..self.clone()
        }
    }

    /// Asks what the engine is. It is asked until it has answered.
    pub async fn engine(&self) -> Result<About, Error> {
        self.info().await.map(|info| info.about.clone())
    }

    async fn info(&self) -> Result<&Info, Error> {
        self.info.get_or_try_init(|| self.ask_for_info()).await
    }

    async fn ask_for_info(&self) -> Result<Info, Error> {
        let question = self
            .invocation(words(&["info", "--format", "{{json .}}"]))
            .brief();
        let output = process::capture(&question, LIMIT, &self.interrupt).await?;
        if !output.status.success() {
            return Err(answers::unusable(&output));
        }
        answers::info(&output.stdout).map_err(|source| Error::Answer {
            command: "podman info",
            source,
        })
    }

    /// Fails if podman cannot build what is demanded.
    pub async fn check(&self, demand: &Demand) -> Result<(), Error> {
        self.info().await?.check(demand)
    }

    /// Looks an image up. `None` is podman's own word that it has none.
    pub async fn inspect(&self, image: Image<'_>) -> Result<Option<LocalImage>, Error> {
        let name = match image {
            Image::Id(id) => id.to_string(),
            Image::Named(reference) => arguments::name(reference),
        };
        let question = self.invocation(words(&["image", "inspect", &name])).brief();
        let output = self.ask(&question).await?;
        if answers::says_no_such_image(&output) {
            return Ok(None);
        }
        let output = question.succeeded(output)?;
        let image = answers::inspected(&output.stdout).map_err(|source| Error::Answer {
            command: "podman image inspect",
            source,
        })?;
        Ok(Some(image))
    }

    /// Builds an image that has no name yet, and shows it as podman now has it.
    ///
    /// podman's cache does not tell platforms apart where a build runs nothing (`FROM scratch`): what
    /// comes out for another platform than was meant is built again without it.
    pub async fn build(
        &self,
        request: &BuildRequest<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<LocalImage, Error> {
        let own = &self.info().await?.about.platform;
        let wanted = request.platform.unwrap_or(own);
        let is_cached = request.platform.is_none();
        let image = self.build_once(request, is_cached, sink).await?;
        if is_cached && image.platform != *wanted {
            return self.build_once(request, false, sink).await;
        }
        Ok(image)
    }

    async fn build_once(
        &self,
        request: &BuildRequest<'_>,
        is_cached: bool,
        sink: &mut Sink<'_>,
    ) -> Result<LocalImage, Error> {
        let report = request.scratch.join("image-id");
        let build = Build {
            request,
            isolation: self.isolation,
            is_cached,
            report: &report,
        };
        let mut deed = self.invocation(build.arguments()?);
        link_secrets(request)?;
        deed.environment.extend(secret_variables(request.secrets));
        // On SIGINT and SIGTERM it ends at once, and leaves what it runs in a container alone. On this
        // one it ends that first, and removes it.
        deed.stop = Some(Signal::HangUp);
        let run = async || self.forward(&deed, sink).await;
        let may_help = async |line: &str| answers::collided(line);
        despite_collisions(MAX_COLLISIONS, may_help, run).await?;

        let report = fs::read_to_string(report).map_err(|source| Error::Report { source })?;
        let id = answers::built(&report).map_err(|source| Error::Answer {
            command: "podman build",
            source,
        })?;
        let image = self.inspect(Image::Id(&id)).await?;
        image.ok_or_else(|| Error::BuiltImageMissing {
            ids: id.to_string(),
        })
    }

    /// Gives an image a name, taking it from the one that had it.
    pub async fn tag(
        &self,
        image: &ImageId,
        repository: &Repository,
        tag: &Tag,
    ) -> Result<(), Error> {
        let name = arguments::name(&repository.tagged(tag));
        let deed = self
            .invocation(words(&["tag", &image.to_string(), &name]))
            .brief();
        self.ask_successfully(&deed).await.map(drop)
    }

    /// Takes a name away; that it is gone already is as good. The image stays.
    pub async fn untag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        let name = arguments::name(&repository.tagged(tag));
        // With the image alone it would lose all its names.
        let deed = self.invocation(words(&["untag", &name, &name])).brief();
        let output = self.ask(&deed).await?;
        if output.stderr.iter().any(|line| answers::is_unknown(line)) {
            return Ok(());
        }
        deed.succeeded(output).map(drop).map_err(Error::from)
    }

    /// Pushes what bears the tag, and returns the digest that the registry got.
    ///
    /// It is not the digest by which podman knows the image, since layers are packed for the push.
    pub async fn push(
        &self,
        repository: &Repository,
        tag: &Tag,
        sink: &mut Sink<'_>,
    ) -> Result<Digest, Error> {
        let reference = arguments::name(&repository.tagged(tag));
        let scratch = self.scratch()?;
        let report = scratch.path().join("digest");
        let arguments = arguments::push(&reference, &report);
        self.transfer(arguments, &scratch, sink)
            .await
            .map_err(|error| of_push(error, &reference))?;
        let digest = fs::read_to_string(report).map_err(|source| Error::Report { source })?;
        let digest = digest.trim().parse();
        digest.map_err(|_| Error::NoDigest { reference })
    }

    /// Has podman learn the digest of an image that it pushed, by a pull of what it has already.
    pub async fn learn(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        let name = arguments::name(&repository.at(digest));
        let deed = self.invocation(words(&["pull", "--quiet", &name]));
        self.forward(&deed, &mut |_| Ok(())).await
    }

    /// Pulls by digest, for `platform` or else podman's own. The image gets no tag by it.
    pub async fn pull(
        &self,
        repository: &Repository,
        digest: &Digest,
        platform: Option<&Platform>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let scratch = self.scratch()?;
        let deed = arguments::pull(&repository.at(digest), platform);
        self.transfer(deed, &scratch, sink).await
    }

    /// Runs a program with its arguments in a new container of an image, and removes that again;
    /// `scratch` is an existing folder for what podman writes about it.
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
        // podman refuses to write over it.
        let _ = fs::remove_file(&report);
        let deed = self.invocation(arguments::run(image, command, &report));
        let result = self.forward(&deed, sink).await;
        if matches!(result, Err(Error::Interrupted(_)))
            && let Ok(container) = fs::read_to_string(&report)
        {
            // The end of the program does not end the container.
            let removal = words(&["rm", "--force", "--time", "0", container.trim()]);
            let removal = self.invocation(removal);
            let _ = process::capture(&removal, TIDY_UP, &Interrupt::never()).await;
        }
        result
    }

    /// A folder for what podman writes about its work, or leaves behind when it is killed.
    fn scratch(&self) -> Result<TempDir, Error> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("fp-").tempdir_in(&self.temporary);
        folder.map_err(|source| Error::Scratch { source })
    }

    /// Moves an image between registry and storage. podman keeps layers in the folder for temporary files
    /// meanwhile, and if that is one of the user's choice, in one of fp's own there, which goes in any
    /// case. Its own choice is left alone: it knows a folder with much room.
    async fn transfer(
        &self,
        arguments: Vec<OsString>,
        scratch: &TempDir,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut deed = self.invocation(arguments);
        if let Some(folder) = deed.environment.get_mut(OsStr::new("TMPDIR")) {
            *folder = scratch.path().into();
        }
        self.forward(&deed, sink).await
    }

    fn invocation(&self, arguments: Vec<OsString>) -> Invocation {
        Invocation {
            program: PROGRAM,
            arguments,
            environment: self.environment.clone(),
            stop: None,
        }
    }

    /// Runs a short command. Whatever its status: that podman cannot work at all is an error.
    async fn ask(&self, question: &Invocation) -> Result<Output, Error> {
        let output = process::capture(question, LIMIT, &self.interrupt).await?;
        let unreachable = output
            .stderr
            .iter()
            .find_map(|line| answers::unreachable(line));
        match unreachable {
            Some(error) if !output.status.success() => Err(error),
            _ => Ok(output),
        }
    }

    async fn ask_successfully(&self, question: &Invocation) -> Result<Output, Error> {
        let output = self.ask(question).await?;
        Ok(question.succeeded(output)?)
    }

    /// Runs a long command, and shows what it prints.
    async fn forward(&self, deed: &Invocation, sink: &mut Sink<'_>) -> Result<(), Error> {
        let result = process::forward(deed, sink, &self.interrupt).await;
        result.map_err(|error| {
            let unreachable = error.last_line().and_then(answers::unreachable);
            unreachable.unwrap_or_else(|| error.into())
        })
    }
}

/// Makes links to files of secrets whose paths podman would misread. An earlier attempt may have made them.
fn link_secrets(request: &BuildRequest<'_>) -> Result<(), Error> {
    for (index, secret) in request.secrets.iter().enumerate() {
        if let Some((link, path)) = arguments::secret_link(request.scratch, index, secret) {
            let _ = fs::remove_file(&link);
            symlink(path, link).map_err(|source| Error::Link { source })?;
        }
    }
    Ok(())
}

/// What a failed push means.
fn of_push(error: Error, reference: &str) -> Error {
    let Error::Process(failed) = &error else {
        return error;
    };
    let line = failed.last_line().unwrap_or_default();
    let reference = reference.to_owned();
    if answers::is_unknown(line) {
        return Error::NothingToPush { reference };
    }
    match Refusal::told_by(line) {
        Some(refusal) => Error::PushRefused {
            program: PROGRAM,
            reference,
            refusal,
            message: line.to_owned(),
        },
        None => error,
    }
}
