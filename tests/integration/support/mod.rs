//! What the tests of the whole program share: starting `fp` in an environment of its own, trees of
//! files to run it in, and machines with an engine and a registry to run it on.

pub(crate) mod crowd;
pub(crate) mod entry;
mod far_builder;
pub(crate) mod far_registry;
pub(crate) mod fault_proxy;
pub(crate) mod lab;
mod machine;
mod registry;
mod relay;
mod run;
mod running;
mod scripted_registry;
mod terminal;
mod tls_front;
mod tree;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

pub(crate) use far_builder::FarBuilder;
pub(crate) use machine::Machine;
pub(crate) use relay::Relay;
pub(crate) use run::{Fp, fp};
pub(crate) use running::{Answer, Running, wait_until};
pub(crate) use scripted_registry::{Reply, Request, ScriptedRegistry};
pub(crate) use terminal::Terminal;
pub(crate) use tls_front::TlsFront;
pub(crate) use tree::{Tree, git, git_command, make_fifo, with_submodules};

/// Compares what was said with a snapshot, backslashes included. With SNAPSHOTS=overwrite the
/// snapshot is written anew.
pub(crate) fn assert_says(said: String, expected: impl snapbox::IntoData) {
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(said, expected);
}

/// Runs a property on a modest number of cases; each starts several processes.
pub(crate) fn check<S: Strategy>(
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(strategy, test);
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
