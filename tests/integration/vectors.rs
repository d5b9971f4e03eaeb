//! The vectors in tests/vectors: trees of all kinds with the records and fingerprints that they
//! must have.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use serde::Deserialize;

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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    file: Option<String>,
    content: String,
    mode: Option<u32>,
    link: Option<String>,
    text: String,
    folder: Option<String>,
    hard_link: Option<String>,
    to: String,
    forced: bool,
    untracked: bool,
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

/// In which order the entries of a tree are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Given,
    Reversed,
}

impl Entry {
    fn is_readable_by_all(&self) -> bool {
        self.mode.is_none_or(|mode| mode & 0o004 != 0)
    }
}

/// Makes the tree of a vector.
fn plant(vector: &Vector, order: Order) -> Tree {
    let tree = Tree::new();
    let config = Path::new(&vector.root).join("fingerprint.toml");
    tree.file(config.to_str().expect("a text"), &vector.config);
    let mut entries: Vec<_> = vector.tree.iter().collect();
    if order == Order::Reversed {
        entries.reverse();
    }
    // A hard link needs what it is a link to.
    entries.sort_by_key(|entry| entry.hard_link.is_some());
    let (late, early): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.untracked);
    for &entry in &early {
        plant_entry(&tree, entry);
    }
    if vector.git {
        tree.git(["init", "--quiet"]);
        for entry in early.iter().filter(|entry| entry.forced) {
            let path = entry.file.as_ref().or(entry.link.as_ref());
            let path = OsString::from_vec(bytes(path.expect("a file or link")));
            tree.git(["add".into(), "--force".into(), "--".into(), path]);
        }
        tree.commit();
    }
    for entry in late {
        plant_entry(&tree, entry);
    }
    tree
}

fn plant_entry(tree: &Tree, entry: &Entry) {
    match entry {
        Entry {
            file: Some(path), ..
        } => {
            tree.file(bytes(path), bytes(&entry.content));
            tree.mode(bytes(path), entry.mode.unwrap_or(0o644));
        }
        Entry {
            link: Some(path), ..
        } => {
            tree.link(bytes(path), bytes(&entry.text));
        }
        Entry {
            folder: Some(path), ..
        } => {
            tree.folder(bytes(path));
        }
        Entry {
            hard_link: Some(path),
            ..
        } => {
            let (from, to) = (tree.path(bytes(&entry.to)), tree.path(bytes(path)));
            fs::hard_link(from, to).expect("a hard link");
        }
        _ => panic!("an entry of a tree is a file, link, folder or hard_link"),
    }
}

/// The bytes that an escaped text stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match (byte, byte == b'\\') {
            (byte, false) => byte,
            _ => match rest.next() {
                Some(b'\\') => b'\\',
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'x') => hex(rest.next()) << 4 | hex(rest.next()),
                other => panic!("unknown escape {other:?} in {text:?}"),
            },
        });
    }
    bytes
}

fn hex(digit: Option<&u8>) -> u8 {
    let digit = char::from(*digit.expect("two hex digits")).to_digit(16);
    u8::try_from(digit.expect("a hex digit")).expect("below 16")
}
