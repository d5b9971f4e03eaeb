//! Building an image from its sealed context, up to the moment when it has a name in the engine.

use std::collections::BTreeMap;

use super::drive::Upstreams;
use super::means::Means;
use super::verify::verify;
use super::{Error, Event, Job, Tell, World, cache};
use crate::context::StagedContext;
use crate::engine::{self, BuildRequest, Builder, FINGERPRINT_LABEL, LocalImage, Upstream};
use crate::platform::Platform;
use crate::reference::Digest;

/// Where a registry's pages look for the address of the sources (OCI image specification,
/// "Annotations").
const SOURCE_LABEL: &str = "org.opencontainers.image.source";

/// Builds the image for `platform`, or else for the engine's own, and gives it its name in the engine.
///
/// The name comes only after label and platform were seen, so that a name never stands for something
/// that fp would not find under it again.
pub(super) async fn build(
    job: &Job<'_>,
    world: &World<'_>,
    platform: Option<&Platform>,
    (means, staged): (&Means, &StagedContext),
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<LocalImage, Error> {
    let scratch = staged.scratch_of(&job.tag)?;
    let builder = means.builder;
    let caches = cache::choose(job, world, builder, platform, upstreams.values(), tell).await;
    let labels = labels(job);
    let request = BuildRequest {
        context: &staged.context(),
        dockerfile: staged.dockerfile(),
        scratch: &scratch,
        target: job.image.target.as_deref(),
        platform,
        arguments: &job.inputs.args,
        hints: &job.inputs.hints,
        labels: &labels,
        upstreams,
        secrets: &means.secrets,
        ssh: &means.ssh,
        caches: &caches,
        pull: job.may_be_published(),
    };
    let image = attempt(job, world, builder, &request, tell)
        .await
        .map_err(Error::of_engine(|error| of_build(error, upstreams)))?;
    let wanted = job.fingerprint.to_string();
    if image.fingerprint.as_ref() != Some(&wanted) {
        return Err(Error::BuiltLabel { wanted });
    }
    let wanted = platform.unwrap_or(&means.engine.platform);
    if image.platform != *wanted {
        return Err(Error::BuiltPlatform {
            found: image.platform,
            wanted: wanted.clone(),
        });
    }
    verify(job, world, &image, tell).await?;
    name(job, world, &image).await?;
    Ok(image)
}

/// Builds, and tries again as often as the configuration allows: a download that failed may succeed.
async fn attempt(
    job: &Job<'_>,
    world: &World<'_>,
    builder: Builder,
    request: &BuildRequest<'_>,
    tell: &mut Tell<'_>,
) -> Result<LocalImage, engine::Error> {
    let mut left = job.image.retry;
    loop {
        match cache::build(world, builder, request, tell).await {
            Err(error @ engine::Error::Process(_)) if left > 0 => {
                left -= 1;
                let error = &error;
                tell(Event::Retrying { error, left });
            }
            built => return built,
        }
    }
}

/// What a failed build means: maybe that the builder did not find an image that it was to build on. Where only a layer
/// cannot be had, its address is all that is told, which may be anywhere.
fn of_build(error: engine::Error, upstreams: &Upstreams) -> Error {
    let is_about = |digest: &Digest| {
        let digest = digest.to_string();
        error.verdict().iter().any(|line| line.contains(&digest))
    };
    for (name, upstream) in upstreams {
        if let Upstream::Published(reference) = upstream
            && reference.digest.as_ref().is_some_and(is_about)
        {
            return Error::UpstreamUnseen {
                name: name.clone(),
                reference: reference.clone(),
                source: error,
            };
        }
    }
    Error::Build(error)
}

/// Nothing here differs between two builds of one record: no time, no revision.
fn labels(job: &Job<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(FINGERPRINT_LABEL.to_owned(), job.fingerprint.to_string())]);
    if let Some(source) = &job.image.source {
        labels.insert(SOURCE_LABEL.to_owned(), source.clone());
    }
    labels
}

/// Gives an image its name in the engine.
pub(super) async fn name(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
) -> Result<(), Error> {
    let named = world.engine.tag(&image.id, &job.repository, &job.tag).await;
    named.map_err(Error::of_engine(Error::Engine))
}
