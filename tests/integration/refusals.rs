//! Inputs that cannot be told: each is an error that says what to do, and never a fingerprint.

use std::os::unix::net::UnixListener;

use snapbox::str;

use crate::support::{Tree, assert_says};

/// What an ordinary user is told.
fn refusal_to_user(tree: &Tree) -> String {
    tree.refusal_of(tree.fp().by_ordinary_user().arg("hash").code(1))
}

#[test]
fn the_dockerfile_must_be_a_file() {
    let tree = Tree::new();
    tree.image("inputs = ['Dockerfile']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: there is no file Dockerfile
 = help: name it with `dockerfile`; paths in fingerprint.toml are relative to its folder

"#]],
    );
    tree.folder("Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    tree.remove("Dockerfile").fifo("Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    tree.remove("Dockerfile").link("Dockerfile", "no/where");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: the link Dockerfile points to no/where, which does not exist
 = help: mend the link

"#]],
    );
    tree.remove("Dockerfile")
        .link("Dockerfile", "../Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: the link Dockerfile leads out of the folder of fingerprint.toml, to `../Dockerfile`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
    tree.remove("Dockerfile").link("Dockerfile", "Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile leads through too many links, or through a link to itself
 = help: mend the links

"#]],
    );
}

#[test]
fn the_context_must_be_a_folder() {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n").file("a", "1");
    tree.image("inputs = ['a']\ncontext = 'image'");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: there is no folder image, which `context` names
 = help: paths in fingerprint.toml are relative to its folder

"#]],
    );
    tree.file("image", "");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: image, which `context` names, is not a folder
 = help: name the folder that `COPY` and `ADD` shall see

"#]],
    );
    tree.remove("image").link("image", "v2").file("v2/a", "1");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the context image leads through the link image
 = help: name the folder that the link points to

"#]],
    );
}

/// The message once named neither the key nor the argument, and told to correct `inputs`.
#[test]
fn a_file_that_the_configuration_names_is_told_with_its_role() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").commit();
    let said = |lines: &str| {
        tree.image(&format!("inputs = ['a']\n{lines}"));
        tree.refusal(1)
    };
    assert_says(
        said("dockerfile = '.'"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: . is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    assert_says(
        said("args = { A = { file = 'nope' } }"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument A its value
 = cause: there is no file nope
 = help: paths in fingerprint.toml are relative to its folder

"#]],
    );
    assert_says(
        said("args = { A = { file = '.git/HEAD' } }"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument A its value
 = cause: .git/HEAD is inside .git, which is never an input
 = help: name a file that is part of the project

"#]],
    );
}

#[test]
fn braces_and_brackets_in_an_entry_are_told_to_be_ordinary() {
    for entry in ["src/{a,b}", "[ab]", "*.{c,h}"] {
        let tree = Tree::with_inputs(&format!("'{entry}'"));
        tree.file("a", "1");
        let said = tree.refusal(1);
        let hint = "= help: only `*`, `?` and `**` are special here";
        assert!(said.contains(hint), "{said}");
    }
}

/// It was refused because of an ignore file that nobody can have.
#[test]
fn a_dockerfile_may_have_a_name_that_leaves_no_room_for_an_ignore_file() {
    let tree = Tree::new();
    let name = "D".repeat(245);
    tree.file(&name, "FROM scratch\n").file("a", "1");
    tree.image(&format!("inputs = ['a']\ndockerfile = '{name}'"));
    tree.hash();
    tree.image(&format!(
        "inputs = ['a', '{}']\ndockerfile = '{name}'",
        "x".repeat(256)
    ));
    assert!(tree.refusal(1).contains("matches nothing"));
}

#[test]
fn an_entry_must_match_something() {
    let tree = Tree::with_inputs("'a', 'installl.sh'");
    tree.file("a", "1").file("install.sh", "2");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `installl.sh` of `inputs` matches nothing
 = help: correct the entry, or take it out

"#]],
    );
    tree.image("inputs = ['a', '*.py']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `*.py` of `inputs` matches nothing
 = help: correct the entry, or take it out

"#]],
    );
    tree.image("inputs = ['a/b']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `a/b` of `inputs` matches nothing
 = help: correct the entry, or take it out

"#]],
    );
    tree.image("inputs = ['a', '!a']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `a` of `inputs` matches nothing: an entry with `!` takes out a
 = help: correct the entry, or take it out

"#]],
    );
    tree.image("inputs = ['A']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `A` of `inputs` matches nothing
 = help: correct the entry, or take it out

"#]],
    );
}

#[test]
fn an_empty_folder_is_nothing() {
    let tree = Tree::with_inputs("'out'");
    tree.folder("out/a/b").file("a", "1");
    for git in [false, true] {
        if git {
            tree.commit();
        }
        tree.image("inputs = ['out']");
        assert_says(
            tree.refusal(1),
            str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `out` of `inputs` matches nothing but the empty folder out/a/b, and git cannot hold an empty folder
 = help: correct the entry, or take it out

"#]],
        );
        tree.image("inputs = ['a', 'out/a/*']");
        assert_says(
            tree.refusal(1),
            str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `out/a/*` of `inputs` matches nothing but the empty folder out/a/b, and git cannot hold an empty folder
 = help: correct the entry, or take it out

"#]],
        );
    }
}

#[test]
fn what_git_ignores_is_nothing() {
    let tree = Tree::with_inputs("'*.o'");
    tree.file(".gitignore", "*.o\n").file("a.o", "1").commit();
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `*.o` of `inputs` matches nothing: .gitignore excludes a.o
 = help: name the file or folder without `*` or `?` to mean it whatever .gitignore says

"#]],
    );
    tree.image("inputs = ['d']").file("d/a.o", "1");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `d` of `inputs` matches nothing: .gitignore excludes d/a.o
 = help: name the file or folder without `*` or `?` to mean it whatever .gitignore says

"#]],
    );
}

