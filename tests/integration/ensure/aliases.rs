//! Aliases: moved in CI on the default branch, last of all, and by hand.

use crate::support::lab::{self, Store};
use crate::support::{Machine, Reply, ScriptedRegistry};

/// A machine of GitHub's CI that works on `branch`, for a push.
fn on_branch(branch: &str) -> Machine {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("CI", "true");
    machine.set("GITHUB_ACTIONS", "true");
    machine.set("GITHUB_EVENT_NAME", "push");
    machine.set("GITHUB_ACTOR", "octocat");
    machine.set("GITHUB_REF", format!("refs/heads/{branch}"));
    let path = machine.folder("home").join("event.json");
    std::fs::write(&path, include_str!("events/push.json")).unwrap();
    machine.set("GITHUB_EVENT_PATH", path);
    machine
}

fn alias(machine: &Machine, name: &str) -> Option<String> {
    lab::registry().digest(&machine.repository(), name)
}

#[test]
fn on_the_default_branch_they_follow_the_image() {
    let machine = on_branch("main");
    machine.configure("aliases = [\"latest\", \"{branch}\"]");
    let built = machine
        .fp(&["ensure"])
        .succeeded()
        .says("built, pushed")
        .says("ci: aliases moved: latest, main");
    let digest = Some(built.digest().to_owned());
    assert_eq!(alias(&machine, "latest"), digest);
    assert_eq!(alias(&machine, "main"), digest);

    // On a hit as well; what is right already is not written.
    let again = machine.fp(&["ensure", "--format", "json"]).succeeded();
    let again = again.says("ci: aliases that were right already: latest, main");
    assert!(again.stdout.contains("\"latest\": \"kept\""));

    machine.tree.file("hello.sh", "echo edited\n");
    let edited = machine.fp(&["ensure", "--no-pull"]).succeeded();
    assert_ne!(edited.digest(), built.digest());
    assert_eq!(alias(&machine, "latest").as_deref(), Some(edited.digest()));
    machine.tree.file("hello.sh", "#!/bin/sh\necho hello\n");
    machine
        .fp(&["ensure", "--no-pull"])
        .succeeded()
        .says("aliases moved: latest, main");
    assert_eq!(alias(&machine, "latest"), digest);
}

#[test]
fn anywhere_else_they_stay() {
    let mut machine = on_branch("feature/x");
    machine.configure("aliases = [\"latest\"]");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("ci: aliases stay: feature/x is not the default branch, main");
    machine.set("GITHUB_REF", "refs/tags/main");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("ci: aliases stay: CI works on no branch");
    machine.set("GITHUB_EVENT_NAME", "pull_request_target");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("ci: aliases stay: the event `pull_request_target` is not one");
    machine.set("GITHUB_EVENT_NAME", "push");
    machine.set("GITHUB_REF", "refs/heads/main");
    let told = machine.fp(&["ensure", "--no-push"]).succeeded();
    assert!(!told.stderr.contains("alias"), "{}", told.stderr);
    for name in ["CI", "GITHUB_ACTIONS"] {
        machine.set(name, "");
    }
    let told = machine.fp(&["ensure"]).succeeded();
    assert!(!told.stderr.contains("alias"), "{}", told.stderr);
    assert_eq!(alias(&machine, "latest"), None);
}

#[test]
fn by_hand_one_is_moved_to_what_is_published() {
    let machine = Machine::new(Store::Containerd);
    machine
        .fp(&["alias", "ci", "tested"])
        .ended_with(3)
        .says("is not published, so that no alias can stand for it")
        .says("help: publish it by `fp ensure`");
    let built = machine.fp(&["ensure"]).succeeded();
    let moved = machine.fp(&["alias", "ci", "tested"]).succeeded();
    let moved = moved.says("ci: aliases moved: tested");
    let expected = format!(
        "{}/{}:tested@{}",
        lab::registry().host,
        machine.repository(),
        built.digest()
    );
    assert_eq!(moved.line(), expected);
    assert_eq!(alias(&machine, "tested").as_deref(), Some(built.digest()));
    let again = machine
        .fp(&["alias", "ci", "tested", "--format", "json"])
        .succeeded();
    assert!(again.stdout.contains("\"alias\": \"kept\""));

    let tag = machine.tag();
    for (name, told) in [
        ("fp-staging", "begins with `fp-`"),
        (tag.as_str(), "16 or more hex digits in a row"),
        ("quay.io/acme/x:y", "at another registry than the image"),
        ("{branch}", "names the branch, which is known in CI alone"),
        ("-", "is neither a tag nor a reference"),
    ] {
        machine
            .fp(&["alias", "ci", "--", name])
            .ended_with(2)
            .says(told);
    }
    let tags = lab::registry().tags(&machine.repository());
    assert_eq!(tags.len(), 3, "{tags:?}");
}

