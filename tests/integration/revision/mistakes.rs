//! Revisions that do not exist, or that cannot be told, and what fp says then.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use snapbox::str;

use super::Temporary;
use crate::support::{Tree, assert_says, git};

/// What fp says of `revision`, which is no usable one.
fn refusal(tree: &Tree, code: i32, revision: impl AsRef<OsStr>) -> String {
    let temporary = Temporary::new();
    let run = tree.fp().args(["hash", "--rev"]).arg(revision).code(code);
    let said = tree.refusal_of(temporary.of(run));
    temporary.is_empty();
    said
}

fn one_commit() -> Tree {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").commit();
    tree
}

#[test]
fn what_is_no_revision_is_misuse() {
    let tree = one_commit();
    assert_says(
        refusal(&tree, 2, "nope"),
        str![[r#"
error: there is no revision `nope` in ROOT
 |
 = help: a revision is a branch, a tag, a commit or what else git takes for one; what only a remote has must be fetched first

"#]],
    );
    for revision in [
        "",
        " ",
        "a b",
        "--help",
        "--all",
        "-h",
        "--",
        "^HEAD",
        "HEAD^@",
        "main..HEAD",
        "HEAD~1",
        "HEAD\nHEAD",
        "$(touch x)",
        "1111111111111111111111111111111111111111",
    ] {
        let said = refusal(&tree, 2, revision);
        assert!(said.contains("there is no revision"), "{revision}: {said}");
    }
    let said = refusal(&tree, 2, OsStr::from_bytes(b"\xff"));
    assert!(said.contains("there is no revision `\\xff`"), "{said}");
}

#[test]
fn what_is_no_commit_is_misuse() {
    let tree = one_commit();
    for (revision, kind) in [("HEAD:a", "blob"), ("HEAD^{tree}", "tree")] {
        let said = refusal(&tree, 2, revision);
        let expected = format!("error: `{revision}` is a {kind}, and no commit");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn an_ambiguous_name_is_no_revision() {
    let tree = one_commit();
    tree.git(["branch", "both"]).git(["tag", "both"]);
    tree.git(["config", "core.warnAmbiguousRefs", "false"]);
    assert_says(
        refusal(&tree, 2, "both"),
        str![[r#"
error: the revision `both` is ambiguous: refname 'both' is ambiguous
 |
 = help: write `refs/heads/NAME` or `refs/tags/NAME`, or more digits of the commit

"#]],
    );
    // A whole id is not ambiguous, whatever is called like it.
    let id = fs::read_to_string(tree.path(".git/refs/heads/main")).unwrap();
    let id = id.trim();
    tree.git(["branch", "--force", "both"]);
    fs::write(
        tree.path(format!(".git/refs/heads/{id}")),
        format!("{id}\n"),
    )
    .unwrap();
    let expected = tree.hash();
    let run = tree.fp().args(["hash", "--rev", id]);
    assert_eq!(run.run().trim_end(), expected);
}

#[test]
fn outside_git_there_are_no_revisions() {
    let tree = Tree::with_inputs("'a'");
    assert_says(
        refusal(&tree, 2, "HEAD"),
        str![[r#"
error: ROOT lies in no git repository, so there are no revisions
 |
 = help: leave out --rev to use the files on disk

"#]],
    );
}

#[test]
fn a_repository_without_commits_has_no_revisions() {
    let tree = Tree::with_inputs("'a'");
    tree.git(["init", "--quiet"]);
    let said = refusal(&tree, 2, "HEAD");
    assert!(said.contains("there is no revision `HEAD`"), "{said}");
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    let tree = one_commit();
    tree.file("a", "2").commit();
    let clone = Tree::new();
    let url = format!("file://{}", tree.path("").display());
    git(
        &clone.path(""),
        ["clone", "--quiet", "--depth=1", &url, "."],
    );
    assert_says(
        refusal(&clone, 2, "HEAD~1"),
        str![[r#"
error: there is no revision `HEAD~1` in ROOT
 |
 = help: this clone is shallow: `git fetch --unshallow` gets what lies before it, `git fetch --deepen=N` the next N commits

"#]],
    );
    let run = clone.fp().args(["hash", "--rev=HEAD"]);
    assert_eq!(run.run().trim_end(), tree.hash());
}

#[test]
fn the_configuration_is_looked_up_in_the_revision() {
    let tree = Tree::new();
    tree.file("d/a", "1").commit();
    tree.image("inputs = ['d']")
        .file("d/fingerprint.toml", "format = 1\n");
    let run = tree
        .fp()
        .in_folder(tree.path("d"))
        .args(["hash", "--rev=HEAD"]);
    assert_says(
        tree.refusal_of(run.code(2)),
        str![[r#"
error: there is no fingerprint.toml in `HEAD:d` or any folder above it
 |
 = help: name another file with --config FILE; its path is looked up in the revision, not on disk

"#]],
    );
    let run = tree
        .fp()
        .args(["hash", "--rev=HEAD", "--config=d/fingerprint.toml"]);
    assert_says(
        tree.refusal_of(run.code(2)),
        str![[r#"
error: there is no file d/fingerprint.toml in the revision `HEAD`
 |
 = help: name another file with --config FILE; its path is looked up in the revision, not on disk

"#]],
    );
    let run = tree
        .fp()
        .args(["hash", "--rev=HEAD", "--config=nowhere/../../f.toml"]);
    let said = tree.refusal_of(run.code(2));
    assert!(
        said.contains("cannot be a path in the repository"),
        "{said}"
    );
}

#[test]
fn a_mistake_in_the_configuration_is_shown_with_the_revision() {
    let tree = Tree::new();
    tree.file(
        "d/fingerprint.toml",
        "format = 1\n[images.ci]\ninputz = []\n",
    );
    tree.commit().file("d/fingerprint.toml", "format = 1\n");
    let run = tree
        .fp()
        .in_folder(tree.path("d"))
        .args(["hash", "--rev=main"]);
    assert_says(
        tree.refusal_of(run.code(2)),
        str![[r#"
error: there is no key `inputz` here
 --> main:d/fingerprint.toml:3:1
  |
3 | inputz = []
  | ^^^^^^
  |
  = help: did you mean `inputs`?

"#]],
    );
}

#[test]
fn a_mistake_in_the_dockerfile_is_shown_with_the_revision() {
    let tree = Tree::new();
    tree.file("d/fingerprint.toml", "format = 1\n[images.ci]\n");
    tree.file("d/Dockerfile", "FROM scratch\nCOPY nowhere /\n");
    tree.commit().file("d/Dockerfile", "FROM scratch\n");
    let run = tree
        .fp()
        .in_folder(tree.path("d"))
        .args(["hash", "--rev=main"]);
    assert_says(
        tree.refusal_of(run.code(1)),
        str![[r#"
error: the source `nowhere` of COPY names nothing that the build gets
 --> main:d/Dockerfile:2:1
  |
2 | COPY nowhere /
  | ^^^^^^^^^^^^^^
  |
  = help: sources are relative to the build context; correct it, or list the inputs in `inputs`

"#]],
    );
}

#[test]
fn a_configuration_that_is_no_text_is_misuse() {
    let tree = Tree::new();
    tree.file("fingerprint.toml", b"format = 1 # \xff\n")
        .commit();
    assert_says(
        refusal(&tree, 2, "HEAD"),
        str![[r#"
error: cannot read HEAD:fingerprint.toml
 |
 = cause: stream did not contain valid UTF-8

"#]],
    );
}

#[test]
fn what_is_missing_in_the_revision_is_missing() {
    let tree = Tree::with_inputs("'a', 'd/*.sh'");
    tree.file("a", "1")
        .link("d", "e")
        .file("e/b.sh", "")
        .commit();
    tree.file("d.sh", "");
    let said = refusal(&tree, 1, "HEAD");
    assert!(
        said.contains("d is a link, and globs do not follow links"),
        "{said}"
    );
    assert_eq!(said, tree.refusal(1));
    tree.image("inputs = ['a', 'new']").commit();
    tree.file("new", "");
    let said = refusal(&tree, 1, "HEAD");
    assert!(
        said.contains("the entry `new` of `inputs` matches nothing"),
        "{said}"
    );
    tree.image("inputs = ['a', 'l/x']").link("l", "..").commit();
    let said = refusal(&tree, 1, "HEAD");
    assert!(
        said.contains("the link l leads out of the folder of fingerprint.toml"),
        "{said}"
    );
    tree.git(["rm", "--quiet", "--cached", "Dockerfile"]);
    tree.git(["commit", "--quiet", "--message=x"]);
    let said = refusal(&tree, 1, "HEAD");
    assert!(said.contains("there is no file Dockerfile"), "{said}");
}

#[test]
fn a_filter_is_named_where_it_decides_what_a_clone_holds() {
    let tree = Tree::with_inputs("'d'");
    tree.file(".gitattributes", "*.ipynb filter=nbstripout\n");
    tree.file("d/a", "1")
        .file("d/b.ipynb", "2")
        .file("c.ipynb", "3")
        .commit();
    assert_says(
        refusal(&tree, 1, "HEAD"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: what a clone holds as d/b.ipynb depends on the program that the filter `nbstripout` runs
 = help: check the revision out and run fp there without --rev, or take the path out with a `!` entry

"#]],
    );
    tree.image("inputs = ['d', '!d/b.ipynb']").commit();
    let run = tree.fp().args(["hash", "--rev=HEAD"]);
    assert_eq!(run.run().trim_end(), tree.hash());
}

#[test]
fn what_a_partial_clone_lacks_is_not_fetched() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").commit();
    tree.git(["config", "uploadpack.allowFilter", "true"]);
    let clone = Tree::new();
    let url = format!("file://{}", tree.path("").display());
    let arguments = ["clone", "--quiet", "--filter=blob:none", "--no-checkout"];
    git(
        &clone.path(""),
        [arguments.as_slice(), &[&url, "."]].concat(),
    );
    let mark = clone.path("mark");
    let upload = format!("touch '{}'; git-upload-pack", mark.display());
    clone.git(["config", "remote.origin.uploadpack", &upload]);
    let said = refusal(&clone, 1, "HEAD");
    assert!(
        said.contains(
            "fingerprint.toml is in the revision, but its content is not in this repository"
        ),
        "{said}"
    );
    assert!(!mark.exists(), "git fetched");
}

#[test]
fn a_damaged_object_is_an_error() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", vec![b'x'; 100_000]).commit();
    let hash = Command::new("git")
        .args(["hash-object", "a"])
        .current_dir(tree.path(""))
        .output()
        .unwrap();
    let id = String::from_utf8(hash.stdout).unwrap();
    let object = tree.path(format!(".git/objects/{}/{}", &id[..2], id[2..].trim()));
    let bytes = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    fs::write(&object, &bytes[..bytes.len() / 2]).unwrap();
    let said = refusal(&tree, 1, "HEAD");
    assert!(
        said.contains("git cannot read the revision from ROOT/.git: "),
        "{said}"
    );
}

#[test]
fn what_git_needs_is_asked_for() {
    let tree = one_commit();
    let run = || tree.fp().args(["hash", "--rev=HEAD"]).code(1);
    assert_says(
        tree.refusal_of(run().env("PATH", "/nowhere")),
        str![[r#"
error: git cannot be started, and it alone can read a revision
 |
 = cause: No such file or directory (os error 2)
 = help: install git

"#]],
    );
    let said = tree.refusal_of(run().env("TMPDIR", "/nowhere"));
    assert!(
        said.contains("error: cannot make a folder for git in /nowhere"),
        "{said}"
    );
}

#[test]
fn a_path_that_nobody_could_check_out_is_an_error() {
    let tree = one_commit();
    tree.image("inputs = ['a', 'deep']").commit();
    let deep = "d/".repeat(3000);
    let stream = format!(
        "commit refs/heads/main\ncommitter a <a@localhost> 0 +0000\ndata 0\n\nfrom refs/heads/main^0\n\
         M 100644 inline deep/{deep}f\ndata 0\n\n"
    );
    tree.file("stream", stream);
    let import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(tree.path(""))
        .stdin(fs::File::open(tree.path("stream")).unwrap())
        .status();
    assert!(import.unwrap().success());
    let said = refusal(&tree, 1, "HEAD");
    assert!(said.contains("git could not check out deep/d/d/"), "{said}");
}
