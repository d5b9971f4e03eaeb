//! The corpus in tests/corpus: what fp derives from Dockerfiles of all kinds, held against what
//! BuildKit takes.
//!
//! For each image of each case: the sealed build gives the files of a full build of a clean clone,
//! the slice those of the whole Dockerfile, and without any one of its inputs the build fails or
//! gives others.

mod builder;
mod case;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use fp::config::Project;
use fp::context::StagedContext;
use fp::environment::Environment;
use fp::inputs::{self, Inputs};
use fp::interrupt::Interrupt;
use fp::record;
use tempfile::TempDir;

use self::builder::{Builder, FileTree, differences};
use self::case::{Case, Image};
use crate::support::{Tree, git};

/// Most of a build is waiting for the engine.
const THREADS: usize = 4;

#[test]
fn fp_takes_from_a_tree_what_buildkit_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let wanted = std::env::var("FP_CORPUS").unwrap_or_default();
    let mut cases: Vec<_> = fs::read_dir(folder)
        .expect("the folder of the corpus")
        .map(|file| file.expect("a case").path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|file| Case::read(&file))
        .collect();
    assert!(cases.len() >= 60, "only {} cases were found", cases.len());
    cases.retain(|case| case.name.contains(&wanted));

    let failures = Mutex::new(Vec::new());
    let queue = Mutex::new(cases.iter());
    let next = || queue.lock().expect("no thread panicked").next();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = next() {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(case))) {
                        let said = panic.downcast_ref::<String>().map_or("?", String::as_str);
                        let failure = format!("{}: {}\n{said}\n", case.name, case.about);
                        failures.lock().expect("no thread panicked").push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panicked");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(case: &Case) {
    let planted = case.plant();
    let clone = tempfile::tempdir().expect("a folder for the clone");
    let [from, to] = [planted.path(""), clone.path().to_path_buf()];
    git(
        &from,
        [
            "clone",
            "--quiet",
            "--no-local",
            ".",
            to.to_str().expect("a text"),
        ],
    );
    // What git keeps about a clone is never an input.
    fs::remove_dir_all(clone.path().join(".git")).expect("a clone has a .git");
    for (index, image) in case.images.iter().enumerate() {
        Comparison::new(case, index, image, &planted, &clone).check();
    }
}

/// An image of a case, in the work tree where fp reads it and in a clean clone.
struct Comparison<'a> {
    case: &'a Case,
    image: &'a Image,
    clone: &'a TempDir,
    project: Project,
    name: String,
    home: TempDir,
    staging: TempDir,
}

impl<'a> Comparison<'a> {
    fn new(
        case: &'a Case,
        index: usize,
        image: &'a Image,
        planted: &'a Tree,
        clone: &'a TempDir,
    ) -> Self {
        let file = planted.path("fingerprint.toml");
        Comparison {
            case,
            image,
            clone,
            project: Project::read(&file, &environment()).unwrap_or_else(|error| panic!("{error}")),
            name: Image::name(index),
            home: builder::home(),
            staging: tempfile::tempdir().expect("a folder for contexts"),
        }
    }

    fn check(&self) {
        let inputs = self.inputs();
        self.check_inputs(&inputs);
        let full = self
            .full()
            .unwrap_or_else(|said| panic!("a full build: {said}"));
        let sealed = self
            .sealed(&inputs)
            .unwrap_or_else(|said| panic!("a sealed build: {said}"));
        self.assert_same("full build | sealed build", &full, &sealed);
        self.check_slice(&inputs, &sealed);
        for index in 0..inputs.entries.len() {
            self.check_loss(&inputs, index, &sealed);
        }
    }

    fn inputs(&self) -> Inputs {
        let image = self
            .project
            .one(Some(&self.name))
            .unwrap_or_else(|error| panic!("{error}"));
        let read = inputs::read(self.project.root(), image, &environment(), None);
        read.unwrap_or_else(|error| panic!("{error}"))
    }

