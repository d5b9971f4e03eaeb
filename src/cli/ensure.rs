//! `fp ensure`

use std::time::Instant;

use serde_json::{Value, json};

use super::answers::Answers;
use super::arguments::Ensure;
use super::failure::Failure;
use super::foresight::foresee;
use super::output::Output;
use super::outside::Outside;
use super::workspace::Workspace;
use crate::ensure::plan::Plan;
use crate::ensure::{self, Event, Job, Observation, Options, Outcome, World};
use crate::report;

pub(super) fn run(
    arguments: &Ensure,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let options = Options {
        offline: arguments.offline,
        no_pull: arguments.no_pull,
        no_push: arguments.no_push,
        first_push: arguments.first_push,
        wait: arguments.wait,
    };
    let outside = Outside::open(workspace)?;
    output.heed(&outside.interrupt)?;
    let answers = Answers::new(arguments.format, output);
    outside.run(async |world| {
        let jobs = workspace
            .jobs(&arguments.images, options, world.interrupt)
            .await?;
        match arguments.dry_run {
            true => foresee(jobs.into_iter().map(Ok), world, answers, decision, |_| None).await,
            false => perform(&jobs, world, answers).await,
        }
    })
}

/// Makes the images available, one after the other, and prints each as soon as it is.
async fn perform(
    jobs: &[Job<'_>],
    world: &World<'_>,
    mut answers: Answers<'_>,
) -> Result<(), Failure> {
    world.expect(jobs);
    for job in jobs {
        let started = Instant::now();
        let name = &job.image.name;
        let mut tell = |event: Event<'_>| {
            report::event(job, &event)
                .iter()
                .for_each(|line| answers.note(line));
        };
        match ensure::ensure(job, world, &mut tell).await {
            Ok(outcome) => {
                answers.note(&report::outcome(name, &outcome, started.elapsed()));
                answers.give(|| outcome.reference.to_string(), || object(job, &outcome))?;
            }
            Err(source) => answers.fail(Failure::ensure(name, source))?,
        }
    }
    answers.finish()
}

fn object(job: &Job<'_>, outcome: &Outcome) -> Value {
    json!({
        "image": job.image.name.as_str(),
        "fingerprint": job.fingerprint.to_string(),
        "reference": outcome.reference.to_string(),
        "repository": job.repository.to_string(),
        "tag": job.tag.to_string(),
        "digest": outcome.reference.digest.as_ref().map(ToString::to_string),
        "hit": outcome.hit,
        "steps": outcome.steps.iter().map(|step| step.name()).collect::<Vec<_>>(),
    })
}

/// The answer of `--dry-run`: the decision, and why.
fn decision(job: &Job<'_>, plan: &Plan, observation: &Observation) -> String {
    let (decision, why) = (report::decision(plan), report::why(job, plan, observation));
    format!("{}: {decision} ({why})", job.image.name)
}
