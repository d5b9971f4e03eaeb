//! No engine: not running, not installed, not ours. What needs none still works.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use crate::support::lab::{self, Store};
use crate::support::{Machine, Reply, Running, ScriptedRegistry, wait_until};

/// A machine whose image is published, and whose engine is the one at `address` from now on.
fn published(address: &str) -> (Machine, String) {
    let mut machine = Machine::new(Store::Containerd);
    let built = machine.fp(&["ensure"]).succeeded();
    machine.set("DOCKER_HOST", address);
    (machine, built.stdout)
}

#[test]
fn an_engine_that_does_not_run() {
    let (machine, reference) = published("unix:///nonexistent/docker.sock");
    assert_eq!(
        machine.fp(&["ensure", "--no-pull"]).succeeded().stdout,
        reference
    );
    let answer = machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("the engine cannot be reached")
        .says("help: start it");
    assert_eq!(answer.stdout, "");
    machine.fp(&["ensure", "--offline"]).ended_with(4);
    machine.tree.file("hello.sh", "echo edited\n");
    machine
        .fp(&["ensure", "--no-pull"])
        .ended_with(4)
        .says("help: start it");
    machine.fp(&["status"]).ended_with(4);
}

#[test]
fn docker_that_is_not_installed() {
    let (mut machine, reference) = published("unix:///nonexistent/docker.sock");
    machine.set("PATH", machine.folder("home"));
    assert_eq!(
        machine.fp(&["ensure", "--no-pull"]).succeeded().stdout,
        reference
    );
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("the program `docker` was not found")
        .says("help: install Docker Engine");
}

/// As an ordinary user: root may use every socket.
#[test]
fn a_socket_that_belongs_to_somebody_else() {
    let (mut machine, reference) = published("unix:///nonexistent/docker.sock");
    let socket = machine.folder("home").join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    machine.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    for folder in ["log", "tmp"] {
        fs::set_permissions(machine.folder(folder), fs::Permissions::from_mode(0o777)).unwrap();
    }
    // The programs may lie where that user may not look.
    let bin = machine.folder("bin");
    fs::copy(env!("CARGO_BIN_EXE_fp"), bin.join("fp")).unwrap();
    fs::remove_file(bin.join("docker")).unwrap();
    fs::copy(lab::docker_program(), bin.join("docker")).unwrap();

    let as_nobody = |arguments: &[&str]| {
        let mut command = std::process::Command::new(bin.join("fp"));
        machine.prepare(command.args(arguments));
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        Running::spawn(command, &machine.folder("log")).finish()
    };
    as_nobody(&["ensure"])
        .ended_with(4)
        .says("no permission to use the engine")
        .says("help: join the group");
    assert_eq!(
        as_nobody(&["ensure", "--no-pull"]).succeeded().stdout,
        reference
    );
}

/// Without the registry's answer, an engine that hangs is not waited for as long as it may be.
#[test]
fn neither_registry_nor_engine_answers() {
    let broken = ScriptedRegistry::start(|_| Reply::status(500));
    let machine = Machine::new(Store::Containerd);
    machine.configure_for(&format!("{}/app", broken.host()), "\"hello.sh\"", "");
    machine.hold("version");
    let running = [&["ensure"][..], &["ensure", "--no-pull"], &["status"]].map(|arguments| {
        let started = machine.start(arguments);
        machine.wait_until_held("version");
        started
    });
    for running in running {
        let answer = running.finish().ended_with(4).says("500");
        assert!(answer.time < Duration::from_secs(30), "{:?}", answer.time);
    }
    wait_until("no docker is left", || machine.processes().is_empty());
}

/// They were once told to start the engine, or nothing.
#[test]
fn a_context_or_builder_that_does_not_exist_is_told_with_the_way_to_those_that_do() {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("BUILDX_BUILDER", "nonesuch");
    machine
        .fp(&["ensure", "--no-push"])
        .ended_with(1)
        .says("no builder \"nonesuch\" found")
        .says("help: `docker buildx ls`");
    machine.set("DOCKER_HOST", "");
    machine.set("DOCKER_CONTEXT", "nonesuch");
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("context \"nonesuch\"")
        .says("help: `docker context ls`");
}

#[test]
fn an_argument_that_is_too_long_for_the_system_is_told_with_a_way_out() {
    let machine = Machine::new(Store::Containerd);
    let dockerfile = format!("FROM {}\nARG LONG\nCOPY . /input\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine.tree.file("long", "x".repeat(140_000));
    machine.configure("args = { LONG = { file = \"long\" } }");
    machine
        .fp(&["ensure", "--no-push"])
        .ended_with(1)
        .says("Argument list too long")
        .says("help: the system takes no argument of more than 128 KiB");
}

/// The advice was once to free space there.
#[test]
fn a_folder_for_temporary_files_that_does_not_exist_is_to_be_made() {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("TMPDIR", machine.folder("tmp").join("nonesuch"));
    machine
        .fp(&["ensure", "--no-push"])
        .ended_with(1)
        .says("help: make that folder, or name another one with TMPDIR");
}

/// It was waited for again for each image, or twice for the same one.
#[test]
fn an_engine_that_hangs_is_waited_for_once() {
    let mut machine = Machine::bare(Store::Containerd);
    let socket = machine.folder("home").join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    machine.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    let silent = ScriptedRegistry::start(|_| Reply::Silence);
    machine.set("FP_REGISTRY_TIMEOUT", "1");
    // More than are asked about at once.
    let names: Vec<_> = (0..40).map(|number| format!("\"{number}\"")).collect();
    let (names, host) = (names.join(", "), silent.host());
    machine.tree.file("Dockerfile", "FROM scratch\n").file(
        "fingerprint.toml",
        format!(
            "format = 1\n[images.\"i{{n}}\"]\nmatrix = {{ n = [{names}] }}\nrepository = \"{host}/x\"\nsalt = \"{{n}}\"\n"
        ),
    );
    let answer = machine.fp(&["status"]).ended_with(4);
    let silences = answer
        .stdout
        .matches("`docker image inspect` did not answer within 10 s");
    assert_eq!(silences.count(), 40, "{}", answer.stdout);
    let asked = machine.docker_log();
    assert!(asked.len() <= 2, "{asked:?}");
}

/// docker asks all its plugins what they are.
#[test]
fn a_plugin_that_hangs_keeps_nobody_from_building() {
    let machine = Machine::new(Store::Containerd);
    machine.intercept("docker", "[ \"$1\" != info ] || exec sleep 600");
    machine.fp(&["ensure"]).succeeded().says("built, pushed");
}
