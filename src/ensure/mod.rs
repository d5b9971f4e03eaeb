//! Making an image available: observe, decide, act.
//!
//! The registry and the engine do not know each other; this is the room that joins them. [`plan`]
//! decides and is pure, `drive` performs, `publish` is the one way in which a tag comes to be
//! written.

pub mod alias;
mod build;
mod cache;
mod drive;
mod error;
mod hindrance;
pub mod index;
mod label;
mod means;
mod observe;
mod parts;
pub mod plan;
mod publish;
mod record;
mod run;
mod secrets;
pub mod trust;
mod turn;
mod verify;
mod wait;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use cache::{Notice, Omission};
pub use error::Error;
pub use hindrance::{Hindrance, Reason};
pub use observe::{EngineAnswer, Lack, Observation, RegistryAnswer, observe};
pub use run::{Run, TellOf};
pub use turn::Turns;

use crate::config::{Image, Push};
use crate::engine::{self, Engine};
use crate::environment::Environment;
use crate::inputs::{Inputs, Upstreams};
use crate::interrupt::Interrupt;
use crate::platform::Platform;
use crate::record::Fingerprint;
use crate::reference::{Digest, Reference, Repository, Tag};
use crate::registry;
use crate::stored::StoreError;
use plan::{Doubt, Plan, Rules};
use trust::{Denial, Publishing, Stay};

/// One image that is to be made available.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The absolute path of the folder of fingerprint.toml.
    pub root: &'a Path,
    /// The image's configuration.
    pub image: &'a Image,
    /// What goes into it.
    pub inputs: Arc<Inputs>,
    /// The fingerprints of what it is built on.
    pub upstreams: Upstreams,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// Where it is published; `localhost/fp/NAME` for one that is not.
    pub repository: Repository,
    /// Its tag; that of its part, if this is about a part of an image for one platform.
    pub tag: Tag,
    /// The one platform that this is about; the engine's own, or all, if there is none.
    pub platform: Option<Platform>,
    /// The tag of the whole image, if this is about a part of it.
    pub whole: Option<Tag>,
    /// Whether a built image may be published.
    pub publishing: Publishing,
    /// The branch for which aliases are moved, or why they are not.
    pub aliasing: Result<String, Stay>,
    /// Whether this is a CI system, where an image that only the engine has is not trusted.
    pub is_ci: bool,
    /// Whether this builds what somebody asks to have merged, so that no cache is written which others
    /// read.
    pub is_proposal: bool,
    /// What the user asked for.
    pub options: Options,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Ask only the engine.
    pub offline: bool,
    /// Do not pull what is published.
    pub no_pull: bool,
    /// Do not publish what is built.
    pub no_push: bool,
    /// The repository is new: a registry that refuses the first look has no such tag.
    pub first_push: bool,
    /// Do not build an image that has a repository: wait so long until somebody else has published it.
    pub wait: Option<Duration>,
    /// Do nothing, so that nothing has to be found out for it.
    pub only_look: bool,
}

/// The parts of the outside world that a job needs.
pub struct World<'a> {
    pub registry: &'a registry::Client,
    pub engine: &'a Engine,
    /// Where secrets are looked up.
    pub environment: &'a Environment,
    pub interrupt: &'a Interrupt,
    pub turns: &'a Turns,
    /// The folder for temporary files.
    pub temporary: &'a Path,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The image; with its digest if it is published, without if only the engine has it.
    pub reference: Reference,
    /// Whether the image was there, so that nothing had to be built.
    pub hit: bool,
    /// What was done.
    pub steps: Vec<Step>,
    /// The image's size in the engine, in bytes; `None` if the engine does not have it.
    pub size: Option<u64>,
}

/// A deed that changed the engine or the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Pulled,
    Built,
    Pushed,
}

impl Step {
    /// The step in one word.
    pub fn name(self) -> &'static str {
        match self {
            Step::Pulled => "pulled",
            Step::Built => "built",
            Step::Pushed => "pushed",
        }
    }
}

