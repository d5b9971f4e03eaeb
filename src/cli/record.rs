//! `fp record`

use serde_json::json;

use super::arguments::{Format, One};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;
use crate::record::FORMAT;

pub(super) fn run(
    arguments: &One,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let image = workspace.project.one(arguments.image.as_deref())?;
    let (_, record) = workspace.record(image)?;
    match arguments.format {
        Format::Text => output.bytes(record.as_str().as_bytes()),
        Format::Json => output.json(&json!({
            "image": image.name.as_str(),
            "fingerprint": record.fingerprint().to_string(),
            "format": FORMAT,
            "lines": record.fields().collect::<Vec<_>>(),
        })),
    }
}
