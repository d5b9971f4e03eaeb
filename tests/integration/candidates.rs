//! Which files are candidates, compared with git's own answer on random repositories.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof};
use proptest::sample::select;

use crate::support::{Tree, check, git_command};

/// A random repository: its files, which of them are tracked, and its .gitignore files.
#[derive(Debug)]
struct Repository {
    files: Vec<(String, bool)>,
    ignores: Vec<(String, Vec<&'static str>)>,
}

/// Names that the patterns below match in many ways.
const NAMES: [&str; 7] = ["a", "b", "c", "a.o", "b.o", "a.log", ".x"];

const PATTERNS: [&str; 26] = [
    "*.o", "!a.o", "a", "!a", "/a", "!/a", "b/", "!b/", "a/b", "!a/b", "a/*", "!a/c", "**/b",
    "b/**", "!b/**", "a/**/c", "*", "!*/", "!*.o", "?", "[ab]", "!c", "\\!a", "#a", " ", "c/ ",
];

fn folder() -> impl Strategy<Value = String> {
    let parts = proptest::collection::vec(select(&NAMES[..3]), 0..4);
    parts.prop_map(|parts| parts.iter().map(|part| format!("{part}/")).collect())
}

fn repository() -> impl Strategy<Value = Repository> {
    // A file's name differs from every folder's.
    let name = prop_oneof![select(&NAMES[3..]), select(&["d", "e"][..])];
    let file = (folder(), name, any::<bool>());
    let file = file.prop_map(|(folder, name, tracked)| (folder + name, tracked));
    let rules = proptest::collection::vec(select(&PATTERNS[..]), 1..5);
    (
        proptest::collection::vec(file, 4..20),
        proptest::collection::vec((folder(), rules), 0..4),
    )
        .prop_map(|(files, ignores)| Repository { files, ignores })
}

fn plant(repository: &Repository) -> Tree {
    let tree = Tree::new();
    tree.git(["init", "--quiet"]);
    for (folder, rules) in &repository.ignores {
        tree.file(format!("{folder}.gitignore"), rules.join("\n") + "\n");
    }
    for (path, is_tracked) in &repository.files {
        tree.file(path, "");
        if *is_tracked {
            tree.git(["add", "--force", path]);
        }
    }
    tree
}

/// What git calls tracked, or untracked and not ignored, below `folder`.
fn listed_by_git(tree: &Tree, folder: &str) -> BTreeSet<String> {
    let arguments = "ls-files -z --cached --others --exclude-per-directory=.gitignore";
    let output = git_command(&tree.path(folder), arguments.split(' '))
        .output()
        .expect("git");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("plain names");
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// What the record of an image in `folder` lists.
fn listed_by_fp(tree: &Tree, folder: &str) -> BTreeSet<String> {
    let record = tree.fp().in_folder(tree.path(folder)).arg("record").run();
    let lines = record
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    lines
        .filter(|fields| fields[0] == "file")
        .map(|fields| fields[1].to_owned())
        .collect()
}

#[test]
fn candidates_are_what_git_lists() {
    check(
        &(repository(), select(&["", "a/", "b/c/"][..])),
        |(repository, folder)| {
            let tree = plant(&repository);
            // Always there, whatever is ignored.
            tree.file(format!("{folder}Dockerfile"), "FROM scratch\n");
            tree.git(["add", "--force", &format!("{folder}Dockerfile")]);
            let config = format!("{folder}fingerprint.toml");
            for entry in ["**", "**/*", "*', '*/**"] {
                tree.file(
                    &config,
                    format!("format = 1\n[images.ci]\ninputs = ['{entry}']\n"),
                );
                let expected = listed_by_git(&tree, folder);
                prop_assert_eq!(listed_by_fp(&tree, folder), expected, "{:?}", entry);
            }
            Ok(())
        },
    );
}
