//! The tests that run `fp` as a process, one module per command or theme.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its place says why"
)]

mod candidates;
mod config;
mod corpus;
mod derived;
mod dockerfile;
mod documentation;
mod ensure;
mod exceptions;
mod fault_table;
mod git;
mod hash;
mod inputs;
mod many;
mod mistakes;
mod record;
mod reference;
mod refusals;
mod registries;
mod revision;
mod sameness;
mod schema;
mod status;
mod support;
mod vectors;
