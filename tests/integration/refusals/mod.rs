//! Inputs that cannot be told: each is an error that says what to do, and never a fingerprint.

mod contents;
mod entries;

use snapbox::str;

use crate::support::{Tree, assert_says};

/// What an ordinary user is told.
fn refusal_to_user(tree: &Tree) -> String {
    tree.refusal_of(tree.fp().by_ordinary_user().arg("hash").code(1))
}

#[test]
fn the_dockerfile_must_be_a_file() {
    let tree = Tree::new();
    tree.image("inputs = ['Dockerfile']");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: there is no file Dockerfile
 = help: name it with `dockerfile`; paths in fingerprint.toml are relative to its folder

"#]],
    );
    tree.folder("Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    tree.remove("Dockerfile").fifo("Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    tree.remove("Dockerfile").link("Dockerfile", "no/where");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: the link Dockerfile points to no/where, which does not exist
 = help: mend the link

"#]],
    );
    tree.remove("Dockerfile")
        .link("Dockerfile", "../Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: the link Dockerfile leads out of the folder of fingerprint.toml, to `../Dockerfile`
 = help: only what lies below the folder of fingerprint.toml can be an input

"#]],
    );
    tree.remove("Dockerfile").link("Dockerfile", "Dockerfile");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: Dockerfile leads through too many links, or through a link to itself
 = help: mend the links

"#]],
    );
}

#[test]
fn the_context_must_be_a_folder() {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n").file("a", "1");
    tree.image("inputs = ['a']\ncontext = 'image'");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: there is no folder image, which `context` names
 = help: paths in fingerprint.toml are relative to its folder

"#]],
    );
    tree.file("image", "");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: image, which `context` names, is not a folder
 = help: name the folder that `COPY` and `ADD` shall see

"#]],
    );
    tree.remove("image").link("image", "v2").file("v2/a", "1");
    assert_says(
        tree.refusal(1),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: the context image leads through the link image
 = help: name the folder that the link points to

"#]],
    );
}

/// The message once named neither the key nor the argument, and told to correct `inputs`.
#[test]
fn a_file_that_the_configuration_names_is_told_with_its_role() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "1").commit();
    let said = |lines: &str| {
        tree.image(&format!("inputs = ['a']\n{lines}"));
        tree.refusal(1)
    };
    assert_says(
        said("dockerfile = '.'"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the Dockerfile, which `dockerfile` names
 = cause: . is not a regular file
 = help: name the Dockerfile itself with `dockerfile`

"#]],
    );
    assert_says(
        said("args = { A = { file = 'nope' } }"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument A its value
 = cause: there is no file nope
 = help: paths in fingerprint.toml are relative to its folder

"#]],
    );
    assert_says(
        said("args = { A = { file = '.git/HEAD' } }"),
        str![[r#"
error: the inputs of `ci` cannot be told
 |
 = cause: cannot read the file that gives the argument A its value
 = cause: .git/HEAD is inside .git, which is never an input
 = help: name a file that is part of the project

"#]],
    );
}

/// It was refused because of an ignore file that nobody can have.
#[test]
fn a_dockerfile_may_have_a_name_that_leaves_no_room_for_an_ignore_file() {
    let tree = Tree::new();
    let name = "D".repeat(245);
    tree.file(&name, "FROM scratch\n").file("a", "1");
    tree.image(&format!("inputs = ['a']\ndockerfile = '{name}'"));
    tree.hash();
    tree.image(&format!(
        "inputs = ['a', '{}']\ndockerfile = '{name}'",
        "x".repeat(256)
    ));
    assert!(tree.refusal(1).contains("matches nothing"));
}
