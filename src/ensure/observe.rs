//! What the registry and the engine say about an image, asked at the same time.

use super::plan::{EngineState, RegistryState};
use super::{Job, World};
use crate::engine::{self, Image, LocalImage};
use crate::interrupt::Interrupted;
use crate::platform::Platform;
use crate::reference::{Digest, Repository};
use crate::registry::{self, Lookup};

/// Both answers.
#[derive(Debug)]
pub struct Observation {
    pub registry: RegistryAnswer,
    pub engine: EngineAnswer,
}

/// What the registry says about `REPOSITORY:TAG`.
#[derive(Debug)]
pub enum RegistryAnswer {
    Present(Digest),
    Absent,
    Unknown(registry::Error),
    Offline,
    NoRepository,
}

/// What the engine says about `REPOSITORY:TAG`.
#[derive(Debug)]
pub enum EngineAnswer {
    /// It has the image.
    Has(LocalImage),
    /// It has not, or something else under the name.
    HasNot(Lack),
    /// It gave no answer.
    Unknown(engine::Error),
    /// Its answer does not matter.
    NotAsked,
}

/// Why an engine does not have the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It has nothing of that name.
    NoImage,
    /// What bears the name has no fingerprint, or another one.
    OtherFingerprint,
    /// What bears the name is for another platform than the engine's own.
    OtherPlatform(Platform),
}

/// Asks registry and engine about the image of `job`, at the same time.
///
/// Where a published image is all that is wanted, the engine is asked only if there is none: it may
/// be slow, or not there.
pub async fn observe(job: &Job<'_>, world: &World<'_>) -> Result<Observation, Interrupted> {
    let asking = async {
        if !job.options.no_pull {
            let (registry, engine) = tokio::join!(ask_registry(job, world), ask_engine(job, world));
            return Observation { registry, engine };
        }
        let registry = ask_registry(job, world).await;
        let engine = match registry {
            RegistryAnswer::Present(_) => EngineAnswer::NotAsked,
            _ => ask_engine(job, world).await,
        };
        Observation { registry, engine }
    };
    world.unless_interrupted(asking).await
}

async fn ask_registry(job: &Job<'_>, world: &World<'_>) -> RegistryAnswer {
    if job.options.offline {
        return RegistryAnswer::Offline;
    }
    if job.image.repository.is_none() {
        return RegistryAnswer::NoRepository;
    }
    match world.registry.look_up(&job.repository, &job.tag).await {
        Lookup::Present { digest } => RegistryAnswer::Present(digest),
        Lookup::Absent => RegistryAnswer::Absent,
        Lookup::Unknown(error) if job.options.first_push && error.is_denied() => {
            RegistryAnswer::Absent
        }
        Lookup::Unknown(error) => RegistryAnswer::Unknown(error),
    }
}

async fn ask_engine(job: &Job<'_>, world: &World<'_>) -> EngineAnswer {
    let name = job.reference();
    let both = tokio::join!(
        world.engine.engine(),
        world.engine.inspect(Image::Named(&name))
    );
    let (engine, image) = match both {
        (Ok(engine), Ok(image)) => (engine, image),
        (Err(error), _) | (_, Err(error)) => return EngineAnswer::Unknown(error),
    };
    match image {
        None => EngineAnswer::HasNot(Lack::NoImage),
        Some(image) if image.fingerprint != Some(job.fingerprint.to_string()) => {
            EngineAnswer::HasNot(Lack::OtherFingerprint)
        }
        Some(image) if image.platform != engine.platform => {
            EngineAnswer::HasNot(Lack::OtherPlatform(image.platform))
        }
        Some(image) => EngineAnswer::Has(image),
    }
}

impl RegistryAnswer {
    /// The digest of a published image.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            RegistryAnswer::Present(digest) => Some(digest),
            _ => None,
        }
    }

    /// The answer as the plan sees it.
    pub fn state(&self) -> RegistryState<'_> {
        match self {
            RegistryAnswer::Present(digest) => RegistryState::Present(digest),
            RegistryAnswer::Absent => RegistryState::Absent,
            RegistryAnswer::Unknown(_) => RegistryState::Unknown,
            RegistryAnswer::Offline => RegistryState::Offline,
            RegistryAnswer::NoRepository => RegistryState::NoRepository,
        }
    }
}

impl Observation {
    /// Whether the image is not where others look for it: in the registry, or in the engine if it has
    /// no repository.
    pub fn is_absent(&self) -> bool {
        match self.registry {
            RegistryAnswer::Absent => true,
            RegistryAnswer::NoRepository => matches!(self.engine, EngineAnswer::HasNot(_)),
            _ => false,
        }
    }
}

impl EngineAnswer {
    /// The answer as the plan sees it, given the published image.
    pub fn state(&self, repository: &Repository, published: Option<&Digest>) -> EngineState {
        match self {
            EngineAnswer::Has(image) => {
                let is_same = |digest| image.has_digest(repository, digest);
                EngineState::Has {
                    as_published: published.is_some_and(is_same),
                }
            }
            EngineAnswer::HasNot(_) => EngineState::HasNot,
            EngineAnswer::Unknown(_) | EngineAnswer::NotAsked => EngineState::Unknown,
        }
    }
}

impl World<'_> {
    /// Waits for `work`, but no longer than until a signal comes.
    pub(super) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            interrupted = self.interrupt.raised() => Err(interrupted),
            done = work => Ok(done),
        }
    }
}