/// Something to tell the user while a job runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// The image is being looked at. Nothing was told of it before.
    Begun,
    /// What will be done, and what was observed.
    Decided {
        plan: &'a Plan,
        observation: &'a Observation,
        /// Why nothing is published, if that is because of what the image is built on.
        hindrance: Option<&'a Hindrance>,
    },
    /// Those that it is built on are available: it is built now.
    Building,
    /// It is fetched from the registry.
    Pulling,
    /// It is pushed, and then gets its tag.
    Publishing,
    /// It is published, and its record is stored with it.
    Recording,
    /// A line that the engine printed.
    Engine(&'a str),
    /// Another fp on this machine is busy with the same image.
    Waiting,
    /// A build failed, and is tried again; afterwards so many attempts are left.
    Retrying { error: &'a engine::Error, left: u8 },
    /// This command is run in the image that was built.
    Verifying(&'a [String]),
    /// The image is not published, and is waited for so long.
    Awaiting(Duration),
    /// What became of layer caches.
    Cache(Notice<'a>),
    /// Something that does not keep the image from being made available.
    Warning(Warning<'a>),
    /// What came of the image. Nothing is told of it afterwards.
    Ended(Result<&'a Outcome, &'a Error>),
}

/// See [`Event::Warning`].
#[derive(Debug)]
pub enum Warning<'a> {
    /// The registry could not be asked, and the engine has the image.
    Unconfirmed(&'a registry::Error),
    /// The registry refused to have the image published, in its own words or the engine's; the image
    /// stays in the engine.
    PushRefused(&'a dyn std::error::Error),
    /// Somebody else published the image first; theirs is taken.
    Overtaken(&'a Digest),
    /// What the engine pushed keeps a name there that was to be taken away again.
    NameKept {
        name: &'a Reference,
        error: &'a engine::Error,
    },
    /// The image is published, and its record is not stored with it.
    RecordNotStored(&'a StoreError),
    /// The image stays in the engine, since what stands for this name in its Dockerfile does.
    UpstreamUnpublished(&'a str),
    /// The image stays in the engine, since something that it is built on does.
    Hindered(&'a Hindrance),
}

/// How events reach whoever shows them.
pub type Tell<'a> = dyn FnMut(Event<'_>) + 'a;

/// Tells of each line that the engine prints. Whoever shows them may be gone: that is no reason to
/// stop the engine.
fn engine_lines(tell: &mut Tell<'_>) -> impl FnMut(&str) -> io::Result<()> {
    |line| {
        tell(Event::Engine(line));
        Ok(())
    }
}

impl World<'_> {
    /// Tells registries' client and engine which images they will be asked about.
    async fn expect<'a>(&self, jobs: impl Iterator<Item = &'a Job<'a>> + Clone) {
        let asked = jobs
            .clone()
            .filter(|job| job.image.repository.is_some() && !job.options.offline);
        self.registry.expect(asked.map(|job| &job.repository));
        self.engine.expect(jobs.map(Job::reference)).await;
    }
}

impl Job<'_> {
    /// `REPOSITORY:TAG`
    pub fn reference(&self) -> Reference {
        self.repository.tagged(&self.tag)
    }

    /// What the table of [`plan`] needs to know of the job.
    pub fn rules(&self) -> Rules {
        Rules {
            pull: !self.options.no_pull,
            publish: matches!(self.publishing, Publishing::Allowed { .. }),
            ci: self.is_ci,
            wait: self.options.wait.is_some(),
            several: self.has_parts(),
        }
    }

    /// Whether the image is published now or may be later, so that nothing in it may come from the
    /// engine's own, possibly stale, copy of a base image.
    pub fn may_be_published(&self) -> bool {
        self.image.repository.is_some() && self.image.push != Push::Never
    }

    /// Whether the image may stay in the engine if it cannot be published: on a laptop somebody without the right
    /// to push still gets it.
    fn may_stay_local(&self) -> bool {
        matches!(self.publishing, Publishing::Allowed { must: false })
    }

    /// Why a built image would not be published.
    pub fn denial(&self) -> Option<&Denial> {
        match &self.publishing {
            Publishing::Denied(denial) => Some(denial),
            Publishing::Allowed { .. } => None,
        }
    }

    /// The plan for what was observed.
    pub fn plan(&self, observation: &Observation) -> Plan {
        let registry = observation.registry.state();
        let digest = observation.registry.digest();
        plan::plan(
            registry,
            observation.engine.state(&self.repository, digest),
            self.rules(),
        )
    }

    /// Fails if the plan does not make the image available: as the plan says, nothing is to be had,
    /// or nothing known.
    pub fn is_possible(&self, plan: &Plan, observation: Observation) -> Result<Observation, Error> {
        match (plan, observation) {
            (Plan::Absent, _) => Err(Error::Absent(self.reference())),
            (Plan::Unpublishable(hindrance), _) => Err(Error::Unpublishable(hindrance.clone())),
            (
                Plan::OtherPlatform(digest),
                Observation {
                    engine: EngineAnswer::HasNot(Lack::OtherPlatform { image, wanted, .. }),
                    ..
                },
            ) => Err(Error::Platform {
                reference: self.reference().at(digest.clone()),
                found: image.platform.to_string(),
                wanted,
            }),
            (
                Plan::CannotTell(Doubt::Registry),
                Observation {
                    registry: RegistryAnswer::Unknown(source),
                    ..
                },
            ) => Err(Error::RegistryUnknown {
                reference: self.reference(),
                source,
            }),
            (
                Plan::CannotTell(Doubt::Engine),
                Observation {
                    engine: EngineAnswer::Unknown(source),
                    ..
                },
            ) => Err(Error::EngineUnknown(source)),
            (_, observation) => Ok(observation),
        }
    }
}
