//! Git work trees: which files count, when git is asked, and what a hostile repository cannot do.

use std::fs;
use std::path::PathBuf;

use snapbox::str;

use crate::support::{Fp, Tree, assert_says, git, git_command, with_submodules};

/// The paths of the files and links in the record that a run prints.
fn paths(run: Fp) -> Vec<String> {
    let record = run.arg("record").run();
    let lines = record.lines().map(|line| line.split('\t').collect());
    lines
        .filter(|fields: &Vec<&str>| ["file", "link"].contains(&fields[0]))
        .map(|fields| fields[1].to_owned())
        .collect()
}

/// A folder for PATH that holds a `git` which leaves a mark, and the place of the mark.
fn marking_git() -> (Tree, PathBuf) {
    let bin = Tree::new();
    let mark = bin.path("mark");
    bin.file(
        "bin/git",
        format!("#!/bin/sh\n: > '{}'\nexit 1\n", mark.display()),
    );
    bin.mode("bin/git", 0o755);
    (bin, mark)
}

/// A repository where an untracked file is ignored below an input.
fn in_doubt() -> Tree {
    let tree = Tree::with_inputs("'d'");
    tree.file(".gitignore", "*.o\n").file("d/a", "1").commit();
    tree.file("d/b.o", "2");
    tree
}

#[test]
fn git_is_not_asked_where_the_answer_does_not_depend_on_it() {
    let (bin, mark) = marking_git();
    let tree = Tree::with_inputs("'d', '*.sh', 's/**/*.py'");
    tree.file(".gitignore", "target/\n*.o\n!x\n");
    tree.file("d/a", "1").file("d/.gitignore", "*.tmp\n");
    tree.file("b.sh", "2").file("s/t/c.py", "3").commit();
    // None of this lies below an input.
    tree.file("target/x", "").file("y.o", "");
    // New work is seen without git.
    tree.file("d/new", "");
    let expected = tree.hash();
    for path in [bin.path("bin"), bin.path("nothing")] {
        let run = tree.fp().arg("hash").env("PATH", path);
        assert_eq!(run.run().trim_end(), expected);
    }
    // Outside git there is nothing to ask.
    tree.remove(".git").file("d/x.tmp", "");
    let run = tree.fp().arg("hash").env("PATH", bin.path("bin"));
    assert_ne!(run.run().trim_end(), expected);
    assert!(!mark.exists());
}

#[test]
fn git_must_answer_where_the_answer_depends_on_it() {
    let (bin, mark) = marking_git();
    let tree = in_doubt();
    let with_path = |folder| tree.fp().arg("hash").code(1).env("PATH", bin.path(folder));
    assert_says(
        tree.refusal_of(with_path("nothing")),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: git cannot be started, and which files are tracked in ROOT decides the answer
 = cause: No such file or directory (os error 2)
 = help: install git

"#]],
    );
    assert_says(
        tree.refusal_of(with_path("bin")),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: git cannot list the files that it tracks in ROOT: it ended with exit status: 1

"#]],
    );
    assert!(mark.exists());
    fs::write(tree.path(".git/index"), "no index").expect("a file");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: git cannot list the files that it tracks in ROOT: fatal: .git/index: index file smaller than expected

"#]],
    );
    tree.remove(".git").file(".git", "gitdir: /nowhere\n");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: git cannot list the files that it tracks in ROOT: fatal: not a git repository: /nowhere

"#]],
    );
}

#[test]
fn a_repository_without_commits_tracks_nothing() {
    let tree = Tree::with_inputs("'d'");
    tree.file(".gitignore", "*.o\n")
        .file("d/a", "1")
        .file("d/b.o", "2");
    tree.git(["init", "--quiet"]);
    assert_eq!(paths(tree.fp()), ["d/a"]);
    tree.git(["add", "--force", "d/b.o"]);
    assert_eq!(paths(tree.fp()), ["d/a", "d/b.o"]);
}

#[test]
fn a_file_that_was_deleted_or_moved_is_gone() {
    let tree = in_doubt();
    tree.git(["add", "--force", "d/b.o"]).commit();
    assert_eq!(paths(tree.fp()), ["d/a", "d/b.o"]);
    tree.remove("d/b.o").file("d/c.o", "2");
    assert_eq!(paths(tree.fp()), ["d/a"]);
    // A folder, or a link to a folder with such a file, has taken the place of a tracked one.
    tree.file("d/b.o/x", "");
    assert_eq!(paths(tree.fp()), ["d/a"]);
    tree.file("d/e/f.o", "").git(["add", "--force", "d/e/f.o"]);
    tree.remove("d/e").file("e/f.o", "").link("d/e", "../e");
    assert_eq!(paths(tree.fp()), ["d/a", "d/e"]);
}

