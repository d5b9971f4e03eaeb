//! Images for several platforms: each platform's part is an image of its own, and the whole is an index of
//! them.
//!
//! A part is built, pushed and, where runners share the work, published like any other image, under the tag
//! `TAG-OS-ARCHITECTURE`. So it does not matter what the engine and its image store can do with several
//! platforms at once, and the index is the same, byte for byte, whoever puts it together.

use std::cell::RefCell;
use std::pin::pin;

use futures_util::future::join_all;

use super::build::{build, name};
use super::drive::Upstreams;
use super::means::{Means, stage};
use super::observe::{EngineAnswer, ask_engine};
use super::verify::verify;
use super::{Error, Event, Job, Notice, Omission, Tell, Warning, World};
use crate::context::StagedContext;
use crate::engine::{self, LocalImage};
use crate::interrupt::{Interrupt, Signal};
use crate::platform::Platform;

/// A part of an image that was built, as the engine has it.
pub(super) struct Part<'a> {
    pub(super) job: Job<'a>,
    pub(super) platform: Platform,
    pub(super) image: LocalImage,
}

impl<'a> Job<'a> {
    /// The job that is only about the part for `platform`.
    pub fn part(&self, platform: &Platform) -> Result<Self, Error> {
        if !self.image.platforms.contains(platform) {
            return Err(Error::NotConfigured {
                platform: platform.clone(),
                configured: self.image.platforms.clone(),
            });
        }
        let tag = self.tag.of_part(platform).map_err(Error::PartTag)?;
        Ok(Job {
            whole: Some(self.tag.clone()),
            tag,
            platform: Some(platform.clone()),
            ..self.clone()
        })
    }

    /// Whether the image is published in parts.
    pub fn has_parts(&self) -> bool {
        self.platform.is_none() && self.image.platforms.len() > 1
    }

    /// The platform to name to the builder, if it is for one only; `engine` is the engine's own.
    ///
    /// Without a word of the user's, an image is made for the engine's own platform: another one could be
    /// neither pulled nor run here. Where it will only be published, that does not matter.
    pub(super) fn build_platform(
        &self,
        engine: &Platform,
        publish: bool,
    ) -> Result<Option<Platform>, Error> {
        match (&self.platform, self.image.platforms.as_slice()) {
            (Some(platform), _) => Ok(Some(platform.clone())),
            (None, []) => Ok(None),
            (None, platforms) if platforms.contains(engine) => Ok(Some(engine.clone())),
            (None, [platform]) if publish && self.options.no_pull => Ok(Some(platform.clone())),
            (None, _) if publish && self.options.no_pull && self.has_parts() => Ok(None),
            (None, platforms) => Err(Error::Platforms {
                configured: platforms.to_vec(),
                engine: engine.clone(),
            }),
        }
    }
}

/// Builds all parts of an image at the same time. Those that an earlier run has built and could not publish
/// are taken as they are, under the same conditions as a whole image.
///
/// The engine has each under its own name, and its own platform's under the whole image's as well.
pub(super) async fn build_parts<'a>(
    job: &Job<'a>,
    world: &World<'_>,
    means: &Means,
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<Vec<Part<'a>>, Error> {
    let platforms = job.image.platforms.iter();
    let jobs: Vec<_> = platforms
        .map(|platform| Ok((platform, job.part(platform)?)))
        .collect::<Result<_, Error>>()?;
    let from = (means, &stage(job, world).await?);
    let (tell, omitted) = (RefCell::new(tell), RefCell::default());
    let parts = all_or_none(world, jobs, async |world, (platform, job)| {
        let mut tell = |event: Event<'_>| {
            let omitted = &mut omitted.borrow_mut();
            tell_of_part(&mut **tell.borrow_mut(), omitted, platform, event);
        };
        let made = part(&job, platform, world, from, upstreams, &mut tell).await;
        let image = made.map_err(|error| Error::of_part(platform, error))?;
        let platform = platform.clone();
        Ok(Part {
            job,
            platform,
            image,
        })
    });
    let parts = parts.await?;
    if let Some(own) = parts
        .iter()
        .find(|part| part.platform == means.engine.platform)
    {
        name(job, world, &own.image).await?;
    }
    Ok(parts)
}

