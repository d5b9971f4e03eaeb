//! The main job with every registry of the lab: open, with a password, with tokens, and of another implementation.

use std::fs;

use serde_json::Value;

use crate::support::Machine;
use crate::support::lab::{self, Registry, Store};

/// Makes a test for each registry of functions that take one.
macro_rules! on_each_registry {
    ($($name:ident)*) => {
        mod open { $(#[test] fn $name() { super::$name(&super::lab::registry()) })* }
        mod with_password { $(#[test] fn $name() { super::$name(&super::lab::guarded_registry()) })* }
        mod with_tokens { $(#[test] fn $name() { super::$name(&super::lab::token_registry()) })* }
        mod of_another_kind { $(#[test] fn $name() { super::$name(&super::lab::second_registry()) })* }
    };
}

on_each_registry! {
    what_is_absent_is_built_published_and_pulled
    what_only_the_engine_has_is_published
    many_images_are_told_apart
    the_record_travels
    aliases_are_moved_in_the_repository_and_in_another
}

/// A machine that publishes to a registry, and has what it takes to be let in.
fn machine(registry: &Registry, lines: &str) -> Machine {
    let machine = Machine::new(Store::Containerd);
    let repository = format!("{}/{}", registry.host, machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", lines);
    if registry.is_guarded() {
        log_in(&machine, registry, registry.password());
    }
    machine
}

fn log_in(machine: &Machine, registry: &Registry, password: &str) {
    let config = lab::docker_config(&registry.host, registry.user(), password);
    fs::write(machine.folder("docker").join("config.json"), config).unwrap();
}

fn what_is_absent_is_built_published_and_pulled(registry: &Registry) {
    let machine = machine(registry, "");
    machine.fp(&["status"]).ended_with(3);
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let built = built.says_nothing_of("warning");
    let digest = registry.digest(&machine.repository(), &machine.tag());
    assert_eq!(digest.as_deref(), Some(built.digest()));
    machine.fp(&["status"]).succeeded();
    machine.forget(machine.fp(&["ref"]).line());
    machine.clear_docker_log();
    let named = machine.fp(&["ensure", "--no-pull"]).succeeded();
    assert_eq!(named.stdout, built.stdout);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    machine.fp(&["ensure"]).succeeded().says("nothing to do");
}

fn what_only_the_engine_has_is_published(registry: &Registry) {
    let machine = machine(registry, "");
    machine.fp(&["ensure", "--no-push"]).succeeded();
    machine.fp(&["status"]).ended_with(3);
    machine.fp(&["ensure"]).succeeded().says("hit, pushed");
    machine.fp(&["status"]).succeeded();
}

fn many_images_are_told_apart(registry: &Registry) {
    let machine = machine(registry, "");
    let lines = format!(
        "format = 1\n[images.'i{{n}}']\nmatrix = {{ n = ['1', '2', '3', '4'] }}\n\
         repository = \"{}/{}-{{n}}\"\ninputs = [\"hello.sh\"]\n{}",
        registry.host,
        machine.repository(),
        machine.salt()
    );
    machine.tree.config(&lines);
    machine.fp(&["ensure", "i2", "i3"]).succeeded();
    let told = machine.fp(&["status", "--format", "json"]).ended_with(3);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let of = |image: &Value| image["registry"].as_str().unwrap().to_owned();
    let told: Vec<_> = told.as_array().unwrap().iter().map(of).collect();
    assert_eq!(told, ["absent", "present", "present", "absent"]);
}

fn the_record_travels(registry: &Registry) {
    let machine = machine(registry, "");
    let built = machine.fp(&["ensure"]).succeeded();
    let record = machine.fp(&["record"]).succeeded().stdout;
    let read = machine.fp(&["record", "--from", built.line()]).succeeded();
    assert_eq!(read.stdout, record);
}

/// For a mount, a token has to be good for both repositories.
fn aliases_are_moved_in_the_repository_and_in_another(registry: &Registry) {
    let machine = machine(registry, "");
    let built = machine.fp(&["ensure"]).succeeded();
    let digest = Some(built.digest().to_owned());
    let other = format!("{}-other", machine.repository());
    let name = format!("{}/{other}:stable", registry.host);
    for name in [name.as_str(), "stable"] {
        machine.fp(&["alias", "ci", name]).succeeded();
    }
    assert_eq!(registry.digest(&other, "stable"), digest);
    assert_eq!(registry.digest(&machine.repository(), "stable"), digest);
    // Only the image is mounted, not what is attached to it.
    machine.fp(&["record", "--from", &name]).ended_with(3);
    let own = format!("{}/{}:stable", registry.host, machine.repository());
    let read = machine.fp(&["record", "--from", &own]).succeeded();
    assert_eq!(read.stdout, machine.fp(&["record"]).stdout);
}

/// Whoever is not let in is told so, and nothing is built.
#[test]
fn who_is_not_let_in_gets_no_answer() {
    for registry in [lab::guarded_registry(), lab::token_registry()] {
        let machine = machine(&registry, "");
        let built = machine.fp(&["ensure"]).succeeded();
        let name = machine.fp(&["ref"]).line().to_owned();
        machine.forget(&name);
        machine.clear_docker_log();
        fs::write(machine.folder("docker").join("config.json"), "{}").unwrap();
        machine.fp(&["ensure"]).ended_with(4).says("docker login");
        machine
            .fp(&["record", "--from", built.line()])
            .ended_with(4);
        log_in(&machine, &registry, "not-the-password");
        for arguments in [&["ensure"][..], &["status"], &["record", "--from", &name]] {
            machine
                .fp(arguments)
                .ended_with(4)
                .says("401 Unauthorized")
                .says_nothing_of("not-the-password");
        }
        assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    }
}
