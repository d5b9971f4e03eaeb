//! Publishing: the one way in which a tag comes to be written.
//!
//! The engine pushes to a staging tag. What arrived is checked, the final tag is looked up once
//! more, and then fp itself writes that very manifest under the final tag and reads it back. No
//! engine ever writes the final tag, so the tag never names something that is not wholly there. The
//! record of the image is stored with it last.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::timeout;

use super::parts::Part;
use super::turn::Turn;
use super::{Error, Event, Job, Tell, Warning, World, engine_lines, record};
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

/// Publishes what was made, and the engine has, under the job's tag, and stores its record with it.
pub(super) async fn publish(
    job: &Job<'_>,
    world: &World<'_>,
    made: Made<'_>,
    tell: &mut Tell<'_>,
) -> Result<Published, Error> {
    match made {
        Made::Whole(image) => {
            let write = async |manifest: Manifest, tell: &mut Tell<'_>| {
                write(job, world, &manifest, tell).await
            };
            push(job, world, image, write, tell).await
        }
        Made::Parts(parts) => {
            let mut manifests = Vec::new();
            for part in parts {
                let keep = async |manifest: Manifest, _: &mut Tell<'_>| Ok(manifest);
                let manifest = push(job, world, &part.image, keep, tell).await?;
                manifests.push((part.platform.clone(), manifest));
            }
            let index = Manifest::index(&manifests).map_err(Error::Index)?;
            write(job, world, &index, tell).await
        }
    }
}

/// Writes a manifest under the job's tag, unless somebody was faster, and stores the record with it. Whatever it
/// names is in the repository.
pub(super) async fn write(
    job: &Job<'_>,
    world: &World<'_>,
    manifest: &Manifest,
    tell: &mut Tell<'_>,
) -> Result<Published, Error> {
    let published = write_tag(job, world, manifest).await?;
    if let Published::Ours(_) = published {
        record::store(job, world, manifest, tell).await?;
    }
    Ok(published)
}

async fn write_tag(
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

/// Pushes `image` to a staging tag, reads back what the registry got, and has `then` go on with it.
///
/// The shared tag is tried first, with a turn for it, since the engine pushes what bears the tag at
/// that moment. If it may not be overwritten, or somebody who takes no turns got in between, a tag
/// of our own is used.
async fn push<T>(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    then: impl AsyncFn(Manifest, &mut Tell<'_>) -> Result<T, Error>,
    tell: &mut Tell<'_>,
) -> Result<T, Error> {
    let shared: Tag = STAGING.parse().expect("the staging tag is a tag");
    let name = job.repository.tagged(&shared).to_string();
    let turn = world.turns.take(&name, world.interrupt, || {}).await?;
    let staging = Staging {
        tag: shared,
        turn: Some(turn),
    };
    match push_to(job, world, image, staging, &then, tell).await {
        Ok(Some(done)) => return Ok(done),
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
    let staging = Staging {
        tag: own,
        turn: None,
    };
    push_to(job, world, image, staging, &then, tell)
        .await?
        .ok_or(Error::PushedOther { reference })
}

/// A tag to push to, and the turn for it, if others push to it as well.
struct Staging {
    tag: Tag,
    turn: Option<Turn>,
}

/// Pushes to a staging tag. `None` if it may not be overwritten, or turned out to be another
/// image's. What arrived is named by its digest, so the tag is taken out of the engine while `then` is at work.
async fn push_to<T>(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    Staging { tag, turn }: Staging,
    then: impl AsyncFn(Manifest, &mut Tell<'_>) -> Result<T, Error>,
    tell: &mut Tell<'_>,
) -> Result<Option<T>, Error> {
    let pushed = tag_and_push(job, world, image, &tag, tell).await;
    let go_on = async {
        match arrived(job, world, image, &tag, pushed).await? {
            Some(manifest) => then(manifest, tell).await.map(Some),
            None => Ok(None),
        }
    };
    let clear = async {
        let cleared = untag(job, world, &tag).await;
        drop(turn);
        cleared
    };
    let (done, cleared) = join(go_on, clear).await;
    match cleared {
        Err(engine::Error::Interrupted(interrupted)) => {
            return Err(Error::Interrupted(interrupted));
        }
        Err(error) if done.is_ok() => tell(Event::Warning(Warning::NameKept {
            name: &job.repository.tagged(&tag),
            error: &error,
        })),
        _ => {}
    }
    done
}

/// What came of a push to `tag`: the manifest that the registry has. `None` if the tag may not be overwritten, or
/// turned out to be another image's.
async fn arrived(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    tag: &Tag,
    pushed: Result<Digest, engine::Error>,
) -> Result<Option<Manifest>, Error> {
    let reference = job.repository.tagged(tag);
    let digest = match pushed {
        Ok(digest) => digest,
        Err(
            engine::Error::NothingToPush { .. }
            | engine::Error::PushRefused {
                refusal: Refusal::ImmutableTag,
                ..
            },
        ) => return Ok(None),
        Err(error) => {
            return Err(Error::of_engine(|source| Error::Push { reference, source })(error));
        }
    };
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
async fn untag(job: &Job<'_>, world: &World<'_>, tag: &Tag) -> Result<(), engine::Error> {
    let engine = world.engine.heeding(&Interrupt::never());
    let mut untagging = pin!(engine.untag(&job.repository, tag));
    tokio::select! {
        biased;
        interrupted = world.interrupt.raised() => {
            // Whoever interrupts does not want to wait for an engine that hangs.
            let _ = timeout(TIDY_UP, untagging).await;
            Err(engine::Error::Interrupted(interrupted))
        }
        untagged = &mut untagging => untagged,
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
