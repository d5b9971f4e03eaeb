//! The same bytes give the same fingerprint everywhere, and other bytes give another.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_assert_ne, prop_oneof};
use proptest::sample::Index;

use crate::support::{Fp, Tree, check, git};

/// A repository whose fingerprint depends on most things that could go wrong: odd names, links,
/// modes, and a file that is tracked and ignored, so that git is asked.
fn rich() -> Tree {
    let tree = Tree::with_inputs("'scripts', '*.mk', 'current', '!**/*.bak'");
    tree.file(".gitignore", "*.o\nbuild/\n");
    tree.file(".dockerignore", "*.mk\n");
    tree.file("a.mk", "all:\n")
        .file("Z.mk", "")
        .file("é.mk", "1");
    tree.file("scripts/a b\tc", "1")
        .file(b"scripts/caf\xe9", "2");
    tree.file("scripts/run.sh", "#!/bin/sh\n")
        .mode("scripts/run.sh", 0o755);
    tree.file("scripts/x.bak", "3");
    tree.link("current", "v/2").file("v/2/in/a", "4");
    tree.link("scripts/dangling", "/nowhere");
    tree.file("scripts/tracked.o", "5").git(["init", "--quiet"]);
    tree.git(["add", "--force", "scripts/tracked.o"]).commit();
    tree.file("scripts/untracked.o", "6")
        .file("scripts/build/out", "7");
    tree
}

/// The fingerprint that a run prints.
fn hash(run: Fp) -> String {
    run.arg("hash").run().trim_end().to_owned()
}

#[test]
fn the_environment_changes_nothing() {
    let tree = rich();
    let expected = tree.hash();
    let home = Tree::new();
    home.file(
        ".gitconfig",
        "[core]\n\texcludesFile = ~/ignore\n[alias]\n\tls-files = !false\n",
    );
    home.file("ignore", "*\n")
        .file("git/ignore", "*\n")
        .file("git/config", "[core]\n\tquotePath = true\n\tbare = true\n");
    let home = home.path("");
    let variables: &[(&str, &OsStr)] = &[
        ("LC_ALL", "C".as_ref()),
        ("LC_ALL", "de_DE.UTF-8".as_ref()),
        ("LANG", "tr_TR.ISO-8859-9".as_ref()),
        ("LC_COLLATE", "en_US.UTF-8".as_ref()),
        ("TZ", "Pacific/Kiritimati".as_ref()),
        ("HOME", home.as_os_str()),
        ("HOME", "/nowhere".as_ref()),
        ("XDG_CONFIG_HOME", home.as_os_str()),
        ("CI", "true".as_ref()),
        ("SOURCE_DATE_EPOCH", "1".as_ref()),
        ("DOCKER_DEFAULT_PLATFORM", "linux/arm64".as_ref()),
        ("BUILDKIT_SYNTAX", "x".as_ref()),
        ("DOCKER_HOST", "tcp://127.0.0.1:1".as_ref()),
        ("HTTP_PROXY", "http://127.0.0.1:1".as_ref()),
        ("TMPDIR", "/nowhere".as_ref()),
        ("PWD", "/nowhere".as_ref()),
        ("RUST_LOG", "trace".as_ref()),
        ("RUST_BACKTRACE", "full".as_ref()),
        ("NO_COLOR", "1".as_ref()),
        ("CLICOLOR_FORCE", "1".as_ref()),
        ("X", OsStr::from_bytes(b"\xff")),
    ];
    for (name, value) in variables {
        assert_eq!(
            hash(tree.fp().env(name, value)),
            expected,
            "{name}={value:?}"
        );
    }
}

