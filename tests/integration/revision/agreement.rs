//! A revision and a clean checkout of it have the same record.

use std::fs;
use std::path::PathBuf;

use crate::support::{Tree, git};

use super::{agrees, clone, record_of};

/// The digest of these bytes, as records have it.
fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

#[test]
fn links_modes_and_names_are_those_of_a_clone() {
    let tree = Tree::with_inputs("'d', 'to-d/e', '*.sh', '!d/out'");
    tree.file("d/a", "1")
        .file("d/e/b", "2")
        .file("d/out/c", "3");
    tree.file(b"d/line\nfeed", "4").file(b"d/\xff\t\\", "5");
    tree.file("d/e/x", "6").mode("d/e/x", 0o755);
    tree.file("run.sh", "7").mode("run.sh", 0o700);
    tree.link("to-d", "d").link("d/dangling", "../../nowhere");
    tree.link("d/e/up", "../a");
    tree.file(".dockerignore", "d/e/b\n").commit();
    let record = agrees(&tree);
    for line in [
        "file\td/line\\nfeed\t-\t",
        "file\td/\\xff\\t\\\\\t-\t",
        "file\td/e/x\tx\t",
        "file\trun.sh\tx\t",
        "link\tto-d\td\n",
        "link\td/dangling\t../../nowhere\n",
        "outside\td/e/b\t-\t",
    ] {
        assert!(record.contains(line), "{line:?} is not in {record}");
    }
    assert!(!record.contains("d/out"));
}

#[test]
fn attributes_have_the_effect_that_they_have_in_a_clone() {
    let tree = Tree::with_inputs("'d', '.gitattributes'");
    tree.file(
        ".gitattributes",
        "[attr]windows text eol=crlf\n* text=auto\n*.bat windows\n*.id ident\n*.u16 text \
         working-tree-encoding=UTF-16LE\n*.md export-ignore\n*.v export-subst\n.gitattributes eol=crlf\n",
    );
    tree.file("d/a.bat", "a\nb\n").file("d/b.txt", "a\nb\n");
    tree.file("d/c.id", "$Id$\n").file("d/d.md", "x\n");
    tree.file("d/e.v", "$Format:%H$\n").file("d/f.bin", b"\0\n");
    tree.file("d/g.u16", "h\0\u{e9}\0\n\0".replace('\u{e9}', "i"));
    tree.file("d/e/.gitattributes", "*.bat -text\n*.txt eol=crlf\n");
    tree.file("d/e/a.bat", "a\n").file("d/e/b.txt", "a\n");
    tree.file(b"d/e/\xff\n.txt", "a\n");
    tree.commit();
    let record = agrees(&tree);
    for (path, bytes) in [
        ("d/a.bat", b"a\r\nb\r\n".as_slice()),
        ("d/b.txt", b"a\nb\n"),
        ("d/d.md", b"x\n"),
        ("d/e.v", b"$Format:%H$\n"),
        ("d/g.u16", b"h\0i\0\n\0"),
        ("d/e/a.bat", b"a\n"),
        ("d/e/b.txt", b"a\r\n"),
        ("d/e/\\xff\\n.txt", b"a\r\n"),
    ] {
        let line = format!("file\t{path}\t-\t{}\n", digest(bytes));
        assert!(record.contains(&line), "{line:?} is not in {record}");
    }
    assert!(!record.contains(&digest(b"$Id$\n")));
}

#[test]
fn the_dockerfile_and_the_files_beside_it_are_converted_as_well() {
    let tree = Tree::new();
    tree.image("inputs = ['*.txt']\nargs = { V = { file = 'VERSION' } }");
    tree.file("Dockerfile", "FROM scratch\nARG V\n");
    tree.file("a.txt", "1")
        .file("VERSION", "1\n")
        .file(".dockerignore", "a.txt\n");
    tree.file(".gitattributes", "* text eol=crlf\n").commit();
    let record = agrees(&tree);
    let line = format!(
        "dockerfile\tDockerfile\t{}\n",
        digest(b"FROM scratch\r\nARG V\r\n")
    );
    assert!(record.contains(&line), "{record}");
}

