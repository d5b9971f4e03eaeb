//! The container engines: they build, hold, push and pull images.

pub mod process;
