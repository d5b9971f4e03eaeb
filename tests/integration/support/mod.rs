//! What the tests of the whole program share: starting `fp` in an environment of its own, and trees of files to run it in.

mod run;
mod tree;

pub(crate) use run::{Fp, fp};
pub(crate) use tree::{Tree, git};

/// Compares what was said with a snapshot, backslashes included. With SNAPSHOTS=overwrite the snapshot is written anew.
pub(crate) fn assert_says(said: String, expected: impl snapbox::IntoData) {
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(said, expected);
}