#[test]
fn many_files_are_read_in_any_order_of_conversion() {
    let tree = Tree::with_inputs("'d'");
    tree.file(".gitattributes", "*.c eol=crlf\n");
    for number in 0..500 {
        let kind = ["a", "b", "c"][number % 3];
        let text = format!("{number}\n").repeat(number);
        tree.file(format!("d/{}/{number}.{kind}", number % 7), text);
    }
    tree.file("d/large", vec![b'x'; 3_000_000])
        .file("d/empty", "");
    tree.commit();
    agrees(&tree);
}

#[test]
fn what_lies_on_disk_or_in_the_index_has_no_say() {
    let tree = Tree::with_inputs("'d', '*.sh'");
    tree.file("d/a", "1")
        .file("d/b", "2")
        .file("c.sh", "3")
        .commit();
    let clean = tree.record();
    tree.file("d/a", "changed")
        .file("d/new", "")
        .file("d/staged", "");
    tree.remove("d/b")
        .remove("Dockerfile")
        .remove("fingerprint.toml");
    tree.git(["add", "d/staged"]);
    tree.git(["rm", "--quiet", "c.sh"]);
    tree.file(".gitattributes", "* eol=crlf ident filter=x\n");
    tree.file(".gitignore", "*\n").file(".dockerignore", "*\n");
    tree.file(".git/info/attributes", "* eol=crlf filter=x\n");
    assert_eq!(record_of(&tree, "HEAD"), clean);
}

#[test]
fn inputs_are_derived_from_the_dockerfile_of_the_revision() {
    let tree = Tree::new();
    tree.image("context = 'c'\ndockerfile = 'c/Dockerfile'");
    tree.file("c/Dockerfile", "FROM scratch\nCOPY a l/b d*/ /\n");
    tree.file("c/a", "1").file("c/e/b", "2").link("c/l", "/e");
    tree.file("c/d1/x.bat", "3\n")
        .file("c/d1/out", "4")
        .file("c/f", "5");
    tree.file(".gitattributes", "*.bat eol=crlf\n");
    tree.file("c/.dockerignore", "*/*\n!*/b\n!**/*.bat\n")
        .commit();
    let record = agrees(&tree);
    for path in ["c/a", "c/l", "c/e/b", "c/d1/x.bat"] {
        assert!(record.contains(&format!("\t{path}\t")), "{record}");
    }
    assert!(!record.contains("c/d1/out"), "{record}");
    tree.file("c/Dockerfile", "FROM scratch\n").remove("c/a");
    assert_eq!(record_of(&tree, "HEAD"), record);
}

#[test]
fn gitignore_has_no_say_about_what_was_committed() {
    let tree = Tree::with_inputs("'d', '**/*.o'");
    tree.file(".gitignore", "*.o\n")
        .file("d/a.o", "1")
        .file("b.o", "2");
    tree.commit().git(["add", "--force", "d/a.o", "b.o"]);
    tree.git(["commit", "--quiet", "--message=ignored"]);
    let record = agrees(&tree);
    assert!(record.contains("\td/a.o\t") && record.contains("\tb.o\t"));
}

#[test]
fn a_revision_has_its_own_configuration_and_ignore_rules() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").commit();
    let first = tree.record();
    tree.image("inputs = ['b']\nsalt = '2'").file("b", "2");
    tree.file(".dockerignore", "b\n").commit();
    let second = tree.record();
    assert_ne!(first, second);
    tree.git(["tag", "--annotate", "--message=x", "v1", "HEAD~1"]);
    tree.git(["branch", "old", "HEAD~1"]);
    for revision in ["HEAD~1", "v1", "old", "refs/heads/old", "main~1"] {
        assert_eq!(record_of(&tree, revision), first, "{revision}");
    }
    let id = fs::read_to_string(tree.path(".git/refs/heads/old")).unwrap();
    for length in [40, 12] {
        assert_eq!(record_of(&tree, &id[..length]), first);
    }
    for revision in ["HEAD", "main", "@", "HEAD^{/all}"] {
        assert_eq!(record_of(&tree, revision), second, "{revision}");
    }
}