#[test]
fn variables_of_git_change_nothing() {
    let tree = rich();
    let expected = tree.hash();
    let other = Tree::new();
    other.file("scripts/other.o", "").commit();
    let other = other.path(".git");
    let other = other.to_str().expect("a plain name");
    for (name, value) in [
        ("GIT_DIR", other),
        ("GIT_WORK_TREE", "/"),
        ("GIT_COMMON_DIR", other),
        ("GIT_INDEX_FILE", "/nowhere"),
        ("GIT_INDEX_FILE", &format!("{other}/index")),
        ("GIT_OBJECT_DIRECTORY", "/nowhere"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_PREFIX", "scripts/"),
        ("GIT_LITERAL_PATHSPECS", "0"),
        ("GIT_ICASE_PATHSPECS", "1"),
        ("GIT_CONFIG_GLOBAL", "/nowhere"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
        ("GIT_EXEC_PATH", "/nowhere"),
        ("GIT_TRACE", "1"),
        ("GIT_TRACE2_EVENT", "2"),
        ("GIT_PAGER", "false"),
        ("GIT_EXTERNAL_DIFF", "false"),
        ("GIT_ASKPASS", "false"),
    ] {
        assert_eq!(hash(tree.fp().env(name, value)), expected, "{name}={value}");
    }
    let run = tree.fp().env("GIT_CONFIG_COUNT", "1");
    let run = run.env("GIT_CONFIG_KEY_0", "core.bare");
    assert_eq!(hash(run.env("GIT_CONFIG_VALUE_0", "true")), expected);
}

#[test]
fn the_process_changes_nothing() {
    let tree = rich();
    let expected = tree.hash();
    let shell = |script: &str| tree.fp().under(["sh", "-c", script, "sh"]);
    assert_eq!(hash(shell("umask 077; exec \"$@\"")), expected);
    assert_eq!(hash(shell("umask 000; exec \"$@\"")), expected);
    assert_eq!(hash(shell("ulimit -n 64; exec \"$@\"")), expected);
    assert_eq!(hash(shell("exec \"$@\" <&-")), expected);
    assert_eq!(hash(tree.fp().under(["taskset", "1"])), expected);
    assert_eq!(hash(tree.fp().under(["nice", "-n", "5"])), expected);
    assert_eq!(hash(tree.fp().by_ordinary_user()), expected);
}

#[test]
fn the_way_to_the_tree_changes_nothing() {
    let tree = rich();
    let expected = tree.hash();
    let from = |folder: &Path| tree.fp().in_folder(folder);
    assert_eq!(hash(from(&tree.path("v/2/in"))), expected);
    let elsewhere = Tree::new();
    let link = elsewhere.path("link\n");
    symlink(tree.path(""), &link).expect("a link");
    assert_eq!(hash(from(&link).env("PWD", &link)), expected);
    let file = "fingerprint.toml";
    for config in [
        tree.path(file),
        link.join(file),
        link.join("./v/..").join(file),
    ] {
        let run = from(Path::new("/")).arg("--config").arg(config);
        assert_eq!(hash(run), expected);
    }
    let run = from(&tree.path("scripts")).args(["--config", "../fingerprint.toml"]);
    assert_eq!(hash(run), expected);
}

#[test]
fn times_and_modes_change_nothing() {
    let tree = rich();
    let expected = tree.hash();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    for path in ["a.mk", "scripts/run.sh", "Dockerfile", "scripts/tracked.o"] {
        let file = File::options().append(true).open(tree.path(path));
        let times = FileTimes::new().set_modified(old).set_accessed(old);
        file.expect("a file").set_times(times).expect("times");
    }
    assert_eq!(tree.hash(), expected);
    tree.mode("a.mk", 0o600).mode("scripts/run.sh", 0o4710);
    tree.mode("scripts", 0o700).mode("Dockerfile", 0o777);
    assert_eq!(tree.hash(), expected);
}

#[test]
fn clones_work_trees_and_tarballs_are_alike() {
    let tree = rich();
    let expected = tree.hash();
    let elsewhere = Tree::new();
    let shell = |script: &str| {
        let status = Command::new("sh")
            .args(["-euc", script, "sh"])
            .arg(tree.path(""))
            .current_dir(elsewhere.path(""))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .status();
        assert!(status.expect("a shell").success(), "{script}");
    };
    let is_same = |folder: &str| {
        let run = tree.fp().in_folder(elsewhere.path(folder));
        assert_eq!(hash(run), expected, "{folder}");
    };
    shell("umask 077; git clone -q \"$1\" clone-077");
    is_same("clone-077");
    shell("umask 000; git clone -q \"$1\" 'clone 000'");
    is_same("clone 000");
    shell("git -C \"$1\" worktree add -q --detach \"$PWD/work tree\"");
    is_same("work tree");
    shell("mkdir tarball; git -C \"$1\" archive HEAD | tar -x -C tarball");
    is_same("tarball");
    shell("mkdir -p far/away; cp -r \"$1\" far/away/copy; touch far/away/copy/scripts/new.o");
    is_same("far/away/copy");
    shell("cp -r \"$1\" packed; cd packed; git gc -q; git update-index --index-version 4");
    is_same("packed");
    shell("cp -r \"$1\" split; cd split; git update-index --split-index; git pack-refs --all");
    is_same("split");
    shell("cp -r \"$1\" cache; cd cache; git update-index --force-untracked-cache");
    is_same("cache");
    shell(
        "cp -r \"$1\" sha256; cd sha256; rm -r .git; git init -q --object-format=sha256; \
         git add -f scripts/tracked.o; git add .",
    );
    is_same("sha256");
}

/// What a generated tree holds at a path.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    File(Vec<u8>, bool),
    Link(Vec<u8>),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => proptest::sample::select(b"abAB.-_ ".to_vec()),
        1 => any::<u8>(),
    ];
    proptest::collection::vec(byte, 1..6).prop_map(|mut name| {
        name.retain(|byte| !b"\0/".contains(byte));
        match name.as_slice() {
            b"" | b"." | b".." | b".git" | b".gitignore" => b"x".to_vec(),
            _ => name,
        }
    })
}

