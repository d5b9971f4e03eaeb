//! `fp ensure` with a builder that is not the engine's own, and whose images the engine does not have.

use crate::support::lab::{self, Store, on_both_stores};
use crate::support::{FarBuilder, Machine};

on_both_stores! {
    an_image_that_is_built_elsewhere_comes_into_the_engine_and_is_published
    what_only_the_engine_has_goes_to_the_builder
}

/// The builder has what the engine lacks, and the other way round.
fn far(store: Store) -> (Machine, FarBuilder) {
    let machine = Machine::new(store);
    let builder = FarBuilder::start();
    builder.introduce(&machine, "far");
    (machine, builder)
}

fn an_image_that_is_built_elsewhere_comes_into_the_engine_and_is_published(store: Store) {
    let (mut machine, _builder) = far(store);
    machine.set("BUILDX_BUILDER", "far");
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let digest = lab::registry().digest(&machine.repository(), &machine.tag());
    assert_eq!(digest.as_deref(), Some(built.digest()));
    let name = machine.fp(&["ref"]).line().to_owned();
    assert_eq!(machine.in_image(&name, "sh /input/hello.sh"), "hello\n");

    machine.clear_docker_log();
    let hit = machine.fp(&["ensure"]).succeeded().says("nothing to do");
    assert_eq!(hit.stdout, built.stdout);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    machine.forget(&name);
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

fn what_only_the_engine_has_goes_to_the_builder(store: Store) {
    let (machine, _builder) = far(store);
    let tree = &machine.tree;
    tree.file(
        "base/Dockerfile",
        format!("FROM {}\nCOPY a /a\n", lab::base()),
    )
    .file("base/a", "base\n")
    .file("Dockerfile", "FROM base\nRUN cat /a >/all\n");
    let salt = machine.salt();
    tree.file(
        "fingerprint.toml",
        format!(
            "format = 1\n[defaults]\n{salt}[images.leaf]\nneeds = {{ base = \"base\" }}\n\
             [images.base]\ndockerfile = \"base/Dockerfile\"\ncontext = \"base\"\n"
        ),
    );
    machine.fp(&["ensure", "base"]).succeeded();
    let built = machine.fp(&["ensure", "--builder", "far", "leaf"]);
    let built = built.succeeded();
    assert_eq!(machine.in_image(built.line(), "cat /all"), "base\n");
}

#[test]
fn the_flag_stands_before_the_environment() {
    let (mut machine, _builder) = far(Store::Classic);
    machine.set("BUILDX_BUILDER", "nobody");
    machine.fp(&["ensure", "--builder", "far"]).succeeded();
}

#[test]
fn a_builder_that_is_not_there_is_told_before_anything_is_built() {
    let (mut machine, builder) = far(Store::Containerd);
    machine.set("BUILDX_BUILDER", "nobody");
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("the builder cannot be used: no builder \"nobody\" found")
        .says("help: `docker buildx ls`");
    builder.leave();
    machine
        .fp(&["ensure", "--builder", "far"])
        .ended_with(1)
        .says("the builder `far` does not answer")
        .says("help: see that its buildkitd runs");
    assert!(machine.deeds().iter().all(|deed| !deed.contains("build ")));

    // A hit needs no builder.
    machine.fp(&["ensure", "--builder", ""]).succeeded();
    machine.fp(&["ensure"]).succeeded().says("nothing to do");
}

#[test]
fn a_builder_of_buildx_is_no_builder_of_a_client_without_it() {
    let machine = Machine::new(Store::Containerd);
    machine.replace_docker(&lab::old_docker_program());
    machine
        .fp(&["ensure", "--builder", "far"])
        .ended_with(1)
        .says("the builder `far` is buildx's, and this docker has no buildx");
}
