//! Performing a plan: pulling, keeping, and handing over to `build` and `publish`.

use std::collections::BTreeMap;

use super::build::{build, name};
use super::hindrance::Hindrance;
use super::means::{Means, means, stage};
use super::observe::{EngineAnswer, Observation, RegistryAnswer, observe};
use super::parts::{build_parts, forget};
use super::plan::{Done, Plan};
use super::publish::{Made, Published, publish};
use super::turn::Turn;
use super::verify::verify;
use super::wait::settle;
use super::{Error, Event, Job, Outcome, Step, Tell, Warning, World, cache, engine_lines, label};
use crate::engine::{self, Image, LocalImage, Upstream};
use crate::interrupt::Interrupted;
use crate::platform::Platform;
use crate::reference::{Digest, Reference};
use crate::registry::Content;

/// The images that an image is built on, by the names that its Dockerfile has for them.
pub(super) type Upstreams = BTreeMap<String, Upstream>;

/// Makes the image of `job` available, of which `observation` was just made. `hindrance` tells whether something
/// that it is built on will not be published, and `upstreams` makes that available.
///
/// Whatever can be known to be missing is looked for before anything is built.
pub(super) async fn ensure(
    job: &Job<'_>,
    world: &World<'_>,
    observation: Observation,
    (hindrance, upstreams): (
        impl AsyncFnOnce() -> Result<Option<Hindrance>, Interrupted>,
        impl AsyncFnOnce() -> Result<Upstreams, Error>,
    ),
    tell: &mut Tell<'_>,
) -> Result<Outcome, Error> {
    let (observation, mut plan, turn) = in_turn(job, world, observation, tell).await?;
    let hindrance = match plan.publishes() {
        true => hindrance().await?,
        false => None,
    };
    if let Some(hindrance) = &hindrance {
        plan = plan.hindered(hindrance.clone(), !job.may_stay_local());
    }
    tell(Event::Decided {
        plan: &plan,
        observation: &observation,
        hindrance: hindrance.as_ref(),
    });
    let observation = job.is_possible(&plan, observation)?;
    if let Some(hindrance) = &hindrance {
        tell(Event::Warning(Warning::Hindered(hindrance)));
    }
    let means = match is_built(job, &plan) {
        true => Some(means(job, world, plan.publishes()).await?),
        false => None,
    };
    let mut built_on = Upstreams::new();
    if plan.takes_upstreams() && !job.image.needs.is_empty() {
        built_on = upstreams().await?;
        plan = with_upstreams(job, plan, &built_on, tell)?;
    }
    let ready = Ready {
        observation,
        means,
        upstreams: built_on,
    };
    let outcome = perform(job, world, plan, ready, tell).await;
    drop(turn);
    outcome
}

/// The plan for what is observed. Whoever is to build or publish first takes a turn among the fp on this machine,
/// and looks again if it had to wait for it: of many that start at once, one builds. Whoever has a turn waits for
/// nobody but those who make what its image is built on, so that no two wait for each other.
async fn in_turn(
    job: &Job<'_>,
    world: &World<'_>,
    observation: Observation,
    tell: &mut Tell<'_>,
) -> Result<(Observation, Plan, Option<Turn>), Error> {
    let (observation, plan) = settle(job, world, observation, tell).await?;
    if !plan.takes_upstreams() {
        return Ok((observation, plan, None));
    }
    let wait = || tell(Event::Waiting);
    let name = job.reference().to_string();
    let turn = world.turns.take(&name, world.interrupt, wait).await?;
    if !turn.had_to_wait {
        return Ok((observation, plan, Some(turn)));
    }
    let again = observe(job, world).await?;
    let (observation, plan) = settle(job, world, again, tell).await?;
    Ok((observation, plan, Some(turn)))
}

/// Whether the plan may lead to a build: what only the engine has is built again on what is published.
fn is_built(job: &Job<'_>, plan: &Plan) -> bool {
    match plan {
        Plan::Build { .. } => true,
        Plan::Publish => !job.image.needs.is_empty(),
        _ => false,
    }
}

/// What has to be there before a plan is performed.
struct Ready {
    observation: Observation,
    /// Those of a build, if the plan may lead to one.
    means: Option<Means>,
    upstreams: Upstreams,
}

