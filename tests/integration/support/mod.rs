//! What the tests of the whole program share: starting `fp` in an environment of its own, trees of files to run it in, and
//! machines with an engine and a registry to run it on.

pub(crate) mod lab;
mod machine;
mod registry;
mod run;
mod running;
mod scripted_registry;
mod tree;

pub(crate) use machine::Machine;
pub(crate) use run::{Fp, fp};
pub(crate) use running::{Answer, Running, wait_until};
pub(crate) use scripted_registry::{Reply, Request, ScriptedRegistry};
pub(crate) use tree::Tree;