fn node() -> impl Strategy<Value = Node> {
    let content = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        3 => (content, any::<bool>()).prop_map(|(content, x)| Node::File(content, x)),
        1 => name().prop_map(Node::Link),
    ]
}

/// Paths below `t` with what they hold: at most one at each path, and none below a file.
fn nodes() -> impl Strategy<Value = Vec<(Vec<u8>, Node)>> {
    // Only the last part ends in `f`, so that no file lies where another path has a folder.
    let folder = name().prop_map(|name| [name.as_slice(), b"d"].concat());
    let path = (proptest::collection::vec(folder, 0..3), name()).prop_map(|(mut folders, name)| {
        folders.insert(0, b"t".to_vec());
        folders.push([name.as_slice(), b"f"].concat());
        folders.join(&b'/')
    });
    proptest::collection::btree_map(path, node(), 1..12)
        .prop_map(|nodes| nodes.into_iter().collect())
}

fn plant<'a>(
    nodes: impl IntoIterator<Item = &'a (Vec<u8>, Node)>,
    [file, program]: [u32; 2],
) -> Tree {
    let tree = Tree::with_inputs("'t'");
    for (path, node) in nodes {
        match node {
            Node::File(content, x) => tree
                .file(path, content)
                .mode(path, if *x { program } else { file }),
            Node::Link(text) => tree.link(path, text),
        };
    }
    tree
}

#[test]
fn equal_trees_have_equal_fingerprints() {
    check(&nodes(), |nodes| {
        let plain = plant(&nodes, [0o644, 0o755]);
        let expected = plain.hash();
        prop_assert_eq!(
            blake3::hash(plain.record().as_bytes()).to_string(),
            expected.clone()
        );
        let umask = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];
        prop_assert_eq!(hash(plain.fp().under(umask)), expected.clone());
        prop_assert_eq!(hash(plain.fp().by_ordinary_user()), expected.clone());
        let tracked = plant(nodes.iter().rev(), [0o600, 0o4700]);
        tracked
            .file("t/x.ignored", "")
            .file(".gitignore", "*.ignored\n");
        tracked.commit();
        let run = tracked
            .fp()
            .env("LC_ALL", "de_DE.UTF-8")
            .env("TZ", "Asia/Tokyo");
        prop_assert_eq!(hash(run), expected.clone());
        let clone = Tree::new();
        git(
            &clone.path(""),
            [
                OsStr::new("clone"),
                "--quiet".as_ref(),
                tracked.path("").as_os_str(),
                "c".as_ref(),
            ],
        );
        prop_assert_eq!(hash(clone.fp().in_folder(clone.path("c"))), expected);
        Ok(())
    });
}

