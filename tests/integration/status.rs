//! `fp status`: where the images are, as text and JSON, and its exit codes.

use serde_json::{Value, json};

use crate::support::lab::{self, Store};
use crate::support::{Machine, Reply, ScriptedRegistry};

#[test]
fn absent_present_and_pulled() {
    let machine = Machine::new(Store::Containerd);
    let name = machine.fp(&["ref"]).succeeded().line().to_owned();
    let told = machine.fp(&["status"]).ended_with(3);
    let expected = "  registry  absent\n  engine    absent\n  ensure    build and publish\n";
    assert_eq!(told.stdout, format!("ci  {name}\n{expected}"));

    let built = machine.fp(&["ensure"]).succeeded();
    let told = machine.fp(&["status"]).succeeded();
    let digest = built.digest();
    let expected =
        format!("  registry  present, {digest}\n  engine    present\n  ensure    nothing to do\n");
    assert_eq!(told.stdout, format!("ci  {name}\n{expected}"));

    machine.forget(&name);
    let told = machine.fp(&["status", "--format", "json"]).succeeded();
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let fingerprint = machine.fp(&["hash"]).line().to_owned();
    let expected = json!([{
        "image": "ci",
        "fingerprint": fingerprint,
        "reference": name,
        "digest": digest,
        "registry": "present",
        "engine": "absent",
        "needs": {},
        "hints": [],
        "decision": "pull",
        "why": format!("registry: present, {digest}; engine: absent"),
    }]);
    assert_eq!(told, expected);
}

#[test]
fn not_knowing_is_graver_than_absence() {
    let machine = Machine::new(Store::Containerd);
    let down = ScriptedRegistry::start(|_| Reply::status(503));
    let (salt, host) = (machine.salt(), lab::registry().host);
    machine.tree.file(
        "fingerprint.toml",
        format!(
            "format = 1\n\
             [images.a]\nrepository = \"{}/a\"\ninputs = [\"hello.sh\"]\n{salt}\
             [images.b]\nrepository = \"{host}/{}\"\ninputs = [\"hello.sh\"]\n{salt}",
            down.host(),
            machine.repository()
        ),
    );
    let told = machine.fp(&["status"]).ended_with(4).says("503");
    assert!(
        told.stdout.contains("  registry  unknown, HEAD http://"),
        "{}",
        told.stdout
    );
    assert!(
        told.stdout.contains("  registry  absent\n"),
        "{}",
        told.stdout
    );
    machine.fp(&["status", "b"]).ended_with(3);
    machine.fp(&["status", "a"]).ended_with(4);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn an_image_without_repository_is_where_the_engine_has_it() {
    let machine = Machine::new(Store::Containerd);
    let salt = machine.salt();
    machine.tree.file(
        "fingerprint.toml",
        format!("format = 1\n[images.ci]\ninputs = [\"hello.sh\"]\n{salt}"),
    );
    machine.fp(&["status"]).ended_with(3);
    machine.fp(&["ensure"]).succeeded();
    machine.fp(&["status"]).succeeded();
}

/// Nothing was told of the others.
#[test]
fn an_image_with_wrong_inputs_hides_no_other() {
    let machine = Machine::new(Store::Containerd);
    let down = ScriptedRegistry::start(|_| Reply::status(503));
    let (salt, repository) = (machine.salt(), machine.repository());
    let host = lab::registry().host;
    let config = |last: &str| {
        format!(
            "format = 1\n\
             [images.a]\nrepository = \"{host}/{repository}-a\"\ninputs = [\"missing\"]\n{salt}\
             [images.b]\nrepository = \"{host}/{{env:NONESUCH}}\"\ninputs = [\"hello.sh\"]\n{salt}\
             [images.c]\nrepository = \"{last}/{repository}-c\"\ninputs = [\"hello.sh\"]\n{salt}"
        )
    };
    machine.tree.file("fingerprint.toml", config(&host));
    let told = machine
        .fp(&["status"])
        .ended_with(3)
        .says("the inputs of `a` cannot be told")
        .says("NONESUCH is not set");
    assert!(told.stdout.starts_with("c  "), "{}", told.stdout);
    machine.fp(&["status", "a"]).ended_with(1);
    machine.fp(&["status", "a", "b"]).ended_with(2);
    machine
        .fp(&["status", "c", "nonesuch"])
        .ended_with(2)
        .says("nonesuch");

    machine.tree.file("fingerprint.toml", config(&down.host()));
    machine.fp(&["status"]).ended_with(4).says("`a`");
    // What makes them available looks at all of them before it does anything.
    machine.fp(&["ensure", "a", "c"]).ended_with(1);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn many_images_are_asked_about_with_few_questions() {
    let machine = Machine::new(Store::Containerd);
    let host = lab::registry().host;
    let numbers: Vec<_> = (10..55).map(|number| format!("'{number}'")).collect();
    machine.tree.config(&format!(
        "format = 1\n[images.'i{{n}}']\nmatrix = {{ n = [{}] }}\nrepository = \"{host}/{}-{{n}}\"\n\
         inputs = [\"hello.sh\"]\n{}",
        numbers.join(", "),
        machine.repository(),
        machine.salt()
    ));
    machine.fp(&["ensure", "i12", "i40"]).succeeded();
    machine.clear_docker_log();
    let told = machine.fp(&["status", "--format", "json"]).ended_with(3);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 45);
    for image in told {
        let state = match image["image"].as_str().unwrap() {
            "i12" | "i40" => "present",
            _ => "absent",
        };
        assert_eq!(image["engine"], state, "{image}");
        assert_eq!(image["registry"], state, "{image}");
    }
    let questions = machine.docker_log().len();
    assert!(questions <= 25, "{questions}: {:?}", machine.docker_log());
}
