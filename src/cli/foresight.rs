//! Observing and deciding without acting: what `fp status` and `fp ensure --dry-run` have in common.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::answers::Answers;
use super::failure::Failure;
use super::workspace::Jobs;
use crate::config::ImageName;
use crate::ensure::plan::Plan;
use crate::ensure::{EngineAnswer, Hindrance, Job, Observation, RegistryAnswer, Run, World};
use crate::report;

/// An image, what was observed of it, and what would be done.
pub(super) struct Foreseen<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) plan: &'a Plan,
    pub(super) observation: &'a Observation,
    /// Why the plan is what it is.
    pub(super) why: &'a str,
    /// What keeps the image from being published, if that is what it is built on.
    pub(super) hindrance: Option<&'a Hindrance>,
}

/// How what was foreseen is told.
pub(super) struct Foresight {
    text: fn(&Foreseen<'_>) -> String,
    /// The exit code for what was observed.
    exit_code: fn(&Observation) -> Option<u8>,
    /// Whether to tell as well of what would have to be made available first.
    with_upstreams: bool,
}

impl Foresight {
    /// What is asked for, and where it is.
    pub(super) fn of_status(
        text: fn(&Foreseen<'_>) -> String,
        exit_code: fn(&Observation) -> Option<u8>,
    ) -> Self {
        Foresight {
            text,
            exit_code,
            with_upstreams: false,
        }
    }

    /// Everything that would be done.
    pub(super) fn of_dry_run(text: fn(&Foreseen<'_>) -> String) -> Self {
        Foresight {
            text,
            exit_code: |_| None,
            with_upstreams: true,
        }
    }
}

/// Tells of each image what was observed and would be done, and fails as doing it would, or with the
/// exit code for what was observed. An image whose inputs cannot be told is a failure among others.
pub(super) async fn foresee(
    jobs: Jobs<'_>,
    world: &World<'_>,
    mut answers: Answers<'_>,
    foresight: &Foresight,
) -> Result<(), Failure> {
    let mut told: BTreeSet<ImageName> = jobs.names().into_iter().cloned().collect();
    let run = Run::new(jobs.all.into_values(), world, &|_, _| {});
    let names: Vec<_> = told.iter().collect();
    run.observe(&names).await?;
    answers.tell_engine(world.engine);
    let mut waiting: VecDeque<_> = jobs.asked.into_iter().map(|asked| asked.cloned()).collect();
    while let Some(next) = waiting.pop_front() {
        let name = match next {
            Ok(name) => name,
            Err(failure) => {
                answers.fail(failure)?;
                continue;
            }
        };
        let observation = run.observation(&name).await?;
        let job = run.job(&name);
        let (plan, hindrance) = run.plan(&name, &observation).await?;
        let why = report::why(job, &plan, &observation, hindrance.as_ref());
        let foreseen = Foreseen {
            job,
            plan: &plan,
            observation: &observation,
            why: &why,
            hindrance: hindrance.as_ref(),
        };
        answers.give(|| (foresight.text)(&foreseen), || object(&foreseen))?;
        if let Some(exit_code) = (foresight.exit_code)(&observation) {
            answers.expect_exit_code(exit_code);
        }
        if foresight.with_upstreams && plan.takes_upstreams() {
            let needs = job.image.needs.values().cloned();
            waiting.extend(needs.filter(|name| told.insert(name.clone())).map(Ok));
        }
        if let Err(source) = job.is_possible(&plan, observation) {
            answers.fail(Failure::ensure(&name, Arc::new(source)))?;
        }
    }
    answers.finish()
}

/// What is known of an image, and what ensure would do.
fn object(foreseen: &Foreseen<'_>) -> Value {
    let Foreseen {
        job,
        plan,
        observation,
        why,
        ..
    } = foreseen;
    let registry = match &observation.registry {
        RegistryAnswer::Present(_) => "present",
        RegistryAnswer::Absent => "absent",
        RegistryAnswer::Unknown(_) => "unknown",
        RegistryAnswer::Offline | RegistryAnswer::NoRepository => "not asked",
    };
    let engine = match &observation.engine {
        EngineAnswer::Has(_) => "present",
        EngineAnswer::HasNot(_) => "absent",
        EngineAnswer::Unknown(_) => "unknown",
        EngineAnswer::NotAsked => "not asked",
    };
    let needs = job.image.needs.iter();
    let needs: BTreeMap<_, _> = needs
        .map(|(name, image)| (name.as_str(), image.as_str()))
        .collect();
    json!({
        "image": job.image.name.as_str(),
        "fingerprint": job.fingerprint.to_string(),
        "reference": job.reference().to_string(),
        "digest": observation.registry.digest().map(ToString::to_string),
        "registry": registry,
        "engine": engine,
        "needs": needs,
        "hints": job.inputs.hints.keys().collect::<Vec<_>>(),
        "decision": report::decision(plan),
        "why": why,
    })
}
