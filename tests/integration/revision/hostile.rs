//! What somebody may have written into `.git` or the environment gets no program run and no other
//! answer, and what is asked to stop leaves nothing behind.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Temporary, record_of};
use crate::support::{Running, Tree, wait_until};

/// A repository in which every kind of conversion has a part.
fn with_attributes() -> Tree {
    let tree = Tree::with_inputs("'d'");
    tree.file(
        ".gitattributes",
        "*.bat eol=crlf\n*.bin filter=lfs\n* diff=x merge=x\n",
    );
    tree.file("d/a.bat", "1\n")
        .file("d/b.bin", "2")
        .file("d/c", "3\n")
        .commit();
    tree
}

#[test]
fn a_hostile_repository_gets_nothing_run_and_changes_no_answer() {
    let tree = with_attributes();
    let expected = record_of(&tree, "HEAD");
    let mark = tree.path("mark");
    let run = format!("touch '{}'", mark.display());
    for (name, value) in [
        ("filter.lfs.smudge", run.as_str()),
        ("filter.lfs.process", &run),
        ("filter.lfs.required", "true"),
        ("core.fsmonitor", &run),
        ("core.pager", &run),
        ("core.editor", &run),
        ("core.sshCommand", &run),
        ("core.worktree", "/"),
        ("core.autocrlf", "true"),
        ("core.eol", "crlf"),
        ("core.attributesFile", "../attributes"),
        ("core.hooksPath", "../hooks"),
        ("diff.external", &run),
        ("diff.x.textconv", &run),
        ("alias.rev-parse", &format!("!{run}")),
        ("alias.cat-file", &format!("!{run}")),
        ("include.path", "../included"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", &format!("ext::{run}")),
        ("protocol.allow", "always"),
    ] {
        tree.git(["config", name, value]);
    }
    tree.file("attributes", "* eol=crlf ident\n");
    tree.file("included", "[core]\n\teol = crlf\n");
    tree.file(".git/info/attributes", "* eol=crlf filter=lfs\n");
    for hook in [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
    ] {
        for folder in [".git/hooks", "hooks"] {
            let hook = format!("{folder}/{hook}");
            tree.file(&hook, format!("#!/bin/sh\n{run}\n"))
                .mode(&hook, 0o755);
        }
    }
    assert_eq!(record_of(&tree, "HEAD"), expected);
    assert!(!mark.exists(), "something was run");
}

#[test]
fn the_environment_names_no_other_repository_and_no_other_rules() {
    let tree = with_attributes();
    let expected = record_of(&tree, "HEAD");
    let other = Tree::with_inputs("'x'");
    other
        .file("x", "")
        .file("attributes", "* eol=crlf\n")
        .commit();
    other.file(".config/git/attributes", "* eol=crlf\n");
    other.file(".gitconfig", "[core]\n\teol = crlf\n\tautocrlf = true\n");
    let path = |name: &str| other.path(name);
    let run = tree.fp().args(["record", "--rev=HEAD"]);
    let run = run
        .env("GIT_DIR", path(".git"))
        .env("GIT_WORK_TREE", path(""))
        .env("GIT_INDEX_FILE", path("index"))
        .env("GIT_OBJECT_DIRECTORY", path(".git/objects"))
        .env("GIT_COMMON_DIR", path(".git"))
        .env("GIT_ATTR_SOURCE", "HEAD")
        .env("GIT_CONFIG_GLOBAL", path(".gitconfig"))
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.attributesFile")
        .env("GIT_CONFIG_VALUE_0", path("attributes"))
        .env("GIT_NAMESPACE", "x")
        .env("GIT_TRACE", path("trace"))
        .env("XDG_CONFIG_HOME", path(".config"))
        .env("HOME", path(""));
    assert_eq!(run.run(), expected);
    assert!(!path("trace").exists() && !path("index").exists());
}

#[test]
fn what_replaces_an_object_here_replaces_it_in_no_clone() {
    let tree = with_attributes();
    tree.file("d/c", "4\n").commit();
    let [first, second] = ["HEAD~1", "HEAD"].map(|revision| record_of(&tree, revision));
    tree.git(["replace", "HEAD:d/c", "HEAD~1:d/c"]);
    assert_eq!(record_of(&tree, "HEAD"), second);
    tree.git(["replace", "HEAD", "HEAD~1"]);
    assert_eq!(record_of(&tree, "HEAD"), second);
    assert_eq!(record_of(&tree, "HEAD~1"), first);
    let id = fs::read_to_string(tree.path(".git/refs/heads/main")).unwrap();
    tree.file(".git/info/grafts", id);
    assert_eq!(record_of(&tree, "HEAD~1"), first);
}

#[test]
fn a_signal_ends_git_and_leaves_nothing() {
    let tree = with_attributes();
    let real =
        String::from_utf8(Command::new("which").arg("git").output().unwrap().stdout).unwrap();
    for (command, signal) in [
        ("rev-parse", Signal::INT),
        ("cat-file", Signal::TERM),
        ("check-attr", Signal::HUP),
        ("checkout-index", Signal::INT),
    ] {
        let bin = Tree::new();
        let mark = bin.path("mark");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *{command}*) sleep 600 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; \
             wait;; esac\nexec {1} \"$@\"\n",
            mark.display(),
            real.trim()
        );
        bin.file("bin/git", script).mode("bin/git", 0o755);
        let temporary = Temporary::new();
        // The tests may run where SIGINT is ignored: under `nohup`, or in a script's background.
        let mut fp = Command::new("/usr/bin/env");
        let path = format!(
            "{}:{}",
            bin.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        fp.args(["--default-signal=HUP,INT", env!("CARGO_BIN_EXE_fp")])
            .args(["hash", "--rev", "HEAD"])
            .env_clear()
            .env("PATH", path)
            .env("TMPDIR", temporary.0.path(""))
            .current_dir(tree.path(""))
            .process_group(0);
        let running = Running::spawn(fp, &bin.path(""));
        wait_until("git runs", || mark.exists());
        let sent = Instant::now();
        running.send(signal);
        let answer = running.finish().ended_with(128 + signal.as_raw());
        assert!(
            sent.elapsed() < Duration::from_secs(5),
            "{command}: {:?}",
            answer.time
        );
        assert_eq!(answer.stdout, "");
        temporary.is_empty();
        let sleep = fs::read_to_string(&mark).unwrap();
        let process = format!("/proc/{}/stat", sleep.trim());
        wait_until("git's child is gone", || {
            fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z "))
        });
    }
}
