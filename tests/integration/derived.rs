//! Inputs that are derived from the Dockerfile, and what is said where they cannot be.

use snapbox::str;

use crate::support::{Tree, assert_says};

/// A tree with an image whose inputs are derived from this Dockerfile.
fn tree(dockerfile: &str) -> Tree {
    let tree = Tree::new();
    tree.file("Dockerfile", dockerfile).image("");
    tree
}

/// The paths of the files and links that count, the Dockerfile's own line left out.
fn inputs(tree: &Tree) -> Vec<String> {
    let record = tree.fp().arg("record").run();
    let counts = |line: &&str| line.starts_with("file\t") || line.starts_with("link\t");
    let path = |line: &str| line.split('\t').nth(1).unwrap().to_owned();
    record.lines().filter(counts).map(path).collect()
}

/// What is said of an image whose inputs cannot be derived.
fn refusal(dockerfile: &str) -> String {
    let tree = tree(dockerfile);
    tree.refusal_of(tree.fp().arg("hash").code(1))
}

#[test]
fn what_the_reached_stages_read_counts() {
    let tree = tree(
        "FROM scratch AS unused\nCOPY missing /\nFROM scratch AS base\nCOPY --chmod=755 bin/* /\n\
         FROM base\nADD a.tar d /x/\nRUN --mount=source=m,target=/m true\n",
    );
    for path in ["bin/x", "bin/sub/y", "a.tar", "d/e", "m", "other", "a.tar2"] {
        tree.file(path, path);
    }
    assert_eq!(inputs(&tree), ["a.tar", "bin/sub/y", "bin/x", "d/e", "m"]);
    assert_says(
        tree.fp().arg("inputs").run(),
        str![[r#"
Dockerfile  the Dockerfile
a.tar       `ADD a.tar` in line 6 of the Dockerfile
bin/sub/y   `COPY bin/*` in line 4 of the Dockerfile
bin/x       `COPY bin/*` in line 4 of the Dockerfile
d/e         `ADD d` in line 6 of the Dockerfile
m           `RUN --mount m` in line 7 of the Dockerfile

"#]],
    );
}

#[test]
fn dockerignore_takes_out() {
    let tree = tree("FROM scratch\nCOPY . /\n");
    tree.file(".dockerignore", "*\n!a\n!d/keep\n");
    for path in ["a", "b", "d/keep", "d/drop"] {
        tree.file(path, path);
    }
    assert_eq!(inputs(&tree), ["a", "d/keep"]);
    assert!(!tree.fp().arg("record").run().contains("outside"));
}

#[test]
fn links_on_the_way_are_followed_as_in_the_build() {
    let tree = tree("FROM scratch\nCOPY cur/a top/./b l* globbed/f* /x/\n");
    tree.link("cur", "/v2").file("v2/a", "").file("v2/c", "");
    tree.link("top", "../../../v3").file("v3/b", "");
    tree.link("l1", "v4")
        .file("v4/d", "")
        .link("v4/e", "nowhere");
    tree.link("globbed", "v5").file("v5/f", "").file("v5/x", "");
    assert_eq!(
        inputs(&tree),
        [
            "v2/a", "v3/b", "v4/d", "v5/f", "cur", "globbed", "l1", "top", "v4/e"
        ]
    );
}

#[test]
fn a_link_that_a_glob_matches_is_followed_though_another_source_crossed_it() {
    for dockerfile in [
        "FROM scratch\nCOPY link/sub /a/\nCOPY l* /b/\n",
        "FROM scratch\nCOPY l* /b/\nCOPY link/sub /a/\n",
        "FROM scratch\nCOPY k2/sub /a/\nCOPY l* /b/\n",
        "FROM scratch\nCOPY --exclude=x.md link /a/\nCOPY l* /b/\n",
    ] {
        let tree = tree(dockerfile);
        tree.link("link", "dir").link("k2", "link");
        tree.file("dir/x.md", "").file("dir/sub/b", "");
        let inputs = inputs(&tree);
        for path in ["dir/sub/b", "dir/x.md", "link"] {
            assert!(inputs.contains(&path.to_owned()), "{dockerfile}{inputs:?}");
        }
    }
}

#[test]
fn a_glob_that_gitignore_alone_leaves_with_nothing_is_an_error() {
    let tree = tree("FROM scratch\nCOPY target/*.jar /app.jar\n");
    tree.git(["init", "--quiet"])
        .file(".gitignore", "target/\n");
    assert!(inputs(&tree).is_empty(), "nothing is there");
    tree.file("target/classes/a.jar", "");
    assert!(inputs(&tree).is_empty(), "nothing that matches is there");
    tree.file("target/app-1.jar", "");
    assert_says(
        tree.refusal_of(tree.fp().arg("hash").code(1)),
        str![[r#"
error: the source `target/*.jar` of COPY names nothing that the build gets: .gitignore excludes target/app-1.jar
 --> Dockerfile:2:1
  |
2 | COPY target/*.jar /app.jar
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: name the file without wildcards to mean it whatever .gitignore says, or keep it out of the build by .dockerignore

"#]],
    );
    tree.file(".dockerignore", "target\n");
    assert!(inputs(&tree).is_empty(), "the build is not to have it");
}

#[test]
fn a_source_that_its_own_patterns_leave_with_nothing_is_an_error() {
    let tree = tree("FROM scratch\nCOPY . /a/\nCOPY --exclude=b ./d /b/\n");
    tree.file("d/b", "");
    let said = tree.refusal_of(tree.fp().arg("hash").code(1));
    assert!(
        said.contains("the source `./d` of COPY names nothing"),
        "{said}"
    );
}

#[test]
fn the_way_out_of_an_error_is_one_that_is_there() {
    let tree = tree("FROM scratch\nCOPY d /x/\n");
    tree.file("d/a", "version https://git-lfs.github.com/spec/v1\n");
    assert_says(
        tree.refusal_of(tree.fp().arg("hash").code(1)),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/a is a git-lfs pointer; the file itself is not here
 = help: run `git lfs pull`, or keep it out of the build by .dockerignore

"#]],
    );
}

#[test]
fn links_stop_at_the_top_of_a_context_below_the_root() {
    let tree = tree("FROM scratch\nCOPY l ../../b /x/\n");
    tree.image("context = 'c'");
    tree.link("c/l", "../a").file("c/a", "").file("c/b", "");
    tree.file("a", "").file("b", "");
    assert_eq!(inputs(&tree), ["c/a", "c/b", "c/l"]);
}

#[test]
fn a_named_path_is_meant_though_git_ignores_it() {
    let tree = tree("FROM scratch\nCOPY target/tool dir /x/\n");
    tree.git(["init", "--quiet"]);
    tree.file(".gitignore", "target\nout*\n*.o\n");
    for path in ["target/tool", "target/x", "out1", "dir/a", "dir/a.o"] {
        tree.file(path, path);
    }
    assert_eq!(inputs(&tree), ["dir/a", "target/tool"]);
}

#[test]
fn patterns_of_copy_itself_take_out_too() {
    let tree = tree(
        "FROM scratch\nCOPY --exclude=*.md --exclude=sub d /x/\nCOPY d/keep.md /\n\
         COPY --parents s/./**/*.c t/u /y/\n",
    );
    for path in [
        "d/a",
        "d/b.md",
        "d/keep.md",
        "d/sub/c",
        "s/1.c",
        "s/x/2.c",
        "s/x/3.h",
        "t/u/4",
        "t/v",
    ] {
        tree.file(path, path);
    }
    assert_eq!(
        inputs(&tree),
        ["d/a", "d/keep.md", "s/1.c", "s/x/2.c", "t/u/4"]
    );
}

#[test]
fn a_source_that_names_nothing_is_an_error() {
    assert_says(
        refusal("FROM scratch\nCOPY \\\n  a \\\n  /x\nRUN y\n"),
        str![[r#"
error: the source `a` of COPY names nothing that the build gets
 --> Dockerfile:2:1
  |
2 | / COPY \
3 | |   a \
4 | |   /x
  | |____^
  |
  = help: sources are relative to the build context; correct it, or list the inputs in `inputs`

"#]],
    );
    let tree = tree("FROM scratch\nCOPY d /\n");
    tree.folder("d");
    assert_says(
        tree.refusal_of(tree.fp().arg("hash").code(1)),
        str![[r#"
error: the source `d` of COPY names nothing that the build gets but the empty folder d, and git cannot hold an empty folder
 --> Dockerfile:2:1
  |
2 | COPY d /
  | ^^^^^^^^
  |
  = help: sources are relative to the build context; correct it, or list the inputs in `inputs`

"#]],
    );
    tree.file("d/a.log", "")
        .file(".dockerignore", "*.log\nd/*\n");
    assert_says(
        tree.refusal_of(tree.fp().arg("hash").code(1)),
        str![[r#"
error: the source `d` of COPY names nothing that the build gets: .dockerignore keeps d/a.log out of the build
 --> Dockerfile:2:1
  |
2 | COPY d /
  | ^^^^^^^^
  |
  = help: take the rule out of .dockerignore, or the source out of the Dockerfile

"#]],
    );
    let nothing_is_fine = self::tree("FROM scratch\nCOPY *.txt Dockerfile /\n");
    assert_eq!(inputs(&nothing_is_fine), ["Dockerfile"]);
}

#[test]
fn what_cannot_be_told_is_an_error_with_the_way_out() {
    assert_says(
        refusal("FROM debian\nARG TARGETARCH\nCOPY bin-$TARGETARCH /\n"),
        str![[r#"
error: which files `bin-$TARGETARCH` names cannot be told: TARGETARCH depends on the platform
 --> Dockerfile:3:1
  |
3 | COPY bin-$TARGETARCH /
  | ^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: say for which `platforms` the image is, as in `platforms = ["linux/amd64"]`, or list the files in `inputs`

"#]],
    );
    assert_says(
        refusal("FROM debian\nCOPY $HOME/x /\n"),
        str![[r#"
error: which files `$HOME/x` names cannot be told: HOME may be set by the base image
 --> Dockerfile:2:1
  |
2 | COPY $HOME/x /
  | ^^^^^^^^^^^^^^
  |
  = help: give the variable a value by ENV, or by ARG with a default, or list the files in `inputs`

"#]],
    );
    assert_says(
        refusal("FROM debian AS base-amd64\nFROM base-$TARGETARCH\n"),
        str![[r#"
error: which image or stage `base-$TARGETARCH` names cannot be told: TARGETARCH depends on the platform
 --> Dockerfile:2:1
  |
2 | FROM base-$TARGETARCH
  | ^^^^^^^^^^^^^^^^^^^^^
  |
  = help: say for which `platforms` the image is, as in `platforms = ["linux/amd64"]`

"#]],
    );
    assert_says(
        refusal("# syntax=acme/frontend:1\nanything\n"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the inputs cannot be derived from Dockerfile
 = cause: the frontend `acme/frontend:1` reads it, whose language fp does not know
 = help: list the files that go into the image in `inputs`, as in `inputs = ["install.sh", "scripts"]`

"#]],
    );
}

#[test]
fn platforms_are_recorded_and_decide_sources() {
    let tree = tree("FROM scratch\nARG TARGETARCH\nCOPY bin-$TARGETARCH /\n");
    tree.image("platforms = ['linux/arm64', 'linux/amd64']");
    tree.file("bin-amd64", "")
        .file("bin-arm64", "")
        .file("bin-riscv64", "");
    assert_eq!(inputs(&tree), ["bin-amd64", "bin-arm64"]);
    let record = tree.fp().arg("record").run();
    assert!(record.ends_with("platform\tlinux/amd64\nplatform\tlinux/arm64\n"));
    let both = tree.hash();
    tree.image("platforms = ['linux/amd64']");
    assert_eq!(inputs(&tree), ["bin-amd64"]);
    assert_ne!(tree.hash(), both);
}

#[test]
fn arguments_decide_sources_and_have_to_be_declared() {
    let tree = tree("ARG V=1\nFROM scratch\nARG V\nCOPY v$V /\n");
    tree.file("v1", "").file("v2", "");
    assert_eq!(inputs(&tree), ["v1"]);
    tree.image("args = { V = '2' }");
    assert_eq!(inputs(&tree), ["v2"]);
    tree.image("args = { W = '2' }");
    assert_says(
        tree.refusal_of(tree.fp().arg("hash").code(1)),
        str![[r#"
error: no stage that is built declares the argument W
 |
 = file: Dockerfile
 = help: declare it by ARG in a stage that the target reaches, or take it out of `args`

"#]],
    );
}

#[test]
fn what_buildkit_refuses_is_refused_at_its_line() {
    assert_says(
        refusal("FROM scratch AS a\nRUN <<EOF\nx\n"),
        str![[r#"
error: the here-document `EOF` is not ended by a line that says `EOF`
 --> Dockerfile:2:1
  |
2 | RUN <<EOF
  | ^^^^^^^^^
  |
  = help: write the name alone on a line, without blanks before or behind it

"#]],
    );
    assert_says(
        refusal("FROM scratch\nCOPY ${X /y\n"),
        str![[r#"
error: the word `${X` cannot be expanded: a `${` is never closed by `}`
 --> Dockerfile:2:1
  |
2 | COPY ${X /y
  | ^^^^^^^^^^^

"#]],
    );
    assert_says(
        refusal("FROM scratch AS a\nFROM scratch\nCOPY --from=$A / /\n"),
        str![[r#"
error: `$A` names a stage or an image, where variables are not expanded
 --> Dockerfile:3:1
  |
3 | COPY --from=$A / /
  | ^^^^^^^^^^^^^^^^^^
  |
  = help: name the image in a FROM, where variables are expanded, and then that stage

"#]],
    );
}
