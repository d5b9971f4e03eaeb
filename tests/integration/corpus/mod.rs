//! The corpus in tests/corpus: what fp derives from Dockerfiles of all kinds, held against what
//! BuildKit takes.
//!
//! For each image of each case: the inputs and the slice are those that the case names, the sealed
//! build gives the files of a full build of a clean clone, the slice those of the whole Dockerfile,
//! and without any one of its inputs the build fails or gives others.

mod builder;
mod case;
mod comparison;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use self::case::Case;
use self::comparison::Comparison;
use crate::support::git;

/// Most of a build is waiting for the engine.
const THREADS: usize = 4;

#[test]
fn fp_takes_from_a_tree_what_buildkit_takes() {
    let wanted = std::env::var("FP_CORPUS").unwrap_or_default();
    let mut cases = cases();
    assert!(cases.len() >= 60, "only {} cases were found", cases.len());
    cases.retain(|case| case.name.contains(&wanted));
    let queue = Mutex::new(cases.iter());
    let next = || queue.lock().expect("no thread panicked").next();
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = next() {
                    if let Err(failure) = check(case) {
                        let failure = format!("{}: {}\n{failure}", case.name, case.about);
                        failures.lock().expect("no thread panicked").push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panicked");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let files = fs::read_dir(folder).expect("the folder of the corpus");
    files
        .map(|file| file.expect("a case").path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|file| Case::read(&file))
        .collect()
}

fn check(case: &Case) -> Result<(), String> {
    let Some(engine) = case.engine() else {
        // Not by a macro, whose output a test that passes does not show.
        let said = writeln!(
            io::stderr(),
            "corpus: {} is skipped, since the lab has no builder for it",
            case.name
        );
        said.expect("stderr can be written to");
        return Ok(());
    };
    let planted = case.plant();
    let clone = tempfile::tempdir().expect("a folder for the clone");
    let to = clone.path().to_str().expect("a plain name");
    git(
        &planted.path(""),
        ["clone", "--quiet", "--no-local", ".", to],
    );
    // What git keeps about a clone is never an input.
    fs::remove_dir_all(clone.path().join(".git")).expect("a clone has a .git");
    for (index, image) in case.images.iter().enumerate() {
        let comparison = Comparison::new(case, &engine, index, &planted, clone.path())?;
        comparison
            .check()
            .map_err(|failure| format!("{} of {:?}: {failure}", image.shown(), case.path))?;
    }
    Ok(())
}
