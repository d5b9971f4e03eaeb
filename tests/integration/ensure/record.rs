//! The record that travels with an image: stored when the image is published, shown by a client that knows nothing of
//! fp, and read back by `fp record --from`.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::lab::{self, Store};
use crate::support::{Answer, Machine, Reply, Running, ScriptedRegistry};

const KIND: &str = "application/vnd.fp.record.v1";

/// A machine that publishes to the registry at `host`.
fn machine(host: &str, lines: &str) -> Machine {
    let machine = Machine::new(Store::Containerd);
    let repository = format!("{host}/{}", machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", lines);
    machine
}

fn oras(machine: &Machine, arguments: &[&str]) -> Answer {
    let mut command = Command::new(lab::oras_program());
    machine.prepare(command.args(arguments));
    command.current_dir(machine.folder("home"));
    Running::spawn(command, &machine.folder("log")).finish()
}

/// The artifacts that oras sees attached to an image.
fn discovered(machine: &Machine, reference: &str) -> Vec<Value> {
    let arguments = ["discover", "--plain-http", "--format", "json", reference];
    let told = oras(machine, &arguments).succeeded();
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    told["manifests"].as_array().unwrap().clone()
}

/// Attaches a file to an image as if it were its record.
fn attach(machine: &Machine, reference: &str, content: &[u8]) {
    fs::write(machine.folder("home").join("forged"), content).unwrap();
    let file = format!("forged:{KIND}");
    let arguments = [
        "attach",
        "--plain-http",
        "--artifact-type",
        KIND,
        reference,
        &file,
    ];
    oras(machine, &arguments).succeeded();
}

#[test]
fn the_record_is_stored_and_read_back_with_and_without_the_referrers_api() {
    for host in [lab::registry().host, lab::second_registry().host] {
        let machine = machine(&host, "");
        let built = machine.fp(&["ensure", "--no-pull"]).succeeded();
        let built = built.says("built, pushed").says_nothing_of("warning");
        let record = machine.fp(&["record"]).succeeded().stdout;
        let name = machine.fp(&["ref"]).line().to_owned();
        let by_digest = format!("{}@{}", name.rsplit_once(':').unwrap().0, built.digest());
        for reference in [&name, &by_digest, &built.line().to_owned()] {
            let read = machine.fp(&["record", "--from", reference]).succeeded();
            assert_eq!(read.stdout, record, "{reference}");
            let [artifact] = discovered(&machine, reference).try_into().unwrap();
            assert_eq!(artifact["artifactType"], KIND);
            let created = &artifact["annotations"]["org.opencontainers.image.created"];
            assert!(created.is_string(), "{artifact}");
        }
        let json = machine.fp(&["record", "--from", &name, "--format", "json"]);
        let json: Value = serde_json::from_str(&json.succeeded().stdout).unwrap();
        assert_eq!(json["fingerprint"], machine.fp(&["hash"]).line());
        assert_eq!(json["reference"], built.line());

        // Another client gets the very bytes.
        let artifact = discovered(&machine, &name)[0]["reference"].clone();
        let pull = ["pull", "--plain-http", artifact.as_str().unwrap()];
        oras(&machine, &pull).succeeded();
        let pulled = fs::read_to_string(machine.folder("home").join("record")).unwrap();
        assert_eq!(pulled, record);
    }
}

#[test]
fn no_configuration_is_needed_to_read_a_record() {
    let machine = Machine::new(Store::Containerd);
    let built = machine.fp(&["ensure", "--no-pull"]).succeeded();
    let mut command = machine.command(&["record", "--from", built.line()]);
    command.current_dir(machine.folder("home"));
    let read = Running::spawn(command, &machine.folder("log")).finish();
    let record = machine.fp(&["record"]).succeeded().stdout;
    assert_eq!(read.succeeded().stdout, record);
}

/// What was attached first is not what counts, and nothing of it is shown.
#[test]
fn of_several_records_the_one_counts_that_the_label_names() {
    for host in [lab::registry().host, lab::second_registry().host] {
        let machine = machine(&host, "publish_record = false\n");
        let built = machine.fp(&["ensure", "--no-pull"]).succeeded();
        let reference = built.line().to_owned();
        machine
            .fp(&["record", "--from", &reference])
            .ended_with(3)
            .says("no record is stored with")
            .says("publish_record = false");
        assert!(discovered(&machine, &reference).is_empty());

        attach(&machine, &reference, b"fp-record\t1\nsalt\tforged\n");
        let refused = machine.fp(&["record", "--from", &reference]);
        let fingerprint = machine.fp(&["hash"]).line().to_owned();
        let refused = refused
            .ended_with(1)
            .says(&format!("its label names {fingerprint}"))
            .says("what is stored hashes to");
        assert_eq!(refused.stdout, "");

        let record = machine.fp(&["record"]).succeeded().stdout;
        attach(&machine, &reference, record.as_bytes());
        let read = machine.fp(&["record", "--from", &reference]).succeeded();
        assert_eq!(read.stdout, record);
    }
}

/// Any of its images tells by its label which record is the index's.
#[test]
fn the_record_of_an_index_is_read_as_well() {
    for registry in [lab::registry(), lab::second_registry()] {
        let machine = machine(&registry.host, "");
        machine.fp(&["ensure", "--no-pull"]).succeeded();
        let (repository, tag) = (machine.repository(), machine.tag());
        registry.put_index(&repository, "index", &[(&tag, "amd64")]);
        let index = format!("{}/{repository}:index", registry.host);
        machine.fp(&["record", "--from", &index]).ended_with(3);
        let record = machine.fp(&["record"]).succeeded().stdout;
        attach(&machine, &index, record.as_bytes());
        let read = machine.fp(&["record", "--from", &index]).succeeded();
        assert_eq!(read.stdout, record);
    }
}

#[test]
fn an_image_without_label_has_no_record_to_be_read() {
    let machine = Machine::new(Store::Containerd);
    let base = lab::base();
    machine
        .fp(&["record", "--from", &base])
        .ended_with(3)
        .says("no record is stored with");
    let own = format!("{}/{}:base", lab::registry().host, machine.repository());
    machine.docker(&["pull", &base]);
    machine.docker(&["tag", &base, &own]);
    machine.docker(&["push", &own]);
    attach(&machine, &own, b"fp-record\t1\n");
    machine
        .fp(&["record", "--from", &own])
        .ended_with(1)
        .says("has no label fp.fingerprint");
}

#[test]
fn what_is_not_there_or_not_told_has_its_exit_code() {
    let machine = Machine::new(Store::Containerd);
    let host = lab::registry().host;
    let repository = machine.repository();
    let zeros = "0".repeat(64);
    for reference in [
        format!("{host}/{repository}:nonesuch"),
        format!("{host}/{repository}@sha256:{zeros}"),
    ] {
        let absent = machine.fp(&["record", "--from", &reference]).ended_with(3);
        absent.says("does not exist");
    }
    let down = ScriptedRegistry::start(|_| Reply::status(503));
    let reference = format!("{}/app:v1", down.host());
    machine
        .fp(&["record", "--from", &reference])
        .ended_with(4)
        .says("503 Service Unavailable")
        .says("help: ");
    for arguments in [
        &["record", "--from", "example.com/app"][..],
        &["record", "--from", "example.com/app:"],
        &["record", "ci", "--from", "example.com/app:v1"],
        &["record", "--rev", "HEAD", "--from", "example.com/app:v1"],
    ] {
        machine.fp(arguments).ended_with(2);
    }
}

#[test]
fn a_signal_ends_the_reading() {
    let machine = Machine::new(Store::Containerd);
    let silent = ScriptedRegistry::start(|_| Reply::Silence);
    let reference = format!("{}/app:v1", silent.host());
    let running = machine.start(&["record", "--from", &reference]);
    crate::support::wait_until("the registry is asked", || !silent.requests().is_empty());
    running.send(Signal::TERM);
    running.finish().ended_with(128 + 15);
}
