//! `fp ref`

use serde_json::json;

use super::arguments::{Format, One};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;

pub(super) fn run(
    arguments: &One,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let image = workspace.project.one(arguments.image.as_deref())?;
    let fingerprint = workspace.record(image)?.fingerprint();
    let (repository, tag) = (image.repository(), image.tag(&fingerprint));
    let reference = repository.tagged(&tag).to_string();
    match arguments.format {
        Format::Text => output.line(&reference),
        Format::Json => output.json(&json!({
            "image": image.name.as_str(),
            "fingerprint": fingerprint.to_string(),
            "repository": repository.to_string(),
            "tag": tag.to_string(),
            "reference": reference,
        })),
    }
}
