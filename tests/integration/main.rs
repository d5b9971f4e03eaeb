//! The tests that run `fp` as a process, one module per command or theme.

mod candidates;
mod config;
mod documentation;
mod ensure;
mod git;
mod hash;
mod inputs;
mod mistakes;
mod record;
mod reference;
mod refusals;
mod sameness;
mod status;
mod support;
mod vectors;
