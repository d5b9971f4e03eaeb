//! Observing and deciding without acting: what `fp status` and `fp ensure --dry-run` have in common.

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::answers::Answers;
use super::failure::Failure;
use crate::ensure::plan::Plan;
use crate::ensure::{self, EngineAnswer, Job, Observation, RegistryAnswer, World};
use crate::report;

/// How many images are asked about at once.
const MAX_AT_ONCE: usize = 32;

/// Tells of each image what was observed and would be done, and fails as doing it would, or with the
/// `exit_code` for what was observed. An image whose inputs cannot be told is a failure among others.
pub(super) async fn foresee<'a>(
    jobs: impl IntoIterator<Item = Result<Job<'a>, Failure>>,
    world: &World<'_>,
    mut answers: Answers<'_>,
    text: fn(&Job<'_>, &Plan, &Observation) -> String,
    exit_code: fn(&Observation) -> Option<u8>,
) -> Result<(), Failure> {
    let jobs: Vec<_> = jobs.into_iter().collect();
    world.expect(jobs.iter().flatten());
    let observe = |job: Result<Job<'a>, Failure>| async move {
        let job = job?;
        let observation = ensure::observe(&job, world).await?;
        Ok::<_, Failure>((job, observation))
    };
    // All at the same time, and told in their order.
    let mut observed = stream::iter(jobs.into_iter().map(observe)).buffered(MAX_AT_ONCE);
    while let Some(observed) = observed.next().await {
        let (job, observation) = match observed {
            Ok(observed) => observed,
            Err(failure) => {
                answers.fail(failure)?;
                continue;
            }
        };
        let plan = job.plan(&observation);
        let object = || object(&job, &plan, &observation);
        answers.give(|| text(&job, &plan, &observation), object)?;
        if let Some(exit_code) = exit_code(&observation) {
            answers.expect_exit_code(exit_code);
        }
        if let Err(source) = job.is_possible(&plan, observation) {
            answers.fail(Failure::ensure(&job.image.name, source))?;
        }
    }
    answers.finish()
}

/// What is known of an image, and what ensure would do.
fn object(job: &Job<'_>, plan: &Plan, observation: &Observation) -> Value {
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
    json!({
        "image": job.image.name.as_str(),
        "fingerprint": job.fingerprint.to_string(),
        "reference": job.reference().to_string(),
        "digest": observation.registry.digest().map(ToString::to_string),
        "registry": registry,
        "engine": engine,
        "decision": report::decision(plan),
        "why": report::why(job, plan, observation),
    })
}
