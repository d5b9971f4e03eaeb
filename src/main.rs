//! The `fp` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    fp::cli::run(std::env::args_os())
}
