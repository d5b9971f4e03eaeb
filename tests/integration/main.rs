//! The tests that run `fp` as a process, one module per command.

mod ensure;
mod status;
mod support;
