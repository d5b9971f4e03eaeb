//! `fp status`

use serde_json::{Value, json};

use super::answers::Answers;
use super::arguments::Several;
use super::failure::Failure;
use super::output::Output;
use super::outside::Outside;
use super::workspace::Workspace;
use crate::ensure::plan::Plan;
use crate::ensure::{self, EngineAnswer, Job, Observation, Options, RegistryAnswer, World};
use crate::report;

pub(super) fn run(
    arguments: &Several,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let outside = Outside::open(workspace)?;
    output.heed(&outside.interrupt)?;
    let answers = Answers::new(arguments.format, output);
    outside.run(async |world| {
        let jobs = workspace
            .jobs(&arguments.images, Options::default(), world.interrupt)
            .await?;
        status(&jobs, world, answers).await
    })
}

async fn status(
    jobs: &[Job<'_>],
    world: &World<'_>,
    mut answers: Answers<'_>,
) -> Result<(), Failure> {
    for job in jobs {
        let observation = ensure::observe(job, world).await?;
        let plan = job.plan(&observation);
        answers.give(
            || text(job, &plan, &observation),
            || object(job, &plan, &observation),
        )?;
        match &observation.registry {
            RegistryAnswer::Unknown(_) => answers.expect_exit_code(4),
            _ if observation.is_absent() => answers.expect_exit_code(3),
            _ => {}
        }
        if let Err(source) = job.is_possible(&plan, observation) {
            answers.fail(Failure::ensure(&job.image.name, source))?;
        }
    }
    answers.finish()
}

fn text(job: &Job<'_>, plan: &Plan, observation: &Observation) -> String {
    [
        format!("{}  {}", job.image.name, job.reference()),
        format!("  registry  {}", report::registry(&observation.registry)),
        format!("  engine    {}", report::engine(&observation.engine)),
        format!("  ensure    {}", report::decision(plan)),
    ]
    .join("\n")
}

/// What is known of an image, and what ensure would do.
pub(super) fn object(job: &Job<'_>, plan: &Plan, observation: &Observation) -> Value {
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
