//! `--rev`: a revision is what a fresh clone of it would hold, whatever lies on disk.

mod agreement;
mod history;
mod hostile;
mod mistakes;
mod submodules;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::{Fp, Tree, git};

/// The folder for temporary files of a run, which must be empty afterwards.
struct Temporary(Tree);

impl Temporary {
    fn new() -> Self {
        Temporary(Tree::new())
    }

    /// Has `run` use it.
    fn of(&self, run: Fp) -> Fp {
        run.env("TMPDIR", self.0.path(""))
    }

    #[track_caller]
    fn is_empty(&self) {
        let left: Vec<_> = fs::read_dir(self.0.path("")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A fresh clone of `origin` with all submodules, and no configuration but the clone's own.
fn clone(origin: &Path) -> Tree {
    let tree = Tree::new();
    let arguments = ["clone", "--quiet", "--recurse-submodules"].map(OsStr::new);
    let arguments = [arguments.as_slice(), &[origin.as_os_str(), OsStr::new(".")]].concat();
    git(&tree.path(""), arguments);
    tree
}

/// The record of `revision` in `tree`. Nothing of the tree changes by the run, and nothing is left.
#[track_caller]
fn record_of(tree: &Tree, revision: impl AsRef<OsStr>) -> String {
    let temporary = Temporary::new();
    let before = everything(&tree.path(""));
    let run = tree.fp().args(["record", "--rev"]).arg(revision);
    let record = temporary.of(run).run();
    assert!(
        everything(&tree.path("")) == before,
        "the run changed something"
    );
    temporary.is_empty();
    record
}

/// Checks that HEAD of `tree` has the record that a fresh clone has on disk, and returns that.
#[track_caller]
fn agrees(tree: &Tree) -> String {
    let clone = clone(&tree.path(""));
    let on_disk = clone.record();
    assert_eq!(record_of(&clone, "HEAD"), on_disk);
    assert_eq!(record_of(tree, "HEAD"), on_disk);
    on_disk
}

/// Every path below `folder` with what would tell that somebody wrote to it.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u64, u32, u64, i64, i64)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let times = (metadata.ctime(), metadata.ctime_nsec());
            let facts = (metadata.ino(), metadata.mode(), metadata.size());
            all.insert(entry.path(), (facts.0, facts.1, facts.2, times.0, times.1));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    all
}