    fn check_inputs(&self, inputs: &Inputs) {
        let paths = inputs.entries.iter().map(|input| input.path.as_bytes());
        let mut derived: Vec<_> = paths.map(record::escaped).collect();
        let mut expected = self.image.inputs.clone();
        derived.sort_unstable();
        expected.sort_unstable();
        assert_eq!(
            derived, expected,
            "derived | expected inputs of {}",
            self.name
        );
    }

    /// The slice is the one that the case names, and gives what the whole Dockerfile gives.
    fn check_slice(&self, inputs: &Inputs, sealed: &FileTree) {
        let whole = &self.case.dockerfile;
        let expected = self.image.slice.as_ref().unwrap_or(whole);
        let slice = String::from_utf8_lossy(&inputs.dockerfile);
        assert_eq!(slice, *expected, "slice | expected slice of {}", self.name);
        if slice != *whole {
            let inputs = Inputs {
                dockerfile: whole.clone().into_bytes(),
                ..copy(inputs)
            };
            let built = self
                .sealed(&inputs)
                .unwrap_or_else(|said| panic!("the whole file: {said}"));
            self.assert_same("slice | whole Dockerfile", sealed, &built);
        }
    }

    /// Without one of its inputs the build fails, or its tree differs.
    fn check_loss(&self, inputs: &Inputs, index: usize, sealed: &FileTree) {
        let mut fewer = copy(inputs);
        let lost = fewer.entries.remove(index);
        let is_same = self.sealed(&fewer).is_ok_and(|tree| tree == *sealed);
        assert!(
            !is_same
                || self
                    .image
                    .stages
                    .iter()
                    .any(|stage| self.shows_in(stage, inputs, &fewer)),
            "{} is built as well without {}",
            self.name,
            lost.path
        );
    }

    /// Whether a stage that the target reaches differs between two sets of inputs.
    fn shows_in(&self, stage: &str, inputs: &Inputs, fewer: &Inputs) -> bool {
        let [whole, fewer] = [inputs, fewer].map(|inputs| self.sealed_stage(inputs, Some(stage)));
        whole.unwrap_or_else(|said| panic!("stage {stage}: {said}")) != fewer.unwrap_or_default()
    }

    /// What the builder makes of everything in a clean clone.
    fn full(&self) -> Result<FileTree, String> {
        let [dockerfile, context] =
            [&self.case.path, &self.case.context].map(|path| self.clone.path().join(path));
        self.builder().build(&dockerfile, &context, self.target())
    }

    /// What the builder makes of the slice and the sealed context.
    fn sealed(&self, inputs: &Inputs) -> Result<FileTree, String> {
        self.sealed_stage(inputs, self.target())
    }

    fn sealed_stage(&self, inputs: &Inputs, stage: Option<&str>) -> Result<FileTree, String> {
        let image = self
            .project
            .one(Some(&self.name))
            .expect("it was there before");
        let (root, staging) = (self.project.root(), self.staging.path());
        let staged = StagedContext::stage(root, image, inputs, staging, &Interrupt::never())
            .unwrap_or_else(|error| panic!("{error}"));
        self.builder()
            .build(staged.dockerfile(), &staged.context(), stage)
    }

    fn builder(&self) -> Builder<'_> {
        Builder {
            image: self.image,
            home: &self.home,
        }
    }

    fn target(&self) -> Option<&str> {
        self.image.target.as_deref()
    }

    fn assert_same(&self, what: &str, one: &FileTree, other: &FileTree) {
        let differences = differences(one, other);
        assert!(
            differences.is_empty(),
            "{}: {what}:{differences}",
            self.name
        );
    }
}

fn copy(inputs: &Inputs) -> Inputs {
    Inputs {
        dockerfile: inputs.dockerfile.clone(),
        args: inputs.args.clone(),
        entries: inputs.entries.clone(),
    }
}

fn environment() -> Environment {
    std::env::vars_os()
        .filter(|(name, _)| name == "PATH")
        .collect()
}
