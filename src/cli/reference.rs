//! `fp ref`

use serde_json::{Value, json};

use super::arguments::{Format, OneOrAll};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;
use crate::config::Image;

pub(super) fn run(
    arguments: &OneOrAll,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    if arguments.all {
        return all(arguments.one.format, workspace, output);
    }
    let image = workspace.project.one(arguments.one.image.as_deref())?;
    let answer = Answer::of(image, workspace)?;
    match arguments.one.format {
        Format::Text => output.line(&answer.reference),
        Format::Json => output.json(&answer.object),
    }
}

/// Nothing is printed unless all references are known.
fn all(format: Format, workspace: &Workspace, output: &mut Output) -> Result<(), Failure> {
    let mut answers = Vec::new();
    for image in workspace.project.several(&[])? {
        answers.push((Answer::of(image, workspace)?, &image.name));
    }
    match format {
        Format::Text => answers
            .iter()
            .try_for_each(|(answer, name)| output.line(&format!("{}  {name}", answer.reference))),
        Format::Json => output.json(
            &answers
                .into_iter()
                .map(|(answer, _)| answer.object)
                .collect(),
        ),
    }
}

struct Answer {
    reference: String,
    object: Value,
}

impl Answer {
    fn of(image: &Image, workspace: &Workspace) -> Result<Self, Failure> {
        let (inputs, record) = workspace.record(image)?;
        let fingerprint = record.fingerprint();
        let repository = image.repository();
        let tag = workspace.project.tag(image, &fingerprint, &inputs.args)?;
        let reference = repository.tagged(&tag).to_string();
        let object = json!({
            "image": image.name.as_str(),
            "fingerprint": fingerprint.to_string(),
            "repository": repository.to_string(),
            "tag": tag.to_string(),
            "reference": reference,
        });
        Ok(Answer { reference, object })
    }
}
