//! Inputs that cannot be read, or are not what they should be.

use std::os::unix::net::UnixListener;

use snapbox::str;

use super::refusal_to_user;
use crate::support::{Tree, assert_says};

#[test]
fn no_image_holds_a_fifo_or_a_socket() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a", "1").fifo("d/pipe");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/pipe is a FIFO, which cannot be part of an image
 = help: take it out with a `!` entry, or remove it

"#]],
    );
    tree.image("inputs = ['d/pipe']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/pipe is a FIFO, which cannot be part of an image
 = help: take it out with a `!` entry, or remove it

"#]],
    );
    tree.remove("d/pipe").image("inputs = ['**']");
    let _socket = UnixListener::bind(tree.path("d/socket")).expect("a socket");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/socket is a socket, which cannot be part of an image
 = help: take it out with a `!` entry, or remove it

"#]],
    );
    // It is no matter where it is no input.
    for entries in ["'d', '!d/socket'", "'d/a'", "'*/a'"] {
        tree.image(&format!("inputs = [{entries}]"));
        assert!(tree.record().contains("file\td/a\t-\t"), "{entries}");
    }
    tree.image("inputs = ['d']").file(".gitignore", "socket\n");
    tree.commit();
    assert!(!tree.record().contains("socket"));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a", "1").mode("d/a", 0o000);
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read d/a
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it, or take it out with a `!` entry

"#]],
    );
    tree.mode("d/a", 0o644).mode("d", 0o300);
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read d
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it, or take it out with a `!` entry

"#]],
    );
    tree.mode("d", 0o600).image("inputs = ['d/a']");
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read d/a
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it, or take it out with a `!` entry

"#]],
    );
    tree.image("inputs = ['**/*.sh']").file("b.sh", "");
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read d
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it, or take it out with a `!` entry

"#]],
    );
    tree.image("inputs = ['Dockerfile']")
        .mode("Dockerfile", 0o000);
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: cannot read Dockerfile
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it

"#]],
    );
    tree.mode("Dockerfile", 0o644);
    tree.file(".dockerignore", "").mode(".dockerignore", 0o000);
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the ignore file of the build
 = cause: cannot read .dockerignore
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it

"#]],
    );
    tree.remove(".dockerignore").image("inputs = ['*.sh']");
    tree.file(".gitignore", "")
        .commit()
        .mode(".gitignore", 0o000);
    assert_says(
        refusal_to_user(&tree),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read ROOT/.gitignore
 = cause: Permission denied (os error 13)
 = help: let the user who runs fp read it

"#]],
    );
    tree.mode("d", 0o755);
}

#[test]
fn what_cannot_be_read_is_no_matter_elsewhere() {
    let tree = Tree::with_inputs("'a/*.sh', 'b'");
    tree.file("a/x.sh", "1").file("b/y", "2");
    let expected = tree.hash();
    tree.folder("c").mode("c", 0o000);
    tree.file("a/x.py", "").mode("a/x.py", 0o000);
    tree.folder("a/no").mode("a/no", 0o000);
    let run = tree.fp().by_ordinary_user().arg("hash");
    assert_eq!(run.run().trim_end(), expected);
}

#[test]
fn the_pointer_of_git_lfs_is_not_the_file() {
    let tree = Tree::with_inputs("'d'");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\
                   258daaa5e2ca24d17e2393\nsize 12345\n";
    tree.file("d/big.bin", pointer);
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/big.bin is a git-lfs pointer; the file itself is not here
 = help: run `git lfs pull`, or take the path out with a `!` entry

"#]],
    );
    tree.image("inputs = ['d', '!d/big.bin']").file("d/a", "");
    tree.hash();
    // Nor is it the value of an argument.
    tree.image("inputs = []\nargs = { A = { file = 'd/big.bin' } }");
    let run = tree.fp().arg("hash").code(1);
    run.stderr_contains("d/big.bin is a git-lfs pointer").run();
    tree.image("inputs = ['d']");
    // A text about git-lfs is none.
    tree.image("inputs = ['d']");
    tree.file("d/big.bin", format!("# {pointer}")).hash();
    tree.file("d/big.bin", format!("{pointer}{}", "x".repeat(1024)))
        .hash();
}

