//! The modules of fp that read foreign text, and that need neither a network nor an engine to do so.
//!
//! They are compiled from fp's own sources, under the names that they have there. Depending on the
//! whole of fp would bring in its TLS and its asynchronous runtime, which take minutes to build with
//! the fuzzer's instrumentation and are not what is tried here.

pub mod expected;

#[path = "../../src/dockerfile/mod.rs"]
pub mod dockerfile;

#[path = "../../src"]
#[expect(
    dead_code,
    unused_imports,
    reason = "some items are only used by the modules that are left out"
)]
mod sources {
    pub mod config;
    pub mod csv;
    pub mod environment;
    pub mod inputs {
        pub mod gitignore;
    }
    pub mod nearest;
    pub mod path;
    pub mod pattern;
    pub mod platform;
    pub mod record;
    pub mod reference;
    pub mod regular_file;
    pub mod shown;
    pub mod work_tree;
}

pub use sources::{
    config, csv, environment, inputs, nearest, path, pattern, platform, record, reference, shown,
};
use sources::{regular_file, work_tree};
