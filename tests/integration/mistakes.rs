//! What fp says about a fingerprint.toml that is wrong.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

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

/// The line was once quoted, and with it the token because of which it is refused.
#[test]
fn an_address_with_a_token_is_not_quoted() {
    assert_says(
        image_refusal("source = \"https://user:secret@example.com/x\""),
        str![[r#"
error: `source` is not an http(s) address, or it holds a user name or password
--> ROOT/fingerprint.toml:5

"#]],
    );
    for line in [
        "source = \"secret\"",
        "source = \"https://secret@/\"",
        "sources = \"https://user:secret@example.com/x\"",
        "repository = \"https://user:secret@ghcr.io/acme/app\"",
        "target = 1 # https://user:secret@example.com",
        "target = \"https://user:secret@example.com",
    ] {
        let said = image_refusal(line);
        assert!(!said.contains("secret"), "{said}");
        assert!(said.contains("--> ROOT/fingerprint.toml:5"), "{said}");
    }
}

#[test]
fn a_variable_that_is_no_text_is_refused() {
    let tree = Tree::with_inputs("'Dockerfile'");
    tree.image("inputs = ['Dockerfile']\nargs = { A = { env = \"A\" } }");
    let run = tree
        .fp()
        .arg("hash")
        .env("A", OsStr::from_bytes(b"caf\xe9"));
    assert_says(
        tree.refusal_of(run.code(2)),
        str![[r#"
error: the environment variable A is not valid UTF-8
 --> ROOT/fingerprint.toml:5:14
  |
5 | args = { A = { env = "A" } }
  |              ^^^^^^^^^^^^^

"#]],
    );
}

#[test]
fn what_a_mistake_quotes_cannot_steer_a_terminal() {
    let hostile = "\\u001b[2J\\u202e\\u200b\\n";
    for said in [
        image_refusal(&format!("\"{hostile}\" = 1")),
        image_refusal("target = 1 # \u{202e}"),
        image_refusal("target = 1 # \u{200b}"),
        image_refusal(&format!("repository = \"{hostile}\"")),
        image_refusal(&format!("tag = \"{hostile}{{fingerprint}}\"")),
        image_refusal(&format!("tag = \"{{{hostile}}}\"")),
        image_refusal(&format!("context = \"/{hostile}\"")),
        image_refusal(&format!("args = {{ \"{hostile}\" = \"1\" }}")),
        image_refusal(&format!("args = {{ A = {{ env = \"{hostile}\" }} }}")),
        image_refusal(&format!("push = \"{hostile}\"")),
        refusal(&format!(
            "format = 1\n[images.\"{hostile}\"]\ninputs = []\n"
        )),
        refusal(&format!(
            "format = 1\n[images.a]\ninputs = [\"/{hostile}\"]\n"
        )),
        refusal(&format!(
            "format = 1\n[images.a]\ninputs = [\"**{hostile}\"]\n"
        )),
    ] {
        let bad = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
        assert!(!said.contains(bad), "{said:?}");
        assert!(said.lines().count() < 9, "{said}");
    }
}

/// The reader of TOML once spoke of `i64`, sequences and maps.
#[test]
fn wrong_types_are_told_in_the_words_of_toml() {
    for (config, told) in [
        ("format = true\n", "boolean `true`, expected an integer"),
        ("format = 1\nimages = 3\n", "integer `3`, expected a table"),
        (
            "format = 1\n[images]\nci = 3\n",
            "integer `3`, expected a table",
        ),
        (
            "format = 1\n[images.ci]\ninputs = {}\n",
            "table, expected an array",
        ),
        (
            "format = 1\n[images.ci]\nargs = []\n",
            "array, expected a table",
        ),
        (
            "format = 1\n[images.ci]\nsalt = []\n",
            "array, expected a string",
        ),
    ] {
        let said = refusal(config);
        assert!(said.contains(&format!("invalid type: {told}\n")), "{said}");
    }
}

/// It once showed the fingerprint of nothing, by which the template had been tried out.
#[test]
fn a_tag_is_refused_without_a_fingerprint_that_nobody_asked_for() {
    let said = image_refusal("tag = \"a/{fingerprint:16}\"");
    assert!(said.contains("help: '/' is not allowed"), "{said}");
}

/// Whoever reads a log sees what fp quotes of the configuration.
#[test]
fn what_names_no_cache_is_told_without_its_text() {
    assert_says(
        image_refusal("cache_to = [\"type=s3,bucket=b,secret_access_key=hush\"]"),
        str![[r#"
error: `secret_access_key` of a cache is or holds a credential, which has no place in fingerprint.toml
--> ROOT/fingerprint.toml:5
 = help: take it out: `docker login` signs in to registries, S3 goes by AWS's own variables and files, and GitHub's cache by the job's own token

"#]],
    );
    assert_says(
        image_refusal("cache_from = [\"mode=max,tokn=hush\"]"),
        str![[r#"
error: this is no place of a cache as `docker buildx build` names it
--> ROOT/fingerprint.toml:5
 = help: as in `type=registry,ref=ghcr.io/acme/app-cache`, `type=local,dest=PATH`, or a reference alone

"#]],
    );
    assert_says(
        image_refusal("cache = \"s3\""),
        str![[r#"
error: unknown variant `s3`, expected one of `none`, `inline`, `registry`, `gha`
 --> ROOT/fingerprint.toml:5:9
  |
5 | cache = "s3"
  |         ^^^^

"#]],
    );
    assert_says(
        image_refusal(
            "repository = \"ghcr.io/acme/app\"\ncache_to = [\"ghcr.io/acme/app:latest\"]",
        ),
        str![[r#"
error: no cache is written where the image is published
 --> ROOT/fingerprint.toml:6:13
  |
6 | cache_to = ["ghcr.io/acme/app:latest"]
  |             ^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: give it a tag that begins with `fp-cache`, which no image has, or a repository of its own

"#]],
    );
}
