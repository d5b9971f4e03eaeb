//! The tests that run `fp` as a process, one module per command or theme.

mod documentation;
mod ensure;
mod hash;
mod status;
mod support;
