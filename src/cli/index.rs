//! `fp index`

use std::sync::Arc;

use serde_json::json;

use super::arguments::{Format, Index};
use super::failure::Failure;
use super::output::Output;
use super::outside::Outside;
use super::progress::Shown;
use super::workspace::Workspace;
use crate::ensure::{Event, Options, alias, index};
use crate::report;

pub(super) fn run(
    arguments: &Index,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let one = &arguments.one;
    let image = workspace.project.one(one.image.as_deref())?;
    let outside = Outside::open(workspace, None)?;
    output.heed(&outside.interrupt)?;
    outside.run(async |world| {
        let names = [image.name.to_string()];
        let options = Options::default();
        let jobs = workspace.jobs(&names, options, world.interrupt).await?;
        let job = &jobs.all[&image.name];
        let shown = Shown::of_process(&workspace.environment, true);
        let mut tell = |event: Event<'_>| {
            let lines = shown.tell(job, &event, Some(&image.name));
            lines.iter().for_each(|line| output.note(line));
        };
        let joined = index::join(job, world, &mut tell).await;
        let joined = joined.map_err(|error| Failure::ensure(&image.name, Arc::new(error)))?;
        let deed = if joined.was_there { "hit" } else { "joined" };
        output.note(&format!("{}: {deed}", image.name));
        let moved = alias::all(job, world, &joined.digest).await;
        let moved = moved.map_err(|error| Failure::ensure(&image.name, Arc::new(error)))?;
        let moved = moved.unwrap_or_default();
        for line in report::aliases(&image.name, &moved) {
            output.note(&line);
        }
        let reference = job.reference().at(joined.digest);
        match one.format {
            Format::Text => output.line(&reference.to_string()),
            Format::Json => output.json(&json!({
                "aliases": report::alias_states(&moved),
                "image": image.name.as_str(),
                "fingerprint": job.fingerprint.to_string(),
                "reference": reference.to_string(),
                "repository": job.repository.to_string(),
                "tag": job.tag.to_string(),
                "digest": reference.digest.as_ref().map(ToString::to_string),
                "hit": joined.was_there,
            })),
        }
    })
}
