//! A builder that has lost what a step had made, and takes the step from its cache all the same.

use crate::support::Machine;
use crate::support::lab::{self, Store};

/// The snapshot of the step that runs this, as the builder tells of it.
fn snapshot_of(machine: &Machine, command: &str) -> String {
    let told = machine.docker(&["buildx", "du", "--verbose"]);
    let step = told.split("\n\n").find(|record| record.contains(command));
    let id = step.and_then(|step| step.lines().find_map(|line| line.strip_prefix("ID:")));
    id.unwrap_or_else(|| panic!("{command}: {told}"))
        .trim()
        .to_owned()
}

/// A builder that has lost what a step had made, and that step's snapshot.
fn forgetful() -> (Machine, String) {
    let machine = Machine::new(Store::Containerd);
    let dockerfile = format!("FROM {}\nRUN : {}\n", lab::base(), machine.unique);
    machine.tree.file("Dockerfile", dockerfile);
    // On an image that the engine has, a step that was not exported yet counts as a part of it.
    machine.docker(&["pull", "--quiet", &lab::base()]);
    let context = machine.tree.path("");
    let context = context.to_str().unwrap();
    machine.docker(&["buildx", "build", "--output", "type=cacheonly", context]);
    let lost = snapshot_of(&machine, &machine.unique);
    lab::lose_snapshot(Store::Containerd, &lost);
    (machine, lost)
}

/// A build that was stopped, or whose step failed, left its builder so, and all builds after it failed.
#[test]
fn a_step_that_the_builder_has_lost_is_run_again() {
    for old_client in [false, true] {
        let (machine, lost) = forgetful();
        if old_client {
            machine.replace_docker(&lab::old_docker_program());
        }
        machine
            .fp(&["ensure"])
            .succeeded()
            .says("does not exist: not found")
            .says("built, pushed");
        let pruned = machine.docker_log().into_iter();
        let pruned: Vec<_> = pruned.filter(|line| line.contains("prune")).collect();
        let command = if old_client { "builder" } else { "buildx" };
        assert_eq!(
            pruned,
            [format!("{command} prune --all --force --filter id={lost}")]
        );
    }
}

#[test]
fn a_builder_that_may_not_forget_a_step_does_not_build_again() {
    let (machine, lost) = forgetful();
    machine.intercept("docker", "if [ \"$2\" = prune ]; then exit 1; fi");
    machine.clear_docker_log();
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says(&format!("snapshot {lost} does not exist: not found"));
    assert_eq!(machine.builds(), 1);
}