#[test]
fn the_environment_is_that_of_the_run() {
    let tree = Tree::with_inputs("");
    tree.image("inputs = []\nargs = { A = { env = 'A' } }")
        .file("Dockerfile", "FROM scratch\nARG A\n")
        .commit();
    let record = |value| tree.fp().arg("record").env("A", value);
    let expected = record("1").run();
    assert_eq!(record("1").args(["--rev", "HEAD"]).run(), expected);
    assert_ne!(record("2").args(["--rev", "HEAD"]).run(), expected);
}

#[test]
fn every_command_and_format_answers_as_for_a_clean_checkout() {
    let tree = Tree::new();
    let image = |name: &str| format!("[images.{name}]\ninputs = ['{name}']\n");
    tree.config(&format!("format = 1\n{}{}", image("a"), image("b")));
    tree.file("Dockerfile", "FROM scratch\n").file("a", "1");
    tree.file("b", "2").commit();
    for arguments in [
        ["hash", "a"].as_slice(),
        &["hash", "--all"],
        &["hash", "--all", "--format=json"],
        &["record", "b", "--format=json"],
        &["inputs", "b"],
        &["dockerfile", "a"],
        &["inputs", "a", "--format=json"],
    ] {
        let expected = tree.fp().args(arguments).run();
        let run = tree.fp().args(arguments).args(["--rev", "HEAD"]);
        assert_eq!(run.run(), expected, "{arguments:?}");
        let run = tree.fp().args(arguments).arg("--rev=HEAD");
        assert_eq!(run.run(), expected, "{arguments:?}");
    }
}

#[test]
fn the_root_may_lie_below_the_top_of_the_repository() {
    let tree = Tree::new();
    tree.file("p/q/Dockerfile", "FROM scratch\n")
        .file("p/q/a", "1");
    tree.file(
        "p/q/fingerprint.toml",
        "format = 1\n[images.ci]\ninputs = ['*']\n",
    );
    tree.file(".gitattributes", "a eol=crlf\n")
        .file("p/q/r/s/x", "");
    tree.commit();
    let expected = tree.fp().arg("record").in_folder(tree.path("p/q")).run();
    fs::remove_file(tree.path("p/q/fingerprint.toml")).unwrap();
    for folder in ["p/q", "p/q/r", "p/q/r/s"] {
        let run = tree.fp().in_folder(tree.path(folder));
        assert_eq!(run.args(["record", "--rev", "HEAD"]).run(), expected);
    }
    for (folder, file) in [
        ("", "p/q/fingerprint.toml"),
        ("p", "q/fingerprint.toml"),
        ("p/q/r", "../fingerprint.toml"),
        ("p", "nowhere/../q/fingerprint.toml"),
    ] {
        let run = tree.fp().in_folder(tree.path(folder));
        let run = run.args(["record", "--rev", "HEAD", "--config", file]);
        assert_eq!(run.run(), expected, "{file} in {folder}");
    }
    let elsewhere = Tree::new();
    let run = elsewhere.fp().args(["record", "--rev", "HEAD", "--config"]);
    assert_eq!(run.arg(tree.path("p/q/fingerprint.toml")).run(), expected);
}

#[test]
fn the_configuration_may_be_a_link() {
    let tree = Tree::new();
    tree.file("real.toml", "format = 1\n[images.ci]\ninputs = ['a']\n");
    tree.file("d/Dockerfile", "FROM scratch\n").file("d/a", "1");
    tree.link("d/fingerprint.toml", "../real.toml").commit();
    let expected = tree.fp().arg("record").in_folder(tree.path("d")).run();
    let run = tree.fp().args(["record", "--rev=HEAD"]);
    assert_eq!(run.in_folder(tree.path("d")).run(), expected);
}

