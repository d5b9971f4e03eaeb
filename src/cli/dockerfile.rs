//! `fp dockerfile`

use serde_json::json;

use super::arguments::{Format, One};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;
use crate::record::{self, ContentDigest};

pub(super) fn run(
    arguments: &One,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let image = workspace.project.one(arguments.image.as_deref())?;
    let slice = workspace.slice(image)?;
    match arguments.format {
        Format::Text => output.bytes(&slice),
        Format::Json => output.json(&json!({
            "image": image.name.as_str(),
            "path": record::escaped(image.dockerfile.as_bytes()),
            "digest": ContentDigest::of(&slice).to_string(),
            "slice": String::from_utf8_lossy(&slice),
        })),
    }
}
