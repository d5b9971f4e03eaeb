//! A repository with a history: this project's own. Where it has none, its files become one.

use std::path::Path;
use std::process::Command;

use crate::support::{Tree, git, git_command};

use super::agrees;

/// How many commits are looked at, spread over the history.
const COMMITS: usize = 4;

#[test]
fn revisions_of_this_project_are_what_clones_of_them_hold() {
    let tree = Tree::new();
    for commit in check_out(Path::new(env!("CARGO_MANIFEST_DIR")), &tree) {
        tree.git(["checkout", "--quiet", "--force", "--detach", &commit]);
        tree.image("inputs = ['.', '!Cargo.lock']\ndockerfile = 'all.Dockerfile'");
        tree.file("all.Dockerfile", "FROM scratch\nCOPY . /\n");
        tree.commit();
        let record = agrees(&tree);
        assert!(record.contains("file\tCargo.toml\t-\t"), "{record}");
        assert!(record.contains("file\tscript/test\tx\t"), "{record}");
        assert!(!record.contains("file\tCargo.lock"), "{record}");
    }
}

/// Puts `project` into `tree`, and names commits of it that have scripts.
fn check_out(project: &Path, tree: &Tree) -> Vec<String> {
    let folder = tree.path("");
    if !project.join(".git").exists() {
        let mut copy = Command::new("cp");
        let parts = ["Cargo.toml", "Cargo.lock", "src", "script"].map(|part| project.join(part));
        let copied = copy.arg("-R").args(parts).arg(&folder).status();
        assert!(copied.expect("cp is installed").success());
        tree.commit();
        return vec!["HEAD".to_owned()];
    }
    let source = project.to_str().expect("the project's path is text");
    git(&folder, ["clone", "--quiet", "--no-local", source, "."]);
    let log = ["log", "--format=%H", "--", "script/test"];
    let log = git_command(&folder, log)
        .output()
        .expect("git is installed");
    let commits = String::from_utf8(log.stdout).expect("hex digits are text");
    let every = commits.lines().count().div_ceil(COMMITS).max(1);
    let chosen = commits.lines().step_by(every);
    chosen.map(str::to_owned).collect()
}
