//! In which words a mistake is told, and what of it is not shown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use snapbox::str;

use super::{image_refusal, refusal};
use crate::support::{Tree, assert_says};

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
