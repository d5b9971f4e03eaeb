//! `--wait`: the build is left to somebody else.

use std::fs;
use std::time::Duration;

use crate::support::lab::Store;
use crate::support::{Machine, Running};

fn builds(machine: &Machine) -> usize {
    let deeds = machine.deeds();
    deeds.iter().filter(|deed| deed.contains("build")).count()
}

#[test]
fn what_somebody_else_publishes_is_waited_for_and_taken() {
    let machine = Machine::new(Store::Containerd);
    let elsewhere = machine.folder("tmp").join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let mut command = machine.command(&["ensure", "--wait=5m"]);
    command.env("TMPDIR", elsewhere);
    command.env("DOCKER_HOST", Store::Classic.address());
    let mut waiting = Running::spawn(command, &machine.folder("log"));
    waiting.wait_for_stderr("is not published; waiting for it, at most 5m");
    assert_eq!(builds(&machine), 0);

    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let waited = waiting.finish().succeeded().says("hit, pulled");
    assert_eq!(waited.line(), built.line());
    assert_eq!(builds(&machine), 1);
}

#[test]
fn what_nobody_publishes_is_absent_in_the_end() {
    let machine = Machine::new(Store::Containerd);
    let answer = machine
        .fp(&["ensure", "--wait=1s"])
        .ended_with(3)
        .says("is still not published after 1s")
        .says("without --wait, fp builds it");
    assert!(answer.time > Duration::from_secs(1));
    let foreseen = machine.fp(&["ensure", "--wait=1s", "--dry-run"]);
    let foreseen = foreseen.succeeded();
    assert!(
        foreseen.stdout.contains("wait (registry: absent"),
        "{}",
        foreseen.stdout
    );
    assert_eq!(builds(&machine), 0);
}
