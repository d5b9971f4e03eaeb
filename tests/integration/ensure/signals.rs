//! SIGINT, SIGTERM and SIGHUP at any moment: nothing runs on, nothing lies about, no tag is
//! written.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::lab::{self, Store, on_every_engine};
use crate::support::{Machine, Reply, Running, ScriptedRegistry, make_fifo, wait_until};

on_every_engine! {
    while_building
    while_pushing
    at_any_moment
}

/// A machine whose build says that it has begun, and then takes for ever.
fn slow_to_build(store: Store) -> Machine {
    let machine = Machine::new(store);
    let run = format!(
        "RUN echo begun-{0} | tr a-z A-Z; sleep 600; : {0}",
        machine.unique
    );
    machine
        .tree
        .file("Dockerfile", format!("FROM {}\n{run}\n", lab::base()));
    machine
}

fn wait_until_building(machine: &Machine, running: &mut Running) {
    running.wait_for_stderr(&format!("begun-{}", machine.unique).to_uppercase());
    if machine.is_podman() {
        // At the very beginning of an instruction podman does not look after it yet: docs/ENGINES.md.
        thread::sleep(Duration::from_secs(1));
    }
}

/// Sends the signal, and checks that `fp` ends by it and leaves nothing behind.
#[track_caller]
fn ends_by(machine: &Machine, running: Running, signal: Signal) {
    let sent = Instant::now();
    running.send(signal);
    let answer = running.finish().ended_with(128 + signal.as_raw());
    assert!(
        sent.elapsed() < Duration::from_secs(8),
        "it took {:?}",
        sent.elapsed()
    );
    assert_eq!(answer.stdout, "");
    leaves_nothing(machine);
}

#[track_caller]
fn leaves_nothing(machine: &Machine) {
    // What was killed may take a moment to go.
    let none_is_left = || machine.processes().is_empty();
    wait_until("no process of this run is left", none_is_left);
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    let staging = format!(
        "{}/{}:fp-staging",
        lab::registry().host,
        machine.repository()
    );
    assert!(
        !machine.has_image(&staging),
        "the staging tag is still in the engine"
    );
}

#[track_caller]
fn nothing_is_published(machine: &Machine) {
    let tags = lab::registry().tags(&machine.repository());
    assert!(
        tags.iter().all(|tag| tag.starts_with("fp-staging")),
        "{tags:?}"
    );
}

fn while_building(store: Store) {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let machine = slow_to_build(store);
        let mut running = machine.start(&["ensure"]);
        wait_until_building(&machine, &mut running);
        ends_by(&machine, running, signal);
        nothing_is_published(&machine);
        wait_until("the engine has given up the build", || {
            !is_any_process(&machine.unique)
        });
    }
}

/// Whether a process on this machine has `word` among its arguments.
pub(super) fn is_any_process(word: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(word))
}

/// A machine where git has to be asked, and never answers: what it runs waits for ever.
fn hanging_git() -> Machine {
    let machine = Machine::new(Store::Containerd);
    machine.configure_inputs("\"d\"", "");
    machine.tree.file(".gitignore", "*.o\n").file("d/a", "1");
    machine.tree.commit().file("d/b.o", "2");
    let git = machine.folder("bin").join("git");
    // No second shell waits: one that has just started may take a signal and go on.
    let file = machine.folder("home").join(&machine.unique);
    fs::write(&file, "").unwrap();
    let waiting = format!("tail -f '{}'", file.display());
    fs::write(&git, format!("#!/bin/sh\n{waiting}\nexit 1\n")).unwrap();
    fs::set_permissions(&git, Permissions::from_mode(0o755)).unwrap();
    machine
}

fn wait_until_git_hangs(machine: &Machine) {
    wait_until("git is asked", || is_any_process(&machine.unique));
}

fn wait_until_git_is_gone(machine: &Machine) {
    wait_until("git is gone", || !is_any_process(&machine.unique));
}

/// git once ran on.
#[test]
fn while_asking_git() {
    for (command, signal) in [
        ("ensure", Signal::INT),
        ("ensure", Signal::TERM),
        ("status", Signal::HUP),
    ] {
        let machine = hanging_git();
        let running = machine.start(&[command]);
        wait_until_git_hangs(&machine);
        ends_by(&machine, running, signal);
        wait_until_git_is_gone(&machine);
        assert_eq!(machine.docker_log(), [""; 0]);
    }
}

/// A command that asks nobody else takes no signals over: Ctrl-C is sent to git as well.
#[test]
fn while_asking_git_for_a_hash() {
    let machine = hanging_git();
    let mut command = machine.command(&["hash"]);
    let mut child = command.process_group(0).spawn().unwrap();
    wait_until_git_hangs(&machine);
    kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    wait_until_git_is_gone(&machine);
}

#[test]
fn while_staging() {
    let machine = Machine::new(Store::Containerd);
    machine.configure_inputs("\"big\"", "");
    let big = File::create(machine.tree.path("big")).unwrap();
    big.set_len(1 << 30).unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let running = machine.start(&["ensure"]);
        wait_until("the context is staged", || !machine.leftovers().is_empty());
        ends_by(&machine, running, signal);
    }
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn while_waiting_for_a_turn() {
    let machine = slow_to_build(Store::Containerd);
    let mut first = machine.start(&["ensure"]);
    wait_until_building(&machine, &mut first);
    for signal in [Signal::INT, Signal::TERM] {
        let mut second = machine.start(&["ensure"]);
        second.wait_for_stderr("waiting for it");
        second.send(signal);
        second.finish().ended_with(128 + signal.as_raw());
    }
    ends_by(&machine, first, Signal::TERM);
    nothing_is_published(&machine);
}

