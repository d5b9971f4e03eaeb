//! `fp dockerfile`

use snapbox::str;

use crate::support::{Tree, assert_says};

const FILE: &str = "\
# syntax=docker/dockerfile:1
# the base of all
ARG BASE=scratch
ARG UNUSED=1

FROM $BASE AS tools
COPY tools /tools

FROM scratch AS docs
COPY docs /docs

# what is built if nothing else is asked for
FROM scratch
COPY --from=tools /tools /tools
";

fn tree(lines: &str) -> Tree {
    let tree = Tree::new();
    tree.file("Dockerfile", FILE).image(lines);
    tree
}

#[test]
fn it_prints_what_the_target_reaches() {
    let tree = tree("");
    assert_says(
        tree.fp().arg("dockerfile").run(),
        str![[r#"
# syntax=docker/dockerfile:1
# the base of all
ARG BASE=scratch

FROM $BASE AS tools
COPY tools /tools

# what is built if nothing else is asked for
FROM scratch
COPY --from=tools /tools /tools

"#]],
    );
    tree.image("target = 'docs'");
    assert_says(
        tree.fp().arg("dockerfile").run(),
        str![[r#"
# syntax=docker/dockerfile:1

FROM scratch AS docs
COPY docs /docs

"#]],
    );
}

#[test]
fn programs_get_json() {
    let tree = tree("target = 'docs'");
    assert_says(
        tree.fp().args(["dockerfile", "--format", "json"]).run(),
        str![[r##"
{
  "digest": "3642c7adba5cbe3ef634e9fd37a22bd417a73f0abbf5dc47956237fd631d777b",
  "image": "ci",
  "path": "Dockerfile",
  "slice": "# syntax=docker/dockerfile:1\n\nFROM scratch AS docs\nCOPY docs /docs\n"
}

"##]],
    );
}

#[test]
fn what_another_frontend_reads_is_printed_whole() {
    let tree = Tree::new();
    let text = "# syntax=acme/frontend:1\nthis: is no Dockerfile\n";
    tree.file("Dockerfile", text).image("inputs = []");
    assert_eq!(tree.fp().arg("dockerfile").run(), text);
}

#[test]
fn a_stage_that_is_not_reached_does_not_count() {
    let tree = tree("target = 'docs'");
    tree.file("docs", "");
    let before = tree.hash();
    let edited = FILE.replace("COPY tools", "COPY other");
    tree.file("Dockerfile", edited);
    assert_eq!(tree.hash(), before);
    tree.file("Dockerfile", FILE.replace("COPY docs /docs", "COPY docs /"));
    assert_ne!(tree.hash(), before);
}
