//! `verify` and `retry`: what has to hold before an image gets its tag.

use crate::support::lab::{self, Store, on_every_engine};
use crate::support::{Machine, wait_until};

on_every_engine! {
    an_image_that_fails_a_check_gets_no_name_and_no_tag
    what_the_engine_had_already_is_checked_before_it_is_published
    a_signal_ends_a_check_and_its_container
}

fn an_image_that_fails_a_check_gets_no_name_and_no_tag(store: Store) {
    let machine = Machine::new(store);
    let reference = machine.fp(&["ref"]).succeeded().line().to_owned();
    machine.configure(
        "verify = [['test', '-s', '/input/hello.sh'], ['sh', '-c', 'echo \"it lacks $1\" >&2; exit 7', 'sh', 'gcc']]",
    );
    let answer = machine.fp(&["ensure"]).ended_with(1);
    let answer = answer.says("checking `test -s /input/hello.sh`");
    answer
        .says("  it lacks gcc\n")
        .says("the built image fails the check `sh -c echo")
        .says("it lacks gcc");
    assert!(!machine.has_image(&reference));
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);

    machine.configure("verify = [['test', '-s', '/input/hello.sh']]");
    machine.fp(&["ensure"]).succeeded().says("built, pushed");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

fn what_the_engine_had_already_is_checked_before_it_is_published(store: Store) {
    let machine = Machine::new(store);
    machine.fp(&["ensure", "--no-push"]).succeeded();
    machine.configure("verify = [['false']]");
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("fails the check `false`");
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
}

fn a_signal_ends_a_check_and_its_container(store: Store) {
    let machine = Machine::new(store);
    let mark = format!("sleep 600 # {}", machine.unique);
    machine.configure(&format!("verify = [['sh', '-c', '{mark}']]"));
    let mut running = machine.start(&["ensure"]);
    running.wait_for_stderr("checking");
    let containers = || machine.docker(&["ps", "--no-trunc", "--format", "{{.Command}}"]);
    wait_until("the check runs", || containers().contains(&mark));
    running.send(rustix::process::Signal::INT);
    running.finish().ended_with(130);
    wait_until("the container is gone", || !containers().contains(&mark));
}

#[test]
fn a_build_that_fails_is_tried_again_as_often_as_configured() {
    let machine = Machine::new(Store::Containerd);
    machine
        .tree
        .file("Dockerfile", format!("FROM {}\nRUN exit 3\n", lab::base()));
    machine.configure("retry = 2");
    let answer = machine.fp(&["ensure"]).ended_with(1);
    answer
        .says("is tried again (1 more after this)")
        .says("is tried again (0 more after this)")
        .says("the image could not be built");
    let builds = machine.deeds();
    assert_eq!(
        builds
            .iter()
            .filter(|deed| deed.contains("build --load"))
            .count(),
        3
    );
}
