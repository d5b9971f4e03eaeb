//! Images for several platforms: built all at once, or in parts by one runner for each and then joined.
//!
//! The images need no emulation: each is a file that is copied, and which one that is shows the platform.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::signals::is_any_process;
use crate::support::lab::{self, Store, on_every_engine};
use crate::support::{Machine, Running, wait_until};

on_every_engine! {
    all_platforms_are_built_and_published_as_one_index
    a_part_is_published_under_a_tag_of_its_own
    what_is_not_published_is_made_for_the_engines_own_platform
    a_platform_that_fails_publishes_nothing
    a_platform_that_fails_ends_what_runs_for_the_others
    a_signal_ends_what_runs_for_all_platforms
    parts_that_could_not_be_published_are_not_built_again
    checks_run_in_each_part_before_the_image_has_a_tag
}

/// The platforms of these images: the engine's own and another one.
struct Platforms {
    own: &'static str,
    other: &'static str,
}

/// A machine with a project whose image is for both platforms.
fn machine(store: Store) -> (Machine, Platforms) {
    let machine = Machine::bare(store);
    let dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH.txt /platform.txt\n";
    machine.tree.file("Dockerfile", dockerfile);
    for architecture in ["amd64", "arm64"] {
        let text = format!("{architecture} {}\n", machine.unique);
        machine.tree.file(format!("{architecture}.txt"), text);
    }
    configure(&machine, "");
    let platforms = match std::env::consts::ARCH {
        "aarch64" => Platforms {
            own: "linux/arm64",
            other: "linux/amd64",
        },
        _ => Platforms {
            own: "linux/amd64",
            other: "linux/arm64",
        },
    };
    (machine, platforms)
}

fn configure(machine: &Machine, lines: &str) {
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    machine.tree.image(&format!(
        "repository = \"{repository}\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n{}{lines}",
        machine.salt()
    ));
}

fn part_tag(tag: &str, platform: &str) -> String {
    format!("{tag}-{}", platform.replace('/', "-"))
}

/// What the image's one file says.
fn content(machine: &Machine, image: &str) -> String {
    let container = machine.docker(&["create", image, "nothing"]);
    let container = container.trim();
    let file = machine.folder("home").join("platform.txt");
    let from = format!("{container}:/platform.txt");
    machine.docker(&["cp", &from, file.to_str().unwrap()]);
    machine.docker(&["rm", container]);
    std::fs::read_to_string(file).unwrap()
}

/// The architectures that a published index lists, in its order.
fn architectures(machine: &Machine, tag: &str) -> Vec<String> {
    let index = lab::registry().manifest(&machine.repository(), tag);
    let manifests = index["manifests"].as_array().expect("an index");
    let architecture = |entry: &Value| {
        entry["platform"]["architecture"]
            .as_str()
            .map(str::to_owned)
    };
    manifests.iter().filter_map(architecture).collect()
}

