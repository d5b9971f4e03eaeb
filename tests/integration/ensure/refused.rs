//! Published images that are not what their tag says, or not for this machine.

use crate::support::Machine;
use crate::support::lab::{self, Store, on_every_engine};

on_every_engine! {
    an_image_with_another_label_is_refused
    an_image_without_label_is_refused
    what_bears_the_name_in_the_engine_is_not_believed
    another_platforms_image_is_absent_here
    an_index_without_this_platform_is_absent_here
    what_is_published_for_another_platform_is_told_without_pulling_it_again
    an_image_built_for_another_platform_is_neither_named_nor_published
}

fn an_image_with_another_label_is_refused(store: Store) {
    let machine = Machine::new(store);
    let old = machine.fp(&["hash"]).succeeded().line().to_owned();
    machine.fp(&["ensure"]).succeeded();
    let old_tag = machine.tag();
    machine.tree.file("hello.sh", "echo edited\n");
    lab::registry().copy_tag(&machine.repository(), &old_tag, &machine.tag());

    let refused = machine
        .fp(&["ensure"])
        .ended_with(1)
        .says(&format!("its label names the fingerprint {old}"))
        .says("find out who may push there");
    assert_eq!(refused.stdout, "");
    let name = machine.fp(&["ref"]).line().to_owned();
    assert!(!machine.has_image(&name), "it must not get the name");
    machine.fp(&["ensure"]).ended_with(1).says("is refused");
}

fn an_image_without_label_is_refused(store: Store) {
    let machine = Machine::new(store);
    let name = machine.fp(&["ref"]).succeeded().line().to_owned();
    machine.docker(&["pull", "--quiet", &lab::base()]);
    machine.docker(&["tag", &lab::base(), &name]);
    machine.docker(&["push", "--quiet", &name]);
    machine.docker(&["image", "rm", &name]);

    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("it has no label that names a fingerprint");
    assert!(!machine.has_image(&name), "it must not get the name");
}

fn what_bears_the_name_in_the_engine_is_not_believed(store: Store) {
    let machine = Machine::new(store);
    let name = machine.fp(&["ref"]).succeeded().line().to_owned();
    machine.docker(&["pull", "--quiet", &lab::base()]);
    machine.docker(&["tag", &lab::base(), &name]);

    machine
        .fp(&["ensure"])
        .succeeded()
        .says("what bears the name has another fingerprint")
        .says("built, pushed");
    assert_eq!(machine.in_image(&name, "sh /input/hello.sh"), "hello\n");
}

/// Pushes an image for arm64, made behind fp's back, that bears the right label.
fn publish_for_arm64(machine: &Machine) -> String {
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let name = machine.fp(&["ref"]).succeeded().line().to_owned();
    push_for_arm64(machine, &name, &fingerprint);
    name
}

/// Pushes an image for arm64 with this label, and leaves none in the engine.
fn push_for_arm64(machine: &Machine, name: &str, label: &str) {
    // A layer that no other test has: podman fails where another process removes one that it has just found.
    let dockerfile = format!("FROM scratch\nCOPY Dockerfile /\n# {}\n", machine.unique);
    machine.tree.file("arm64/Dockerfile", dockerfile);
    let folder = machine.tree.path("arm64");
    let build: &[&str] = match machine.is_podman() {
        // Its cache takes one platform's layers for another's.
        true => &["build", "--layers=false", "--no-cache"],
        false => &["buildx", "build", "--load", "--provenance=false"],
    };
    let image = [
        "--platform=linux/arm64",
        &format!("--label=fp.fingerprint={label}"),
        &format!("--tag={name}"),
        folder.to_str().unwrap(),
    ];
    machine.docker(&[build, &image].concat());
    machine.docker(&["push", "--quiet", name]);
    machine.forget(name);
}

