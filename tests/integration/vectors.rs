//! The vectors in tests/vectors: trees of all kinds with the records and fingerprints that they
//! must have.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use serde::Deserialize;

use crate::support::entry::{self, Entry, Order, bytes};
use crate::support::{Fp, Tree};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    about: String,
    config: String,
    #[serde(default)]
    root: String,
    #[serde(default)]
    git: bool,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    tree: Vec<Entry>,
    record: Vec<Vec<String>>,
    fingerprint: String,
}

#[test]
fn vectors_have_their_records_and_fingerprints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut count = 0;
    for file in fs::read_dir(folder).expect("the folder of the vectors") {
        let path = file.expect("a vector").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = fs::read_to_string(&path).expect("a vector is text");
            let vector: Vector =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            check(&path, &vector);
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} vectors were found");
}

fn check(path: &Path, vector: &Vector) {
    let name = format!("{}: {}", path.display(), vector.about);
    let expected: String = vector
        .record
        .iter()
        .map(|fields| fields.join("\t") + "\n")
        .collect();
    assert_eq!(
        blake3::hash(expected.as_bytes()).to_string(),
        vector.fingerprint,
        "the vector contradicts itself: {name}"
    );
    let tree = plant(vector, Order::Given);
    assert_eq!(run(vector, &tree).arg("record").run(), expected, "{name}");
    let hash = |run: Fp| {
        assert_eq!(
            run.arg("hash").run().trim_end(),
            vector.fingerprint,
            "{name}"
        )
    };
    hash(run(vector, &tree));

    // On another machine: another path, files that were made in another order, another umask,
    // locale, time zone and environment.
    let elsewhere = plant(vector, Order::Reversed);
    let shell = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];
    let abroad = run(vector, &elsewhere)
        .under(shell)
        .env("LC_ALL", "de_DE.UTF-8");
    hash(
        abroad
            .env("TZ", "Pacific/Kiritimati")
            .env("CI", "true")
            .env("HOME", "/nowhere"),
    );
    if vector.tree.iter().all(Entry::is_readable_by_all) {
        hash(run(vector, &elsewhere).by_ordinary_user());
    }
}

/// A run of `fp` in the tree of a vector, with the variables that the vector names.
fn run(vector: &Vector, tree: &Tree) -> Fp {
    let run = tree.fp().in_folder(tree.path(&vector.root));
    let variables = vector.environment.iter();
    variables.fold(run, |run, (name, value)| {
        run.env(name, OsString::from_vec(bytes(value)))
    })
}

/// Makes the tree of a vector.
fn plant(vector: &Vector, order: Order) -> Tree {
    let tree = Tree::new();
    let config = Path::new(&vector.root).join("fingerprint.toml");
    tree.file(config.to_str().expect("a text"), &vector.config);
    entry::plant(&tree, &vector.tree, vector.git, order);
    tree
}