fn all_platforms_are_built_and_published_as_one_index(store: Store) {
    let (machine, platforms) = machine(store);
    let tag = machine.tag();
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    assert_eq!(architectures(&machine, &tag), ["amd64", "arm64"]);
    let digest = lab::registry().digest(&machine.repository(), &tag);
    assert_eq!(Some(built.digest()), digest.as_deref());
    assert_eq!(
        lab::registry().tags(&machine.repository()),
        [&tag, "fp-staging"]
    );

    let reference = machine.fp(&["ref"]).succeeded();
    let own = platforms.own.strip_prefix("linux/").unwrap();
    assert!(content(&machine, reference.line()).starts_with(own));
    for platform in [platforms.own, platforms.other] {
        let part = part_tag(reference.line(), platform);
        assert!(!machine.has_image(&part), "{part} is nobody's business");
    }
    machine.clear_docker_log();
    let hit = machine.fp(&["ensure"]).succeeded().says("nothing to do");
    assert_eq!(hit.stdout, built.stdout);
    machine.forget(reference.line());
    machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert!(content(&machine, reference.line()).starts_with(own));
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

fn a_part_is_published_under_a_tag_of_its_own(store: Store) {
    let (machine, platforms) = machine(store);
    let tag = machine.tag();
    let reference = machine.fp(&["ref"]).succeeded().line().to_owned();
    for platform in [platforms.own, platforms.other] {
        let part = part_tag(&reference, platform);
        let built = machine.fp(&["ensure", "--platform", platform]).succeeded();
        let built = built.says("built, pushed");
        assert!(
            built.line().starts_with(&format!("{part}@")),
            "{}",
            built.line()
        );
        assert!(machine.has_image(&part));
        assert!(
            !machine.has_image(&reference),
            "the whole image is not there"
        );
        let again = machine.fp(&["ensure", "--platform", platform]).succeeded();
        assert_eq!(again.says("nothing to do").stdout, built.stdout);
        machine.docker(&["image", "rm", &part]);
        let pulled = machine.fp(&["ensure", "--platform", platform]).succeeded();
        assert_eq!(pulled.says("hit, pulled").stdout, built.stdout);
        let architecture = platform.strip_prefix("linux/").unwrap();
        assert!(content(&machine, &part).starts_with(architecture));
    }
    assert_eq!(lab::registry().digest(&machine.repository(), &tag), None);
    machine.fp(&["status"]).ended_with(3);
}

fn what_is_not_published_is_made_for_the_engines_own_platform(store: Store) {
    let (machine, platforms) = machine(store);
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let own = platforms.own.strip_prefix("linux/").unwrap();
    assert!(content(&machine, built.line()).starts_with(own));
    let builds = machine.deeds();
    let builds: Vec<_> = builds
        .iter()
        .filter(|deed| deed.contains("build "))
        .collect();
    assert_eq!(builds.len(), 1, "{builds:?}");
    machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("use the engine's image");
    // It is not all of what others will look for.
    machine.fp(&["ensure"]).succeeded().says("built, pushed");
}

fn a_platform_that_fails_publishes_nothing(store: Store) {
    let (machine, platforms) = machine(store);
    let other = platforms.other.strip_prefix("linux/").unwrap();
    machine.tree.file(
        "Dockerfile",
        format!(
            "FROM {} AS tool\nARG TARGETARCH\nRUN [ $TARGETARCH != {other} ]\nFROM scratch\nARG TARGETARCH\n\
             COPY --from=tool /bin/sh /tool\nCOPY $TARGETARCH.txt /platform.txt\n",
            format_args!("--platform={} {}", platforms.own, lab::base())
        ),
    );
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says(&format!("not available for {}", platforms.other))
        .says("--no-push")
        .says(&format!("--platform {}", platforms.other));
    let tags = lab::registry().tags(&machine.repository());
    assert!(tags.is_empty(), "{tags:?}");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    let processes = machine.processes();
    assert!(processes.is_empty(), "{processes:?}");
    machine.fp(&["ensure", "--no-push"]).succeeded();
}

/// A run in which the engine's own part is checked, which takes for ever, while the other part is still being built
/// and does so by `step`; with what tells whether a container of it runs.
fn half_built(store: Store, step: &str) -> (Machine, Running, String) {
    let (machine, platforms) = machine(store);
    let own = platforms.own.strip_prefix("linux/").unwrap();
    machine.tree.file(
        "Dockerfile",
        format!(
            "FROM {} AS tool\nARG TARGETARCH\nRUN [ $TARGETARCH = {own} ] || {{ : {}; {step}; }}\n\
             FROM scratch\nARG TARGETARCH\nCOPY --from=tool / /\nCOPY $TARGETARCH.txt /platform.txt\n",
            format_args!("--platform={} {}", platforms.own, lab::base()),
            machine.unique
        ),
    );
    let mark = format!("sleep 600 # {}", machine.unique);
    configure(&machine, &format!("verify = [['sh', '-c', '{mark}']]\n"));
    let running = machine.start(&["ensure"]);
    wait_until("the check runs", || containers(&machine).contains(&mark));
    (machine, running, mark)
}

fn containers(machine: &Machine) -> String {
    machine.docker(&["ps", "--no-trunc", "--format", "{{.Command}}"])
}

/// The container of the other part's check ran on.
fn a_platform_that_fails_ends_what_runs_for_the_others(store: Store) {
    let (machine, running, mark) = half_built(store, "sleep 15; exit 1");
    running.finish().ended_with(1).says("not available for");
    assert!(!containers(&machine).contains(&mark));
    let processes = machine.processes();
    assert!(processes.is_empty(), "{processes:?}");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    let tags = lab::registry().tags(&machine.repository());
    assert!(tags.is_empty(), "{tags:?}");
}

fn a_signal_ends_what_runs_for_all_platforms(store: Store) {
    let (machine, running, mark) = half_built(store, "sleep 600");
    running.send(Signal::TERM);
    running.finish().ended_with(143);
    assert!(!containers(&machine).contains(&mark));
    wait_until("nothing of the build runs", || {
        !is_any_process(&machine.unique)
    });
    let processes = machine.processes();
    assert!(processes.is_empty(), "{processes:?}");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

fn parts_that_could_not_be_published_are_not_built_again(store: Store) {
    let (machine, _) = machine(store);
    machine.hold("push");
    let running = machine.start(&["ensure"]);
    machine.wait_until_held("push");
    running.send(Signal::TERM);
    running.finish();
    machine.release("push");
    machine.clear_docker_log();
    machine.fp(&["ensure"]).succeeded().says("pushed");
    let deeds = machine.deeds();
    assert!(
        !deeds.iter().any(|deed| deed.contains("build ")),
        "{deeds:?}"
    );
    assert_eq!(architectures(&machine, &machine.tag()), ["amd64", "arm64"]);
}

fn checks_run_in_each_part_before_the_image_has_a_tag(store: Store) {
    let (machine, _) = machine(store);
    configure(&machine, "verify = [[\"/platform.txt\"]]\n");
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("fails the check");
    let tags = lab::registry().tags(&machine.repository());
    assert!(tags.is_empty(), "{tags:?}");
}

#[test]
fn a_platform_has_to_be_configured() {
    let (machine, platforms) = machine(Store::Containerd);
    let refused = machine.fp(&["ensure", "--platform", "linux/s390x"]);
    refused
        .ended_with(2)
        .says("linux/s390x")
        .says("linux/amd64, linux/arm64");
    machine
        .fp(&["ensure", "--platform", "ARM"])
        .ended_with(2)
        .says("is not a platform");
    machine.configure("");
    machine.tree.file("hello.sh", "");
    machine
        .tree
        .file("Dockerfile", "FROM scratch\nCOPY hello.sh /\n");
    let refused = machine.fp(&["ensure", "--platform", platforms.own]);
    refused.ended_with(2).says("there are none");
    let lines = format!("platforms = [\"{}\"]\n", platforms.other);
    machine.configure(&lines);
    machine
        .fp(&["ensure"])
        .ended_with(2)
        .says("this engine runs")
        .says("--platform");
}

/// Where it is only to be published, it does not matter what the engine runs.
#[test]
fn the_other_platform_alone_is_published_without_being_pulled() {
    let (machine, platforms) = machine(Store::Containerd);
    let dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH.txt /platform.txt\n";
    machine.tree.file("Dockerfile", dockerfile);
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let lines = format!(
        "repository = \"{repository}\"\nplatforms = [\"{}\"]\n",
        platforms.other
    );
    machine.tree.image(&lines);
    machine
        .fp(&["ensure", "--no-pull"])
        .succeeded()
        .says("built, pushed");
    let config = lab::registry().image_config(&machine.repository(), &machine.tag());
    let architecture = platforms.other.strip_prefix("linux/").unwrap();
    assert_eq!(config["architecture"], json!(architecture));
    // It can be had all the same by those who can run it.
    let reference = machine.fp(&["ref"]).line().to_owned();
    machine.forget(&reference);
    machine
        .fp(&["ensure"])
        .ended_with(3)
        .says("configure `platforms`");
    let pulled = machine
        .fp(&["ensure", "--platform", platforms.other])
        .succeeded();
    assert!(
        pulled
            .says("hit, pulled")
            .line()
            .starts_with(&format!("{}@", part_tag(&reference, platforms.other)))
    );
    let part = part_tag(&reference, platforms.other);
    assert!(content(&machine, &part).starts_with(architecture));
    machine
        .fp(&["ensure", "--platform", platforms.other])
        .succeeded()
        .says("nothing to do");
}

/// The record is stored with what a reference names, the whole or a part.
fn has_record(machine: &Machine, reference: &str) {
    let read = machine.fp(&["record", "--from", reference]).succeeded();
    assert_eq!(read.stdout, machine.fp(&["record"]).stdout);
}

/// Two runners build a part each, and two at once join them.
#[test]
fn parts_are_joined_into_the_same_index_as_all_at_once() {
    let (machine, platforms) = machine(Store::Containerd);
    let (tag, repository) = (machine.tag(), machine.repository());
    let missing = machine.fp(&["index"]).ended_with(3);
    missing.says("nobody has published it for linux/amd64, linux/arm64");
    machine
        .fp(&["ensure", "--platform", platforms.own, "--no-pull"])
        .succeeded();
    machine
        .fp(&["index"])
        .ended_with(3)
        .says(&format!("`fp ensure --platform {}`", platforms.other));
    machine
        .fp(&["ensure", "--platform", platforms.other, "--no-pull"])
        .succeeded();
    assert_eq!(lab::registry().digest(&repository, &tag), None);

    let joining = [machine.start(&["index"]), machine.start(&["index"])];
    let joined = joining.map(|running| running.finish().succeeded());
    assert_eq!(joined[0].stdout, joined[1].stdout);
    let reference = machine.fp(&["ref"]).succeeded().line().to_owned();
    let digest = lab::registry()
        .digest(&repository, &tag)
        .expect("it is there");
    assert_eq!(joined[0].line(), format!("{reference}@{digest}"));
    machine.fp(&["index"]).succeeded().says("hit");
    machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    // A part is the same image before and after.
    for platform in [platforms.own, platforms.other] {
        let part = lab::registry().digest(&repository, &part_tag(&tag, platform));
        let hit = machine.fp(&["ensure", "--platform", platform]).succeeded();
        assert_eq!(Some(hit.digest()), part.as_deref());
        assert!(hit.line().starts_with(&part_tag(&reference, platform)));
        let architecture = platform.strip_prefix("linux/").unwrap();
        assert!(content(&machine, hit.line()).starts_with(architecture));
        has_record(&machine, hit.line());
    }
    has_record(&machine, &reference);
    has_record(&machine, joined[0].line());
    let index = lab::registry().manifest(&repository, &tag);
    let listed = index["manifests"].as_array().unwrap();
    let listed = listed.iter().map(|entry| entry["platform"].clone());
    let expected = ["amd64", "arm64"].map(|one| json!({ "architecture": one, "os": "linux" }));
    assert_eq!(listed.collect::<Vec<_>>(), expected);
}

#[test]
fn parts_that_are_not_what_their_tags_say_are_not_joined() {
    let (machine, _) = machine(Store::Containerd);
    let (tag, repository) = (machine.tag(), machine.repository());
    machine
        .fp(&["ensure", "--platform", "linux/amd64", "--no-pull"])
        .succeeded();
    let registry = lab::registry();
    registry.copy_tag(
        &repository,
        &format!("{tag}-linux-amd64"),
        &format!("{tag}-linux-arm64"),
    );
    machine
        .fp(&["index"])
        .ended_with(1)
        .says("is an image for linux/amd64, and not for linux/arm64");

    machine.tree.file("amd64.txt", "another\n");
    let other = machine.tag();
    registry.copy_tag(
        &repository,
        &format!("{tag}-linux-amd64"),
        &format!("{other}-linux-amd64"),
    );
    registry.copy_tag(
        &repository,
        &format!("{tag}-linux-arm64"),
        &format!("{other}-linux-arm64"),
    );
    machine
        .fp(&["index"])
        .ended_with(1)
        .says("its label names the fingerprint");
    assert_eq!(registry.digest(&repository, &other), None);

    registry.copy_tag(&repository, &format!("{tag}-linux-amd64"), &other);
    machine
        .fp(&["index"])
        .ended_with(1)
        .says("is published, and not for linux/a");
    registry.put_index(
        &repository,
        &format!("{tag}-linux-arm64"),
        &[(&other, "arm64")],
    );
    machine
        .tree
        .file("amd64.txt", format!("amd64 {}\n", machine.unique));
    machine
        .fp(&["index"])
        .ended_with(1)
        .says("is an index itself");
}

#[test]
fn what_is_missing_is_listed_for_the_runners() {
    let (machine, platforms) = machine(Store::Containerd);
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let both = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n";
    let salt = machine.salt();
    machine
        .tree
        .file("Dockerfile.app", "FROM base\nLABEL a=b\n");
    machine
        .tree
        .file("Dockerfile.tool", "FROM scratch\nCOPY amd64.txt /\n");
    machine.tree.config(&format!(
        "format = 1\n[images.base]\nrepository = \"{repository}/base\"\n{both}{salt}\
         [images.app]\ndockerfile = \"Dockerfile.app\"\nneeds = {{ base = \"base\" }}\n\
         repository = \"{repository}/app\"\n{both}\
         [images.tool]\ndockerfile = \"Dockerfile.tool\"\nrepository = \"{repository}/tool\"\n{salt}\
         [images.local]\ndockerfile = \"Dockerfile.tool\"\n{salt}"
    ));
    let list = || machine.fp(&["status", "--missing"]).succeeded().stdout;
    assert_eq!(list(), "app  linux/amd64\napp  linux/arm64\ntool\n");
    let github = machine
        .fp(&["status", "--missing", "--format", "github", "app"])
        .succeeded();
    assert_eq!(
        github.stdout,
        "missing=true\nmatrix={\"include\":[{\"arch\":\"amd64\",\"image\":\"app\",\"os\":\"linux\",\"platform\":\"linux/amd64\"},\
         {\"arch\":\"arm64\",\"image\":\"app\",\"os\":\"linux\",\"platform\":\"linux/arm64\"}]}\n"
    );
    machine
        .fp(&["status", "--format", "github"])
        .ended_with(2)
        .says("--missing");

    machine
        .fp(&["ensure", "--no-pull", "app", "--platform", platforms.own])
        .succeeded();
    assert_eq!(list(), format!("app  {}\ntool\n", platforms.other));
    machine.fp(&["ensure", "--no-pull", "tool"]).succeeded();
    machine
        .fp(&["ensure", "--no-pull", "app", "--platform", platforms.other])
        .succeeded();
    assert_eq!(list(), "");
    let github = machine
        .fp(&["status", "--missing", "--format", "github"])
        .succeeded();
    assert_eq!(github.stdout, "missing=false\nmatrix={\"include\":[]}\n");
    let json = machine
        .fp(&["status", "--missing", "--format", "json"])
        .succeeded();
    assert_eq!(json.stdout, "[]\n");
    for image in ["base", "app"] {
        machine.fp(&["index", image]).succeeded().says("joined");
        machine
            .fp(&["ensure", image])
            .succeeded()
            .says("hit, pulled");
    }
    machine
        .fp(&["index", "tool"])
        .ended_with(2)
        .says("has no `platforms`");
    machine.fp(&["index", "local"]).ended_with(2);
}

/// An image for several platforms on one for several platforms: the builder takes its own of each.
#[test]
fn a_leaf_gets_the_platform_of_its_upstream() {
    let (machine, platforms) = machine(Store::Containerd);
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let both = "platforms = [\"linux/amd64\", \"linux/arm64\"]\n";
    machine
        .tree
        .file("Dockerfile.app", "FROM base\nLABEL a=b\n");
    machine.tree.config(&format!(
        "format = 1\n[images.base]\nrepository = \"{repository}/base\"\n{both}{}\
         [images.app]\ndockerfile = \"Dockerfile.app\"\nneeds = {{ base = \"base\" }}\n\
         repository = \"{repository}/app\"\n{both}",
        machine.salt()
    ));
    let built = machine
        .fp(&["ensure", "app"])
        .succeeded()
        .says("built, pushed");
    let own = platforms.own.strip_prefix("linux/").unwrap();
    assert!(content(&machine, built.line()).starts_with(own));
    let pulled = machine
        .fp(&["ensure", "--platform", platforms.other, "app"])
        .succeeded();
    let other = platforms.other.strip_prefix("linux/").unwrap();
    assert!(
        content(&machine, pulled.line()).starts_with(other),
        "{}",
        pulled.stderr
    );
}

/// Aliases move when the whole image is there, on the default branch, and stand for no part.
#[test]
fn aliases_move_with_the_whole_image() {
    let (mut machine, platforms) = machine(Store::Containerd);
    configure(&machine, "aliases = [\"latest\"]\n");
    for (name, value) in [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ] {
        machine.set(name, value);
    }
    for platform in [platforms.own, platforms.other] {
        machine
            .fp(&["ensure", "--no-pull", "--platform", platform])
            .succeeded()
            .says("pushed");
        assert_eq!(
            lab::registry().digest(&machine.repository(), "latest"),
            None
        );
    }
    let joined = machine
        .fp(&["index"])
        .succeeded()
        .says("aliases moved: latest");
    let latest = lab::registry().digest(&machine.repository(), "latest");
    assert_eq!(latest.as_deref(), Some(joined.digest()));
    let again = machine.fp(&["index", "--format", "json"]).succeeded();
    let answer: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(answer["aliases"], json!({ "latest": "kept" }));
    again.says("right already: latest");
}
