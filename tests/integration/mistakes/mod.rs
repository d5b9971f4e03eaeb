//! What fp says about a fingerprint.toml that is wrong.

mod told;
mod values;

use snapbox::str;

use crate::support::{Tree, assert_says};

/// What fp says about a configuration, which must be wrong.
fn refusal(config: &str) -> String {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n").config(config);
    tree.refusal(2)
}

/// What fp says about an image with these lines in its table, one of which must be wrong.
fn image_refusal(lines: &str) -> String {
    refusal(&format!(
        "format = 1\n\n[images.ci]\ninputs = [\"Dockerfile\"]\n{lines}\n"
    ))
}

#[test]
fn what_is_no_toml_is_pointed_at() {
    assert_says(
        refusal("format = 1\n[images.ci\n"),
        str![[r#"
error: unclosed table, expected `]`
 --> ROOT/fingerprint.toml:2:11
  |
2 | [images.ci
  |           ^

"#]],
    );
    assert_says(
        refusal("format = 1\n[images.ci]\ninputs = ['a'\n[engine]\n"),
        str![[r#"
error: missing comma between array elements, expected `,`
 --> ROOT/fingerprint.toml:4:1
  |
4 | [engine]
  | ^

"#]],
    );
    assert_says(
        image_refusal("target = \"a\"\ntarget = \"b\""),
        str![[r#"
error: duplicate key
 --> ROOT/fingerprint.toml:6:1
  |
6 | target = "b"
  | ^^^^^^

"#]],
    );
    let tree = Tree::new();
    tree.file("fingerprint.toml", b"format = 1 # \xff\n");
    assert_says(
        tree.refusal(2),
        str![[r#"
error: cannot read ROOT/fingerprint.toml
 |
 = cause: stream did not contain valid UTF-8

"#]],
    );
}

#[test]
fn formats_are_checked() {
    assert_says(
        refusal("[images.ci]\ninputs = []\n"),
        str![[r#"
error: `format` is missing
 |
 = file: ROOT/fingerprint.toml
 = help: write `format = 1` at the top

"#]],
    );
    assert_says(
        refusal("format = 7\n[images.ci]\ninputs = []\n"),
        str![[r#"
error: format 7 is not known to this version of fp, which writes format 1
 --> ROOT/fingerprint.toml:1:10
  |
1 | format = 7
  |          ^
  |
  = help: write `format = 1` at the top

"#]],
    );
    assert_says(
        refusal("format = \"0\"\n[images.ci]\ninputs = []\n"),
        str![[r#"
error: invalid type: string "0", expected an integer
 --> ROOT/fingerprint.toml:1:10
  |
1 | format = "0"
  |          ^^^

"#]],
    );
}

#[test]
fn images_and_their_names_are_checked() {
    assert_says(
        refusal("format = 1\n"),
        str![[r#"
error: no image is configured
 |
 = file: ROOT/fingerprint.toml
 = help: add a table [images.NAME]

"#]],
    );
    assert_says(
        refusal("format = 1\n[images]\n"),
        str![[r#"
error: no image is configured
 |
 = file: ROOT/fingerprint.toml
 = help: add a table [images.NAME]

"#]],
    );
    assert_says(
        refusal("format = 1\n[images.Ci]\ninputs = ['a']\n"),
        str![[r#"
error: `Ci` is not an image name: lower-case letters and digits, parted by single `.`, `_` or `-`
 --> ROOT/fingerprint.toml:2:9
  |
2 | [images.Ci]
  |         ^^

"#]],
    );
    assert_says(
        refusal("format = 1\n[images.'a/b']\ninputs = ['a']\n"),
        str![[r#"
error: `a/b` is not an image name: lower-case letters and digits, parted by single `.`, `_` or `-`
 --> ROOT/fingerprint.toml:2:9
  |
2 | [images.'a/b']
  |         ^^^^^

"#]],
    );
}

#[test]
fn unknown_keys_are_pointed_at_with_a_near_name() {
    assert_says(
        refusal("format = 1\nimage = 1\n[images.ci]\ninputs = ['a']\n"),
        str![[r#"
error: there is no key `image` here
 --> ROOT/fingerprint.toml:2:1
  |
2 | image = 1
  | ^^^^^
  |
  = help: did you mean `images`?

"#]],
    );
    assert_says(
        image_refusal("dockerfle = \"Dockerfile\""),
        str![[r#"
error: there is no key `dockerfle` here
 --> ROOT/fingerprint.toml:5:1
  |
5 | dockerfle = "Dockerfile"
  | ^^^^^^^^^
  |
  = help: did you mean `dockerfile`?

"#]],
    );
    assert_says(
        image_refusal("zzz = 1"),
        str![[r#"
error: there is no key `zzz` here
 --> ROOT/fingerprint.toml:5:1
  |
5 | zzz = 1
  | ^^^
  |
  = help: known keys are repository, dockerfile, context, inputs, target, platforms, args, needs, hints, secrets, ssh, salt, tag, aliases, verify, retry, cache, cache_from, cache_to, push, source, publish_record, matrix

"#]],
    );
    assert_says(
        image_refusal("args = { A = { fil = \"VERSION\" } }"),
        str![[r#"
error: there is no key `fil` here
 --> ROOT/fingerprint.toml:5:16
  |
5 | args = { A = { fil = "VERSION" } }
  |                ^^^
  |
  = help: did you mean `file`?

"#]],
    );
    assert_says(
        image_refusal("[engine]\nuses = \"docker\""),
        str![[r#"
error: there is no key `uses` here
 --> ROOT/fingerprint.toml:6:1
  |
6 | uses = "docker"
  | ^^^^
  |
  = help: did you mean `use`?

"#]],
    );
}

#[test]
fn wrong_types_are_pointed_at() {
    assert_says(
        refusal("format = 1\n[images.ci]\ninputs = 'scripts'\n"),
        str![[r#"
error: invalid type: string "scripts", expected an array
 --> ROOT/fingerprint.toml:3:10
  |
3 | inputs = 'scripts'
  |          ^^^^^^^^^

"#]],
    );
    assert_says(
        refusal("format = 1\n[images.ci]\ninputs = ['a', 1]\n"),
        str![[r#"
error: invalid type: integer `1`, expected a string
 --> ROOT/fingerprint.toml:3:16
  |
3 | inputs = ['a', 1]
  |                ^

"#]],
    );
    assert_says(
        image_refusal("salt = 3"),
        str![[r#"
error: invalid type: integer `3`, expected a string
 --> ROOT/fingerprint.toml:5:8
  |
5 | salt = 3
  |        ^

"#]],
    );
    assert_says(
        image_refusal("args = [\"A=1\"]"),
        str![[r#"
error: invalid type: array, expected a table
 --> ROOT/fingerprint.toml:5:8
  |
5 | args = ["A=1"]
  |        ^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("args = { A = 3 }"),
        str![[r#"
error: invalid type: integer `3`, expected a string, { env = "NAME" } or { file = "PATH" }
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = 3 }
  |              ^

"#]],
    );
    assert_says(
        image_refusal("push = \"sometimes\""),
        str![[r#"
error: unknown variant `sometimes`, expected one of `auto`, `always`, `never`
 --> ROOT/fingerprint.toml:5:8
  |
5 | push = "sometimes"
  |        ^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("[engine]\nuse = \"rocket\""),
        str![[r#"
error: unknown variant `rocket`, expected one of `auto`, `docker`, `podman`
 --> ROOT/fingerprint.toml:6:7
  |
6 | use = "rocket"
  |       ^^^^^^^^

"#]],
    );
}
