//! `fp ensure`

use std::time::Instant;

use serde_json::{Value, json};

use super::answers::Answers;
use super::arguments::Ensure;
use super::failure::Failure;
use super::output::Output;
use super::outside::Outside;
use super::session::Session;
use crate::config::Push;
use crate::ensure::trust::{self, Denial, Publishing};
use crate::ensure::{self, Event, Job, Options, Outcome, Step, World};
use crate::interrupt::Interrupt;
use crate::report;

pub(super) fn run(
    arguments: &Ensure,
    session: &Session,
    output: &mut Output,
) -> Result<(), Failure> {
    let outside = Outside::open(session)?;
    output.heed(&outside.interrupt)?;
    let answers = Answers::new(arguments.format, output);
    outside.run(async |world| {
        let jobs = jobs(arguments, session, world.interrupt).await?;
        match arguments.dry_run {
            true => predict(&jobs, world, answers).await,
            false => perform(&jobs, world, answers).await,
        }
    })
}

/// All inputs are read before anything is asked or done.
async fn jobs<'a>(
    arguments: &Ensure,
    session: &'a Session,
    interrupt: &Interrupt,
) -> Result<Vec<Job<'a>>, Failure> {
    let options = Options {
        offline: arguments.offline,
        no_pull: arguments.no_pull,
        first_push: arguments.first_push,
        ci: trust::is_ci(&session.environment),
    };
    let event = session.event();
    let publishing = |push: Push| {
        if arguments.no_push {
            Publishing::Denied(Denial::Flag)
        } else {
            trust::publishing(push, &session.environment, event.as_deref())
        }
    };
    let mut jobs = Vec::new();
    for image in session.project.several(&arguments.images)? {
        let publishing = publishing(image.push);
        jobs.push(session.job(image, options, publishing, interrupt).await?);
    }
    Ok(jobs)
}

/// Makes the images available, one after the other, and prints each as soon as it is.
async fn perform(
    jobs: &[Job<'_>],
    world: &World<'_>,
    mut answers: Answers<'_>,
) -> Result<(), Failure> {
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
    let step = |step: &Step| match step {
        Step::Pulled => "pulled",
        Step::Built => "built",
        Step::Pushed => "pushed",
    };
    json!({
        "image": job.image.name.as_str(),
        "fingerprint": job.fingerprint.to_string(),
        "reference": outcome.reference.to_string(),
        "repository": job.repository.to_string(),
        "tag": job.tag.to_string(),
        "digest": outcome.reference.digest.as_ref().map(ToString::to_string),
        "hit": outcome.hit,
        "steps": outcome.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

/// Prints what would be done, and fails as doing it would.
async fn predict(
    jobs: &[Job<'_>],
    world: &World<'_>,
    mut answers: Answers<'_>,
) -> Result<(), Failure> {
    for job in jobs {
        let observation = ensure::observe(job, world).await?;
        let plan = job.plan(&observation);
        let (decision, why) = (
            report::decision(&plan),
            report::why(job, &plan, &observation),
        );
        let object = || {
            json!({
                "image": job.image.name.as_str(),
                "fingerprint": job.fingerprint.to_string(),
                "reference": job.reference().to_string(),
                "decision": decision,
                "why": why,
            })
        };
        answers.give(|| format!("{}: {decision} ({why})", job.image.name), object)?;
        if let Err(source) = job.is_possible(&plan, observation) {
            answers.fail(Failure::ensure(&job.image.name, source))?;
        }
    }
    answers.finish()
}