#[test]
fn linked_work_trees_bare_and_borrowing_repositories_have_revisions() {
    let tree = Tree::with_inputs("'d', '*.bat'");
    tree.file(".gitattributes", "*.bat eol=crlf\n");
    tree.file("d/a", "1").file("b.bat", "2\n").commit();
    let expected = agrees(&tree);
    let other = Tree::new();
    tree.git(
        ["worktree", "add", "--quiet", "--detach"]
            .map(PathBuf::from)
            .iter()
            .chain([&other.path("linked")]),
    );
    let linked = |revision: &str| {
        let run = tree.fp().in_folder(other.path("linked"));
        run.args(["record", "--rev", revision]).run()
    };
    assert_eq!(linked("HEAD"), expected);
    assert_eq!(linked("main"), expected);
    for option in ["--bare", "--shared", "--mirror"] {
        let clone = Tree::new();
        let origin = tree.path("");
        let origin = origin.to_str().unwrap();
        git(&clone.path(""), ["clone", "--quiet", option, origin, "."]);
        assert_eq!(record_of(&clone, "HEAD"), expected, "{option}");
    }
    tree.git(["gc", "--quiet"]);
    assert_eq!(record_of(&tree, "HEAD"), expected);
}

#[test]
fn a_repository_with_sha256_has_revisions() {
    let tree = Tree::with_inputs("'d', '*.bat'");
    tree.file(".gitattributes", "*.bat eol=crlf\n*.id ident\n");
    tree.file("d/a", "1")
        .file("b.bat", "2\n")
        .file("d/c.id", "$Id$\n");
    tree.git(["init", "--quiet", "--object-format=sha256"]);
    tree.commit();
    agrees(&tree);
}

/// A repository whose `d/big.bin` git-lfs keeps, as `git lfs` lays it out, and the bytes of that.
fn with_lfs(attributes: &str) -> (Tree, &'static str, PathBuf) {
    let content = "the file itself\n";
    // printf 'the file itself\n' | sha256sum
    let id = "b39b95f6804083d6353b147b2a5169d2802938fcd1f24c919cfea07b8f3a36fe";
    let tree = Tree::with_inputs("'d'");
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize {}\n",
        content.len()
    );
    tree.file(".gitattributes", attributes).file("d/a", "1");
    tree.file("d/big.bin", pointer)
        .mode("d/big.bin", 0o755)
        .commit();
    let object = format!(".git/lfs/objects/{}/{}/{id}", &id[..2], &id[2..4]);
    tree.file(&object, content);
    let object = tree.path(object);
    (tree, content, object)
}

#[test]
fn what_git_lfs_keeps_is_read_from_its_store() {
    let (tree, content, object) = with_lfs("*.bin filter=lfs diff=lfs merge=lfs -text\n");
    let revision = record_of(&tree, "HEAD");
    fs::write(tree.path("d/big.bin"), content).unwrap();
    assert_eq!(revision, tree.record(), "git-lfs would have put it there");
    let refusal = |run| tree.refusal_of(run);
    let run = || tree.fp().args(["hash", "--rev", "HEAD"]).code(1);
    for damaged in ["", "another file!!!\n", "the file itself\n\n"] {
        fs::write(&object, damaged).unwrap();
        assert!(refusal(run()).contains("the git-lfs object of d/big.bin is damaged"));
    }
    fs::remove_file(&object).unwrap();
    assert!(refusal(run()).contains("the git-lfs object of d/big.bin is not in this repository"));
    assert!(refusal(run()).contains("git lfs fetch"));
    let clone = clone(&tree.path(""));
    let said = clone.refusal_of(clone.fp().args(["hash", "--rev=HEAD"]).code(1));
    assert!(
        said.contains("d/big.bin is not in this repository"),
        "{said}"
    );
}

#[test]
fn a_pointer_that_no_filter_asks_for_is_an_error_as_it_is_on_disk() {
    let (tree, ..) = with_lfs("*.bin -text\n");
    let on_disk = tree.refusal(1);
    let revision = tree.refusal_of(tree.fp().args(["hash", "--rev=HEAD"]).code(1));
    assert!(
        revision.contains("d/big.bin is a git-lfs pointer"),
        "{revision}"
    );
    assert_eq!(revision, on_disk);
}

#[test]
fn what_git_lfs_should_keep_and_does_not_is_what_it_is() {
    let tree = Tree::with_inputs("'d'");
    tree.file(".gitattributes", "* filter=lfs\n*.bat eol=crlf\n");
    tree.file("d/small", "1\n")
        .file("d/empty", "")
        .file("d/c.bat", "2\n");
    tree.file("d/large", vec![b'x'; 5000]).commit();
    agrees(&tree);
}
