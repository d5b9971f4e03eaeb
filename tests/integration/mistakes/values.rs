//! Values of the right type that are wrong all the same.

use snapbox::str;

use super::{image_refusal, refusal};
use crate::support::assert_says;

#[test]
fn entries_of_inputs_are_checked() {
    let entry = |entry: &str| refusal(&format!("format = 1\n[images.ci]\ninputs = [{entry}]\n"));
    assert_says(
        entry("''"),
        str![[r#"
error: the input `` is empty; `.` is the root itself
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ['']
  |           ^^

"#]],
    );
    assert_says(
        entry("'!'"),
        str![[r#"
error: the input `!` is empty; `.` is the root itself
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ['!']
  |           ^^^

"#]],
    );
    assert_says(
        entry("'/etc/passwd'"),
        str![[r#"
error: the input `/etc/passwd` is absolute; inputs are relative to the root and cannot leave it
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ['/etc/passwd']
  |           ^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        entry("'a/../../b'"),
        str![[r#"
error: the input `a/../../b` has a `..` part; inputs are relative to the root and cannot leave it
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ['a/../../b']
  |           ^^^^^^^^^^^

"#]],
    );
    assert_says(
        entry("'**.sh'"),
        str![[r#"
error: the input `**.sh` has `**` beside other characters in `**.sh`; `**` stands for whole path parts and must be alone between slashes, `*` matches within one part
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ['**.sh']
  |           ^^^^^^^

"#]],
    );
    assert_says(
        entry("\"a\\u0000b\""),
        str![[r#"
error: the input `a\u{0}b` holds a NUL character, which no file name can
 --> ROOT/fingerprint.toml:3:11
  |
3 | inputs = ["a\u0000b"]
  |           ^^^^^^^^^^

"#]],
    );
}

#[test]
fn paths_are_checked() {
    assert_says(
        image_refusal("dockerfile = \"../Dockerfile\""),
        str![[r#"
error: `../Dockerfile` leads out of the folder of fingerprint.toml
 --> ROOT/fingerprint.toml:5:14
  |
5 | dockerfile = "../Dockerfile"
  |              ^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("dockerfile = \"/Dockerfile\""),
        str![[r#"
error: `/Dockerfile` is absolute, and paths are relative to the folder of fingerprint.toml
 --> ROOT/fingerprint.toml:5:14
  |
5 | dockerfile = "/Dockerfile"
  |              ^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("context = \"\""),
        str![[r#"
error: the path is empty
 --> ROOT/fingerprint.toml:5:11
  |
5 | context = ""
  |           ^^

"#]],
    );
    assert_says(
        image_refusal("context = \"a\\u0000b\""),
        str![[r#"
error: `a\u{0}b` holds a NUL byte
 --> ROOT/fingerprint.toml:5:11
  |
5 | context = "a\u0000b"
  |           ^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("args = { A = { file = \"../VERSION\" } }"),
        str![[r#"
error: `../VERSION` leads out of the folder of fingerprint.toml
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = { file = "../VERSION" } }
  |              ^^^^^^^^^^^^^^^^^^^^^^^

"#]],
    );
}

#[test]
fn repositories_are_checked() {
    assert_says(
        image_refusal("repository = \"ghcr.io/a b\""),
        str![[r#"
error: `ghcr.io/a b` is not a repository
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/a b"
  |              ^^^^^^^^^^^^^
  |
  = help: in "a b", ' ' is not allowed (a-z, 0-9, `.`, `_` and `-` are)

"#]],
    );
    assert_says(
        image_refusal("repository = \"ghcr.io/acme/app:latest\""),
        str![[r#"
error: `ghcr.io/acme/app:latest` is not a repository
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/acme/app:latest"
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: a repository is named without a tag or digest

"#]],
    );
    assert_says(
        image_refusal("repository = \"https://ghcr.io/acme\""),
        str![[r#"
error: `https://ghcr.io/acme` is not a repository
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "https://ghcr.io/acme"
  |              ^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: leave out `https://`: a repository begins with the registry's name

"#]],
    );
    assert_says(
        image_refusal("repository = \"ghcr.io/{env:OWNER\""),
        str![[r#"
error: `ghcr.io/{env:OWNER` has a brace without its partner; a literal brace is written `{{` or `}}`
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/{env:OWNER"
  |              ^^^^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("repository = \"ghcr.io/{branch}\""),
        str![[r#"
error: `{branch}` is not known here; possible is `{env:NAME}` or `{env:NAME:-default}`
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/{branch}"
  |              ^^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("repository = \"ghcr.io/{env:1}\""),
        str![[r#"
error: `1` is not the name of an environment variable
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/{env:1}"
  |              ^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("repository = \"ghcr.io/{env:OWNER}/x\""),
        str![[r#"
error: the environment variable OWNER is not set, and no default is given
 --> ROOT/fingerprint.toml:5:14
  |
5 | repository = "ghcr.io/{env:OWNER}/x"
  |              ^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: set OWNER, or give a default in the configuration

"#]],
    );
}

#[test]
fn tags_are_checked() {
    assert_says(
        image_refusal("tag = \"latest\""),
        str![[r#"
error: `latest` does not contain `{fingerprint}`, so every version would share one tag
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "latest"
  |       ^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("tag = \"{fingerprint:15}\""),
        str![[r#"
error: `{fingerprint:15}` must ask for 16 to 64 digits
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "{fingerprint:15}"
  |       ^^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("tag = \"{fingerprint:65}\""),
        str![[r#"
error: `{fingerprint:65}` must ask for 16 to 64 digits
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "{fingerprint:65}"
  |       ^^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("tag = \"{fingerprnt}\""),
        str![[r#"
error: `{fingerprnt}` is not known here; possible is `{fingerprint}`, `{fingerprint:32}` or `{arg:NAME}`
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "{fingerprnt}"
  |       ^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("tag = \"a/{fingerprint:16}\""),
        str![[r#"
error: `a/{fingerprint:16}` does not give a valid tag
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "a/{fingerprint:16}"
  |       ^^^^^^^^^^^^^^^^^^^^
  |
  = help: '/' is not allowed (letters, digits, `_`, `.` and `-` are)

"#]],
    );
    assert_says(
        image_refusal("tag = \"-{fingerprint:16}\""),
        str![[r#"
error: `-{fingerprint:16}` does not give a valid tag
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "-{fingerprint:16}"
  |       ^^^^^^^^^^^^^^^^^^^
  |
  = help: it may not begin with '-'

"#]],
    );
    assert_says(
        image_refusal("tag = \"fp-staging-{fingerprint:16}\""),
        str![[r#"
error: the tag `fp-staging-{fingerprint:16}` starts with `fp-staging`, which fp keeps for itself
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "fp-staging-{fingerprint:16}"
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("tag = \"fp-cache-{fingerprint:16}\""),
        str![[r#"
error: the tag `fp-cache-{fingerprint:16}` starts with `fp-cache`, which fp keeps for itself
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "fp-cache-{fingerprint:16}"
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^

"#]],
    );
    let long = format!("tag = \"{}{{fingerprint}}\"", "x".repeat(65));
    assert_says(
        image_refusal(&long),
        str![[r#"
error: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{fingerprint}` does not give a valid tag
 --> ROOT/fingerprint.toml:5:7
  |
5 | tag = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{fingerprint}"
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: it has 129 characters, and 128 are allowed

"#]],
    );
}

#[test]
fn arguments_are_checked() {
    assert_says(
        image_refusal("args = { A-B = \"1\" }"),
        str![[r#"
error: `A-B` is not a name of a build argument: letters, digits and `_`, not starting with a digit
 --> ROOT/fingerprint.toml:5:10
  |
5 | args = { A-B = "1" }
  |          ^^^

"#]],
    );
    assert_says(
        image_refusal("args = { HTTPS_PROXY = \"1\" }"),
        str![[r#"
error: `HTTPS_PROXY` is an argument that BuildKit sets or interprets itself
 --> ROOT/fingerprint.toml:5:10
  |
5 | args = { HTTPS_PROXY = "1" }
  |          ^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("args = { A = { default = \"1\" } }"),
        str![[r#"
error: an argument's table has either `env`, with or without `default`, or `file`, with or without `key`
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = { default = "1" } }
  |              ^^^^^^^^^^^^^^^^^
  |
  = help: as in `{ env = "DATE", default = "" }` or `{ file = "VERSION" }`

"#]],
    );
    assert_says(
        image_refusal("args = { A = { env = \"A B\" } }"),
        str![[r#"
error: `A B` is not the name of an environment variable
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = { env = "A B" } }
  |              ^^^^^^^^^^^^^^^

"#]],
    );
    assert_says(
        image_refusal("args = { A = { env = \"NOT_SET\" } }"),
        str![[r#"
error: the environment variable NOT_SET is not set, and no default is given
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = { env = "NOT_SET" } }
  |              ^^^^^^^^^^^^^^^^^^^
  |
  = help: set NOT_SET, or give a default in the configuration

"#]],
    );
    assert_says(
        image_refusal("args = { A = \"a\\u0000b\" }"),
        str![[r#"
error: the text holds a NUL byte, which no program can be given
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = "a\u0000b" }
  |              ^^^^^^^^^^

"#]],
    );
}

#[test]
fn other_values_are_checked() {
    assert_says(
        image_refusal("target = \"\""),
        str![[r#"
error: the target is empty
 --> ROOT/fingerprint.toml:5:10
  |
5 | target = ""
  |          ^^

"#]],
    );
}
