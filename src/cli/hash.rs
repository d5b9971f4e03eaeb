//! `fp hash`

use serde_json::json;

use super::arguments::{Format, Hash};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;

pub(super) fn run(
    arguments: &Hash,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let one = &arguments.images.one;
    if arguments.images.all {
        return all(one.format, workspace, output);
    }
    let image = workspace.project.one(one.image.as_deref())?;
    let (_, record) = workspace.record(image)?;
    let fingerprint = record.fingerprint().to_string();
    match one.format {
        Format::Text => output.line(&fingerprint),
        Format::Json => {
            output.json(&json!({ "image": image.name.as_str(), "fingerprint": fingerprint }))
        }
    }
}

/// Nothing is printed unless all fingerprints are known.
fn all(format: Format, workspace: &Workspace, output: &mut Output) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for image in workspace.project.several(&[])? {
        let (_, record) = workspace.record(image)?;
        lines.push((record.fingerprint().to_string(), image.name.as_str()));
    }
    match format {
        Format::Text => lines
            .iter()
            .try_for_each(|(fingerprint, name)| output.line(&format!("{fingerprint}  {name}"))),
        Format::Json => {
            let object = |(fingerprint, name)| json!({ "image": name, "fingerprint": fingerprint });
            output.json(&lines.into_iter().map(object).collect())
        }
    }
}
