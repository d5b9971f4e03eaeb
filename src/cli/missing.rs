//! `fp status --missing`: what is still to be built, and for which platform, so that a workflow can start a
//! runner for each.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::arguments::{Status, StatusFormat};
use super::failure::Failure;
use super::output::Output;
use super::outside::Outside;
use super::workspace::{Jobs, Workspace};
use crate::config::ImageName;
use crate::ensure::{Options, World, index};
use crate::platform::Platform;

/// One thing to build: an image, or its part for a platform.
struct Missing<'a> {
    image: &'a ImageName,
    platform: Option<Platform>,
}

pub(super) fn run(
    arguments: &Status,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let outside = Outside::open(workspace, None)?;
    output.heed(&outside.interrupt)?;
    outside.run(async |world| {
        let options = Options {
            first_push: arguments.first_push,
            ..Options::default()
        };
        let jobs = workspace
            .jobs(&arguments.images, options, world.interrupt)
            .await?;
        let missing = without_upstreams(find(&jobs, world).await?, workspace)?;
        let objects = missing.iter().map(object);
        match arguments.format {
            StatusFormat::Text => missing.iter().try_for_each(|one| output.line(&text(one))),
            StatusFormat::Json => output.json(&Value::Array(objects.collect())),
            StatusFormat::Github => {
                output.line(&format!("missing={}", !missing.is_empty()))?;
                let matrix = json!({ "include": objects.collect::<Vec<_>>() });
                output.line(&format!("matrix={matrix}"))
            }
        }
    })
}

/// Looks for all images at once. That one cannot be told is a failure: a list without it would say that it
/// is there.
async fn find<'a>(jobs: &Jobs<'a>, world: &World<'_>) -> Result<Vec<Missing<'a>>, Failure> {
    let names = jobs.asked.iter().flatten().copied();
    let jobs = names.map(|name| (name, &jobs.all[name]));
    // What has no repository is in an engine or nowhere, and no other runner can make it.
    let jobs = jobs.filter(|(_, job)| job.image.repository.is_some());
    let looking = jobs.map(async |(name, job)| {
        let missing = index::missing(job, world).await;
        missing
            .map(|platforms| (name, platforms))
            .map_err(|error| Failure::ensure(name, Arc::new(error)))
    });
    let found = join_all(looking).await;
    let found: Vec<_> = found.into_iter().collect::<Result<_, _>>()?;
    let each = found.into_iter().flat_map(|(image, platforms)| {
        let platforms = platforms.into_iter();
        platforms.map(move |platform| Missing { image, platform })
    });
    Ok(each.collect())
}

/// Leaves out what is made by the way, before what is built on it.
fn without_upstreams<'a>(
    mut missing: Vec<Missing<'a>>,
    workspace: &Workspace,
) -> Result<Vec<Missing<'a>>, Failure> {
    let mut by_the_way = BTreeSet::new();
    for Missing { image, platform } in &missing {
        let image = workspace.project.one(Some(image.as_str()))?;
        for upstream in workspace.project.upstreams(image)? {
            by_the_way.insert((&upstream.name, platform.clone()));
        }
    }
    missing.retain(|one| !by_the_way.contains(&(one.image, one.platform.clone())));
    Ok(missing)
}

fn text(missing: &Missing<'_>) -> String {
    match &missing.platform {
        Some(platform) => format!("{}  {platform}", missing.image),
        None => missing.image.to_string(),
    }
}

/// Empty texts stand for a platform that is left to the builder: expressions of a workflow compare texts.
fn object(missing: &Missing<'_>) -> Value {
    let platform = missing.platform.as_ref();
    json!({
        "image": missing.image.as_str(),
        "platform": platform.map(ToString::to_string).unwrap_or_default(),
        "os": platform.map(Platform::os).unwrap_or_default(),
        "arch": platform.map(Platform::architecture).unwrap_or_default(),
    })
}
