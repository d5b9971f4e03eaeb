//! `fp record`

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use tokio::runtime::Builder;

use super::arguments::{Format, One};
use super::failure::Failure;
use super::output::Output;
use super::workspace::Workspace;
use crate::config;
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::record::FORMAT;
use crate::reference::Reference;
use crate::registry;
use crate::stored;

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

/// Prints the record that is stored with a published image.
pub(super) fn run_from(
    reference: &Reference,
    format: Format,
    file: Option<&Path>,
    output: &mut Output,
) -> Result<(), Failure> {
    let environment = Environment::of_process();
    let interrupt = Interrupt::listen().map_err(Failure::Runtime)?;
    output.heed(&interrupt)?;
    let settings = registry::Settings {
        plain_http: plain_http(file, &environment)?,
        ..registry::Settings::of(&environment)?
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::Runtime)?;
    let client = registry::Client::new(settings);
    let read = runtime.block_on(async {
        tokio::select! {
            biased;
            interrupted = interrupt.raised() => Err(interrupted.into()),
            read = stored::read(&client, reference) => read.map_err(Failure::Stored),
        }
    });
    // The system's resolver may still be waiting for somebody.
    runtime.shutdown_background();
    let (reference, record) = read?;
    match format {
        Format::Text => output.bytes(record.as_str().as_bytes()),
        Format::Json => output.json(&json!({
            "reference": reference.to_string(),
            "fingerprint": record.fingerprint().to_string(),
            "format": record.format(),
            "lines": record.fields().collect::<Vec<_>>(),
        })),
    }
}

/// The registries that are spoken to without TLS, as the configuration says. There need not be one: the image can be
/// anybody's.
fn plain_http(file: Option<&Path>, environment: &Environment) -> Result<BTreeSet<String>, Failure> {
    match Workspace::open(file, environment.clone()) {
        Ok(workspace) => Ok(workspace.project.plain_http().clone()),
        Err(Failure::Config(config::Error::NotFound { .. })) => Ok(BTreeSet::new()),
        Err(failure) => Err(failure),
    }
}
