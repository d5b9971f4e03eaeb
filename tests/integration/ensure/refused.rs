//! Published images that are not what their tag says, or not for this machine.

use crate::support::Machine;
use crate::support::lab::{self, Store, on_both_stores};

on_both_stores! {
    an_image_with_another_label_is_refused
    an_image_without_label_is_refused
    what_bears_the_name_in_the_engine_is_not_believed
    another_platforms_image_is_absent_here
    an_index_without_this_platform_is_absent_here
}

fn tag_of(machine: &Machine) -> String {
    let reference = machine.fp(&["ref"]).succeeded();
    reference.line().rsplit(':').next().unwrap().to_owned()
}

fn an_image_with_another_label_is_refused(store: Store) {
    let machine = Machine::new(store);
    let old = machine.fp(&["hash"]).succeeded().line().to_owned();
    machine.fp(&["ensure"]).succeeded();
    let old_tag = tag_of(&machine);
    machine.tree.file("hello.sh", "echo edited\n");
    lab::registry().copy_tag(&machine.repository(), &old_tag, &tag_of(&machine));

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
    machine
        .tree
        .file("arm64/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
    let folder = machine.tree.path("arm64");
    machine.docker(&[
        "buildx",
        "build",
        "--load",
        "--provenance=false",
        "--platform=linux/arm64",
        &format!("--label=fp.fingerprint={fingerprint}"),
        &format!("--tag={name}"),
        folder.to_str().unwrap(),
    ]);
    machine.docker(&["push", "--quiet", &name]);
    machine.forget(&name);
    name
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
    let (registry, tag) = (lab::registry(), tag_of(&machine));
    registry.put_index(&machine.repository(), &tag, &tag, "arm64");
    machine
        .fp(&["ensure"])
        .ended_with(3)
        .says("is an image for linux/arm64, and this engine runs");
    assert!(!machine.has_image(&name), "it must not get the name");
}
