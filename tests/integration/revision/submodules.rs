//! Submodules of a revision: read from their own objects, wherever those lie.

use std::fs;

use crate::support::{Tree, git, with_submodules};

use super::record_of;

fn checked_out() -> (Tree, Tree) {
    let (home, tree) = with_submodules();
    tree.git(["submodule", "--quiet", "update", "--init", "--recursive"]);
    (home, tree)
}

#[test]
fn submodules_are_read_however_deep() {
    let (_home, tree) = checked_out();
    let expected = tree.record();
    assert!(expected.contains("\tm/sub/m/inner/a\t"));
    assert_eq!(record_of(&tree, "HEAD"), expected);
    // Changes in them have no say, nor whether they are checked out.
    tree.file("m/sub/a", "changed")
        .file("m/sub/m/inner/new", "");
    assert_eq!(record_of(&tree, "HEAD"), expected);
    tree.git(["submodule", "--quiet", "deinit", "--all", "--force"]);
    assert_eq!(record_of(&tree, "HEAD"), expected);
}

#[test]
fn each_submodule_has_its_own_attributes() {
    let (_home, tree) = checked_out();
    tree.file("m/sub/.gitattributes", "a eol=crlf\n")
        .file("m/sub/a", "1\n");
    tree.file(
        ".gitattributes",
        "* filter=other\nfingerprint.toml -filter\nDockerfile -filter\n",
    );
    let sub = tree.path("m/sub");
    for folder in [&sub, &tree.path("")] {
        git(folder, ["add", "--all"]);
        git(folder, ["commit", "--quiet", "--message=x"]);
    }
    fs::remove_file(sub.join("a")).unwrap();
    git(&sub, ["checkout", "--quiet", "a"]);
    let record = record_of(&tree, "HEAD");
    assert_eq!(record, tree.record());
    assert!(record.contains(blake3::hash(b"1\r\n").to_hex().as_str()));
}

#[test]
fn a_submodule_without_gitmodules_is_read_from_where_it_is_checked_out() {
    let (_home, tree) = checked_out();
    tree.git(["rm", "--quiet", "--cached", ".gitmodules"]);
    tree.git(["commit", "--quiet", "--message=x"]);
    let record = record_of(&tree, "HEAD");
    assert!(record.contains("\tm/sub/m/inner/a\t"), "{record}");
}

#[test]
fn a_submodule_that_is_not_here_is_an_error_only_under_an_input() {
    let (_home, tree) = with_submodules();
    let refusal = |inputs: &str| {
        tree.image(&format!("inputs = [{inputs}]"))
            .git(["add", "."]);
        tree.git(["commit", "--quiet", "--allow-empty", "--message=x"]);
        tree.refusal_of(tree.fp().args(["hash", "--rev", "HEAD"]).code(1))
    };
    for inputs in ["'m'", "'m/sub/a'", "'**/a'"] {
        let said = refusal(inputs);
        assert!(
            said.contains("the commit of the submodule m/sub is not here"),
            "{said}"
        );
        assert!(said.contains("git submodule update"), "{said}");
    }
    for inputs in ["'a'", "'a', 'm', '!m/sub'", "'*.toml', 'a'"] {
        tree.image(&format!("inputs = [{inputs}]"))
            .git(["add", "."]);
        tree.git(["commit", "--quiet", "--message=x"]);
        let run = tree.fp().args(["hash", "--rev=HEAD"]).any_stderr();
        match inputs.contains("'m'") {
            true => drop(
                run.code(1)
                    .stderr_contains("`m` of `inputs` matches nothing")
                    .run(),
            ),
            false => drop(run.run()),
        }
    }
}

#[test]
fn a_submodule_that_lacks_the_commit_is_an_error() {
    let (_home, tree) = checked_out();
    tree.git([
        "update-index",
        "--cacheinfo",
        "160000,1111111111111111111111111111111111111111,m/sub",
    ]);
    tree.git(["commit", "--quiet", "--message=x"]);
    let said = tree.refusal_of(tree.fp().args(["hash", "--rev=HEAD"]).code(1));
    assert!(
        said.contains("the commit of the submodule m/sub is not here"),
        "{said}"
    );
}

#[test]
fn the_name_of_a_submodule_leads_nowhere_else() {
    let (_home, tree) = checked_out();
    let modules = fs::read_to_string(tree.path(".gitmodules")).unwrap();
    tree.git(["submodule", "--quiet", "deinit", "--all", "--force"]);
    fs::create_dir(tree.path(".git/elsewhere")).unwrap();
    fs::rename(
        tree.path(".git/modules/m/sub"),
        tree.path(".git/elsewhere/sub"),
    )
    .unwrap();
    tree.file(
        ".gitmodules",
        modules.replace("[submodule \"m/sub\"]", "[submodule \"../elsewhere/sub\"]"),
    );
    tree.git(["commit", "--quiet", "--all", "--message=x"]);
    let said = tree.refusal_of(tree.fp().args(["hash", "--rev=HEAD"]).code(1));
    assert!(
        said.contains("the commit of the submodule m/sub is not here"),
        "{said}"
    );
}
