//! `fp alias`

use serde_json::json;

use super::arguments::{self, Format};
use super::failure::Failure;
use super::output::Output;
use super::outside::Outside;
use super::workspace::Workspace;
use crate::config::{Alias, AliasError};
use crate::ensure::alias::{self, Moved};
use crate::ensure::{Error, Options};
use crate::report;

pub(super) fn run(
    arguments: &arguments::Alias,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let image = workspace.project.one(Some(&arguments.image))?;
    let repository = image.repository.as_ref();
    let repository = repository.ok_or(AliasError::NoRepository)?;
    let reference = Alias::parse(&arguments.name, repository)?.reference(repository, None)?;
    let outside = Outside::open(workspace, None)?;
    output.heed(&outside.interrupt)?;
    outside.run(async |world| {
        let names = [image.name.to_string()];
        let mut jobs = workspace
            .jobs(&names, Options::default(), world.interrupt)
            .await?;
        let job = jobs.all.remove(&image.name);
        let job = job.expect("the image is what was asked for");
        let failed = |error: Error| Failure::ensure(&image.name, error.into());
        let digest = alias::published(&job, world).await.map_err(failed)?;
        let moved = alias::one(&job, world, &reference, &digest).await;
        let moved = match moved.map_err(failed)? {
            Moved::Refused(source) => {
                let alias = reference.clone();
                return Err(failed(Error::Alias { alias, source }));
            }
            moved => moved,
        };
        let state = report::alias_state(&moved);
        let told = [(arguments.name.clone(), moved)];
        for line in report::aliases(&image.name, &told) {
            output.note(&line);
        }
        let reference = reference.clone().at(digest.clone());
        match arguments.format {
            Format::Text => output.line(&reference.to_string()),
            Format::Json => output.json(&json!({
                "image": image.name.as_str(),
                "fingerprint": job.fingerprint.to_string(),
                "reference": reference.to_string(),
                "digest": digest.to_string(),
                "alias": state,
            })),
        }
    })
}
