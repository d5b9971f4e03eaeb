//! A registry that asks for a password: with the right one, a wrong one and none.

use std::fs;

use serde_json::json;

use crate::support::Machine;
use crate::support::lab::{self, Store, on_every_engine};

on_every_engine! { with_credentials_all_works }

/// A machine whose image is published to the registry that wants a password.
fn machine(store: Store) -> Machine {
    let machine = Machine::new(store);
    let repository = format!("{}/{}", lab::guarded_registry().host, machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", "");
    machine
}

fn log_in(machine: &Machine, password: &str) {
    let registry = lab::guarded_registry();
    let config = lab::docker_config(&registry.host, registry.user(), password);
    fs::write(machine.folder("docker").join("config.json"), config).unwrap();
}

fn with_credentials_all_works(store: Store) {
    let machine = machine(store);
    let registry = lab::guarded_registry();
    log_in(&machine, registry.password());
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let name = machine.fp(&["ref"]).line().to_owned();
    let (_, tag) = name.rsplit_once(':').unwrap();
    assert_eq!(
        registry.digest(&machine.repository(), tag).as_deref(),
        Some(built.digest())
    );
    machine.forget(&name);
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    for answer in [built, pulled] {
        answer.says_nothing_of(registry.password());
    }
}

/// docker asks the same helper for the push.
#[test]
fn a_credential_helper_is_asked_as_docker_asks_it() {
    let machine = machine(Store::Containerd);
    let registry = lab::guarded_registry();
    let config = r#"{"credsStore": "lab"}"#;
    fs::write(machine.folder("docker").join("config.json"), config).unwrap();
    machine.fp(&["ensure"]).ended_with(4).says("\"lab\"");
    let answer = json!({ "Username": registry.user(), "Secret": registry.password() });
    fs::write(machine.folder("home").join("answer"), answer.to_string()).unwrap();
    let script = "#!/bin/sh\ncat \"$HOME/answer\"\n";
    machine.install("docker-credential-lab", script);
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("built, pushed")
        .says_nothing_of(registry.password());
}

#[test]
fn podmans_credentials_serve_for_looking() {
    let mut machine = machine(Store::Containerd);
    let registry = lab::guarded_registry();
    let auth = lab::docker_config(&registry.host, registry.user(), registry.password());
    let file = machine.folder("home").join("auth.json");
    fs::write(&file, auth).unwrap();
    machine.fp(&["status"]).ended_with(4);
    machine.set("REGISTRY_AUTH_FILE", file);
    machine.fp(&["status"]).ended_with(3);
}

#[test]
fn without_credentials_nothing_is_built() {
    let machine = machine(Store::Containerd);
    let host = lab::guarded_registry().host;
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says(&format!("http://{host}/v2/"))
        .says("401 Unauthorized")
        .says("--first-push")
        .says(&format!("docker login {host}"));
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let machine = machine(Store::Containerd);
    log_in(&machine, "not-the-password");
    let host = lab::guarded_registry().host;
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("401 Unauthorized")
        .says(&format!("the account for {host}"))
        .says_nothing_of("not-the-password");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

/// On a laptop, where somebody without the right to push still wants the image.
#[test]
fn a_refused_push_leaves_a_laptop_with_a_local_image() {
    let machine = machine(Store::Containerd);
    let local = machine
        .fp(&["ensure", "--first-push"])
        .succeeded()
        .says("warning: the image stays in the engine and is not published");
    assert!(!local.line().contains('@'), "{}", local.line());
    assert_eq!(
        machine.in_image(local.line(), "sh /input/hello.sh"),
        "hello\n"
    );
    assert_eq!(lab::guarded_registry().tags(&machine.repository()), [""; 0]);
}

#[test]
fn a_refused_push_is_an_error_in_ci() {
    let mut machine = machine(Store::Containerd);
    let event = machine.folder("home").join("event.json");
    fs::write(&event, include_str!("events/push.json")).unwrap();
    machine.set("CI", "true");
    machine.set("GITHUB_ACTIONS", "true");
    machine.set("GITHUB_EVENT_NAME", "push");
    machine.set("GITHUB_EVENT_PATH", event);
    let refused = machine
        .fp(&["ensure", "--first-push"])
        .ended_with(1)
        .says("could not be pushed")
        .says("docker login");
    assert_eq!(refused.stdout, "");
}

#[test]
fn with_credentials_a_first_push_is_one_like_any_other() {
    let machine = machine(Store::Containerd);
    log_in(&machine, lab::guarded_registry().password());
    machine
        .fp(&["ensure", "--first-push"])
        .succeeded()
        .says("built, pushed");
    machine
        .fp(&["ensure", "--first-push"])
        .succeeded()
        .says("nothing to do");
}