#[test]
fn what_lies_behind_a_link_is_nothing_to_a_glob() {
    let tree = Tree::with_inputs("'current/*.sh'");
    tree.link("current", "v2").file("v2/a.sh", "1");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `current/*.sh` of `inputs` matches nothing: current is a link, and globs do not follow links
 = help: correct the entry, or take it out

"#]],
    );
    // A glob can match the link itself, and that is all it takes then.
    tree.image("inputs = ['curren?']");
    assert!(!tree.record().contains("a.sh"));
}

#[test]
fn no_link_leads_out_of_the_root() {
    let tree = Tree::with_inputs("'out/passwd'");
    tree.link("out", "/etc");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link out leads out of the folder of fingerprint.toml, to `/etc`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
    tree.remove("out").link("out", "a/../../b");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link out points to a, which does not exist
 = help: mend the link, or take the entry out of `inputs`

"#]],
    );
    tree.remove("out").link("out", "two").link("two", "..");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link two leads out of the folder of fingerprint.toml, to `..`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
    // An absolute link leaves even if it comes back.
    let back = tree.path("v2");
    let back = back.as_os_str().as_encoded_bytes();
    tree.remove("out").link("out", back).file("v2/passwd", "");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link out leads out of the folder of fingerprint.toml, to `ROOT/v2`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
}

#[test]
fn a_link_that_is_crossed_must_lead_somewhere() {
    let tree = Tree::with_inputs("'a'");
    tree.link("a", "b").link("b", "v/c");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link b points to v/c, which does not exist
 = help: mend the link, or take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['b/x/y']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the link b points to v/c/x/y, which does not exist
 = help: mend the link, or take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['self']").link("self", "self");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: self leads through too many links, or through a link to itself
 = help: mend the links

"#]],
    );
    tree.image("inputs = ['l/x']")
        .link("l", "m/x")
        .link("m", "l");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: l/x leads through too many links, or through a link to itself
 = help: mend the links

"#]],
    );
}

#[test]
fn git_itself_is_never_an_input() {
    let tree = Tree::with_inputs("'.git/config'");
    tree.commit();
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: .git/config is inside .git, which is never an input
 = help: take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['.git']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: .git is inside .git, which is never an input
 = help: take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['a/.git']").file("a/.git/x", "");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: a/.git is inside .git, which is never an input
 = help: take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['head']").link("head", ".git/HEAD");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: head is inside .git, which is never an input
 = help: take the entry out of `inputs`

"#]],
    );
    tree.image("inputs = ['.git/*']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the entry `.git/*` of `inputs` matches nothing
 = help: correct the entry, or take it out

"#]],
    );
    tree.image("inputs = ['Dockerfile']\ndockerfile = '.git/HEAD'");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: .git/HEAD is inside .git, which is never an input
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
}

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
