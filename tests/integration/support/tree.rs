//! Trees of files to run `fp` in: any names, links and modes, with a git repository or without.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::{Fp, fp};

/// A folder that goes when the test ends. Paths are relative to it and may be any bytes.
pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    /// An empty folder, outside any git repository, that every user can read.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tree = Tree { folder };
        tree.mode("", 0o755);
        tree
    }

    /// A tree with an image `ci` of these `inputs`, each written as in fingerprint.toml, quotes
    /// included, and with the Dockerfile `FROM scratch`.
    pub(crate) fn with_inputs(inputs: &str) -> Self {
        let tree = Tree::new();
        tree.file("Dockerfile", "FROM scratch\n");
        tree.image(&format!("inputs = [{inputs}]"));
        tree
    }

    /// Writes a fingerprint.toml with one image, `ci`, whose table holds `lines`.
    pub(crate) fn image(&self, lines: &str) -> &Self {
        self.config(&format!("format = 1\n\n[images.ci]\n{lines}\n"))
    }

    /// Writes a fingerprint.toml of this text.
    pub(crate) fn config(&self, text: &str) -> &Self {
        self.file("fingerprint.toml", text)
    }

    /// Writes a file with mode 0644, and the folders above it.
    pub(crate) fn file(&self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> &Self {
        let path = path.as_ref();
        self.above(path);
        fs::write(self.path(path), content).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        self.mode(path, 0o644)
    }

    /// Sets the mode of what lies at `path`.
    pub(crate) fn mode(&self, path: impl AsRef<[u8]>, mode: u32) -> &Self {
        fs::set_permissions(self.path(path), Permissions::from_mode(mode)).expect("a mode");
        self
    }

    /// Makes a symbolic link with this text, and the folders above it.
    pub(crate) fn link(&self, path: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> &Self {
        let path = path.as_ref();
        self.above(path);
        symlink(OsStr::from_bytes(text.as_ref()), self.path(path)).expect("a link");
        self
    }

    /// Makes a folder with mode 0755, and those above it.
    pub(crate) fn folder(&self, path: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(path)
            .expect("a folder");
        self
    }

    /// Makes a FIFO.
    pub(crate) fn fifo(&self, path: impl AsRef<[u8]>) -> &Self {
        make_fifo(&self.path(path));
        self
    }

    /// Removes a file, or a folder with all that is in it.
    pub(crate) fn remove(&self, path: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        match path.is_dir() && !path.is_symlink() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        }
        .expect("something to remove");
        self
    }

    fn above(&self, path: &[u8]) {
        if let Some(slash) = path.iter().rposition(|&byte| byte == b'/') {
            self.folder(&path[..slash]);
        }
    }

    /// Makes the tree a git repository and commits everything that is not ignored.
    pub(crate) fn commit(&self) -> &Self {
        self.git(["init", "--quiet", "--initial-branch=main"]);
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message=all"])
    }

    /// Runs git in the tree, with a fixed identity and no configuration but the tree's.
    pub(crate) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> &Self {
        git(self.folder.path(), arguments);
        self
    }

    /// The absolute path of what lies at `path`; of the tree itself if that is empty.
    pub(crate) fn path(&self, path: impl AsRef<[u8]>) -> PathBuf {
        let path = OsStr::from_bytes(path.as_ref());
        match path.is_empty() {
            true => self.folder.path().to_path_buf(),
            false => self.folder.path().join(path),
        }
    }

    /// A run of `fp` in this tree.
    pub(crate) fn fp(&self) -> Fp {
        fp().in_folder(self.folder.path())
    }

    /// What `fp hash` prints here, without the end of the line.
    pub(crate) fn hash(&self) -> String {
        self.fp().arg("hash").run().trim_end().to_owned()
    }

    /// What fp says on stderr when it refuses with this exit code to compute a fingerprint here;
    /// the path of the tree is shown as `ROOT`.
    pub(crate) fn refusal(&self, code: i32) -> String {
        self.refusal_of(self.fp().arg("hash").code(code))
    }

    /// What a run says on stderr that prints nothing else; the path of the tree is shown as `ROOT`.
    pub(crate) fn refusal_of(&self, run: Fp) -> String {
        let outcome = run.any_stderr().outcome();
        assert_eq!(outcome.stdout, b"", "beside {}", outcome.stderr);
        let root = self.folder.path().to_str().expect("a plain name");
        outcome.stderr.replace(root, "ROOT")
    }

    /// What `fp record` prints here.
    pub(crate) fn record(&self) -> String {
        self.fp().arg("record").run()
    }
}

/// Makes a FIFO at `path`.
pub(crate) fn make_fifo(path: &Path) {
    let mode = Mode::from_raw_mode(0o644);
    mknodat(CWD, path, FileType::Fifo, mode, 0).expect("a FIFO");
}

/// Runs git in `folder`, which has to succeed.
pub(crate) fn git<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) {
    let output = git_command(folder, arguments).output();
    let output = output.expect("git is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git in {folder:?}: {said}");
}

/// git in `folder`, with a fixed identity and no configuration but the repository's; nothing of the
/// environment that the tests run in leads it elsewhere.
pub(crate) fn git_command<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ])
        .envs([
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@localhost"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@localhost"),
        ])
        .stdin(Stdio::null());
    command
}

/// A repository with the submodule `sub`, which has the submodule `inner`, in a clone of which
/// nothing is checked out.
pub(crate) fn with_submodules() -> (Tree, Tree) {
    let home = Tree::new();
    let made = |name: &str| {
        let path = home.path(name);
        home.file(format!("{name}/a"), name);
        home.file(format!("{name}/.gitignore"), "*.log\n");
        git(&path, ["init", "--quiet", "--initial-branch=main"]);
        path
    };
    let commit = |path: &PathBuf| {
        git(path, ["add", "--all"]);
        git(path, ["commit", "--quiet", "--message=all"]);
    };
    let add = |path: &PathBuf, name: &str| {
        let url = format!("../{name}");
        let url = home.path(name).to_str().map_or(url, str::to_owned);
        git(
            path,
            ["submodule", "--quiet", "add", &url, &format!("m/{name}")],
        );
    };
    let inner = made("inner");
    commit(&inner);
    let sub = made("sub");
    add(&sub, "inner");
    commit(&sub);
    let outer = made("outer");
    home.file("outer/Dockerfile", "FROM scratch\n");
    home.file(
        "outer/fingerprint.toml",
        "format = 1\n[images.ci]\ninputs = ['m']\n",
    );
    home.file("outer/.gitignore", "*.o\n");
    add(&outer, "sub");
    commit(&outer);
    let tree = Tree::new();
    let outer = outer.to_str().expect("a plain name").to_owned();
    git(&tree.path(""), ["clone", "--quiet", &outer, "."]);
    (home, tree)
}
