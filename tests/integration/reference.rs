//! `fp ref`

use snapbox::str;

use crate::support::{Tree, assert_says};

/// What `fp ref` prints of an image with these lines in its table, with the fingerprint's digits
/// replaced.
fn reference(lines: &str, variables: &[(&str, &str)]) -> String {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n");
    tree.image(&format!("inputs = ['Dockerfile']\n{lines}"));
    let with = |command| {
        variables
            .iter()
            .fold(tree.fp().arg(command), |run, (name, value)| {
                run.env(name, value)
            })
    };
    let hash = with("hash").run();
    let (head, tail) = hash.trim_end().split_at(32);
    let said = with("ref").run();
    assert!(said.ends_with('\n') && said.lines().count() == 1, "{said}");
    said.trim_end().replace(head, "HEAD").replace(tail, "TAIL")
}

#[test]
fn an_image_without_a_repository_is_local() {
    assert_eq!(reference("", &[]), "localhost/fp/ci:HEAD");
}

#[test]
fn the_tag_is_shaped_by_the_configuration() {
    assert_eq!(
        reference("tag = 'x-{fingerprint}'", &[]),
        "localhost/fp/ci:x-HEADTAIL"
    );
    assert_eq!(
        reference("tag = 'x_{fingerprint:32}.y'", &[]),
        "localhost/fp/ci:x_HEAD.y"
    );
}

#[test]
fn the_repository_may_depend_on_the_environment() {
    let lines = "repository = 'ghcr.io/{env:GITHUB_REPOSITORY:-acme/app}-ci'";
    assert_eq!(reference(lines, &[]), "ghcr.io/acme/app-ci:HEAD");
    let set = |value| reference(lines, &[("GITHUB_REPOSITORY", value)]);
    assert_eq!(set(""), "ghcr.io/acme/app-ci:HEAD");
    assert_eq!(set("Acme/Other"), "ghcr.io/acme/other-ci:HEAD");
}

#[test]
fn programs_get_json() {
    let tree = Tree::with_inputs("'Dockerfile'");
    let run = tree.fp().args(["ref", "--format", "json"]);
    assert_says(
        run.run(),
        str![[r#"
{
  "fingerprint": "e2c72deb5d52c24f0f5f6ca4a58bb0f5c76e55ab0c55ffed6dde0e302be25426",
  "image": "ci",
  "reference": "localhost/fp/ci:e2c72deb5d52c24f0f5f6ca4a58bb0f5",
  "repository": "localhost/fp/ci",
  "tag": "e2c72deb5d52c24f0f5f6ca4a58bb0f5"
}

"#]],
    );
}
