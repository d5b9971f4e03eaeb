//! Many images from one short file: defaults, matrices, and the images that a command means.

use snapbox::str;

use crate::support::{Fp, Tree, assert_says};

fn with_dockerfile(dockerfile: &str, config: &str) -> Tree {
    let tree = Tree::new();
    tree.file("Dockerfile", dockerfile).config(config);
    tree
}

fn record(tree: &Tree, image: &str) -> String {
    tree.fp().args(["record", image]).run()
}

#[test]
fn what_an_image_leaves_out_is_the_default() {
    let tree = with_dockerfile(
        "FROM scratch\nARG A B\n",
        "format = 1\n\
         [defaults]\ninputs = ['Dockerfile']\nsalt = 's'\nargs = { A = '1', B = '1' }\n\
         [images.a]\n[images.b]\nsalt = 't'\nargs = { B = '2' }\n",
    );
    let spelled_out = with_dockerfile(
        "FROM scratch\nARG A B\n",
        "format = 1\n\
         [images.a]\ninputs = ['Dockerfile']\nsalt = 's'\nargs = { A = '1', B = '1' }\n\
         [images.b]\ninputs = ['Dockerfile']\nsalt = 't'\nargs = { A = '1', B = '2' }\n",
    );
    for image in ["a", "b"] {
        assert_eq!(record(&tree, image), record(&spelled_out, image));
    }
}

#[test]
fn an_argument_of_the_defaults_that_nothing_declares_is_left_out() {
    let config = "format = 1\n[defaults]\nargs = { A = 'x', B = { file = 'v' } }\n[images.ci]\n";
    let tree = with_dockerfile("ARG B\nFROM scratch\nARG A\n", config);
    tree.file("v", "1");
    let args = |tree: &Tree| record(tree, "ci").matches("arg\t").count();
    assert_eq!(args(&tree), 1);
    let inputs = tree.fp().arg("inputs").run();
    assert_eq!(inputs, "Dockerfile  the Dockerfile\n");
    // One of the image's own is a mistake.
    tree.config("format = 1\n[defaults]\nargs = { A = 'x' }\n[images.ci]\nargs = { C = 'x' }\n");
    assert!(
        tree.refusal(1)
            .contains("no stage that is built declares the argument C")
    );
}

#[test]
fn one_table_with_a_matrix_is_many_images() {
    let tree = with_dockerfile(
        "FROM scratch AS a\nARG X\nFROM scratch AS b\nARG X\n",
        "format = 1\n[images.\"tools-{stage}-{x}\"]\n\
         matrix = { stage = ['a', 'b'], x = ['1', '2'] }\ntarget = '{stage}'\nargs = { X = '{x}' }\n",
    );
    let all = tree.fp().args(["hash", "--all"]).run();
    let names: Vec<_> = all.lines().map(|line| &line[66..]).collect();
    assert_eq!(names, ["tools-a-1", "tools-a-2", "tools-b-1", "tools-b-2"]);
    let by_hand = with_dockerfile(
        "FROM scratch AS a\nARG X\nFROM scratch AS b\nARG X\n",
        "format = 1\n[images.ci]\ntarget = 'b'\nargs = { X = '2' }\n",
    );
    assert_eq!(record(&tree, "tools-b-2"), record(&by_hand, "ci"));
}

#[test]
fn each_counts_what_a_fresh_clone_would_hold() {
    let tree = Tree::new();
    tree.config(
        "format = 1\n[images.\"img-{d}\"]\nmatrix = { d = { each = 'docker/*/Dockerfile' } }\n\
         dockerfile = 'docker/{d}/Dockerfile'\ninputs = []\n",
    );
    tree.file("docker/a/Dockerfile", "FROM scratch\n")
        .file("docker/none/README", "")
        .file("docker/out/Dockerfile", "FROM scratch\n")
        .file(".gitignore", "out\n")
        .commit();
    tree.file("docker/new/Dockerfile", "FROM scratch\n");
    let names = |run: Fp| -> Vec<String> {
        let all = run.run();
        all.lines().map(|line| line[66..].to_owned()).collect()
    };
    assert_eq!(
        names(tree.fp().args(["hash", "--all"])),
        ["img-a", "img-new"]
    );
    // A revision has its own.
    assert_eq!(
        names(tree.fp().args(["hash", "--all", "--rev", "HEAD"])),
        ["img-a"]
    );
}

