//! The label of an image: whether the image is what its tag says.
//!
//! What is pulled is looked at in the engine. What other images are only built on is not pulled; the builder
//! fetches it by its digest, whatever that digest names.

use super::{Error, Job, World};
use crate::engine::FINGERPRINT_LABEL;
use crate::platform::Platform;
use crate::reference::{Digest, Reference};

/// Checks that `digest`, which is published under the job's tag, bears the label with the whole of its
/// fingerprint, on the platform that is wanted.
pub(super) async fn check(job: &Job<'_>, world: &World<'_>, digest: &Digest) -> Result<(), Error> {
    let platform = platform(job, world).await?;
    let reference = job.reference().at(digest.clone());
    let registry = world.registry;
    let configuration = registry.configuration_for(&job.repository, digest, &platform);
    let mut configuration = match world.unless_interrupted(configuration).await? {
        Ok(Some(configuration)) => configuration,
        Ok(None) => {
            return Err(Error::Lacks {
                reference,
                platform,
            });
        }
        Err(source) => return Err(Error::LabelUnknown { reference, source }),
    };
    let found = configuration.labels.remove(FINGERPRINT_LABEL);
    agree(job, reference, found)
}

/// Checks that `found`, the label of `reference`, is the whole of the job's fingerprint.
pub(super) fn agree(
    job: &Job<'_>,
    reference: Reference,
    found: Option<String>,
) -> Result<(), Error> {
    let wanted = job.fingerprint.to_string();
    match found.as_ref() == Some(&wanted) {
        true => Ok(()),
        false => Err(Error::Label {
            reference,
            found,
            wanted,
        }),
    }
}

/// A platform that the image has to be for: the engine's own, unless that is not wanted of it.
async fn platform(job: &Job<'_>, world: &World<'_>) -> Result<Platform, Error> {
    if let Some(platform) = &job.platform {
        return Ok(platform.clone());
    }
    let engine = world.engine.engine().await;
    let own = engine
        .map_err(Error::of_engine(Error::EngineUnknown))?
        .platform;
    match job.image.platforms.as_slice() {
        [first, ..] if !job.image.platforms.contains(&own) => Ok(first.clone()),
        _ => Ok(own),
    }
}
