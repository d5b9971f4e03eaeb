//! fingerprint.toml: where it is found, and which of its images is meant.

use snapbox::str;

use crate::support::{Tree, assert_says, fp, git};

#[test]
fn it_is_found_by_walking_up() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").folder("b/c/d").commit();
    let hash = tree.hash();
    let from = |folder: &str| tree.fp().in_folder(tree.path(folder)).arg("hash").run();
    assert_eq!(from("b/c/d").trim_end(), hash);
    // The nearest one counts.
    tree.file("b/Dockerfile", "FROM scratch\nLABEL a=b\n");
    tree.file(
        "b/fingerprint.toml",
        "format = 1\n[images.x]\ninputs = ['c']\n",
    );
    tree.file("b/c/e", "1");
    assert_ne!(from("b/c/d").trim_end(), hash);
}

#[test]
fn the_search_stops_at_the_top_of_the_repository() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").folder("b/c");
    let inner = tree.fp().in_folder(tree.path("b/c")).arg("hash");
    inner.run();
    git(&tree.path("b"), ["init", "--quiet"]);
    let said = tree.refusal_of(tree.fp().in_folder(tree.path("b/c")).arg("hash").code(2));
    assert_says(
        said,
        str![[r#"
error: there is no fingerprint.toml in ROOT/b/c or any folder above it up to the top of the git repository, ROOT/b
 |
 = help: create one, or name another file with --config FILE

"#]],
    );
}

#[test]
fn an_empty_git_folder_does_not_stop_the_search() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").folder("b/.git");
    let run = tree.fp().in_folder(tree.path("b")).arg("hash");
    assert_eq!(run.run().trim_end(), tree.hash());
}

#[test]
fn there_may_be_none() {
    let tree = Tree::new();
    assert_says(
        tree.refusal(2),
        str![[r#"
error: there is no fingerprint.toml in ROOT or any folder above it
 |
 = help: create one, or name another file with --config FILE

"#]],
    );
}

#[test]
fn another_file_can_be_named() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").file("sub/Dockerfile", "FROM scratch\n");
    tree.file(
        "sub/other.toml",
        "format = 1\n[images.ci]\ninputs = ['a']\n",
    );
    tree.file("sub/a", "2");
    // Its folder is the root.
    let named = |name: &str| tree.fp().args(["hash", "--config", name]).run();
    assert_ne!(named("sub/other.toml").trim_end(), tree.hash());
    assert_eq!(
        named("sub/other.toml"),
        fp().arg("--config")
            .arg(tree.path("sub/other.toml"))
            .arg("hash")
            .run()
    );
    let missing = tree.fp().args(["--config", "no.toml", "hash"]).code(2);
    assert_says(
        tree.refusal_of(missing),
        str![[r#"
error: cannot read no.toml
 |
 = cause: No such file or directory (os error 2)

"#]],
    );
    let folder = tree.fp().args(["--config", "sub", "hash"]).code(2);
    assert_says(
        tree.refusal_of(folder),
        str![[r#"
error: cannot read sub
 |
 = cause: it is not a regular file

"#]],
    );
}

#[test]
fn one_image_of_several_must_be_named() {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch AS x\n").config(
        "format = 1\n[images.base]\ninputs = ['Dockerfile']\n\n[images.toolchain]\ninputs = ['Dockerfile']\ntarget = 'x'\n",
    );
    for command in ["hash", "record", "inputs", "ref"] {
        let said = tree.refusal_of(tree.fp().arg(command).code(2));
        assert_says(
            said,
            str![[r#"
error: ROOT/fingerprint.toml has several images, and the command takes one: base, toolchain
 |
 = help: name the image

"#]],
        );
    }
    let image = |name: &str| tree.fp().args(["hash", name]);
    assert_says(
        tree.refusal_of(image("toolchian").code(2)),
        str![[r#"
error: there is no image `toolchian` in ROOT/fingerprint.toml
 |
 = help: did you mean `toolchain`?

"#]],
    );
    assert_says(
        tree.refusal_of(image("zzz").code(2)),
        str![[r#"
error: there is no image `zzz` in ROOT/fingerprint.toml
 |
 = help: the images are base, toolchain

"#]],
    );
    assert_ne!(image("base").run(), image("toolchain").run());
}

#[test]
fn a_variable_counts_only_for_the_image_that_needs_it() {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\nARG X\n").config(
        "format = 1\n[images.a]\ninputs = ['Dockerfile']\n[images.b]\ninputs = ['Dockerfile']\nargs = { X = { env = 'X' } }\n",
    );
    tree.fp().args(["hash", "a"]).run();
    assert_says(
        tree.refusal_of(tree.fp().args(["hash", "b"]).code(2)),
        str![[r#"
error: the environment variable X is not set, and no default is given
 --> ROOT/fingerprint.toml:6:14
  |
6 | args = { X = { env = 'X' } }
  |              ^^^^^^^^^^^^^
  |
  = help: set X, or give a default in the configuration

"#]],
    );
    // Nothing is printed of the first image if the second cannot be told.
    tree.refusal_of(tree.fp().args(["hash", "--all"]).code(2));
    tree.fp().args(["hash", "b"]).env("X", "").run();
}

#[test]
fn a_configuration_that_is_no_file_is_not_waited_for() {
    let tree = Tree::new();
    tree.fifo("fingerprint.toml");
    let run = tree.fp().arg("hash").code(2);
    run.stderr_contains("it is not a regular file").outcome();
}
