//! The command line: arguments in, exit code out.
//!
//! Only this room writes to stdout and knows exit codes. A command gathers what it needs from the
//! other rooms, decides nothing itself, and prints the answer.

mod alias;
mod answers;
mod arguments;
mod dockerfile;
mod ensure;
mod failure;
mod foresight;
mod hash;
mod index;
mod inputs;
mod missing;
mod output;
mod outside;
mod progress;
mod record;
mod reference;
mod screen;
mod status;
mod workspace;
mod writer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Record};
use failure::Failure;
use output::Output;
use workspace::Workspace;

use crate::environment::Environment;
use crate::interrupt::Interrupt;

/// Runs `fp` with `arguments`, the program's own name first, and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut output = Output::of_process();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => return output.usage(&usage),
    };
    let result = match arguments.command {
        Command::Record(Record {
            from: Some(reference),
            one,
        }) => record::run_from(
            &reference,
            one.one.format,
            arguments.config.as_deref(),
            &mut output,
        ),
        _ => open(&arguments, &mut output)
            .and_then(|workspace| execute(arguments.command, &workspace, &mut output)),
    };
    output.finish(result)
}

/// Opens the files on disk, or the revision that was asked for.
fn open(arguments: &Arguments, output: &mut Output) -> Result<Workspace, Failure> {
    let environment = Environment::of_process();
    output.guard(&environment);
    let file = arguments.config.as_deref();
    match arguments.command.revision() {
        None => Workspace::open(file, environment),
        Some(revision) => {
            let interrupt = Interrupt::listen().map_err(Failure::Runtime)?;
            output.heed(&interrupt)?;
            Workspace::open_revision(revision, file, environment, &interrupt)
        }
    }
}

fn execute(command: Command, workspace: &Workspace, output: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Hash(arguments) => hash::run(&arguments, workspace, output),
        Command::Record(arguments) => record::run(&arguments.one.one, workspace, output),
        Command::Inputs(arguments) => inputs::run(&arguments.one, workspace, output),
        Command::Dockerfile(arguments) => dockerfile::run(&arguments.one, workspace, output),
        Command::Ref(arguments) => reference::run(&arguments, workspace, output),
        Command::Status(arguments) => status::run(&arguments, workspace, output),
        Command::Ensure(arguments) => ensure::run(&arguments, workspace, output),
        Command::Index(arguments) => index::run(&arguments, workspace, output),
        Command::Alias(arguments) => alias::run(&arguments, workspace, output),
    }
}
