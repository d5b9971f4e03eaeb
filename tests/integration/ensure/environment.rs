//! What surrounds a build: variables that engines and builders listen to, and proxies.

use serde_json::Value;

use super::sealed::{LISTING, build};
use crate::support::Machine;
use crate::support::lab::{self, Store, on_both_stores};

on_both_stores! { the_environment_changes_nothing_in_the_image }

/// The two builds share nothing: each has an argument of its own, which is then taken out again.
fn the_environment_changes_nothing_in_the_image(store: Store) {
    let configured = || {
        let machine = Machine::new(store);
        let dockerfile = format!(
            "FROM {}\nARG NONCE\nARG TARGETARCH\nCOPY . /input\n\
             RUN env | grep -v -e NONCE -e HOSTNAME | sort >/environment; echo $TARGETARCH >>/environment\n",
            lab::base()
        );
        machine.tree.file("Dockerfile", dockerfile);
        machine.configure(&format!("args = {{ NONCE = \"{}\" }}", machine.unique));
        machine.tree.commit();
        machine
    };
    let plain = configured();
    let mut hostile = configured();
    for (name, value) in [
        ("SOURCE_DATE_EPOCH", "1"),
        ("DOCKER_DEFAULT_PLATFORM", "linux/arm64"),
        ("DOCKER_BUILDKIT", "0"),
        ("BUILDKIT_PROGRESS", "rawjson"),
        ("BUILDKIT_INLINE_CACHE", "1"),
        ("BUILDKIT_MULTI_PLATFORM", "1"),
        ("BUILDKIT_SYNTAX", "nowhere.invalid/frontend"),
        ("BUILDKIT_HOST", "tcp://127.0.0.1:1"),
        ("BUILDX_GIT_LABELS", "full"),
        ("BUILDX_NO_DEFAULT_ATTESTATIONS", "0"),
        ("BUILDX_METADATA_PROVENANCE", "max"),
        ("BUILDX_EXPERIMENTAL", "1"),
        ("BUILDX_CONFIG", "/nonexistent"),
        ("BUILDX_BAKE_GIT_AUTH_TOKEN", "x"),
        ("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", "/nonexistent"),
        ("COMPOSE_PROJECT_NAME", "x"),
        ("FP_SOMETHING", "x"),
    ] {
        hostile.set(name, value);
    }
    let [expected, found] = [&plain, &hostile].map(|machine| {
        let reference = build(machine).line().to_owned();
        let script = format!("cat /environment; {LISTING}");
        (
            machine.in_image(&reference, &script),
            config(machine, &reference),
        )
    });
    assert_eq!(found, expected);
}

/// An image's configuration, without what is to differ: times, ids and this machine's own words.
fn config(machine: &Machine, reference: &str) -> Value {
    let text = machine.docker(&["image", "inspect", reference]);
    let history = machine.docker(&[
        "image",
        "history",
        "--no-trunc",
        "--format",
        "json",
        reference,
    ]);
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let text = text
        .replace(&machine.unique, "UNIQUE")
        .replace(&fingerprint, "FINGERPRINT");
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let created = config[0]["Created"].as_str().unwrap().to_owned();
    assert!(!created.starts_with("1970"), "{created}");
    let mut history: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for entry in &mut history {
        let command = entry["CreatedBy"]
            .as_str()
            .unwrap()
            .replace(&machine.unique, "UNIQUE");
        *entry = command.into();
    }
    let image = config[0].as_object_mut().unwrap();
    for key in [
        "Created",
        "Id",
        "RepoTags",
        "RepoDigests",
        "GraphDriver",
        "RootFS",
        "Metadata",
        "Size",
    ] {
        image.remove(key);
    }
    image.insert("History".to_owned(), history.into());
    config
}

#[test]
fn proxies_in_dockers_configuration_change_no_fingerprint() {
    let machine = Machine::new(Store::Containerd);
    let before = machine.fp(&["record"]).succeeded().stdout;
    let proxies =
        r#"{"proxies":{"default":{"httpProxy":"http://127.0.0.1:9","noProxy":"127.0.0.1"}}}"#;
    std::fs::write(machine.folder("docker").join("config.json"), proxies).unwrap();
    assert_eq!(machine.fp(&["record"]).succeeded().stdout, before);
    let built = build(&machine);
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let label = "{{index .Config.Labels \"fp.fingerprint\"}}|{{.Config.Env}}";
    let inspected = machine.docker(&["image", "inspect", "--format", label, built.line()]);
    assert!(
        inspected.starts_with(&format!("{fingerprint}|")),
        "{inspected}"
    );
    assert!(!inspected.to_lowercase().contains("proxy"), "{inspected}");
}