#[test]
fn the_file_of_an_argument_must_be_text() {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n");
    tree.image("inputs = ['Dockerfile']\nargs = { VERSION = { file = 'VERSION' } }");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument VERSION its value
 = cause: there is no file VERSION
 = help: paths in fingerprint.toml are relative to its folder

"#]],
    );
    tree.file("VERSION", b"1\xff");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file VERSION does not give the argument VERSION a value
 = cause: it is not text

"#]],
    );
    tree.file("VERSION", b"1\0");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the file VERSION does not give the argument VERSION a value
 = cause: it is not text

"#]],
    );
    tree.remove("VERSION").folder("VERSION");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument VERSION its value
 = cause: VERSION is not a regular file
 = help: name a file that is part of the project

"#]],
    );
    tree.remove("VERSION")
        .link("VERSION", "/etc/debian_version");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument VERSION its value
 = cause: the link VERSION leads out of the folder of fingerprint.toml, to `/etc/debian_version`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
}

#[test]
fn a_dockerignore_must_be_one() {
    let tree = Tree::with_inputs("'Dockerfile'");
    tree.file(".dockerignore", "*.log\n[\n");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: .dockerignore is not a valid .dockerignore
 = cause: line 2, `[`, is not a valid pattern
 = cause: a bracket expression must be closed and have a character on both sides of each `-`

"#]],
    );
    tree.file(".dockerignore", "a\n\n!\n");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: .dockerignore is not a valid .dockerignore
 = cause: line 3, `!`, is an exclamation mark without a pattern

"#]],
    );
    tree.remove(".dockerignore").folder(".dockerignore");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the ignore file of the build
 = cause: .dockerignore is not a regular file
 = help: put a file there, or nothing

"#]],
    );
    tree.folder("Dockerfile.dockerignore");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the ignore file of the build
 = cause: Dockerfile.dockerignore is not a regular file
 = help: put a file there, or nothing

"#]],
    );
}

#[test]
fn what_a_refusal_quotes_cannot_steer_a_terminal() {
    let hostile = "\u{1b}[2J\u{202e}\u{200b}\n";
    let bad = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
    let is_safe = |tree: &Tree, entry: &str| {
        tree.image(&format!("inputs = [{entry}]"));
        let said = tree.refusal(1);
        assert!(!said.contains(bad), "{said:?}");
        assert!(said.lines().count() < 6, "{said}");
    };
    let tree = Tree::with_inputs("");
    is_safe(&tree, "\"\\u001b[2J\\u202e\\u200b\\n\"");
    is_safe(&tree, "\"*\\u001b[2J\\u202e\\u200b\\n\"");
    tree.folder("e/".to_owned() + hostile);
    is_safe(&tree, "'e'");
    tree.folder("f").fifo("f/".to_owned() + hostile);
    is_safe(&tree, "'f'");
    tree.link("g", "/".to_owned() + hostile);
    is_safe(&tree, "'g'");
    tree.link("h", hostile);
    is_safe(&tree, "'h'");
    let pointer = "version https://git-lfs.github.com/spec/v1\n";
    tree.file("i/".to_owned() + hostile, pointer);
    is_safe(&tree, "'i'");
    tree.file(".dockerignore", format!("[{hostile}"));
    is_safe(&tree, "'Dockerfile'");
    // The root's own name.
    let folder = tree.path(hostile);
    tree.folder(hostile);
    let run = tree.fp().in_folder(&folder).args(["--config", "x", "hash"]);
    tree.refusal_of(run.code(2));
    crate::support::git(&folder, ["init", "--quiet"]);
    let said = tree.refusal_of(tree.fp().in_folder(&folder).arg("hash").code(2));
    assert!(!said.contains(bad), "{said:?}");
}
