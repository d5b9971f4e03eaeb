//! `fp status`

use super::answers::Answers;
use super::arguments::{Format, Status, StatusFormat};
use super::failure::Failure;
use super::foresight::{Foreseen, Foresight, foresee};
use super::missing;
use super::output::Output;
use super::outside::Outside;
use super::workspace::Workspace;
use crate::config::ImageName;
use crate::ensure::{Observation, Options, RegistryAnswer};
use crate::report;

pub(super) fn run(
    arguments: &Status,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let format = match arguments.format {
        _ if arguments.missing => return missing::run(arguments, workspace, output),
        StatusFormat::Json => Format::Json,
        // The command line takes no other word for a workflow's outputs than with --missing.
        StatusFormat::Text | StatusFormat::Github => Format::Text,
    };
    let outside = Outside::open(workspace, arguments.engine.choice())?;
    output.heed(&outside.interrupt)?;
    let answers = Answers::new(format, output);
    outside.run(async |world| {
        let options = Options {
            first_push: arguments.first_push,
            only_look: true,
            ..Options::default()
        };
        let jobs = workspace
            .each_job(&arguments.images, options, world.interrupt)
            .await?;
        foresee(jobs, world, answers, &Foresight::of_status(text, exit_code)).await
    })
}

/// The exit code for what the answer itself tells: whoever looks for the image finds none, or cannot
/// look.
fn exit_code(observation: &Observation) -> Option<u8> {
    match &observation.registry {
        RegistryAnswer::Unknown(_) => Some(4),
        _ if observation.is_absent() => Some(3),
        _ => None,
    }
}

fn text(foreseen: &Foreseen<'_>) -> String {
    let Foreseen {
        job,
        plan,
        observation,
        hindrance,
        ..
    } = foreseen;
    let hindrance = match hindrance {
        Some(hindrance) => format!(" (not published: {hindrance})"),
        None => String::new(),
    };
    let mut lines = vec![
        format!("{}  {}", job.image.name, job.reference()),
        format!("  registry  {}", report::registry(&observation.registry)),
        format!("  engine    {}", report::engine(&observation.engine)),
        format!("  ensure    {}{hindrance}", report::decision(plan)),
    ];
    let needs: Vec<_> = job.image.needs.values().map(ImageName::as_str).collect();
    if !needs.is_empty() {
        lines.push(format!("  built on  {}", needs.join(", ")));
    }
    lines.join("\n")
}
