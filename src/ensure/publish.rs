//! Publishing: the one way in which a tag comes to be written.
//!
//! The engine pushes to a staging tag. What arrived is checked, the final tag is looked up once
//! more, and then fp itself writes that very manifest under the final tag and reads it back. No
//! engine ever writes the final tag, so the tag never names something that is not wholly there.

use std::time::Duration;

use tokio::time::timeout;

use super::parts::Part;
use super::{Error, Job, Tell, World, engine_lines};
use crate::engine::{self, LocalImage, Refusal, is_push_of};
use crate::interrupt::Interrupt;
use crate::reference::{Digest, Tag};
use crate::registry::{Content, Lookup, Manifest, PutOutcome};

/// The tag that engines push to. It is overwritten freely: everything after the push goes by
/// digest.
const STAGING: &str = "fp-staging";

/// How long tidying up may take once a signal has come.
const TIDY_UP: Duration = Duration::from_secs(2);

/// Whose image the final tag names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The one that was given.
    Ours(Digest),
    /// Somebody else's, who was faster.
    Theirs(Digest),
}

/// What is to be published.
pub(super) enum Made<'a> {
    /// One image.
    Whole(&'a LocalImage),
    /// One image for each platform, which an index will list.
    Parts(&'a [Part<'a>]),
}

/// Publishes what was made, and the engine has, under the job's tag.
pub(super) async fn publish(
    job: &Job<'_>,
    world: &World<'_>,
    made: Made<'_>,
    tell: &mut Tell<'_>,
) -> Result<Published, Error> {
    let manifest = match made {
        Made::Whole(image) => push(job, world, image, tell).await?,
        Made::Parts(parts) => {
            let mut manifests = Vec::new();
            for part in parts {
                let manifest = push(job, world, &part.image, tell).await?;
                manifests.push((part.platform.clone(), manifest));
            }
            Manifest::index(&manifests).map_err(Error::Index)?
        }
    };
    write(job, world, &manifest).await
}

/// Writes a manifest under the job's tag, unless somebody was faster. Whatever it names is in the
/// repository.
pub(super) async fn write(
    job: &Job<'_>,
    world: &World<'_>,
    manifest: &Manifest,
) -> Result<Published, Error> {
    let digest = manifest.digest();
    if let Some(published) = look_again(job, world, &digest).await? {
        return Ok(published);
    }
    let put = world
        .registry
        .put_manifest(&job.repository, &job.tag, manifest);
    let put = world.unless_interrupted(put).await?;
    let refusal = match put {
        Ok(PutOutcome::Written | PutOutcome::Overtaken) => None,
        Ok(PutOutcome::Refused(refusal)) => Some(refusal),
        Err(source) => {
            return Err(Error::Publish {
                reference: job.reference(),
                source,
            });
        }
    };
    match (look_again(job, world, &digest).await?, refusal) {
        (Some(published), _) => Ok(published),
        (None, Some(source)) => Err(Error::Publish {
            reference: job.reference(),
            source,
        }),
        (None, None) => Err(Error::Vanished {
            reference: job.reference(),
            digest,
        }),
    }
}

/// What the final tag names now; `None` if it is absent.
///
/// Even with `--first-push` a refusal is no answer here: after the push the repository exists.
async fn look_again(
    job: &Job<'_>,
    world: &World<'_>,
    ours: &Digest,
) -> Result<Option<Published>, Error> {
    let look_up = world.registry.look_up(&job.repository, &job.tag);
    match world.unless_interrupted(look_up).await? {
        Lookup::Present { digest } if digest == *ours => Ok(Some(Published::Ours(digest))),
        Lookup::Present { digest } => Ok(Some(Published::Theirs(digest))),
        Lookup::Absent => Ok(None),
        Lookup::Unknown(source) => Err(Error::PushedUnknown {
            reference: job.reference(),
            source,
        }),
    }
}

/// Pushes `image` to a staging tag, and reads back what the registry got.
///
/// The shared tag is tried first, with a turn for it, since the engine pushes what bears the tag at
/// that moment. If it may not be overwritten, or somebody who takes no turns got in between, a tag
/// of our own is used.
async fn push(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    tell: &mut Tell<'_>,
) -> Result<Manifest, Error> {
    let shared: Tag = STAGING.parse().expect("the staging tag is a tag");
    let name = job.repository.tagged(&shared).to_string();
    let turn = world.turns.take(&name, world.interrupt, || {}).await?;
    let pushed = push_to(job, world, image, &shared, tell).await;
    drop(turn);
    match pushed {
        Ok(Some(pushed)) => return Ok(pushed),
        Ok(None) => {}
        // Who moves the tag in the middle of a push lets it fail in many ways.
        Err(Error::Push {
            source: engine::Error::Process(_),
            ..
        }) => {}
        Err(error) => return Err(error),
    }
    let own = own_tag();
    let reference = job.repository.tagged(&own);
    push_to(job, world, image, &own, tell)
        .await?
        .ok_or(Error::PushedOther { reference })
}

/// Pushes under `tag`. `None` if the tag may not be overwritten, or turned out to be another
/// image's.
async fn push_to(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    tag: &Tag,
    tell: &mut Tell<'_>,
) -> Result<Option<Manifest>, Error> {
    let reference = job.repository.tagged(tag);
    let pushed = tag_and_push(job, world, image, tag, tell).await;
    let untagged = untag(job, world, tag).await;
    let digest = match pushed {
        Ok(digest) => digest,
        Err(
            engine::Error::NothingToPush { .. }
            | engine::Error::PushRefused {
                refusal: Refusal::ImmutableTag,
                ..
            },
        ) => return untagged.map(|()| None),
        Err(error) => {
            return Err(Error::of_engine(|source| Error::Push { reference, source })(error));
        }
    };
    untagged?;
    let manifest = world
        .unless_interrupted(world.registry.manifest(&job.repository, &digest))
        .await?;
    let manifest = manifest.map_err(|source| Error::Publish { reference, source })?;
    let config = match manifest.content() {
        Content::Image { config } => config,
        Content::Index { .. } => &digest,
    };
    Ok(is_push_of(&image.id, &digest, config).then_some(manifest))
}

async fn tag_and_push(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    tag: &Tag,
    tell: &mut Tell<'_>,
) -> Result<Digest, engine::Error> {
    let repository = &job.repository;
    world.engine.tag(&image.id, repository, tag).await?;
    let mut show = engine_lines(tell);
    world.engine.push(repository, tag, &mut show).await
}

/// Takes the staging tag out of the engine, after a signal as well. The image keeps its own name.
async fn untag(job: &Job<'_>, world: &World<'_>, tag: &Tag) -> Result<(), Error> {
    let engine = world.engine.heeding(&Interrupt::never());
    let untagged = engine.untag(&job.repository, tag);
    match world.interrupt.check() {
        Ok(()) => untagged.await.map_err(Error::of_engine(Error::Engine)),
        Err(interrupted) => {
            // Whoever interrupts does not want to wait for an engine that hangs.
            let _ = timeout(TIDY_UP, untagged).await;
            Err(Error::Interrupted(interrupted))
        }
    }
}

/// A staging tag that nobody else uses: `fp-staging-` and 16 random hex digits.
fn own_tag() -> Tag {
    let mut random = [0; 8];
    let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    assert_eq!(
        filled,
        Ok(random.len()),
        "the kernel always has 8 random bytes"
    );
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{STAGING}-{digits}")
        .parse()
        .expect("hex digits are part of a tag")
}