fn another_platforms_image_is_absent_here(store: Store) {
    let machine = Machine::new(store);
    let name = publish_for_arm64(&machine);
    machine
        .fp(&["ensure"])
        .ended_with(3)
        .says("is an image for linux/arm64, and this engine runs");
    assert!(!machine.has_image(&name), "it must not get the name");
    assert!(!machine.deeds().iter().any(|deed| deed.contains("build")));
}

fn an_index_without_this_platform_is_absent_here(store: Store) {
    let machine = Machine::new(store);
    let name = publish_for_arm64(&machine);
    let (registry, tag) = (lab::registry(), machine.tag());
    registry.put_index(&machine.repository(), &tag, &[(&tag, "arm64")]);
    machine
        .fp(&["ensure"])
        .ended_with(3)
        .says("is an image for linux/arm64, and this engine runs");
    assert!(!machine.has_image(&name), "it must not get the name");
}

/// `fp status` once promised a pull that could not succeed.
fn what_is_published_for_another_platform_is_told_without_pulling_it_again(store: Store) {
    let machine = Machine::new(store);
    let name = publish_for_arm64(&machine);
    let digest = lab::registry().digest(&machine.repository(), &machine.tag());
    let pulled = format!("{}@{}", name.rsplit_once(':').unwrap().0, digest.unwrap());
    machine.docker(&["pull", "--quiet", "--platform=linux/arm64", &pulled]);
    machine.docker(&["tag", &pulled, &name]);
    let told = machine
        .fp(&["status"])
        .ended_with(3)
        .says("is an image for linux/arm64, and this engine runs");
    assert!(
        told.stdout.contains("  ensure    fail\n"),
        "{}",
        told.stdout
    );
    machine
        .fp(&["ensure"])
        .ended_with(3)
        .says("is an image for linux/arm64, and this engine runs");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    machine.fp(&["ensure", "--no-pull"]).succeeded();
}

/// It once was published, and then refused for ever.
fn an_image_built_for_another_platform_is_neither_named_nor_published(store: Store) {
    let machine = Machine::new(store);
    let base = format!("{}/{}-base:1", lab::registry().host, machine.repository());
    push_for_arm64(&machine, &base, "none");
    let dockerfile = format!("FROM --platform=linux/arm64 {base}\nCOPY . /input\n");
    machine.tree.file("Dockerfile", dockerfile);
    for flags in [&["ensure"][..], &["ensure", "--no-push"]] {
        let refused = machine
            .fp(flags)
            .ended_with(1)
            .says("the built image is for linux/arm64, and not for linux/")
            .says("FROM --platform");
        assert_eq!(refused.stdout, "");
    }
    let name = machine.fp(&["ref"]).succeeded();
    assert!(!machine.has_image(name.line()), "it must not get the name");
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
}

/// The engine pulled its own platform's image of an index, and is now to push the index to where the
/// others are not. The message once said only to have all the content and to try again.
#[test]
fn an_index_that_the_engine_has_a_part_of_cannot_be_published() {
    let machine = Machine::new(Store::Containerd);
    let (registry, tag) = (lab::registry(), machine.tag());
    machine.fp(&["ensure"]).succeeded();
    let name = machine.fp(&["ref"]).succeeded().line().to_owned();
    // No other test's engine may have that image, which would be the rest.
    push_for_arm64(&machine, &format!("{name}-arm64"), &machine.unique);
    let platforms = [(tag.as_str(), "amd64"), (&format!("{tag}-arm64"), "arm64")];
    registry.put_index(&machine.repository(), &tag, &platforms);
    machine.forget(&name);
    machine.fp(&["ensure"]).succeeded().says("hit, pulled");

    let elsewhere = format!("{}/{}-other", registry.host, machine.repository());
    machine.docker(&["tag", &name, &format!("{elsewhere}:{tag}")]);
    machine.configure_for(&elsewhere, "\"hello.sh\"", "");
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("the engine has only a part of")
        .says("help: take the image out of the engine (`docker image rm`)");
}
