//! What every command starts from: the configuration and the environment.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::failure::Failure;
use crate::config::{self, Image, ImageName, Project};
use crate::ensure::trust::{default_branch, is_ci, is_proposal, publishing};
use crate::ensure::{Job, Options};
use crate::environment::Environment;
use crate::inputs::revision::{self, Configuration, Means, Revision};
use crate::inputs::{self, Inputs, Known, Upstreams};
use crate::interrupt::{Interrupt, Interrupted};
use crate::platform::Platform;
use crate::record::{Fingerprint, Record};
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
    /// What has been read of files on disk, for images that share them.
    known: Known,
    /// The images that have been read so far.
    fingerprints: RefCell<BTreeMap<ImageName, Fingerprint>>,
}

/// The images of a run of ensure.
#[derive(Default)]
pub(super) struct Jobs<'a> {
    /// What was asked for, in its order; or why that cannot be answered.
    pub(super) asked: Vec<Result<&'a ImageName, Failure>>,
    /// That, and all that it is built on.
    pub(super) all: BTreeMap<&'a ImageName, Job<'a>>,
}

impl Jobs<'_> {
    /// The same, about the part of each image that is for `platform`.
    pub(super) fn for_platform(mut self, platform: &Platform) -> Result<Self, Failure> {
        for (name, job) in &mut self.all {
            let part = job.part(platform);
            *job = part.map_err(|error| Failure::ensure(name, Arc::new(error)))?;
        }
        Ok(self)
    }

    /// The names of what was asked for and can be answered.
    pub(super) fn names(&self) -> Vec<&ImageName> {
        self.asked.iter().flatten().copied().collect()
    }
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
        let known = Known::of_run_with(project.number_of_images());
        Ok(Workspace {
            environment,
            project,
            revision: None,
            known,
            fingerprints: RefCell::default(),
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
            known: Known::default(),
            fingerprints: RefCell::default(),
        })
    }

    /// Reads what goes into `image`, while signals have their default effect, or while the revision
    /// heeds them.
    pub(super) fn inputs(&self, image: &Image) -> Result<Inputs, Failure> {
        let read = match &self.revision {
            Some(revision) => revision.inputs(image),
            None => inputs::read(
                self.project.root(),
                image,
                &self.environment,
                None,
                &self.known,
            ),
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
        let known = self.known.clone();
        let read = move || {
            let interrupt = Some(&own_interrupt);
            inputs::read(&root, &own_image, &environment, interrupt, &known)
        };
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

    /// What goes into `image`, and its record. The images that it is built on are read first.
    pub(super) fn record(&self, image: &Image) -> Result<(Inputs, Record), Failure> {
        for upstream in self.project.upstreams(image)? {
            if !self.is_known(upstream) {
                let record = self
                    .inputs(upstream)?
                    .record(upstream, &self.upstreams(upstream));
                self.note(upstream, record.fingerprint());
            }
        }
        let inputs = self.inputs(image)?;
        let record = inputs.record(image, &self.upstreams(image));
        self.note(image, record.fingerprint());
        Ok((inputs, record))
    }

    fn is_known(&self, image: &Image) -> bool {
        self.fingerprints.borrow().contains_key(&image.name)
    }

    fn note(&self, image: &Image, fingerprint: Fingerprint) {
        let mut fingerprints = self.fingerprints.borrow_mut();
        fingerprints.insert(image.name.clone(), fingerprint);
    }

    /// The fingerprints of the images that `image` needs, which are known.
    fn upstreams(&self, image: &Image) -> Upstreams {
        let fingerprints = self.fingerprints.borrow();
        let known = |(name, upstream): (&String, &ImageName)| {
            let fingerprint = fingerprints.get(upstream);
            let fingerprint = fingerprint.expect("upstreams are read before what needs them");
            (name.clone(), *fingerprint)
        };
        image.needs.iter().map(known).collect()
    }

    /// What ensure needs to know of the images that `names` means, or of all, and of those that they are
    /// built on. Their inputs are read before anything is asked or done.
    pub(super) async fn jobs(
        &self,
        names: &[String],
        options: Options,
        interrupt: &Interrupt,
    ) -> Result<Jobs<'_>, Failure> {
        let mut jobs = self.each_job(names, options, interrupt).await?;
        match jobs.asked.iter().position(Result::is_err) {
            Some(failed) => jobs.asked.swap_remove(failed).map(|_| Jobs::default()),
            None => Ok(jobs),
        }
    }

    /// As [`jobs`](Self::jobs), but what is wrong with one image keeps no other back.
    pub(super) async fn each_job(
        &self,
        names: &[String],
        options: Options,
        interrupt: &Interrupt,
    ) -> Result<Jobs<'_>, Failure> {
        let event = self.event(interrupt).await?;
        let mut jobs = Jobs::default();
        for image in self.project.each(names)? {
            jobs.asked.push(match image {
                Ok(image) => self
                    .add_job(image, &mut jobs.all, options, event.as_deref(), interrupt)
                    .await
                    .map(|()| &image.name),
                Err(mistake) => Err(mistake.into()),
            });
        }
        let asked: BTreeSet<_> = jobs.asked.iter().flatten().collect();
        for (name, job) in &mut jobs.all {
            // To be built on, an image need not be in the engine.
            job.options.no_pull |= !asked.contains(name);
        }
        Ok(jobs)
    }

    /// Adds the job of `image`, after those of the images that it is built on.
    async fn add_job<'a>(
        &'a self,
        image: &'a Image,
        jobs: &mut BTreeMap<&'a ImageName, Job<'a>>,
        options: Options,
        event: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let upstreams = self.project.upstreams(image)?;
        for image in upstreams.into_iter().chain([image]) {
            if !jobs.contains_key(&image.name) {
                let job = self.job(image, options, event, interrupt).await?;
                jobs.insert(&image.name, job);
            }
        }
        Ok(())
    }

    async fn job<'a>(
        &'a self,
        image: &'a Image,
        options: Options,
        event: Option<&str>,
        interrupt: &Interrupt,
    ) -> Result<Job<'a>, Failure> {
        let inputs = self.inputs_unless_interrupted(image, interrupt).await?;
        let upstreams = self.upstreams(image);
        let fingerprint = inputs.record(image, &upstreams).fingerprint();
        self.note(image, fingerprint);
        let tag = self.project.tag(image, &fingerprint, &inputs.args)?;
        Ok(Job {
            root: self.project.root(),
            image,
            inputs: Arc::new(inputs),
            upstreams,
            fingerprint,
            repository: image.repository(),
            tag,
            platform: None,
            whole: None,
            publishing: publishing(image.push, options.no_push, &self.environment, event),
            aliasing: default_branch(options.no_push || options.offline, &self.environment, event),
            is_ci: is_ci(&self.environment),
            is_proposal: is_proposal(&self.environment, event),
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