/// Makes something of each of `all` at the same time. Once one fails, the others are asked to stop, and waited
/// for: what an engine runs for them has to be ended by whoever started it, and would run on if they were just
/// forgotten.
async fn all_or_none<T, U>(
    world: &World<'_>,
    all: impl IntoIterator<Item = T>,
    make: impl AsyncFn(&World<'_>, T) -> Result<U, Error>,
) -> Result<Vec<U>, Error> {
    let (stop, interrupt) = Interrupt::controlled();
    let stop = |signal| {
        stop.send_if_modified(|sent| {
            let is_first = sent.is_none();
            sent.get_or_insert(signal);
            is_first
        })
    };
    let engine = world.engine.heeding(&interrupt);
    let own = World {
        engine: &engine,
        interrupt: &interrupt,
        ..*world
    };
    let failure = RefCell::new(None);
    let making = all.into_iter().map(async |one| {
        let made = make(&own, one).await;
        // Those that are stopped because of the first one have nothing to tell.
        made.map_err(|error| {
            failure.borrow_mut().get_or_insert(error);
            stop(Signal::Terminate)
        })
    });
    let mut making = pin!(join_all(making));
    let made = tokio::select! {
        made = &mut making => made,
        interrupted = world.interrupt.raised() => {
            stop(interrupted.signal);
            making.await
        }
    };
    match failure.take() {
        Some(error) => Err(error),
        None => Ok(made.into_iter().flatten().collect()),
    }
}

async fn part(
    job: &Job<'_>,
    platform: &Platform,
    world: &World<'_>,
    from: (&Means, &StagedContext),
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<LocalImage, Error> {
    if !job.is_ci
        && upstreams.is_empty()
        && let EngineAnswer::Has(image) = ask_engine(job, world).await
    {
        // What was there before may have been built without these checks.
        verify(job, world, &image, tell).await?;
        return Ok(image);
    }
    build(job, world, Some(platform), from, upstreams, tell).await
}

/// The parts are made at the same time, so each line of the engine's says of which it tells. What is left out is
/// left out for all of them, and told once; `omitted` is what was told.
fn tell_of_part(
    tell: &mut Tell<'_>,
    omitted: &mut Vec<Omission>,
    platform: &Platform,
    event: Event<'_>,
) {
    match event {
        Event::Engine(line) => tell(Event::Engine(&format!("{platform}: {line}"))),
        Event::Cache(Notice::Omitted(omission)) if omitted.contains(&omission) => {}
        Event::Cache(Notice::Omitted(omission)) => {
            omitted.push(omission);
            tell(Event::Cache(Notice::Omitted(omission)));
        }
        event => tell(event),
    }
}

/// Takes the parts' own names out of the engine, once the whole image is published.
pub(super) async fn forget(
    parts: &[Part<'_>],
    world: &World<'_>,
    tell: &mut Tell<'_>,
) -> Result<(), Error> {
    for Part { job, .. } in parts {
        match world.engine.untag(&job.repository, &job.tag).await {
            Err(engine::Error::Interrupted(interrupted)) => {
                return Err(Error::Interrupted(interrupted));
            }
            Err(error) => tell(Event::Warning(Warning::NameKept {
                name: &job.reference(),
                error: &error,
            })),
            Ok(()) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::tell_of_part;
    use crate::ensure::{Event, Notice, Omission};
    use crate::platform::Platform;

    #[test]
    fn what_is_left_out_for_all_parts_is_told_once() {
        let mut told = Vec::new();
        let mut tell = |event: Event<'_>| told.push(format!("{event:?}"));
        let mut omitted = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let platform = Platform::new("linux", architecture, "");
            for event in [
                Event::Cache(Notice::Omitted(Omission::NoBuildx)),
                Event::Engine("a line"),
            ] {
                tell_of_part(&mut tell, &mut omitted, &platform, event);
            }
        }
        assert_eq!(
            told,
            [
                "Cache(Omitted(NoBuildx))",
                "Engine(\"linux/amd64: a line\")",
                "Engine(\"linux/arm64: a line\")",
            ]
        );
    }
}