/// One thing that differs between two trees.
#[derive(Debug, Clone)]
enum Change {
    Append(u8),
    Flip,
    Mode,
    Rename(u8),
    Remove,
    Kind,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u8>().prop_map(Change::Append),
        Just(Change::Flip),
        Just(Change::Mode),
        (1..=255u8)
            .prop_filter("a slash", |byte| *byte != b'/')
            .prop_map(Change::Rename),
        Just(Change::Remove),
        Just(Change::Kind),
    ]
}

fn apply(change: &Change, (path, node): (Vec<u8>, Node)) -> Option<(Vec<u8>, Node)> {
    Some(match (change, node) {
        (Change::Remove, _) => return None,
        (Change::Rename(byte), node) => ([path, vec![*byte]].concat(), node),
        (Change::Mode, Node::File(content, x)) => (path, Node::File(content, !x)),
        (Change::Append(byte), Node::File(content, x)) => {
            (path, Node::File([content, vec![*byte]].concat(), x))
        }
        (Change::Flip, Node::File(mut content, x)) if !content.is_empty() => {
            content[0] ^= 1;
            (path, Node::File(content, x))
        }
        (Change::Kind, Node::File(..)) => (path, Node::Link(b"x".to_vec())),
        (Change::Kind, Node::Link(text)) => (path, Node::File(text, false)),
        (_, Node::File(content, x)) => (path, Node::File([content, b"+".to_vec()].concat(), x)),
        (_, Node::Link(text)) => (path, Node::Link([text, b"+".to_vec()].concat())),
    })
}

#[test]
fn different_trees_have_different_fingerprints() {
    check(
        &(nodes(), any::<Index>(), change()),
        |(nodes, index, change)| {
            let modes = [0o644, 0o755];
            let mut changed = nodes.clone();
            let index = index.index(nodes.len());
            let node = changed.remove(index);
            // Without this file the folder could be empty, which is an error.
            changed.push((b"t/other".to_vec(), Node::File(Vec::new(), false)));
            let nodes = [nodes, vec![changed[changed.len() - 1].clone()]].concat();
            let before = plant(&nodes, modes).hash();
            changed.extend(apply(&change, node));
            prop_assert_ne!(plant(&changed, modes).hash(), before);
            Ok(())
        },
    );
}

#[test]
fn what_the_configuration_says_counts() {
    let tree = Tree::new();
    tree.file(
        "Dockerfile",
        "FROM scratch AS a\nFROM scratch AS b\nARG A B\n",
    );
    tree.file("a", "1").folder("c");
    tree.file("c/a", "1")
        .file("D", "FROM scratch AS a\nFROM scratch AS b\nARG A B\n");
    let mut seen = Vec::new();
    for lines in [
        "inputs = ['a']",
        "inputs = ['a', 'c']",
        "inputs = ['c']",
        "inputs = ['a']\ntarget = 'a'",
        "inputs = ['a']\ntarget = 'b'",
        "inputs = ['a']\nsalt = ''",
        "inputs = ['a']\nsalt = '1'",
        "inputs = ['a']\nargs = { A = '' }",
        "inputs = ['a']\nargs = { A = '1' }",
        "inputs = ['a']\nargs = { B = '1' }",
        "inputs = ['a']\ncontext = 'c'",
        "inputs = ['a']\ndockerfile = 'D'",
    ] {
        let hash = tree.image(lines).hash();
        assert!(!seen.contains(&hash), "{lines}");
        seen.push(hash);
    }
    for lines in [
        "inputs = ['./a']",
        "inputs = ['a', 'a', '?']\ncontext = './.'\ndockerfile = './Dockerfile'",
        "inputs = ['a']\ntag = 'x-{fingerprint}'\npush = 'never'",
        "inputs = ['a']\nrepository = 'localhost:1/x'\nsource = 'https://x/y'",
    ] {
        // `?` matches the folder `c` and the file `D` as well.
        let lines = lines.replace("'?'", "'?', '!c', '!D'");
        assert_eq!(tree.image(&lines).hash(), seen[0], "{lines}");
    }
    fs::write(tree.path("Dockerfile"), "FROM scratch\n").expect("a file");
    assert_ne!(tree.hash(), seen[0]);
}
