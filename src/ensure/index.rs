//! Joining the parts that runners published, each for its own platform, into the whole image.

use futures_util::future::join_all;

use super::publish::{Published, write};
use super::trust::Publishing;
use super::{Error, Job, Tell, World, label};
use crate::engine::FINGERPRINT_LABEL;
use crate::platform::Platform;
use crate::reference::Digest;
use crate::registry::{Content, Lookup, Manifest};

/// What came of joining.
#[derive(Debug, PartialEq, Eq)]
pub struct Joined {
    /// What the image's tag names.
    pub digest: Digest,
    /// Whether the tag was there before, with all platforms.
    pub was_there: bool,
}

/// Publishes the index of all parts of an image under its tag.
///
/// What the index says follows from the parts alone, so that it does not matter who is faster. An image
/// that is there already, for all platforms, is left as it is; one that lacks a platform is as well, and
/// an error.
pub async fn join(job: &Job<'_>, world: &World<'_>, tell: &mut Tell<'_>) -> Result<Joined, Error> {
    if job.image.platforms.is_empty() {
        return Err(Error::NoParts);
    }
    if job.image.repository.is_none() {
        return Err(Error::NoRepository);
    }
    if let Some(digest) = look_up(job, world).await? {
        covers(job, world, &digest).await?;
        return Ok(Joined {
            digest,
            was_there: true,
        });
    }
    if let Publishing::Denied(denial) = &job.publishing {
        return Err(Error::NotAllowed(denial.clone()));
    }
    let index = Manifest::index(&read_all(job, world).await?).map_err(Error::Index)?;
    match write(job, world, &index, tell).await? {
        Published::Ours(digest) => Ok(Joined {
            digest,
            was_there: false,
        }),
        Published::Theirs(digest) => {
            covers(job, world, &digest).await?;
            Ok(Joined {
                digest,
                was_there: true,
            })
        }
    }
}

/// Reads the manifests of all parts at once. Each has to be there.
async fn read_all(job: &Job<'_>, world: &World<'_>) -> Result<Vec<(Platform, Manifest)>, Error> {
    let platforms = &job.image.platforms;
    let parts = platforms
        .iter()
        .map(|platform| Ok((platform, job.part(platform)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let parts = parts
        .iter()
        .map(|(platform, part)| read(part, platform, world));
    let found: Vec<Option<_>> = join_all(parts)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    let missing = platforms.iter().zip(&found);
    let missing: Vec<_> = missing
        .filter(|(_, found)| found.is_none())
        .map(|(platform, _)| platform.clone())
        .collect();
    if !missing.is_empty() {
        return Err(Error::PartsMissing {
            reference: job.reference(),
            platforms: missing,
        });
    }
    Ok(found.into_iter().flatten().collect())
}

/// What a job's tag names; `None` if it is absent.
async fn look_up(job: &Job<'_>, world: &World<'_>) -> Result<Option<Digest>, Error> {
    let look_up = world.registry.look_up(&job.repository, &job.tag);
    match world.unless_interrupted(look_up).await? {
        Lookup::Present { digest } => Ok(Some(digest)),
        Lookup::Absent => Ok(None),
        Lookup::Unknown(error) if job.options.first_push && error.is_denied() => Ok(None),
        Lookup::Unknown(source) => Err(Error::RegistryUnknown {
            reference: job.reference(),
            source,
        }),
    }
}

/// Reads the manifest of a part, which has to be what its tag says: an image of this fingerprint, for this
/// platform.
async fn read(
    part: &Job<'_>,
    platform: &Platform,
    world: &World<'_>,
) -> Result<Option<(Platform, Manifest)>, Error> {
    let Some(digest) = look_up(part, world).await? else {
        return Ok(None);
    };
    let reference = part.reference().at(digest.clone());
    let unknown = |source| Error::RegistryUnknown {
        reference: reference.clone(),
        source,
    };
    let manifest = world.registry.manifest(&part.repository, &digest);
    let manifest = world.unless_interrupted(manifest).await?.map_err(unknown)?;
    let Content::Image { config } = manifest.content() else {
        return Ok(Some((platform.clone(), manifest)));
    };
    let configuration = world.registry.configuration(&part.repository, config);
    let configuration = world.unless_interrupted(configuration).await?;
    let mut configuration = configuration.map_err(unknown)?;
    let found = configuration.labels.remove(FINGERPRINT_LABEL);
    label::agree(part, reference.clone(), found)?;
    if configuration.platform != *platform {
        return Err(Error::PartPlatform {
            reference,
            found: configuration.platform,
            wanted: platform.clone(),
        });
    }
    Ok(Some((platform.clone(), manifest)))
}

/// Makes sure that a published image is for all platforms. What is no index can be for one.
async fn covers(job: &Job<'_>, world: &World<'_>, digest: &Digest) -> Result<(), Error> {
    let reference = job.reference().at(digest.clone());
    let manifest = world.registry.manifest(&job.repository, digest);
    let manifest = world.unless_interrupted(manifest).await?;
    let manifest = manifest.map_err(|source| Error::RegistryUnknown {
        reference: reference.clone(),
        source,
    })?;
    let lacks = |platform: &&Platform| match manifest.content() {
        Content::Image { .. } => job.image.platforms.len() > 1,
        index => index.image_for(platform).is_none(),
    };
    match job.image.platforms.iter().find(lacks) {
        None => Ok(()),
        Some(platform) => Err(Error::Lacks {
            reference,
            platform: platform.clone(),
        }),
    }
}

/// The platforms for which nobody has published the image yet, neither the whole nor a part; none, without
/// configured platforms, stands for an image that nobody has published.
pub async fn missing(job: &Job<'_>, world: &World<'_>) -> Result<Vec<Option<Platform>>, Error> {
    if job.image.repository.is_none() {
        return Err(Error::NoRepository);
    }
    if look_up(job, world).await?.is_some() {
        return Ok(Vec::new());
    }
    if job.image.platforms.is_empty() {
        return Ok(vec![None]);
    }
    let looking = job.image.platforms.iter().map(async |platform| {
        let part = job.part(platform)?;
        Ok((platform, look_up(&part, world).await?.is_some()))
    });
    let looked: Vec<_> = join_all(looking)
        .await
        .into_iter()
        .collect::<Result<_, Error>>()?;
    let missing = looked.into_iter().filter(|(_, is_there)| !is_there);
    Ok(missing
        .map(|(platform, _)| Some(platform.clone()))
        .collect())
}
