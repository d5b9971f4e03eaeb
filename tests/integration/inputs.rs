//! `fp inputs`

use snapbox::str;

use crate::support::{Tree, assert_says};

/// A tree with an input of each kind.
fn tree() -> Tree {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\nARG V W\n").image(
        "inputs = ['image', '*.mk', '!image/no', 'current/a']\ncontext = 'image'\nargs = { V = { file = 'V' }, W = '1' }",
    );
    tree.file("V", "1").file("x.mk", "").file("image/a", "");
    tree.file("image/no", "").file("image/b.log", "");
    tree.file("image/.dockerignore", "*.log\n");
    tree.link("image/l", "a")
        .link("current", "v2")
        .file("v2/a", "");
    tree
}

#[test]
fn each_input_has_its_reason() {
    let tree = tree();
    assert_says(
        tree.fp().arg("inputs").run(),
        str![[r#"
Dockerfile           the Dockerfile
V                    the value of the argument V
current              `current/a`, outside the build context
image/.dockerignore  `image`
image/a              `image`
image/b.log          `image`, kept out of the build by .dockerignore
image/l              `image`
v2/a                 `current/a`, outside the build context
x.mk                 `*.mk`, outside the build context

"#]],
    );
}

#[test]
fn programs_get_json() {
    let tree = tree();
    let run = tree.fp().args(["inputs", "--format", "json"]);
    assert_says(
        run.run(),
        str![[r#"
{
  "image": "ci",
  "inputs": [
    {
      "in_build": true,
      "kind": "dockerfile",
      "path": "Dockerfile",
      "reason": "the Dockerfile"
    },
    {
      "in_build": false,
      "kind": "arg",
      "path": "V",
      "reason": "the value of the argument V"
    },
    {
      "in_build": false,
      "kind": "link",
      "path": "current",
      "reason": "`current/a`, outside the build context"
    },
    {
      "in_build": true,
      "kind": "file",
      "path": "image/.dockerignore",
      "reason": "`image`"
    },
    {
      "in_build": true,
      "kind": "file",
      "path": "image/a",
      "reason": "`image`"
    },
    {
      "in_build": false,
      "kind": "file",
      "path": "image/b.log",
      "reason": "`image`, kept out of the build by .dockerignore"
    },
    {
      "in_build": true,
      "kind": "link",
      "path": "image/l",
      "reason": "`image`"
    },
    {
      "in_build": false,
      "kind": "file",
      "path": "v2/a",
      "reason": "`current/a`, outside the build context"
    },
    {
      "in_build": false,
      "kind": "file",
      "path": "x.mk",
      "reason": "`*.mk`, outside the build context"
    }
  ]
}

"#]],
    );
}

/// The reason of an input is an entry of the configuration, and was once printed as it stands
/// there.
#[test]
fn names_cannot_steer_a_terminal() {
    let tree = Tree::with_inputs("'d', \"\\u001b[2J\\u202e?*\", '**/x'");
    tree.file("d/\u{1b}[2J\u{202e}gnp.sh", "");
    tree.file("\u{1b}[2J\u{202e}ab", "")
        .file("e\u{200b}\n/x", "");
    tree.file(b"d/caf\xe9", "").file("d/a\tb\\", "");
    assert_says(
        tree.fp().arg("inputs").run(),
        str![[r#"
Dockerfile                 the Dockerfile
\u{1b}[2J\u{202e}ab        `\u{1b}[2J\u{202e}?*`
d/\u{1b}[2J\u{202e}gnp.sh  `d`
d/a\u{9}b\                 `d`
d/caf\xe9                  `d`
e\u{200b}\u{a}/x           `**/x`

"#]],
    );
}

/// Paths in JSON were once shown as in a terminal, so that two files could have one path.
#[test]
fn programs_get_paths_as_the_record_has_them() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a\tb", "").file("d/a\\u{9}b", "");
    tree.file(b"d/caf\xe9\\", "").file("d/\u{202e}x", "");
    let read = |command: &str| -> serde_json::Value {
        let answer = tree.fp().args([command, "--format", "json"]).run();
        serde_json::from_str(&answer).expect("JSON")
    };
    let (inputs, record) = (read("inputs"), read("record"));
    let of = |list: &serde_json::Value, field: fn(&serde_json::Value) -> &serde_json::Value| {
        let list = list.as_array().expect("a list").iter();
        list.map(|item| field(item).clone()).collect::<Vec<_>>()
    };
    let paths = of(&inputs["inputs"], |input| &input["path"]);
    let recorded = of(&record["lines"], |line| &line[1]);
    // After the Dockerfile, and after the lines of the context and the Dockerfile.
    let sorted = |paths: &[serde_json::Value]| {
        let mut paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        paths.sort_unstable();
        paths
    };
    assert_eq!(sorted(&paths[1..]), sorted(&recorded[2..]));
}
