//! What the registry and the engine say about an image, asked at the same time.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::plan::{EngineState, RegistryState};
use super::{Job, World};
use crate::engine::{self, Image, LocalImage};
use crate::interrupt::Interrupted;
use crate::platform::Platform;
use crate::reference::{Digest, Repository, Tag};
use crate::registry::{self, Content, Lookup};

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

impl EngineAnswer {
    /// The image, if the engine has it.
    pub fn image(&self) -> Option<&LocalImage> {
        match self {
            EngineAnswer::Has(image) => Some(image),
            _ => None,
        }
    }
}

/// Why an engine does not have the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It has nothing of that name.
    NoImage,
    /// What bears the name has no fingerprint, or another one.
    OtherFingerprint,
    /// What bears the name is for another platform than the one that is wanted.
    OtherPlatform {
        image: LocalImage,
        /// The platform that was asked for, or else the engine's own.
        wanted: Platform,
        /// Whether that is all that is published under the name, so that no pull can help.
        is_published: bool,
    },
}

/// How long an engine may take at least, however little patience there is with registries: it may be far away.
const ENGINE: Duration = Duration::from_secs(10);

/// How long an observation goes on that has no answer of the registry, once that was waited for as long as it
/// may take: a hung engine may take longer to be given up, and then nothing can be told anyway. It is enough
/// for an engine that is asked after the registry.
const AFTER_REGISTRY: Duration = Duration::from_secs(3);

/// Asks registry and engine about the image of `job`, at the same time.
///
/// Where a published image is all that is wanted, the engine is asked only if there is none: it may
/// be slow, or not there.
pub async fn observe(job: &Job<'_>, world: &World<'_>) -> Result<Observation, Interrupted> {
    world.unless_interrupted(ask_both(job, world)).await
}

async fn ask_both(job: &Job<'_>, world: &World<'_>) -> Observation {
    let without_registry = ENGINE.max(world.registry.longest() + AFTER_REGISTRY);
    let deadline = Instant::now() + without_registry;
    let mut asking_registry = pin!(ask_registry(job, world));
    let mut asking_engine = pin!(ask_engine(job, world));
    let mut engine = None;
    let registry = loop {
        tokio::select! {
            answer = &mut asking_registry => break answer,
            answer = &mut asking_engine, if engine.is_none() && !job.options.no_pull => {
                engine = Some(answer);
            }
        }
    };
    let mut engine = match (engine, &registry) {
        (Some(answer), _) => answer,
        (None, RegistryAnswer::Present(_)) if job.options.no_pull => EngineAnswer::NotAsked,
        (None, RegistryAnswer::Unknown(_)) => match timeout_at(deadline, asking_engine).await {
            Ok(answer) => answer,
            Err(_) => {
                // One that was asked after the registry had less time than that.
                if !job.options.no_pull {
                    world.engine.give_up(without_registry);
                }
                EngineAnswer::Unknown(engine::Error::no_answer(without_registry))
            }
        },
        (None, RegistryAnswer::Absent) if !job.options.only_look => {
            // The engine is slower than the registry, and most of this time it waits for itself.
            tokio::join!(asking_engine, world.engine.expect_build()).0
        }
        (None, _) => asking_engine.await,
    };
    if let EngineAnswer::HasNot(Lack::OtherPlatform {
        image,
        wanted,
        is_published,
    }) = &mut engine
        && let RegistryAnswer::Present(digest) = &registry
        && image.has_digest(&job.repository, digest)
    {
        *is_published = !is_for(job, world, digest, wanted).await;
    }
    Observation { registry, engine }
}

/// Whether an image that the engine has for another platform may be for `wanted` as well: it is an
/// index that has both, or the registry does not tell.
async fn is_for(job: &Job<'_>, world: &World<'_>, digest: &Digest, wanted: &Platform) -> bool {
    match world.registry.manifest(&job.repository, digest).await {
        Ok(manifest) => match manifest.content() {
            Content::Image { .. } => false,
            index => index.image_for(wanted).is_some(),
        },
        Err(_) => true,
    }
}

async fn ask_registry(job: &Job<'_>, world: &World<'_>) -> RegistryAnswer {
    if job.options.offline {
        return RegistryAnswer::Offline;
    }
    if job.image.repository.is_none() {
        return RegistryAnswer::NoRepository;
    }
    if let (Some(whole), Some(platform)) = (&job.whole, &job.platform) {
        match ask_for_whole(job, whole, platform, world).await {
            RegistryAnswer::Absent => {}
            answer => return answer,
        }
    }
    ask_for(job, &job.tag, world).await
}

/// What the registry says about a platform in the whole image: as good as a part by itself.
async fn ask_for_whole(
    job: &Job<'_>,
    whole: &Tag,
    platform: &Platform,
    world: &World<'_>,
) -> RegistryAnswer {
    let digest = match ask_for(job, whole, world).await {
        RegistryAnswer::Present(digest) => digest,
        answer => return answer,
    };
    let manifest = match world.registry.manifest(&job.repository, &digest).await {
        Ok(manifest) => manifest,
        Err(error) => return RegistryAnswer::Unknown(error),
    };
    match manifest.content() {
        // What is no index is for the one platform that is recorded.
        Content::Image { .. } if job.image.platforms.len() == 1 => RegistryAnswer::Present(digest),
        content => match content.image_for(platform) {
            Some(digest) => RegistryAnswer::Present(digest.clone()),
            None => RegistryAnswer::Absent,
        },
    }
}

async fn ask_for(job: &Job<'_>, tag: &Tag, world: &World<'_>) -> RegistryAnswer {
    match world.registry.look_up(&job.repository, tag).await {
        Lookup::Present { digest } => RegistryAnswer::Present(digest),
        Lookup::Absent => RegistryAnswer::Absent,
        Lookup::Unknown(error) if job.options.first_push && error.is_denied() => {
            RegistryAnswer::Absent
        }
        Lookup::Unknown(error) => RegistryAnswer::Unknown(error),
    }
}

pub(super) async fn ask_engine(job: &Job<'_>, world: &World<'_>) -> EngineAnswer {
    let name = job.reference();
    let both = tokio::join!(
        world.engine.engine(),
        world.engine.inspect(Image::Named(&name))
    );
    let (engine, image) = match both {
        (Ok(engine), Ok(image)) => (engine, image),
        (Err(error), _) | (_, Err(error)) => return EngineAnswer::Unknown(error),
    };
    let wanted = job.platform.clone().unwrap_or(engine.platform);
    match image {
        None => EngineAnswer::HasNot(Lack::NoImage),
        Some(image) if image.fingerprint != Some(job.fingerprint.to_string()) => {
            EngineAnswer::HasNot(Lack::OtherFingerprint)
        }
        Some(image) if image.platform != wanted => EngineAnswer::HasNot(Lack::OtherPlatform {
            image,
            wanted,
            is_published: false,
        }),
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
            EngineAnswer::HasNot(Lack::OtherPlatform {
                is_published: true, ..
            }) => EngineState::PublishedElsewhere,
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
