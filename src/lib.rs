//! `fp` names a CI image by a fingerprint of its inputs, and makes that image available.
//!
//! ARCHITECTURE.md beside this crate maps the modules and states what always holds.

mod child;
pub mod cli;
pub mod config;
pub mod context;
mod csv;
pub mod dockerfile;
pub mod engine;
pub mod ensure;
pub mod environment;
pub mod inputs;
pub mod interrupt;
mod nearest;
pub mod path;
pub mod pattern;
pub mod platform;
pub mod record;
pub mod reference;
pub mod registry;
mod regular_file;
pub mod report;
pub mod shown;
pub mod stored;
pub mod work_tree;
