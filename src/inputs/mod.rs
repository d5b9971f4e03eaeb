//! Which files are inputs.

pub mod gitignore;
pub mod pattern;
