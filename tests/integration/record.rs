//! `fp record`

use snapbox::str;

use crate::support::{Tree, assert_says};

#[test]
fn it_prints_the_record() {
    let tree = Tree::with_inputs("'a b', 'l'");
    tree.file("a b", "1").link("l", "a b");
    assert_says(
        tree.record(),
        str![[r#"
fp-record	1
context	.
dockerfile	Dockerfile	fe169c827ecceb8501ca7f0c1561f4e765be4494461ca24d1dd378055a5e464a
file	a b	-	d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487
link	l	a b

"#]],
    );
}

#[test]
fn programs_get_json() {
    let tree = Tree::with_inputs("'d'");
    tree.file(b"d/\xff\t\"", "1").link("d/l", "a\nb");
    let run = tree.fp().args(["record", "--format", "json"]);
    assert_says(
        run.run(),
        str![[r#"
{
  "fingerprint": "fe653479c0393e9de446af5c32590e005328d80c8712be7e9b5d1ec763c49040",
  "format": 1,
  "image": "ci",
  "lines": [
    [
      "context",
      "."
    ],
    [
      "dockerfile",
      "Dockerfile",
      "fe169c827ecceb8501ca7f0c1561f4e765be4494461ca24d1dd378055a5e464a"
    ],
    [
      "file",
      "d/\\xff\\t\"",
      "-",
      "d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487"
    ],
    [
      "link",
      "d/l",
      "a\\nb"
    ]
  ]
}

"#]],
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let tree = Tree::with_inputs("'d'");
    // More than a pipe holds.
    for number in 0..2000 {
        tree.file(format!("d/{number:0100}"), "");
    }
    for arguments in [
        &["record"][..],
        &["record", "--format=json"],
        &["inputs"],
        &["hash"],
        &["--help"],
    ] {
        for script in [
            "exec 3>&1; { \"$@\"; echo $? >&3; } | head -c 0",
            "exec 3>&1; { \"$@\"; echo $? >&3; } | head -c 100 >/dev/null",
            "\"$@\" >&-; echo $?",
        ] {
            let run = tree.fp().under(["sh", "-c", script, "sh"]).args(arguments);
            assert_eq!(run.run(), "0\n", "{arguments:?} {script}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let tree = Tree::with_inputs("'Dockerfile'");
    let script = "exec \"$@\" >/dev/full";
    let run = tree.fp().under(["sh", "-c", script, "sh"]).arg("record");
    assert_says(
        tree.refusal_of(run.code(1)),
        str![[r#"
error: cannot write to stdout
 |
 = cause: No space left on device (os error 28)

"#]],
    );
}
