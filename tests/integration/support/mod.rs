//! What the tests share.

pub(crate) mod lab;
mod machine;
mod registry;
mod running;
mod scripted_registry;

pub(crate) use machine::Machine;
pub(crate) use registry::Registry;
pub(crate) use running::{Answer, Running, wait_until};
pub(crate) use scripted_registry::{Reply, Request, ScriptedRegistry};