#[test]
fn while_looking_up() {
    for signal in [Signal::INT, Signal::TERM] {
        let silent = ScriptedRegistry::start(|_| Reply::Silence);
        let machine = Machine::new(Store::Containerd);
        machine.configure_for(&format!("{}/app", silent.host()), "\"hello.sh\"", "");
        let running = machine.start(&["ensure"]);
        wait_until("the registry is asked", || {
            !silent.request_lines().is_empty()
        });
        ends_by(&machine, running, signal);
        assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    }
}

/// What `nohup` and the background jobs of a shell's script ask for.
#[test]
fn ignored_signals_stay_ignored() {
    for (name, ignored) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let machine = slow_to_build(Store::Containerd);
        let mut shell = Command::new("sh");
        let script = format!("trap '' {name}; exec \"$0\" ensure");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_fp")]);
        machine.prepare(&mut shell);
        let mut running = Running::spawn(shell, &machine.folder("log"));
        wait_until_building(&machine, &mut running);
        running.send(ignored);
        thread::sleep(Duration::from_millis(500));
        ends_by(&machine, running, Signal::TERM);
    }
}

/// To a registry that takes no more once the first layer is announced.
fn while_pushing(store: Store) {
    for signal in [Signal::INT, Signal::TERM] {
        let stuck = ScriptedRegistry::start(|request| match request.method.as_str() {
            "POST" => Reply::Silence,
            _ if request.target == "/v2/" => Reply::status(200),
            _ => Reply::status(404).body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        });
        let machine = Machine::new(store);
        let repository = format!("{}/app", stuck.host());
        machine.configure_for(&repository, "\"hello.sh\"", "");
        let running = machine.start(&["ensure"]);
        wait_until("a layer is announced", || {
            stuck
                .request_lines()
                .iter()
                .any(|line| line.starts_with("POST"))
        });
        ends_by(&machine, running, signal);
        let staging = format!("{repository}:fp-staging");
        assert!(
            !machine.has_image(&staging),
            "the staging tag is still in the engine"
        );
        assert!(
            stuck
                .request_lines()
                .iter()
                .all(|line| !line.starts_with("PUT"))
        );
    }
}

/// The image is published meanwhile, and nobody waits long for an engine that hangs.
#[test]
fn while_the_staging_tag_is_taken_away() {
    for signal in [Signal::INT, Signal::TERM] {
        let machine = Machine::new(Store::Containerd);
        machine.hold("image rm");
        let running = machine.start(&["ensure"]);
        machine.wait_until_held("image rm");
        let is_published = || lab::registry().digest(&machine.repository(), &machine.tag());
        wait_until("the image is published", || is_published().is_some());
        let sent = Instant::now();
        running.send(signal);
        let answer = running.finish().ended_with(128 + signal.as_raw());
        assert!(
            sent.elapsed() < Duration::from_secs(8),
            "{:?}",
            sent.elapsed()
        );
        assert_eq!(answer.stdout, "");
        machine.release("image rm");
    }
}

#[test]
fn while_pulling() {
    let mut machine = Machine::new(Store::Containerd);
    machine.fp(&["ensure"]).succeeded();
    machine.use_engine(Store::Classic);
    machine.hold("pull");
    for signal in [Signal::INT, Signal::TERM] {
        let running = machine.start(&["ensure"]);
        machine.wait_until_held("pull");
        ends_by(&machine, running, signal);
    }
    let name = machine.fp(&["ref"]).succeeded();
    assert!(
        !machine.has_image(name.line()),
        "what was not pulled has no name"
    );
}

/// Wherever the signal finds it: either it ends by it, or it was done before.
fn at_any_moment(store: Store) {
    for step in 0..10 {
        let machine = Machine::new(store);
        let tag = machine.tag();
        let running = machine.start(&["ensure"]);
        thread::sleep(Duration::from_millis(150 * step));
        running.send(Signal::TERM);
        let answer = running.finish();
        let published = lab::registry().digest(&machine.repository(), &tag);
        match (answer.code, answer.signal) {
            (Some(0), None) => assert_eq!(Some(answer.digest()), published.as_deref()),
            // Before fp listens the signal does its own work, which shells report in the same way.
            (Some(143), None) | (None, Some(15)) => assert_eq!(answer.stdout, ""),
            _ => panic!("{answer:?}"),
        }
        leaves_nothing(&machine);
        machine.fp(&["ensure"]).succeeded();
    }
}

/// A FIFO in the place of a file that fp reads: it once waited for whoever would write to it, and
/// no signal reached it.
#[test]
fn while_docker_reads_a_config_json_that_has_no_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let registry = ScriptedRegistry::start(|_| {
            Reply::status(401).header("WWW-Authenticate", "Basic realm=\"registry\"")
        });
        let machine = Machine::new(Store::Containerd);
        machine.configure_for(&format!("{}/app", registry.host()), "\"hello.sh\"", "");
        let config = machine.folder("docker").join("config.json");
        fs::remove_file(&config).unwrap();
        make_fifo(&config);
        let running = machine.start(&["ensure"]);
        wait_until("the registry is asked", || {
            !registry.request_lines().is_empty()
        });
        running.send(signal);
        running.finish().ended_with(128 + signal.as_raw());
        wait_until("no process of this run is left", || {
            machine.processes().is_empty()
        });
    }
}
