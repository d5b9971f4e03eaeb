//! BuildKit, and the file trees that it makes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::case::Image;
use crate::support::lab;

/// The program that talks to BuildKit.
#[derive(Clone, Copy)]
pub(super) enum Client {
    /// The current one.
    Buildx,
    /// The one with BuildKit built in. It takes half the time, but builds for one platform at a time
    /// and knows no source whose name is not ASCII.
    BuiltIn,
}

/// A BuildKit.
pub(super) struct Engine {
    pub(super) address: String,
    /// The image of the program that reads Dockerfiles in place of the engine's own.
    pub(super) frontend: Option<String>,
    /// Whether any client can talk to it, and its cache is to be trusted: what it keeps a COPY with
    /// `--parents` under does not tell what lies behind a link that is the pivot.
    pub(super) is_any: bool,
}

/// What the builds of one image have in common.
pub(super) struct Builder<'a> {
    pub(super) engine: &'a Engine,
    pub(super) client: Client,
    pub(super) image: &'a Image,
    /// A folder with docker's settings, which is also the user's home.
    pub(super) home: &'a Path,
}

/// Files and links by path. Folders show in the paths of what they hold; owners and times do not
/// count.
pub(super) type FileTree = BTreeMap<OsString, Node>;

#[derive(PartialEq, Eq)]
pub(super) enum Node {
    File { executable: bool, bytes: Vec<u8> },
    Link { text: OsString },
}

/// The folder that docker takes its settings from.
pub(super) fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a home");
    let plugins = home.path().join("cli-plugins");
    std::os::unix::fs::symlink(lab::docker_plugins(), plugins).expect("a link");
    home
}

impl Builder<'_> {
    /// The tree of the stage `target`, or what the builder said.
    pub(super) fn build(
        &self,
        dockerfile: &Path,
        context: &Path,
        target: Option<&str>,
    ) -> Result<FileTree, String> {
        let out = tempfile::tempdir().expect("a folder for the result");
        let mut command = self.docker();
        command.args(["--progress=plain", "--output"]);
        command.arg(format!("type=local,dest={}", out.path().display()));
        for (name, value) in self.image.args() {
            command.args(["--build-arg", &format!("{name}={value}")]);
        }
        if !self.engine.is_any {
            command.arg("--no-cache");
        }
        if let Some(frontend) = &self.engine.frontend {
            command.args(["--build-arg", &format!("BUILDKIT_SYNTAX={frontend}")]);
        }
        if !self.image.platforms.is_empty() {
            command.args(["--platform", &self.image.platforms.join(",")]);
        }
        if let Some(target) = target {
            command.args(["--target", target]);
        }
        let output = command
            .arg("--file")
            .args([dockerfile, context])
            .output()
            .expect("docker can be started");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let mut tree = FileTree::new();
        collect(out.path(), out.path(), &mut tree);
        Ok(tree)
    }

    fn docker(&self) -> Command {
        let mut command = match self.client {
            Client::Buildx => Command::new(lab::docker_program()),
            Client::BuiltIn => Command::new(lab::old_docker_program()),
        };
        match self.client {
            Client::Buildx => command.args(["buildx", "build", "--provenance=false"]),
            Client::BuiltIn => command.arg("build"),
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home)
            .env("DOCKER_BUILDKIT", "1")
            .env("DOCKER_CONFIG", self.home)
            .env("DOCKER_HOST", &self.engine.address)
            .stdin(Stdio::null());
        command
    }
}

fn collect(root: &Path, folder: &Path, tree: &mut FileTree) {
    for entry in fs::read_dir(folder).expect("a folder of the result") {
        let path = entry.expect("an entry of the result").path();
        let metadata = path.symlink_metadata().expect("an entry of the result");
        let node = if metadata.is_dir() {
            collect(root, &path, tree);
            continue;
        } else if metadata.is_symlink() {
            Node::Link {
                text: fs::read_link(&path).expect("a link").into(),
            }
        } else {
            Node::File {
                executable: metadata.permissions().mode() & 0o100 != 0,
                bytes: fs::read(&path).expect("a file of the result"),
            }
        };
        let inside = path.strip_prefix(root).expect("it lies below");
        tree.insert(
            OsString::from_vec(inside.as_os_str().as_bytes().to_vec()),
            node,
        );
    }
}

/// Where two trees differ, for a person to read; empty if they are equal.
pub(super) fn differences(one: &FileTree, other: &FileTree) -> String {
    let mut paths: Vec<_> = one.keys().chain(other.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let differing = paths
        .into_iter()
        .filter(|path| one.get(*path) != other.get(*path));
    differing
        .map(|path| {
            let [left, right] = [one, other].map(|tree| shown(tree.get(path)));
            format!("\n  {}: {left} | {right}", path.display())
        })
        .collect()
}

fn shown(node: Option<&Node>) -> String {
    match node {
        None => "nothing".to_owned(),
        Some(Node::Link { text }) => format!("link to {}", text.display()),
        Some(Node::File { executable, bytes }) => {
            let x = if *executable { "program" } else { "file" };
            let start = bytes.get(..40).unwrap_or(bytes);
            format!("{x} {:?}", String::from_utf8_lossy(start))
        }
    }
}
