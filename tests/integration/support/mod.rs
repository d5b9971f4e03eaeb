//! What the tests of the whole program share: starting `fp` in an environment of its own, and trees of files to run it in.

mod run;
mod tree;

pub(crate) use run::{Fp, fp};
pub(crate) use tree::{Tree, git};
