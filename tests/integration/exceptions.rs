//! What can influence a build and is not recorded, with a test for each line of the list in
//! docs/FINGERPRINT.md: it reaches the build, and the fingerprint is the same with and without it.

use std::fs::{File, FileTimes};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::support::lab::{self, Store};
use crate::support::{Machine, Reply, ScriptedRegistry};

/// A machine whose image is built by these instructions, on a base that has a shell.
fn machine(instructions: &str) -> Machine {
    let machine = Machine::new(Store::Containerd);
    let dockerfile = format!("FROM {}\n{instructions}", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine
}

fn fingerprint(machine: &Machine) -> String {
    machine.fp(&["hash"]).succeeded().line().to_owned()
}

/// Builds the image, asks it, and forgets it.
#[track_caller]
fn said_by_a_build(machine: &Machine, script: &str) -> String {
    let built = machine.fp(&["ensure", "ci", "--no-push"]).succeeded();
    let built = built.says("built");
    let said = machine.in_image(built.line(), script);
    machine.forget(built.line());
    said
}

#[test]
fn file_times_reach_the_build_and_no_fingerprint() {
    let machine = machine("COPY . /input\n");
    // A file of its own, since the builder's cache does not look at times.
    machine.tree.file("hello.sh", &machine.unique);
    let before = fingerprint(&machine);
    let file = File::options()
        .write(true)
        .open(machine.tree.path("hello.sh"))
        .unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    assert_eq!(fingerprint(&machine), before);
    let said = said_by_a_build(&machine, "stat -c %Y /input/hello.sh");
    assert_eq!(said, "1234567890\n");
}

#[test]
fn what_the_network_serves_reaches_the_build_and_no_fingerprint() {
    let is_later = Arc::new(AtomicBool::new(false));
    let server = ScriptedRegistry::start({
        let is_later = Arc::clone(&is_later);
        move |_| {
            Reply::status(200).body(match is_later.load(Ordering::SeqCst) {
                true => "later\n",
                false => "early\n",
            })
        }
    });
    let machine = machine(&format!("ADD http://{}/news /news\n", server.host()));
    let before = fingerprint(&machine);
    assert_eq!(said_by_a_build(&machine, "cat /news"), "early\n");
    is_later.store(true, Ordering::SeqCst);
    assert_eq!(fingerprint(&machine), before);
    assert_eq!(said_by_a_build(&machine, "cat /news"), "later\n");
}

#[test]
fn a_base_that_moves_gives_another_image_for_the_same_fingerprint() {
    let machine = machine("");
    let base = format!("{}/{}-base:1", lab::registry().host, machine.repository());
    let move_base = |version: &str| {
        let dockerfile = format!("FROM {}\nRUN echo {version} >/version\n", lab::base());
        machine.tree.file("base/Dockerfile", dockerfile);
        machine.docker(&["build", "--tag", &base, "base"]);
        machine.docker(&["push", &base]);
    };
    move_base("early");
    machine.tree.file("Dockerfile", format!("FROM {base}\n"));
    let before = fingerprint(&machine);
    assert_eq!(said_by_a_build(&machine, "cat /version"), "early\n");
    move_base("later");
    assert_eq!(fingerprint(&machine), before);
    assert_eq!(said_by_a_build(&machine, "cat /version"), "later\n");
    machine.forget(&base);
}

#[test]
fn what_a_cache_mount_holds_reaches_the_build_and_no_fingerprint() {
    let machine = machine("");
    let cache = format!("--mount=type=cache,id={},target=/c", machine.unique);
    let instructions = |command: &str| format!("FROM {}\nRUN {cache} {command}\n", lab::base());
    machine
        .tree
        .file("Dockerfile", instructions("ls /c >/listing"))
        .file("filler", instructions("touch /c/left-by-another-build"));
    let salt = machine.salt();
    machine.tree.config(&format!(
        "format = 1\n[images.ci]\ninputs = []\n{salt}\n\
         [images.filler]\ndockerfile = \"filler\"\ninputs = []\n{salt}"
    ));
    let fingerprint = || {
        let hash = machine.fp(&["hash", "ci"]).succeeded();
        hash.line().to_owned()
    };
    let before = fingerprint();
    let filler = machine.fp(&["ensure", "filler"]).succeeded().says("built");
    machine.forget(filler.line());
    assert_eq!(fingerprint(), before);
    let said = said_by_a_build(&machine, "cat /listing");
    assert_eq!(said, "left-by-another-build\n");
}

/// A layer that is in the builder's cache is not made again, whatever a new one would hold.
#[test]
fn what_a_layer_cache_holds_reaches_the_build_and_no_fingerprint() {
    let machine = Machine::new(Store::Containerd);
    let dockerfile = format!(
        "FROM {}\nRUN : {}; cat /proc/sys/kernel/random/uuid >/random\n",
        lab::base(),
        machine.unique
    );
    machine.tree.file("Dockerfile", dockerfile);
    let before = fingerprint(&machine);
    let made = said_by_a_build(&machine, "cat /random");
    assert_eq!(fingerprint(&machine), before);
    assert_eq!(said_by_a_build(&machine, "cat /random"), made);
}

#[test]
fn the_platform_that_builds_reaches_the_build_and_no_fingerprint() {
    let machine = machine("ARG BUILDPLATFORM\nRUN echo $BUILDPLATFORM >/platform\n");
    let record = machine.fp(&["record"]).succeeded().stdout;
    let kinds: Vec<_> = record
        .lines()
        .map(|line| line.split('\t').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["fp-record", "context", "dockerfile", "file", "salt"]
    );
    let format = "{{.Server.Os}}/{{.Server.Arch}}";
    let engine = machine.docker(&["version", "--format", format]);
    assert_eq!(said_by_a_build(&machine, "cat /platform"), engine);
    assert!(!record.contains(engine.trim_end()), "{record}");
}

#[test]
fn the_source_label_reaches_the_image_and_no_fingerprint() {
    let machine = machine("");
    let before = fingerprint(&machine);
    machine.configure("source = \"https://example.com/acme/app\"");
    assert_eq!(fingerprint(&machine), before);
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let label = "{{index .Config.Labels \"org.opencontainers.image.source\"}}";
    let inspected = machine.docker(&["image", "inspect", "--format", label, built.line()]);
    assert_eq!(inspected.trim_end(), "https://example.com/acme/app");
}

#[test]
fn a_secret_reaches_the_build_and_no_fingerprint() {
    let mount = "--mount=type=secret,id=token,required=true";
    let mut machine = machine(&format!("RUN {mount} wc -c </run/secrets/token >/length\n"));
    let before = fingerprint(&machine);
    machine.configure("secrets = { token = { env = \"TOKEN\" } }");
    assert_eq!(fingerprint(&machine), before);
    machine.set("TOKEN", "12345");
    assert_eq!(fingerprint(&machine), before);
    assert_eq!(said_by_a_build(&machine, "cat /length"), "5\n");
}

#[test]
fn a_hint_reaches_the_build_and_no_fingerprint() {
    let instructions = "ARG MIRROR=none\nRUN echo $MIRROR $http_proxy >/hints\n";
    let mut machine = machine(instructions);
    let before = fingerprint(&machine);
    machine.configure(
        "hints = { MIRROR = { env = \"MIRROR\" }, http_proxy = \"http://127.0.0.1:9\" }",
    );
    assert_eq!(fingerprint(&machine), before);
    assert_eq!(
        said_by_a_build(&machine, "cat /hints"),
        "none http://127.0.0.1:9\n"
    );
    machine.set("MIRROR", "near");
    assert_eq!(fingerprint(&machine), before);
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let built = built.says("ci: hints, not recorded: MIRROR, http_proxy");
    let told = machine.fp(&["ensure", "--offline", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.succeeded().stdout).unwrap();
    let hints = serde_json::json!(["MIRROR", "http_proxy"]);
    assert_eq!(told[0]["hints"], hints);
    let said = machine.in_image(built.line(), "cat /hints");
    assert_eq!(said, "near http://127.0.0.1:9\n");
}

#[test]
fn a_hint_is_no_argument_that_is_recorded_or_builders_keep_for_themselves() {
    let machine = machine("ARG A\n");
    for lines in [
        "args = { A = \"1\" }\nhints = { A = \"2\" }",
        "hints = { BUILDKIT_SYNTAX = \"x\" }",
        "hints = { A = { file = \"hello.sh\" } }",
    ] {
        machine.configure(lines);
        machine.fp(&["hash"]).ended_with(2).says("hint");
    }
}

/// The record took the default of the argument, while the build got the hint.
#[test]
fn a_hint_decides_nothing_that_is_built() {
    let machine = machine("ARG R=hello.sh\nCOPY $R /copied\n");
    machine.configure("hints = { R = { env = \"R\" } }");
    machine
        .fp(&["hash"])
        .ended_with(1)
        .says("`$R` decides what is copied, and R in it is one of `hints`, which are not recorded")
        .says("Dockerfile:")
        .says("help: move it to `args`, where it is recorded");
    machine.configure("args = { R = \"hello.sh\" }");
    machine.fp(&["hash"]).succeeded();
    machine.configure("hints = { S = { env = \"R\" } }");
    machine
        .fp(&["hash"])
        .ended_with(1)
        .says("no stage that is built declares the argument S, which is one of `hints`");
}
