//! The command line: arguments in, exit code out.
//!
//! Only this room writes to stdout and knows exit codes. A command gathers what it needs from the
//! other rooms, decides nothing itself, and prints the answer.

mod answers;
mod arguments;
mod ensure;
mod failure;
mod hash;
mod inputs;
mod output;
mod outside;
mod record;
mod reference;
mod session;
mod status;
mod writer;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;
use output::Output;
use session::Session;

use crate::environment::Environment;

/// Runs `fp` with `arguments`, the program's own name first, and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut output = Output::of_process();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => return output.usage(&usage),
    };
    let result = Session::open(arguments.config, Environment::of_process())
        .and_then(|session| execute(arguments.command, &session, &mut output));
    output.finish(result)
}

fn execute(command: Command, session: &Session, output: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Hash(arguments) => hash::run(&arguments, session, output),
        Command::Record(arguments) => record::run(&arguments, session, output),
        Command::Inputs(arguments) => inputs::run(&arguments, session, output),
        Command::Ref(arguments) => reference::run(&arguments, session, output),
        Command::Status(arguments) => status::run(&arguments, session, output),
        Command::Ensure(arguments) => ensure::run(&arguments, session, output),
    }
}
