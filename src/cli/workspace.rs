//! What every command starts from: the configuration and the environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::failure::Failure;
use crate::config::{self, Image, Project};
use crate::ensure::trust::{is_ci, publishing};
use crate::ensure::{Job, Options};
use crate::environment::Environment;
use crate::inputs::revision::{self, Configuration, Means, Revision};
use crate::inputs::{self, Inputs};
use crate::interrupt::{Interrupt, Interrupted};
use crate::record::Record;
use crate::regular_file;

/// How long git is given to be stopped once a signal has come. Files that are being read are not
/// waited for: a slow disk keeps nobody from stopping.
const STOPPING: Duration = Duration::from_millis(500);

/// One run of `fp`.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) environment: Environment,
    pub(super) project: Project,
    /// Where the files are, unless they are those on disk.
    revision: Option<Revision>,
}

impl Workspace {
    /// Reads the configuration: `file` if it is given, else the nearest one.
    pub(super) fn open(file: Option<&Path>, environment: Environment) -> Result<Self, Failure> {
        let file = match file {
            Some(file) => file.to_path_buf(),
            None => config::locate(&current_folder()?)?,
        };
        let project = Project::read(&file, &environment, |root, glob| {
            inputs::matching(root, glob, &environment, None).map_err(Failure::Matrix)
        })?;
        Ok(Workspace {
            environment,
            project,
            revision: None,
        })
    }

    /// Reads the configuration of the git revision `name`: `file` if it is given, else the nearest
    /// one. Nothing of what is read from now on comes from the work tree.
    pub(super) fn open_revision(
        name: &OsStr,
        file: Option<&Path>,
        environment: Environment,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let current = current_folder()?;
        let temporary = environment.temporary_folder();
        let means = Means {
            temporary: &temporary.map_err(Failure::CurrentFolder)?,
            environment: &environment,
            interrupt,
        };
        let opened = Revision::open(name, &current, file, &means);
        let (revision, Configuration { file, root, bytes }) = opened.map_err(of_revision)?;
        let project = Project::of_bytes(&file, root, &bytes, &environment, |_, glob| {
            revision.matching(glob).map_err(of_matrix)
        })?;
        Ok(Workspace {
            environment,
            project,
            revision: Some(revision),
        })
    }

    /// Reads what goes into `image`, while signals have their default effect, or while the revision
    /// heeds them.
    pub(super) fn inputs(&self, image: &Image) -> Result<Inputs, Failure> {
        let read = match &self.revision {
            Some(revision) => revision.inputs(image),
            None => inputs::read(self.project.root(), image, &self.environment, None),
        };
        read.map_err(|source| self.of_inputs(image, source))
    }

    /// The part of the Dockerfile that decides `image`.
    pub(super) fn slice(&self, image: &Image) -> Result<Vec<u8>, Failure> {
        let read = match &self.revision {
            Some(revision) => revision.slice(image),
            None => inputs::slice(self.project.root(), image, &self.environment, None),
        };
        read.map_err(|source| self.of_inputs(image, source))
    }

    /// Reads what goes into `image`, and stops soon after a signal.
    async fn inputs_unless_interrupted(
        &self,
        image: &Image,
        interrupt: &Interrupt,
    ) -> Result<Inputs, Failure> {
        let root = self.project.root().to_path_buf();
        let (own_image, environment) = (image.clone(), self.environment.clone());
        let own_interrupt = interrupt.clone();
        let read = move || inputs::read(&root, &own_image, &environment, Some(&own_interrupt));
        let reading = tokio::task::spawn_blocking(read);
        let given_up = async {
            let interrupted = interrupt.raised().await;
            sleep(STOPPING).await;
            interrupted
        };
        tokio::select! {
            biased;
            read = reading => read
                .expect("reading does not panic")
                .map_err(|source| self.of_inputs(image, source)),
            interrupted = given_up => Err(interrupted.into()),
        }
    }

    fn of_inputs(&self, image: &Image, source: inputs::Error) -> Failure {
        match interrupted(&source) {
            Some(interrupted) => Failure::Interrupted(interrupted),
            None => Failure::Inputs {
                image: image.name.clone(),
                prefix: self
                    .revision
                    .as_ref()
                    .map(Revision::prefix)
                    .unwrap_or_default(),
                source,
            },
        }
    }

    /// The record of `image`.
    pub(super) fn record(&self, image: &Image) -> Result<Record, Failure> {
        Ok(self.inputs(image)?.record(image))
    }

    /// What ensure needs to know of the images called `names`, or of all. Their inputs are read before
    /// anything is asked or done.
    pub(super) async fn jobs(
        &self,
        names: &[String],
        options: Options,
        interrupt: &Interrupt,
    ) -> Result<Vec<Job<'_>>, Failure> {
        let event = self.event(interrupt).await?;
        let mut jobs = Vec::new();
        for image in self.project.several(names)? {
            jobs.push(
                self.job(image, options, event.as_deref(), interrupt)
                    .await?,
            );
        }
        Ok(jobs)
    }

    /// As [`jobs`](Self::jobs), but what is wrong with one image keeps no other back.
    pub(super) async fn each_job(
        &self,
        names: &[String],
        options: Options,
        interrupt: &Interrupt,
    ) -> Result<Vec<Result<Job<'_>, Failure>>, Failure> {
        let event = self.event(interrupt).await?;
        let mut jobs = Vec::new();
        for image in self.project.each(names)? {
            jobs.push(match image {
                Ok(image) => self.job(image, options, event.as_deref(), interrupt).await,
                Err(mistake) => Err(mistake.into()),
            });
        }
        Ok(jobs)
    }

    async fn job<'a>(
        &'a self,
        image: &'a Image,
        options: Options,
        event: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<Job<'a>, Failure> {
        let inputs = self.inputs_unless_interrupted(image, interrupt).await?;
        let fingerprint = inputs.record(image).fingerprint();
        let tag = self.project.tag(image, &fingerprint, &inputs.args)?;
        Ok(Job {
            root: self.project.root(),
            image,
            inputs: Arc::new(inputs),
            fingerprint,
            repository: image.repository(),
            tag,
            publishing: publishing(image.push, options.no_push, &self.environment, event),
            is_ci: is_ci(&self.environment),
            options,
        })
    }

    /// The text that describes the event that started CI, if there is one that can be read.
    async fn event(&self, interrupt: &Interrupt) -> Result<Option<String>, Interrupted> {
        let Some(path) = self.environment.get("GITHUB_EVENT_PATH").map(PathBuf::from) else {
            return Ok(None);
        };
        let reading = tokio::task::spawn_blocking(move || regular_file::read_text(&path));
        tokio::select! {
            biased;
            interrupted = interrupt.raised() => Err(interrupted),
            read = reading => Ok(read.expect("reading does not panic").ok()),
        }
    }
}

fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(Failure::CurrentFolder)
}

fn of_revision(source: inputs::Error) -> Failure {
    match interrupted(&source) {
        Some(interrupted) => Failure::Interrupted(interrupted),
        None => Failure::Revision(source),
    }
}

fn of_matrix(source: inputs::Error) -> Failure {
    match interrupted(&source) {
        Some(interrupted) => Failure::Interrupted(interrupted),
        None => Failure::Matrix(source),
    }
}

fn interrupted(error: &inputs::Error) -> Option<Interrupted> {
    match error {
        inputs::Error::Interrupted(interrupted)
        | inputs::Error::Revision(revision::Error::Interrupted(interrupted)) => Some(*interrupted),
        _ => None,
    }
}
