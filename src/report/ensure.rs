//! What ensure observed, decided and did, in words.

use std::time::Duration;

use crate::config::ImageName;
use crate::engine::Choice;
use crate::ensure::plan::{Done, Plan};
use crate::ensure::{
    EngineAnswer, Event, Hindrance, Job, Lack, Observation, Outcome, RegistryAnswer, Warning,
};
use crate::shown::{Printed, Shown};

/// A decision in a few words, which stay the same from version to version.
pub fn decision(plan: &Plan) -> &'static str {
    match plan {
        Plan::Done(Done::UpToDate(_) | Done::Published(_)) => "nothing to do",
        Plan::Done(Done::LocalOnly | Done::Unconfirmed) => "use the engine's image",
        Plan::Pull(_) => "pull",
        Plan::Publish => "publish",
        Plan::Build { publish: true } => "build and publish",
        Plan::Build { publish: false } => "build",
        Plan::Wait => "wait",
        Plan::Absent | Plan::OtherPlatform(_) | Plan::Unpublishable(_) => "fail",
        Plan::CannotTell(_) => "cannot tell",
    }
}

/// Why a plan is what it is.
pub fn why(
    job: &Job<'_>,
    plan: &Plan,
    observation: &Observation,
    hindrance: Option<&Hindrance>,
) -> String {
    let mut why = format!(
        "registry: {}; engine: {}",
        registry(&observation.registry),
        engine(&observation.engine)
    );
    let stays = matches!(
        plan,
        Plan::Build { publish: false } | Plan::Done(Done::LocalOnly)
    );
    if let Some(denial) = job
        .denial()
        .filter(|_| stays && job.image.repository.is_some())
    {
        why.push_str(&format!("; not published: {denial}"));
    }
    if let Some(hindrance) = hindrance {
        why.push_str(&format!("; not published: {hindrance}"));
    }
    why
}

/// What the registry says.
pub fn registry(answer: &RegistryAnswer) -> String {
    match answer {
        RegistryAnswer::Present(digest) => format!("present, {digest}"),
        RegistryAnswer::Absent => "absent".to_owned(),
        RegistryAnswer::Unknown(error) => format!("unknown, {}", Shown::text(&error.to_string())),
        RegistryAnswer::Offline => "not asked (--offline)".to_owned(),
        RegistryAnswer::NoRepository => "not asked (the image has no repository)".to_owned(),
    }
}

/// What the engine says.
pub fn engine(answer: &EngineAnswer) -> String {
    match answer {
        EngineAnswer::Has(_) => "present".to_owned(),
        EngineAnswer::HasNot(Lack::NoImage) => "absent".to_owned(),
        EngineAnswer::HasNot(Lack::OtherFingerprint) => {
            "absent (what bears the name has another fingerprint)".to_owned()
        }
        EngineAnswer::HasNot(Lack::OtherPlatform { image, .. }) => {
            format!("absent (what bears the name is for {})", image.platform)
        }
        EngineAnswer::NotAsked => "not asked".to_owned(),
        EngineAnswer::Unknown(error) => format!("unknown, {}", Shown::text(&error.to_string())),
    }
}

/// The lines that tell of an event. What an engine prints gets the image's name if the image is made
/// `aside`, maybe with others at the same time.
pub fn event(job: &Job<'_>, event: &Event<'_>, aside: bool) -> Vec<String> {
    let name = &job.image.name;
    let aside = if aside {
        format!("{name}: ")
    } else {
        String::new()
    };
    match event {
        Event::Decided {
            plan:
                Plan::Absent | Plan::OtherPlatform(_) | Plan::CannotTell(_) | Plan::Unpublishable(_),
            ..
        } => Vec::new(),
        Event::Decided {
            plan,
            observation,
            hindrance,
        } => {
            let why = why(job, plan, observation, *hindrance);
            let decision = decision(plan);
            let mut lines = vec![
                format!("{name}: {}", job.reference()),
                format!("{name}: {decision} ({why})"),
            ];
            let is_build = matches!(plan, Plan::Build { .. });
            if is_build && !job.inputs.hints.is_empty() {
                let hints: Vec<_> = job.inputs.hints.keys().map(String::as_str).collect();
                lines.push(format!("{name}: hints, not recorded: {}", hints.join(", ")));
            }
            lines
        }
        Event::Engine("") => vec![String::new()],
        // Progress that overwrites itself would overwrite what stands before it as well.
        Event::Engine(line) => line
            .split('\r')
            .filter(|piece| !piece.is_empty())
            .map(|piece| format!("  {aside}{}", Printed(piece)))
            .collect(),
        Event::Waiting => {
            vec![format!(
                "{name}: another fp on this machine makes this image; waiting for it"
            )]
        }
        Event::Retrying { error, left } => {
            let error = error.to_string();
            vec![format!(
                "{name}: the build failed and is tried again ({left} more after this): {}",
                Shown::text(&error)
            )]
        }
        Event::Verifying(command) => {
            vec![format!(
                "{name}: checking `{}`",
                Shown::text(&command.join(" "))
            )]
        }
        Event::Awaiting(limit) => {
            let limit = humantime::format_duration(*limit);
            vec![format!(
                "{name}: {} is not published; waiting for it, at most {limit}",
                job.reference()
            )]
        }
        Event::Cache(notice) => vec![format!("{name}: {}", super::cache::notice(notice))],
        Event::Warning(warning) => vec![format!("{name}: warning: {}", warning_text(warning))],
    }
}

fn warning_text(warning: &Warning<'_>) -> String {
    match warning {
        Warning::Unconfirmed(error) => {
            let error = error.to_string();
            let error = Shown::text(&error);
            format!("the engine's image is used, since the registry could not be asked: {error}")
        }
        Warning::PushRefused(error) => {
            let error = error.to_string();
            let error = Shown::text(&error);
            format!("the image stays in the engine and is not published: {error}")
        }
        Warning::RecordNotStored(error) => {
            let error = error.to_string();
            let error = Shown::text(&error);
            format!("the image is published, and its record is not stored with it: {error}")
        }
        Warning::UpstreamUnpublished(name) => format!(
            "the image stays in the engine and is not published, since `{name}`, which it is built on, is not"
        ),
        Warning::Hindered(hindrance) => {
            format!("the image stays in the engine and is not published, since {hindrance}")
        }
        Warning::Overtaken(digest) => {
            format!("somebody else published the image first; theirs is taken: {digest}")
        }
    }
}

/// The line that tells which of several engines is used.
pub fn choice(choice: &Choice) -> String {
    let mut line = format!("engine: {}", choice.name);
    for (name, reason) in &choice.passed_over {
        line.push_str(&format!(
            ", since {name} does not answer: {}",
            Shown::text(reason)
        ));
    }
    line
}

/// The line that ends an image.
pub fn outcome(name: &ImageName, outcome: &Outcome, time: Duration) -> String {
    let mut deeds: Vec<_> = outcome.steps.iter().map(|step| step.name()).collect();
    if outcome.hit {
        deeds.insert(0, "hit");
    }
    format!(
        "{name}: {} in {:.1} s",
        deeds.join(", "),
        time.as_secs_f64()
    )
}