#[test]
fn in_another_repository_the_image_is_there_as_a_whole() {
    let machine = Machine::new(Store::Containerd);
    let built = machine.fp(&["ensure"]).succeeded();
    let host = lab::registry().host;
    let other = format!("{}-other", machine.repository());
    let name = format!("{host}/{other}:stable");
    machine.fp(&["alias", "ci", &name]).succeeded();
    let digest = lab::registry().digest(&other, "stable");
    assert_eq!(digest.as_deref(), Some(built.digest()));
    machine.forget(built.line());
    machine.docker(&["pull", "--quiet", &name]);
    assert_eq!(machine.in_image(&name, "sh /input/hello.sh"), "hello\n");

    // An index goes with the images that it lists.
    let registry = lab::registry();
    let tag = machine.tag();
    machine.tree.file("hello.sh", "echo other\n");
    let wanted = machine.tag();
    registry.put_index(&machine.repository(), &wanted, &[(&tag, "amd64")]);
    let moved = machine.fp(&["alias", "ci", &name]).succeeded();
    assert_eq!(
        registry.digest(&other, "stable").as_deref(),
        Some(moved.digest())
    );
    machine.docker(&["pull", "--quiet", &name]);
}

#[test]
fn an_immutable_repository_keeps_them_where_they_are() {
    let mut machine = on_branch("main");
    let digest = format!("sha256:{}", "a".repeat(64));
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{{\"digest\":\"{digest}\"}},\"layers\":[]}}"
    );
    let ours = fp::reference::Digest::sha256_of(manifest.as_bytes()).to_string();
    let immutable = ScriptedRegistry::start(move |request| {
        match request.method.as_str() {
        "PUT" => Reply::status(400).body(
            "{\"errors\":[{\"code\":\"TAG_INVALID\",\"message\":\"the tag 'latest' is immutable\"}]}",
        ),
        _ if request.target.ends_with("/latest") => {
            Reply::status(200).header("Docker-Content-Digest", &digest)
        }
        _ => Reply::status(200)
            .header("Docker-Content-Digest", &ours)
            .header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
            .body(manifest.as_str()),
    }
    });
    let repository = format!("{}/x", immutable.host());
    machine.configure_for(&repository, "\"hello.sh\"", "aliases = [\"latest\"]");
    machine
        .fp(&["ensure", "--no-pull"])
        .succeeded()
        .says("ci: warning: the alias latest was not moved: ")
        .says("TAG_INVALID");
    machine
        .fp(&["alias", "ci", "latest"])
        .ended_with(1)
        .says("the alias")
        .says("TAG_INVALID");
    machine.set("GITHUB_REF", "refs/heads/0123456789abcdef");
    let payload = include_str!("events/push.json").replace("\"main\"", "\"0123456789abcdef\"");
    std::fs::write(machine.folder("home").join("event.json"), payload).unwrap();
    machine.configure_for(&repository, "\"hello.sh\"", "aliases = [\"{branch}\"]");
    machine
        .fp(&["ensure", "--no-pull"])
        .succeeded()
        .says("warning: the alias {branch} was not moved: ")
        .says("16 or more hex digits");
}

#[test]
fn aliases_that_are_none_are_mistakes() {
    let machine = Machine::new(Store::Containerd);
    for (lines, told) in [
        ("aliases = [\"fp-x\"]", "begins with `fp-`"),
        ("aliases = [\"0123456789abcdef\"]", "16 or more hex digits"),
        (
            "aliases = [\"quay.io/a/b:c\"]",
            "at another registry than the image",
        ),
        ("aliases = [\"{date}\"]", "possible is `{branch}`"),
        ("aliases = [\"a/b\"]", "is a repository without a tag"),
    ] {
        machine.configure(lines);
        machine.fp(&["hash"]).ended_with(2).says(told);
    }
    let text = "format = 1\n[images.ci]\naliases = [\"latest\"]\n";
    machine.tree.file("fingerprint.toml", text);
    machine
        .fp(&["hash"])
        .ended_with(2)
        .says("the image has no `repository`, so that it has no place for aliases");
    let text = "format = 1\n[defaults]\naliases = [\"latest\"]\n[images.ci]\n[images.other]\n";
    machine.tree.file("fingerprint.toml", text);
    machine.fp(&["hash", "ci"]).succeeded();
    let text = text.replace("[defaults]\n", "[defaults]\nrepository = \"ghcr.io/a/b\"\n");
    machine.tree.file("fingerprint.toml", text);
    machine
        .fp(&["hash", "ci"])
        .ended_with(2)
        .says("`ci` and `other` have the same alias, ghcr.io/a/b:latest");
}
