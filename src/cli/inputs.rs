//! `fp inputs`

use serde_json::{Value, json};

use super::arguments::{Format, One};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;
use crate::config::Image;
use crate::inputs::{Content, Inputs, Placement, Reason};
use crate::path::RootPath;
use crate::record;
use crate::shown::Shown;

/// One row of the answer.
struct Row {
    path: RootPath,
    kind: &'static str,
    reason: String,
    is_in_build: bool,
}

pub(super) fn run(
    arguments: &One,
    workspace: &Workspace,
    output: &mut Output,
) -> Result<(), Failure> {
    let image = workspace.project.one(arguments.image.as_deref())?;
    let rows = rows(image, &workspace.inputs(image)?);
    match arguments.format {
        Format::Text => {
            let width = rows
                .iter()
                .map(|row| row.path.to_string().chars().count())
                .max();
            let width = width.unwrap_or(0).min(60);
            rows.iter().try_for_each(|row| {
                output.line(&format!("{:width$}  {}", row.path.to_string(), row.reason))
            })
        }
        Format::Json => output.json(&json!({
            "image": image.name.as_str(),
            "inputs": rows.iter().map(object).collect::<Vec<_>>(),
        })),
    }
}

fn rows(image: &Image, inputs: &Inputs) -> Vec<Row> {
    let mut rows = vec![Row {
        path: image.dockerfile.clone(),
        kind: "dockerfile",
        reason: "the Dockerfile".to_owned(),
        is_in_build: true,
    }];
    for name in inputs.args.keys() {
        if let Some(path) = image.args[name].value.file() {
            let reason = format!("the value of the argument {name}");
            rows.push(Row {
                path: path.clone(),
                kind: "arg",
                reason,
                is_in_build: false,
            });
        }
    }
    rows.extend(inputs.entries.iter().map(|input| Row {
        path: input.path.clone(),
        kind: match input.content {
            Content::File { .. } => "file",
            Content::Link { .. } => "link",
        },
        reason: format!("{}{}", reason(&input.reason), note(input.placement)),
        is_in_build: input.placement == Placement::Context,
    }));
    rows
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Entry(entry) => format!("`{}`", Shown::text(entry)),
        Reason::Source {
            keyword,
            text,
            line,
        } => format!(
            "`{} {}` in line {line} of the Dockerfile",
            Shown::text(keyword),
            Shown::text(text)
        ),
    }
}

fn note(placement: Placement) -> &'static str {
    match placement {
        Placement::Context => "",
        Placement::OutsideContext => ", outside the build context",
        Placement::Ignored => ", kept out of the build by .dockerignore",
    }
}

/// Programs get the path as the record has it, so that they can find its line there and the file on
/// disk.
fn object(row: &Row) -> Value {
    json!({
        "path": record::escaped(row.path.as_bytes()),
        "kind": row.kind,
        "reason": row.reason,
        "in_build": row.is_in_build,
    })
}
