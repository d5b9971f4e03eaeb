//! The tests that run `fp` as a process, one module per command or theme.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its place says why"
)]

mod documentation;
mod ensure;
mod hash;
mod status;
mod support;
