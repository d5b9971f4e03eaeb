//! The vectors in tests/vectors: trees of all kinds with the slices, records and fingerprints that
//! they must have, and trees that must have none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use serde::Deserialize;

use crate::schema;
use crate::support::entry::{self, Entry, Order, bytes};
use crate::support::{Fp, Tree};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    about: String,
    config: String,
    image: Option<String>,
    #[serde(default)]
    root: String,
    #[serde(default)]
    git: bool,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    tree: Vec<Entry>,
    slice: Option<String>,
    #[serde(default)]
    record: Vec<Vec<String>>,
    #[serde(default)]
    fingerprint: String,
    #[serde(default)]
    error: bool,
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
    assert!(count >= 180, "only {count} vectors were found");
}

fn check(path: &Path, vector: &Vector) {
    let name = format!("{}: {}", path.display(), vector.about);
    if vector.error {
        check_refusal(&name, vector);
        return;
    }
    check_consistency(&name, vector);
    schema::accepts(&name, &vector.config);
    let tree = plant(vector, Order::Given);
    let record = run(vector, &tree, "record").run();
    assert_eq!(record, expected_record(vector), "{name}");
    if let Some(slice) = &vector.slice {
        let printed = run(vector, &tree, "dockerfile").outcome().stdout;
        assert_eq!(printed, bytes(slice), "{name}");
    }
    let hash = |run: Fp| assert_eq!(run.run().trim_end(), vector.fingerprint, "{name}");
    hash(run(vector, &tree, "hash"));
    hash_abroad(vector, hash);
}

/// On another machine: another path, files that were made in another order, another umask, locale,
/// time zone and environment.
fn hash_abroad(vector: &Vector, hash: impl Fn(Fp)) {
    let elsewhere = plant(vector, Order::Reversed);
    let shell = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];
    let abroad = run(vector, &elsewhere, "hash")
        .under(shell)
        .env("LC_ALL", "de_DE.UTF-8");
    hash(
        abroad
            .env("TZ", "Pacific/Kiritimati")
            .env("CI", "true")
            .env("HOME", "/nowhere"),
    );
    if vector.tree.iter().all(Entry::is_readable_by_all) {
        hash(run(vector, &elsewhere, "hash").by_ordinary_user());
    }
}

fn check_refusal(name: &str, vector: &Vector) {
    assert!(
        vector.record.is_empty() && vector.slice.is_none() && vector.fingerprint.is_empty(),
        "the vector contradicts itself: {name}"
    );
    let tree = plant(vector, Order::Given);
    for command in ["hash", "record"] {
        let outcome = run(vector, &tree, command).refuses().outcome();
        assert!(outcome.stdout.is_empty(), "{name}");
    }
}

/// What a vector says of itself fits together.
fn check_consistency(name: &str, vector: &Vector) {
    let digest = |bytes: &[u8]| blake3::hash(bytes).to_string();
    assert_eq!(
        digest(expected_record(vector).as_bytes()),
        vector.fingerprint,
        "the vector contradicts itself: {name}"
    );
    if let Some(slice) = &vector.slice {
        let digest = digest(&bytes(slice));
        let mut lines = vector.record.iter();
        assert!(
            lines.any(|fields| fields[0] == "dockerfile" && fields[2] == digest),
            "the vector contradicts itself: {name}"
        );
    }
}

fn expected_record(vector: &Vector) -> String {
    let lines = vector.record.iter();
    lines.map(|fields| fields.join("\t") + "\n").collect()
}

/// A run of `fp` in the tree of a vector, for its image, with the variables that the vector names.
fn run(vector: &Vector, tree: &Tree, command: &str) -> Fp {
    let run = tree.fp().in_folder(tree.path(&vector.root)).arg(command);
    let run = run.args(&vector.image);
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
