//! `fp ensure`

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answers::Answers;
use super::arguments::Ensure;
use super::failure::Failure;
use super::foresight::{Foreseen, Foresight, foresee};
use super::output::Output;
use super::outside::Outside;
use super::progress::Shown;
use super::workspace::{Jobs, Workspace};
use crate::config::ImageName;
use crate::ensure::alias::Named;
use crate::ensure::{Error, Event, Job, Options, Outcome, Run, World};
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
        only_look: arguments.dry_run,
    };
    let outside = Outside::open(workspace, arguments.engine.choice())?
        .with_builder(arguments.builder.as_deref())?;
    let shown = Shown::of_process(&workspace.environment, arguments.verbose);
    output.heed_and_draw(&outside.interrupt, shown.screen())?;
    let answers = Answers::new(arguments.format, output);
    outside.run(async |world| {
        let jobs = workspace
            .jobs(&arguments.images, options, world.interrupt)
            .await?;
        let jobs = match &arguments.platform {
            Some(platform) => jobs.for_platform(platform)?,
            None => jobs,
        };
        match arguments.dry_run {
            true => foresee(jobs, world, answers, &Foresight::of_dry_run(decision)).await,
            false => perform(jobs, world, answers, &shown).await,
        }
    })
}

/// Makes the images available, one after the other, and answers each as soon as it is.
async fn perform(
    jobs: Jobs<'_>,
    world: &World<'_>,
    answers: Answers<'_>,
    shown: &Shown,
) -> Result<(), Failure> {
    let answers = RefCell::new(answers);
    // What is made for this one is made aside.
    let current = Cell::new(None);
    {
        let tell = |job: &Job<'_>, event: &Event<'_>| {
            answers.borrow_mut().tell_engine(world.engine);
            let lines = shown.tell(job, event, current.get());
            answers.borrow_mut().show(&lines);
        };
        let names: Vec<_> = jobs.asked.into_iter().collect::<Result<_, _>>()?;
        let run = Run::new(jobs.all.into_values(), world, &tell);
        shown.looking_up(&names, run.observe(&names)).await?;
        answers.borrow_mut().tell_engine(world.engine);
        // Why aliases stay is told once.
        let mut is_told = false;
        for name in names {
            let started = Instant::now();
            current.set(Some(name));
            let made = make(&run, name).await;
            let mut answers = answers.borrow_mut();
            match made {
                Ok((outcome, aliases)) => {
                    let job = run.job(name);
                    let lines = match &aliases {
                        Some(aliases) => report::aliases(name, aliases),
                        None => report::aliases_stay(job, &outcome)
                            .filter(|_| !std::mem::replace(&mut is_told, true))
                            .into_iter()
                            .collect(),
                    };
                    lines.iter().for_each(|line| answers.note(line));
                    let object = || object(job, &outcome, aliases.as_deref(), started.elapsed());
                    answers.give(|| outcome.reference.to_string(), object)?;
                }
                Err(source) => answers.fail(Failure::ensure(name, source))?,
            }
        }
    }
    answers.into_inner().finish()
}

/// Makes an image available, and then moves its aliases.
async fn make(
    run: &Run<'_>,
    name: &ImageName,
) -> Result<(Outcome, Option<Vec<Named>>), Arc<Error>> {
    let outcome = run.ensure(name).await?;
    let aliases = run.alias(name, &outcome).await.map_err(Arc::new)?;
    Ok((outcome, aliases))
}

fn object(job: &Job<'_>, outcome: &Outcome, aliases: Option<&[Named]>, time: Duration) -> Value {
    json!({
        "aliases": report::alias_states(aliases.unwrap_or_default()),
        "image": job.image.name.as_str(),
        "fingerprint": job.fingerprint.to_string(),
        "reference": outcome.reference.to_string(),
        "repository": job.repository.to_string(),
        "tag": outcome.reference.tag.as_ref().map(ToString::to_string),
        "digest": outcome.reference.digest.as_ref().map(ToString::to_string),
        "hit": outcome.hit,
        "hints": job.inputs.hints.keys().collect::<Vec<_>>(),
        "steps": outcome.steps.iter().map(|step| step.name()).collect::<Vec<_>>(),
        "size": outcome.size,
        "seconds": (time.as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// The answer of `--dry-run`: the decision, and why.
fn decision(foreseen: &Foreseen<'_>) -> String {
    let (decision, why) = (report::decision(foreseen.plan), foreseen.why);
    format!("{}: {decision} ({why})", foreseen.job.image.name)
}
