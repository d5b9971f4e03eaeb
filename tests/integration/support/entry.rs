//! The entries of the trees that the vectors and the corpus describe as data.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use serde::Deserialize;

use super::Tree;

/// One entry of a tree. Paths, contents and texts are bytes, escaped as in a record.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Entry {
    file: Option<String>,
    content: String,
    mode: Option<u32>,
    link: Option<String>,
    text: String,
    folder: Option<String>,
    hard_link: Option<String>,
    to: String,
    archive: Option<String>,
    members: BTreeMap<String, String>,
    forced: bool,
    untracked: bool,
}

/// In which order the entries of a tree are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Given,
    Reversed,
}

/// Makes `entries` in `tree`. With `git` the tree becomes a repository with a commit of all that is
/// tracked.
pub(crate) fn plant(tree: &Tree, entries: &[Entry], git: bool, order: Order) {
    let mut entries: Vec<_> = entries.iter().collect();
    if order == Order::Reversed {
        entries.reverse();
    }
    // A hard link needs what it is a link to.
    entries.sort_by_key(|entry| entry.hard_link.is_some());
    let (late, early): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.untracked);
    for &entry in &early {
        entry.plant(tree);
    }
    if git {
        tree.git(["init", "--quiet"]);
        for entry in early.iter().filter(|entry| entry.forced) {
            let path = entry.file.as_ref().or(entry.link.as_ref());
            let path = OsString::from_vec(bytes(path.expect("a file or link")));
            tree.git(["add".into(), "--force".into(), "--".into(), path]);
        }
        tree.commit();
    }
    for entry in late {
        entry.plant(tree);
    }
}

impl Entry {
    pub(crate) fn is_readable_by_all(&self) -> bool {
        self.mode.is_none_or(|mode| mode & 0o004 != 0)
    }

    fn plant(&self, tree: &Tree) {
        if let Some(path) = &self.file {
            tree.file(bytes(path), bytes(&self.content));
            tree.mode(bytes(path), self.mode.unwrap_or(0o644));
        } else if let Some(path) = &self.link {
            tree.link(bytes(path), bytes(&self.text));
        } else if let Some(path) = &self.folder {
            tree.folder(bytes(path));
        } else if let Some(path) = &self.hard_link {
            let (from, to) = (tree.path(bytes(&self.to)), tree.path(bytes(path)));
            fs::hard_link(from, to).expect("a hard link");
        } else if let Some(path) = &self.archive {
            tree.file(bytes(path), pack(path, &self.members));
        } else {
            panic!("an entry of a tree is a file, link, folder, hard_link or archive");
        }
    }
}

/// The bytes of an archive of `members`, paths with contents; the ending of `path` says how it is
/// compressed.
fn pack(path: &str, members: &BTreeMap<String, String>) -> Vec<u8> {
    let packed = Tree::new();
    for (member, content) in members {
        packed.file(format!("content/{member}"), bytes(content));
    }
    let archive = packed.path(path.rsplit('/').next().expect("a name"));
    let output = Command::new("tar")
        .args(["--create", "--auto-compress", "--format=ustar"])
        .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0"])
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(packed.path("content"))
        .args(members.keys())
        .output()
        .expect("tar is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tar of {path}: {said}");
    fs::read(archive).expect("tar wrote an archive")
}

/// The bytes that an escaped text stands for.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match (byte, byte == b'\\') {
            (byte, false) => byte,
            _ => match rest.next() {
                Some(b'\\') => b'\\',
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'x') => hex(rest.next()) << 4 | hex(rest.next()),
                other => panic!("unknown escape {other:?} in {text:?}"),
            },
        });
    }
    bytes
}

fn hex(digit: Option<&u8>) -> u8 {
    let digit = char::from(*digit.expect("two hex digits")).to_digit(16);
    u8::try_from(digit.expect("a hex digit")).expect("below 16")
}