/// What is built on an image that is not published is not published, either. And an image that only the
/// engine has may have been built on others than the published ones: it is built again, on these, before
/// it is published.
fn with_upstreams(
    job: &Job<'_>,
    plan: Plan,
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<Plan, Error> {
    let mut local = upstreams
        .iter()
        .filter(|(_, upstream)| matches!(upstream, Upstream::Local(_)));
    match local.next() {
        Some((name, _)) if plan.publishes() => {
            if !job.may_stay_local() {
                return Err(Error::UpstreamUnpublished(name.clone()));
            }
            tell(Event::Warning(Warning::UpstreamUnpublished(name)));
            Ok(plan.unpublished())
        }
        None if plan == Plan::Publish => Ok(Plan::Build { publish: true }),
        _ => Ok(plan),
    }
}

async fn perform(
    job: &Job<'_>,
    world: &World<'_>,
    plan: Plan,
    ready: Ready,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Error> {
    match plan {
        Plan::Done(Done::UpToDate(digest) | Done::Published(digest)) => Ok(hit(
            job.reference().at(digest),
            ready.observation.engine.image(),
        )),
        Plan::Done(Done::LocalOnly) => Ok(hit(job.reference(), ready.observation.engine.image())),
        Plan::Done(Done::Unconfirmed) => {
            if let RegistryAnswer::Unknown(error) = &ready.observation.registry {
                tell(Event::Warning(Warning::Unconfirmed(error)));
            }
            Ok(hit(job.reference(), ready.observation.engine.image()))
        }
        Plan::Pull(digest) => {
            let (reference, image) = pull(job, world, digest, tell).await?;
            Ok(Outcome {
                steps: vec![Step::Pulled],
                ..hit(reference, Some(&image))
            })
        }
        Plan::Publish => {
            let EngineAnswer::Has(image) = ready.observation.engine else {
                unreachable!("only an image that the engine has is published without a build")
            };
            // What was there before may have been built without these checks.
            verify(job, world, &image, tell).await?;
            let made = Made::Whole(&image);
            let before = hit(job.reference(), Some(&image));
            publish_and_report(job, world, made, before, tell).await
        }
        Plan::Build { publish } if publish && job.has_parts() => {
            let means = ready.means.expect("a build has been prepared");
            make_parts(job, world, &means, &ready.upstreams, tell).await
        }
        Plan::Build { publish } => {
            let means = ready.means.expect("a build has been prepared");
            make_whole(job, world, publish, &means, &ready.upstreams, tell).await
        }
        Plan::Wait => unreachable!("a look ends when there is nothing to wait for"),
        Plan::Absent | Plan::OtherPlatform(_) | Plan::CannotTell(_) | Plan::Unpublishable(_) => {
            unreachable!("such a plan is not possible")
        }
    }
}

/// Builds the image for one platform, and maybe publishes it.
async fn make_whole(
    job: &Job<'_>,
    world: &World<'_>,
    publish: bool,
    means: &Means,
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Error> {
    let platform = job.build_platform(&means.engine.platform, publish)?;
    let platform = platform.as_ref();
    tell(Event::Building);
    let staged = stage(job, world).await?;
    let image = build(job, world, platform, (means, &staged), upstreams, tell).await?;
    let built = built(job.reference(), Some(&image));
    if !publish {
        return Ok(built);
    }
    let outcome = publish_and_report(job, world, Made::Whole(&image), built, tell).await?;
    cache::note(job, world, platform, &outcome, tell).await?;
    Ok(outcome)
}

/// Builds the image for all its platforms and publishes it.
async fn make_parts(
    job: &Job<'_>,
    world: &World<'_>,
    means: &Means,
    upstreams: &Upstreams,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Error> {
    tell(Event::Building);
    let parts = build_parts(job, world, means, upstreams, tell).await?;
    let built = built(job.reference(), None);
    let made = publish_and_report(job, world, Made::Parts(&parts), built, tell).await?;
    // What could not be published is published by their names the next time.
    if made.reference.digest.is_some() {
        forget(&parts, world, tell).await?;
    }
    for part in &parts {
        cache::note(job, world, Some(&part.platform), &made, tell).await?;
    }
    Ok(made)
}

fn built(reference: Reference, image: Option<&LocalImage>) -> Outcome {
    Outcome {
        reference,
        size: image.and_then(|image| image.size),
        hit: false,
        steps: vec![Step::Built],
    }
}

fn hit(reference: Reference, image: Option<&LocalImage>) -> Outcome {
    Outcome {
        reference,
        size: image.and_then(|image| image.size),
        hit: true,
        steps: Vec::new(),
    }
}

async fn publish_and_report(
    job: &Job<'_>,
    world: &World<'_>,
    made: Made<'_>,
    before: Outcome,
    tell: &mut Tell<'_>,
) -> Result<Outcome, Error> {
    let mut outcome = before;
    tell(Event::Publishing);
    match publish(job, world, made, tell).await {
        Ok(Published::Ours(digest)) => {
            let learned = world.engine.learn(&job.repository, &digest).await;
            // What it does not know, it will be told by a pull.
            if let Err(engine::Error::Interrupted(interrupted)) = learned {
                return Err(Error::Interrupted(interrupted));
            }
            outcome.steps.push(Step::Pushed);
            if job.has_parts() && !job.options.no_pull {
                // No engine has seen the index yet; what it lists is there already.
                let (_, image) = pull(job, world, digest.clone(), tell).await?;
                outcome.size = image.size;
            }
            outcome.reference = outcome.reference.at(digest);
        }
        Ok(Published::Theirs(digest)) => {
            tell(Event::Warning(Warning::Overtaken(&digest)));
            if job.options.no_pull {
                outcome.reference = outcome.reference.at(digest);
                outcome.size = None;
            } else {
                let (reference, image) = pull(job, world, digest, tell).await?;
                (outcome.reference, outcome.size) = (reference, image.size);
                outcome.steps.push(Step::Pulled);
            }
        }
        Err(error) => match refusal(&error) {
            Some(refusal) if job.may_stay_local() => {
                tell(Event::Warning(Warning::PushRefused(refusal)));
            }
            _ => return Err(error),
        },
    }
    Ok(outcome)
}

/// The registry's refusal to let this user publish, if that is what went wrong: to take the engine's
/// push, or to have the final tag written, which may be protected.
fn refusal(error: &Error) -> Option<&(dyn std::error::Error + 'static)> {
    match error {
        Error::Push {
            source: refusal @ engine::Error::PushRefused { .. },
            ..
        } => Some(refusal),
        Error::Publish { source, .. } if source.is_denied() => Some(source),
        _ => None,
    }
}

/// Pulls by digest, checks that the image is what its tag says, and gives it its name.
async fn pull(
    job: &Job<'_>,
    world: &World<'_>,
    digest: Digest,
    tell: &mut Tell<'_>,
) -> Result<(Reference, LocalImage), Error> {
    tell(Event::Pulling);
    let engine = world
        .engine
        .engine()
        .await
        .map_err(Error::of_engine(Error::EngineUnknown))?;
    let mut show = engine_lines(tell);
    let reference = job.reference().at(digest.clone());
    let wanted = job.platform.as_ref().unwrap_or(&engine.platform);
    let platform = job.platform.as_ref();
    let pulled = world
        .engine
        .pull(&job.repository, &digest, platform, &mut show)
        .await;
    if let Err(error) = pulled {
        return Err(of_pull(job, world, reference, wanted, error).await);
    }
    let pulled = job.repository.at(&digest);
    let image = world
        .engine
        .inspect(Image::Named(&pulled))
        .await
        .map_err(Error::of_engine(Error::Engine))?
        .ok_or_else(|| Error::PulledMissing(reference.clone()))?;
    label::agree(job, reference.clone(), image.fingerprint.clone())?;
    if image.platform != *wanted {
        let found = image.platform.to_string();
        return Err(Error::Platform {
            reference,
            found,
            wanted: wanted.clone(),
        });
    }
    name(job, world, &image).await?;
    Ok((reference, image))
}

/// An engine cannot pull an index that lacks its platform; the registry tells whether that is the
/// reason.
async fn of_pull(
    job: &Job<'_>,
    world: &World<'_>,
    reference: Reference,
    wanted: &Platform,
    error: engine::Error,
) -> Error {
    let Some(digest) = reference.digest.clone() else {
        return Error::of_engine(Error::Engine)(error);
    };
    let manifest = world.registry.manifest(&job.repository, &digest);
    if let Ok(Ok(manifest)) = world.unless_interrupted(manifest).await
        && let Content::Index { images } = manifest.content()
        && manifest.content().image_for(wanted).is_none()
    {
        let found = images
            .iter()
            .map(|(platform, _)| platform.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        return Error::Platform {
            reference,
            found,
            wanted: wanted.clone(),
        };
    }
    Error::of_engine(|source| Error::Pull { reference, source })(error)
}
