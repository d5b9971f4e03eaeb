//! What ensure observed, decided and did, in words.

use std::time::Duration;

use super::quantity;
use crate::config::ImageName;
use crate::engine::Choice;
use crate::ensure::plan::{Done, Plan};
use crate::ensure::{
    EngineAnswer, Event, Hindrance, Job, Lack, Notice, Observation, Outcome, RegistryAnswer,
    Warning,
};
use crate::platform::Platform;
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

/// What an event means to whoever looks on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// What is done with the image from now on, if the event tells.
    pub(super) stage: Option<String>,
    /// Lines that an engine printed; what a terminal is not to show of them is escaped already.
    pub(super) engine: Vec<String>,
    /// Lines of fp's own that matter to whoever wants to know exactly.
    pub(super) details: Vec<String>,
    /// Lines that everybody is to see.
    pub(super) notices: Vec<String>,
}

impl News {
    fn stage(stage: impl Into<String>) -> Self {
        News {
            stage: Some(stage.into()),
            ..News::default()
        }
    }

    fn detail(line: String) -> Self {
        News {
            details: vec![line],
            ..News::default()
        }
    }

    fn notice(line: String) -> Self {
        News {
            notices: vec![line],
            ..News::default()
        }
    }
}

/// What an event means. What an engine prints gets the image's name if the image is made `aside`, maybe
/// with others at the same time.
pub(super) fn news(job: &Job<'_>, event: &Event<'_>, aside: bool) -> News {
    let name = &job.image.name;
    match event {
        // The end of an image is told by those who know when it began.
        Event::Begun | Event::Ended(_) => News::default(),
        Event::Decided {
            plan,
            observation,
            hindrance,
        } => decided(job, plan, observation, *hindrance),
        Event::Building => News::stage(building(job)),
        Event::Pulling => News::stage("pulling"),
        Event::Publishing => News::stage("publishing"),
        Event::Recording => News::stage("storing the record"),
        Event::Engine(line) => News {
            engine: printed(line, aside.then_some(name)),
            ..News::default()
        },
        Event::Waiting => News {
            details: vec![format!(
                "{name}: another fp on this machine makes this image; waiting for it"
            )],
            ..News::stage("waiting for another fp on this machine")
        },
        Event::Retrying { error, left } => {
            let error = error.to_string();
            let line = format!(
                "{name}: the build failed and is tried again ({left} more after this): {}",
                Shown::text(&error)
            );
            News {
                details: vec![line],
                ..News::stage(format!("{} again", building(job)))
            }
        }
        Event::Verifying(command) => {
            let command = command.join(" ");
            let line = format!("{name}: checking `{}`", Shown::text(&command));
            News {
                // Of several parts, others may still be built.
                stage: (!job.has_parts()).then(|| "checking".to_owned()),
                ..News::detail(line)
            }
        }
        Event::Awaiting(limit) => {
            let limit = humantime::format_duration(*limit);
            let line = format!(
                "{name}: {} is not published; waiting for it, at most {limit}",
                job.reference()
            );
            News {
                details: vec![line],
                ..News::stage("waiting until it is published")
            }
        }
        Event::Cache(notice) => {
            let line = format!("{name}: {}", super::cache::notice(notice));
            match notice {
                Notice::Omitted(omission) if !omission.is_warning() => News::detail(line),
                _ => News::notice(line),
            }
        }
        Event::Warning(warning) => {
            News::notice(format!("{name}: warning: {}", warning_text(warning)))
        }
    }
}

fn decided(
    job: &Job<'_>,
    plan: &Plan,
    observation: &Observation,
    hindrance: Option<&Hindrance>,
) -> News {
    let name = &job.image.name;
    let is_build = matches!(plan, Plan::Build { .. });
    let needs: Vec<_> = job.image.needs.values().map(ImageName::as_str).collect();
    let stage = match plan {
        // The error says it.
        Plan::Absent | Plan::OtherPlatform(_) | Plan::CannotTell(_) | Plan::Unpublishable(_) => {
            return News::default();
        }
        plan if plan.takes_upstreams() && !needs.is_empty() => {
            Some(format!("waiting for {}", needs.join(", ")))
        }
        Plan::Build { .. } => Some(building(job)),
        Plan::Publish => Some("publishing".to_owned()),
        Plan::Pull(_) => Some("pulling".to_owned()),
        Plan::Done(_) | Plan::Wait => None,
    };
    let hints: Vec<_> = job.inputs.hints.keys().map(String::as_str).collect();
    let hints = (is_build && !hints.is_empty())
        .then(|| format!("{name}: hints, not recorded: {}", hints.join(", ")));
    let (decision, why) = (decision(plan), why(job, plan, observation, hindrance));
    News {
        stage,
        details: vec![
            format!("{name}: {}", job.reference()),
            format!("{name}: {decision} ({why})"),
        ],
        notices: hints.into_iter().collect(),
        ..News::default()
    }
}

/// Building, as a stage: for which platforms, if there are several.
fn building(job: &Job<'_>) -> String {
    if !job.has_parts() {
        return "building".to_owned();
    }
    let platforms: Vec<_> = job
        .image
        .platforms
        .iter()
        .map(Platform::to_string)
        .collect();
    format!("building for {}", platforms.join(", "))
}

/// The lines for a line that an engine printed, with the name of the image if there is one to be told.
fn printed(line: &str, name: Option<&ImageName>) -> Vec<String> {
    if line.is_empty() {
        return vec![String::new()];
    }
    let name = name.map_or_else(String::new, |name| format!("{name}: "));
    // Progress that overwrites itself would overwrite what stands before it as well.
    line.split('\r')
        .filter(|piece| !piece.is_empty())
        .map(|piece| format!("  {name}{}", Printed(piece)))
        .collect()
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
        Warning::NameKept { name, error } => {
            let error = error.to_string();
            let error = Shown::text(&error);
            format!("the name {name} stays in the engine, where nothing uses it any more: {error}")
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
pub(super) fn outcome(name: &ImageName, outcome: &Outcome, time: Duration) -> String {
    let mut deeds: Vec<_> = outcome.steps.iter().map(|step| step.name()).collect();
    if outcome.hit {
        deeds.insert(0, "hit");
    }
    let size = outcome
        .size
        .map(|size| format!(", {}", quantity::size(size)));
    format!(
        "{name}: {} in {}{}",
        deeds.join(", "),
        quantity::time(time),
        size.unwrap_or_default()
    )
}
