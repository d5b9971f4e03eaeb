//! Entries of `inputs` that match nothing, or what no clone has.

use snapbox::str;

use crate::support::{Tree, assert_says};

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