#[test]
fn an_each_that_matches_nothing_is_pointed_at() {
    let tree = Tree::new();
    tree.config(
        "format = 1\n[images.\"img-{d}\"]\nmatrix = { d = { each = 'docker/*/Dockerfile' } }\n",
    );
    assert_says(
        tree.refusal(2),
        str![[r#"
error: `docker/*/Dockerfile` matches no file
 --> ROOT/fingerprint.toml:3:25
  |
3 | matrix = { d = { each = 'docker/*/Dockerfile' } }
  |                         ^^^^^^^^^^^^^^^^^^^^^
  |
  = help: the files that git tracks, and new ones that .gitignore does not exclude, are looked at

"#]],
    );
}

#[test]
fn what_keeps_an_each_from_being_told_is_an_error() {
    let tree = Tree::new();
    tree.config("format = 1\n[images.\"img-{d}\"]\nmatrix = { d = { each = 'docker/*' } }\n");
    tree.folder("docker").fifo("docker/a");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the files that a matrix has an image for cannot be told
 |
 = cause: docker/a is a FIFO, which cannot be part of an image

"#]],
    );
}

#[test]
fn a_mistake_names_the_table_the_cell_and_the_line() {
    let tree = with_dockerfile(
        "FROM scratch\n",
        "format = 1\n[images.\"tools-{debian}\"]\nmatrix = { debian = ['bookworm', 'Sid'] }\n",
    );
    assert_says(
        tree.refusal(2),
        str![[r#"
error: `tools-Sid` is not an image name: lower-case letters and digits, parted by single `.`, `_` or `-`
 --> ROOT/fingerprint.toml:2:9
  |
2 | [images."tools-{debian}"]
  |         ^^^^^^^^^^^^^^^^
  |
  = table: [images."tools-{debian}"] with debian = "Sid"

"#]],
    );
    tree.config(
        "format = 1\n[defaults]\nrepository = 'ghcr.io/{env:OWNER}/x'\n\
         [images.\"tools-{debian}\"]\nmatrix = { debian = ['bookworm'] }\n",
    );
    assert_says(
        tree.refusal(2),
        str![[r#"
error: the environment variable OWNER is not set, and no default is given
 --> ROOT/fingerprint.toml:3:14
  |
3 | repository = 'ghcr.io/{env:OWNER}/x'
  |              ^^^^^^^^^^^^^^^^^^^^^^^
  |
  = table: [images."tools-{debian}"] with debian = "bookworm"
  = help: set OWNER, or give a default in the configuration

"#]],
    );
    tree.config(
        "format = 1\n[images.\"tools-{debian}\"]\nmatrix = { debian = ['bookworm'] }\n\
         args = { A = '{bedian}' }\n",
    );
    assert_says(
        tree.refusal(2),
        str![[r#"
error: `{bedian}` is not known here; possible is `{debian}`
 --> ROOT/fingerprint.toml:4:14
  |
4 | args = { A = '{bedian}' }
  |              ^^^^^^^^^^
  |
  = table: [images."tools-{debian}"] with debian = "bookworm"

"#]],
    );
    tree.config("format = 1\n[images.\"tools\"]\nmatrix = { debian = ['bookworm', 'sid'] }\n");
    assert_says(
        tree.refusal(2),
        str![[r#"
error: `tools` is the name of two images; the other one is [images."tools"] with debian = "bookworm"
 --> ROOT/fingerprint.toml:2:9
  |
2 | [images."tools"]
  |         ^^^^^^^
  |
  = table: [images."tools"] with debian = "sid"
  = help: have each name of the matrix in the name of the table, as in `[images."ci-{name}"]`

"#]],
    );
}

#[test]
fn commands_take_globs_of_names() {
    let tree = with_dockerfile(
        "FROM scratch\n",
        "format = 1\n[images.base]\n[images.\"tools-{d}\"]\nmatrix = { d = ['a', 'b'] }\nsalt = '{d}'\n",
    );
    let only = tree.fp().args(["hash", "*-b"]).run();
    assert_eq!(only, tree.fp().args(["hash", "tools-b"]).run());
    let several = tree.refusal_of(tree.fp().args(["hash", "tools-*"]).code(2));
    assert_says(
        several,
        str![[r#"
error: `tools-*` matches several images, and the command takes one: tools-a, tools-b
 |
 = help: name the image

"#]],
    );
    for command in [
        "hash",
        "record",
        "inputs",
        "dockerfile",
        "ref",
        "status",
        "ensure",
    ] {
        let nothing = tree.refusal_of(tree.fp().args([command, "x-*"]).code(2));
        assert!(
            nothing.contains("`x-*` matches no image in"),
            "{command}: {nothing}"
        );
    }
    assert_says(
        tree.refusal_of(tree.fp().args(["hash", "x-*"]).code(2)),
        str![[r#"
error: `x-*` matches no image in ROOT/fingerprint.toml
 |
 = help: the images are base, tools-a, tools-b

"#]],
    );
}

#[test]
fn tags_name_arguments() {
    let tree = with_dockerfile(
        "FROM scratch\nARG FLAVOR CHANNEL\n",
        "format = 1\n[defaults]\ntag = '{arg:FLAVOR}-{fingerprint:16}'\nargs = { FLAVOR = 'full' }\n\
         [images.a]\n[images.b]\nargs.CHANNEL = { file = 'rust-toolchain.toml', key = 'toolchain.channel' }\n\
         tag = '{arg:CHANNEL}-{fingerprint:16}'\n",
    );
    tree.file("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95\"\n");
    let tag = |image: &str| {
        let reference = tree.fp().args(["ref", image]).run();
        reference.trim_end().rsplit_once(':').unwrap().1.to_owned()
    };
    let digits = |image: &str| tree.fp().args(["hash", image]).run()[..16].to_owned();
    assert_eq!(tag("a"), format!("full-{}", digits("a")));
    assert_eq!(tag("b"), format!("1.95-{}", digits("b")));
    tree.file("rust-toolchain.toml", "[toolchain]\nchannel = \"a/b\"\n");
    assert_says(
        tree.refusal_of(tree.fp().args(["ref", "b"]).code(2)),
        str![[r#"
error: `a/b-818bcd31e3847547` does not give a valid tag
 --> ROOT/fingerprint.toml:8:7
  |
8 | tag = '{arg:CHANNEL}-{fingerprint:16}'
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = table: [images.b]
  = help: '/' is not allowed (letters, digits, `_`, `.` and `-` are)

"#]],
    );
    // The image of a Dockerfile that does not declare it has no such argument.
    tree.file("Dockerfile", "FROM scratch\nARG CHANNEL\n");
    assert_says(
        tree.refusal_of(tree.fp().args(["ref", "a"]).code(2)),
        str![[r#"
error: the tag names the argument FLAVOR, which no stage that is built declares
 --> ROOT/fingerprint.toml:3:7
  |
3 | tag = '{arg:FLAVOR}-{fingerprint:16}'
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = table: [images.a]
  = help: declare it by `ARG FLAVOR` in such a stage

"#]],
    );
}

#[test]
fn a_file_that_gives_no_value_is_an_error() {
    let arg = |table: &str| {
        let config = format!("format = 1\n[images.ci]\nargs = {{ A = {table} }}\n");
        with_dockerfile("FROM scratch\nARG A\n", &config)
    };
    let tree = arg("{ file = 'package.json', key = 'engines.node' }");
    tree.file("package.json", "{ \"engines\": { \"node\": 20 } }");
    assert!(tree.record().contains("arg\tA\t"));
    tree.file("package.json", "{ \"engines\": { \"npm\": 20 } }");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file package.json does not give the argument A a value
 = cause: there is no `node` in it

"#]],
    );
    tree.file("package.json", "{ \"engines\": { \"node\": [20] } }");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file package.json does not give the argument A a value
 = cause: `engines.node` in it is an array, and only a text, an integer or a boolean can be a value

"#]],
    );
    tree.file("package.json", "{ engines");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file package.json does not give the argument A a value
 = cause: it is not JSON
 = cause: key must be a string at line 1 column 3

"#]],
    );
    let tree = arg("{ file = 'a.toml', key = 'b' }");
    tree.file("a.toml", "b = ");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file a.toml does not give the argument A a value
 = cause: it is not TOML: string values must be quoted, expected literal string

"#]],
    );
}

#[test]
fn images_that_share_inputs_have_the_fingerprints_that_each_has_alone() {
    let tree = with_dockerfile(
        "FROM scratch\n",
        "format = 1\n[images.a]\ninputs = ['src', 'a']\n[images.b]\ninputs = ['src/x', 'b']\n\
         [images.c]\ninputs = ['src', '!src/x', 'a', 'b']\n",
    );
    tree.file("src/x", "x")
        .file("src/y", "y")
        .mode("src/y", 0o755);
    tree.file("a", "1").link("b", "src/y").link("src/z", "x");
    let alone = |name| {
        format!(
            "{}  {name}\n",
            tree.fp().args(["hash", name]).run().trim_end()
        )
    };
    let all = tree.fp().args(["hash", "--all"]).run();
    assert_eq!(all, ["a", "b", "c"].map(alone).concat());
}