#[test]
fn conflicts_and_promises_are_tracked() {
    let tree = in_doubt();
    tree.git(["add", "--force", "d/b.o"]).commit();
    tree.git(["checkout", "--quiet", "-b", "other"]);
    tree.file("d/b.o", "3").git(["commit", "-qam", "3"]);
    tree.git(["checkout", "--quiet", "main"]);
    tree.file("d/b.o", "4").git(["commit", "-qam", "4"]);
    let merge = git_command(&tree.path(""), ["merge", "--quiet", "other"]).output();
    assert!(!merge.expect("git").status.success(), "a conflict");
    assert_eq!(paths(tree.fp()), ["d/a", "d/b.o"]);
    tree.file("d/p.o", "");
    tree.git(["add", "--force", "--intent-to-add", "d/p.o"]);
    assert_eq!(paths(tree.fp()), ["d/a", "d/b.o", "d/p.o"]);
}

#[test]
fn only_the_repository_itself_says_what_is_ignored() {
    let tree = Tree::with_inputs("'d', '*.py'");
    tree.file("d/a.x", "1").file("b.py", "2").commit();
    tree.file(".git/info/exclude", "*\n");
    tree.file("ignore", "*\n");
    tree.git(["config", "core.excludesFile", "ignore"]);
    let expected = ["b.py", "d/a.x"];
    assert_eq!(paths(tree.fp()), expected);
    // What is excluded there only is not even a reason to ask.
    let (bin, _) = marking_git();
    assert_eq!(paths(tree.fp().env("PATH", bin.path("bin"))), expected);
    // A .gitignore that is a link is none, for git neither.
    tree.link(".gitignore", "ignore");
    assert_eq!(paths(tree.fp()), expected);
}

/// A FIFO was once waited for.
#[test]
fn files_of_git_that_are_none_are_passed_by() {
    let tree = in_doubt();
    let expected = tree.hash();
    tree.fifo(".gitmodules").fifo("d/.gitignore");
    tree.image("inputs = ['d', '!**/.gitignore']");
    assert_eq!(tree.hash(), expected);
    tree.remove(".gitmodules").link(".gitmodules", "nowhere");
    assert_eq!(tree.hash(), expected);
}

#[test]
fn a_submodule_must_be_checked_out() {
    let (_home, tree) = with_submodules();
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
    tree.git(["submodule", "--quiet", "update", "--init"]);
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub/m/inner is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
    tree.git(["submodule", "--quiet", "update", "--init", "--recursive"]);
    let expected = [
        "m/sub/.gitignore",
        "m/sub/.gitmodules",
        "m/sub/a",
        "m/sub/m/inner/.gitignore",
        "m/sub/m/inner/a",
    ];
    assert_eq!(paths(tree.fp()), expected);
    // Its own rules apply in it, and the ones around it do not.
    tree.file("m/sub/b.log", "").file("m/sub/m/inner/c.log", "");
    tree.file("m/sub/d.o", "").file("m/sub/m/inner/e.o", "");
    let with_objects = [
        &expected[..3],
        &["m/sub/d.o"],
        &expected[3..],
        &["m/sub/m/inner/e.o"],
    ];
    assert_eq!(paths(tree.fp()), with_objects.concat());
    // The same files by another way.
    tree.image("inputs = ['**/a', 'm/sub/m/inner/.gitignore']");
    assert_eq!(
        paths(tree.fp()),
        [
            "a",
            "m/sub/a",
            "m/sub/m/inner/.gitignore",
            "m/sub/m/inner/a"
        ]
    );
    // A tarball of these files is the same.
    tree.image("inputs = ['m', '!**/*.log']");
    let expected = tree.hash();
    for git in ["m/sub/m/inner/.git", "m/sub/.git", ".git"] {
        tree.remove(git);
    }
    assert_eq!(tree.hash(), expected);
}

#[test]
fn a_submodule_is_no_matter_where_it_is_no_input() {
    let (_home, tree) = with_submodules();
    for inputs in ["'a'", "'m', 'a', '!m/sub'", "'a', '*.toml'"] {
        tree.image(&format!("inputs = [{inputs}]"));
        let run = tree.fp().arg("hash").any_stderr();
        match inputs.contains("'m'") {
            // Nothing is left of the entry.
            true => drop(run.code(1).stderr_contains("matches nothing").run()),
            false => drop(run.run()),
        }
    }
    tree.image("inputs = ['m/sub/a']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
    tree.image("inputs = ['**/a']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
    // The folder can be missing altogether.
    tree.remove("m").image("inputs = ['a', 'm*/**']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
    // And .gitmodules as well: git knows it nevertheless.
    tree.image("inputs = ['m']")
        .folder("m/sub")
        .remove(".gitmodules");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the submodule m/sub is not checked out
 = help: run `git submodule update --init --recursive`

"#]],
    );
}

#[test]
fn an_untracked_repository_inside_is_an_error() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a", "1").commit().file("d/other/b", "2");
    git(&tree.path("d/other"), ["init", "--quiet"]);
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: d/other is a git repository of its own, and no submodule
 = help: make it a submodule, take it out with a `!` entry, or ignore it in .gitignore

"#]],
    );
    for inputs in ["'**/b'", "'d/other/b'", "'d/other'"] {
        tree.image(&format!("inputs = [{inputs}]"));
        let run = tree.fp().arg("hash").code(1);
        run.stderr_contains("d/other is a git repository of its own")
            .run();
    }
    for inputs in [
        "'d', '!d/other'",
        "'d/a'",
        "'d/*', '!d/other/**', '!d/other'",
    ] {
        tree.image(&format!("inputs = [{inputs}]"));
        assert_eq!(paths(tree.fp()), ["d/a"], "{inputs}");
    }
    tree.image("inputs = ['d']").file(".gitignore", "other/\n");
    assert_eq!(paths(tree.fp()), ["d/a"]);
}

#[test]
fn a_repository_inside_that_holds_no_input_does_not_matter() {
    let tree = Tree::with_inputs("'**/*.sh'");
    tree.file("a.sh", "1").commit().file("tool/readme", "2");
    git(&tree.path("tool"), ["init", "--quiet"]);
    assert_eq!(paths(tree.fp()), ["a.sh"]);
    tree.file("tool/b/c.sh", "3");
    let run = tree.fp().arg("hash").code(1);
    run.stderr_contains("tool is a git repository of its own")
        .run();
}

#[test]
fn a_repository_inside_what_is_none_is_an_error_with_a_way_out_that_works() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/other/b", "2");
    git(&tree.path("d/other"), ["init", "--quiet"]);
    let run = tree.fp().arg("hash").code(1);
    run.stderr_contains("take it out with a `!` entry, or move it away")
        .run();
}

#[test]
fn a_submodule_below_a_glob_is_missed_even_if_nothing_names_it() {
    let tree = Tree::with_inputs("'*/build.sh'");
    tree.file("own/build.sh", "1").commit();
    let commit = "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1";
    let entry = format!("160000,{commit},sub");
    tree.git(["update-index", "--add", "--cacheinfo", &entry])
        .folder("sub");
    let run = tree.fp().arg("hash").code(1);
    run.stderr_contains("the submodule sub is not checked out")
        .run();
}

#[test]
fn a_repository_that_may_not_be_looked_into_is_not_taken_for_none() {
    let tree = Tree::with_inputs("'s'");
    tree.file(".gitignore", "*.log\n").file("s/a", "1").commit();
    let hash = tree.hash();
    // An ignored file that could be tracked, or a sparse checkout: only git's own files tell.
    tree.file("s/x.log", "2").mode(".git", 0o700);
    let run = tree.fp().by_ordinary_user().arg("hash").code(1);
    run.stderr_contains("git cannot list the files that it tracks")
        .run();
    assert_eq!(tree.hash(), hash);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_an_error() {
    for options in [
        ["--cone", "--no-sparse-index"],
        ["--cone", "--sparse-index"],
    ] {
        let tree = Tree::with_inputs("'in', 'out'");
        tree.file("in/a", "1")
            .file("out/b", "2")
            .file("out/c/d", "3");
        tree.commit();
        let whole = tree.hash();
        let [cone, index] = options;
        tree.git(["sparse-checkout", "set", cone, index, "in"]);
        assert!(!tree.path("out").exists());
        assert_says(
            tree.refusal(1),
            str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: out/b is left out of this sparse checkout
 = help: widen it with `git sparse-checkout add`, or take the path out with a `!` entry

"#]],
        );
        tree.image("inputs = ['*/a', '**/d']");
        assert_says(
            tree.refusal(1),
            str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: out/c/d is left out of this sparse checkout
 = help: widen it with `git sparse-checkout add`, or take the path out with a `!` entry

"#]],
        );
        for inputs in ["'in'", "'in/*'", "'*/?', '!out'"] {
            tree.image(&format!("inputs = [{inputs}]"));
            assert_eq!(paths(tree.fp()), ["in/a"], "{inputs}");
        }
        tree.image("inputs = ['in', 'out']");
        tree.git(["sparse-checkout", "add", "out"]);
        assert_eq!(tree.hash(), whole);
    }
}

/// A program that leaves a mark when it is run, for the configuration of a hostile repository.
fn trap() -> (Tree, String, PathBuf) {
    let trap = Tree::new();
    let mark = trap.path("mark");
    trap.file(
        "trap",
        format!("#!/bin/sh\n: > '{}'\nexit 1\n", mark.display()),
    );
    trap.mode("trap", 0o755);
    let program = trap.path("trap").to_str().expect("a plain name").to_owned();
    (trap, program, mark)
}

#[test]
fn a_hostile_repository_runs_no_program() {
    let (_trap, program, mark) = trap();
    let tree = in_doubt();
    tree.file(".gitattributes", "* filter=x diff=x merge=x\n");
    tree.git(["add", "--force", ".gitattributes", "d/b.o"])
        .commit();
    let expected = tree.hash();
    let shell = format!("!{program}");
    for (key, value) in [
        ("core.fsmonitor", program.as_str()),
        ("core.pager", &program),
        ("pager.ls-files", &program),
        ("core.editor", &program),
        ("core.askPass", &program),
        ("core.sshCommand", &program),
        ("core.gitProxy", &program),
        ("core.alternateRefsCommand", &program),
        ("credential.helper", &shell),
        ("alias.ls-files", &shell),
        ("diff.external", &program),
        ("diff.x.command", &program),
        ("diff.x.textconv", &program),
        ("filter.x.clean", &program),
        ("filter.x.smudge", &program),
        ("filter.x.process", &program),
        ("filter.x.required", "true"),
        ("uploadpack.packObjectsHook", &program),
        ("gpg.program", &program),
        ("core.untrackedCache", "true"),
        ("core.splitIndex", "true"),
        ("trace2.eventTarget", &format!("{}", mark.display())),
        ("core.worktree", "/"),
        ("core.bare", "true"),
        ("core.quotePath", "true"),
        ("core.ignoreCase", "true"),
        ("core.fileMode", "false"),
        ("core.symlinks", "false"),
        ("core.precomposeUnicode", "true"),
        ("index.sparse", "true"),
        ("include.path", "/nowhere"),
        ("safe.directory", "/nowhere"),
    ] {
        let config = fs::read(tree.path(".git/config")).expect("a file");
        tree.git(["config", "--add", key, value]);
        // A change makes git want to refresh its index.
        tree.file("d/a", "1");
        assert_eq!(tree.hash(), expected, "{key}");
        assert!(!mark.exists(), "{key}");
        fs::write(tree.path(".git/config"), config).expect("a file");
    }
    let hooks = ["post-index-change", "fsmonitor-watchman", "pre-commit"];
    for hook in hooks.map(|hook| format!(".git/hooks/{hook}")) {
        let _ = fs::remove_file(tree.path(&hook));
        fs::copy(&program, tree.path(&hook)).expect("a hook");
    }
    assert_eq!(tree.hash(), expected);
    assert!(!mark.exists());
}

/// With a sparse index, git reads the folders that it leaves out from the object store, and where
/// one is missing there and the repository says that it is a partial clone, it fetches it, by a
/// program that the repository names. And where fetching fails, it lists what it has and ends with
/// exit code 0.
#[test]
fn a_hostile_partial_clone_runs_no_program() {
    let (_trap, program, mark) = trap();
    let tree = in_doubt();
    tree.file("out/b", "2").commit();
    tree.git(["sparse-checkout", "set", "--cone", "--sparse-index", "d"]);
    let object = git_command(&tree.path(""), ["rev-parse", "HEAD:out"]).output();
    let object = String::from_utf8(object.expect("git").stdout).expect("hex digits");
    let (folder, file) = object.trim_end().split_at(2);
    tree.remove(format!(".git/objects/{folder}/{file}"));
    assert!(tree.refusal(1).contains(object.trim_end()));
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "."),
        ("remote.origin.uploadpack", &program),
    ] {
        tree.git(["config", key, value]);
    }
    for url in [".", "ssh://localhost/x", "ext::trap"] {
        tree.git(["config", "core.sshCommand", &program]);
        tree.git(["config", "remote.origin.url", url]);
        assert!(tree.refusal(1).contains("git cannot list"), "{url}");
        assert!(!mark.exists(), "{url}");
    }
}
