//! `push = "auto"` and its alternatives, in CI: built everywhere, published from trusted events
//! only.

use crate::support::lab::{self, Store};
use crate::support::{Answer, Machine, make_fifo};

/// What GitHub's runner sets for every job; the payloads in `events` have the shape of GitHub's, cut down to
/// the parts around those that count.
pub(super) fn on_github(event: &str, actor: &str, payload: &str) -> Machine {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("CI", "true");
    machine.set("GITHUB_ACTIONS", "true");
    machine.set("GITHUB_EVENT_NAME", event);
    machine.set("GITHUB_ACTOR", actor);
    let path = machine.folder("home").join("event.json");
    std::fs::write(&path, payload).unwrap();
    machine.set("GITHUB_EVENT_PATH", path);
    machine
}

#[track_caller]
fn publishes(machine: &Machine) -> Answer {
    let answer = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let tag = answer
        .line()
        .rsplit_once('@')
        .unwrap()
        .0
        .rsplit_once(':')
        .unwrap()
        .1;
    let digest = lab::registry().digest(&machine.repository(), tag);
    assert_eq!(digest.as_deref(), Some(answer.digest()));
    answer
}

#[track_caller]
fn keeps_it_local(machine: &Machine, why: &str) {
    let answer = machine
        .fp(&["ensure"])
        .succeeded()
        .says(&format!("not published: {why}"));
    assert!(!answer.line().contains('@'), "{}", answer.line());
    assert!(
        !machine.deeds().iter().any(|deed| deed.starts_with("push")),
        "{:?}",
        machine.deeds()
    );
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
    assert_eq!(
        machine.in_image(answer.line(), "sh /input/hello.sh"),
        "hello\n"
    );
}

#[test]
fn a_push_publishes() {
    publishes(&on_github(
        "push",
        "octocat",
        include_str!("events/push.json"),
    ));
}

#[test]
fn a_pull_request_of_the_repository_itself_publishes() {
    publishes(&on_github(
        "pull_request",
        "octocat",
        include_str!("events/pull_request.json"),
    ));
}

#[test]
fn a_pull_request_from_a_fork_does_not() {
    let payload = include_str!("events/pull_request_from_fork.json");
    let machine = on_github("pull_request", "octocat", payload);
    keeps_it_local(&machine, "the pull request comes from another repository");
}

#[test]
fn a_push_within_a_fork_does_not() {
    let machine = on_github("push", "octocat", include_str!("events/push_in_fork.json"));
    keeps_it_local(&machine, "the repository is a fork");
}

#[test]
fn dependabot_does_not() {
    let payload = include_str!("events/pull_request.json");
    let machine = on_github("pull_request", "dependabot[bot]", payload);
    keeps_it_local(&machine, "the event was caused by dependabot[bot]");
}

#[test]
fn an_event_that_runs_foreign_code_with_the_repositorys_rights_does_not() {
    let payload = include_str!("events/pull_request_from_fork.json");
    let machine = on_github("pull_request_target", "octocat", payload);
    keeps_it_local(
        &machine,
        "the event `pull_request_target` is not one that fp publishes from",
    );
}

#[test]
fn an_event_without_description_does_not() {
    let machine = on_github("push", "octocat", "");
    keeps_it_local(&machine, "the event's description cannot be read");
}

/// fp once waited for whoever would write to it.
#[test]
fn an_event_whose_description_is_a_fifo_does_not() {
    let machine = on_github("push", "octocat", "");
    let path = machine.folder("home").join("event.json");
    std::fs::remove_file(&path).unwrap();
    make_fifo(&path);
    keeps_it_local(&machine, "the event's description cannot be read");
}

#[test]
fn an_unknown_ci_system_does_not() {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("CI", "true");
    keeps_it_local(
        &machine,
        "fp does not know how this CI system tells trusted events from others",
    );
}

#[test]
fn always_and_never_hold_everywhere() {
    let mut always = Machine::new(Store::Containerd);
    always.set("CI", "true");
    always.configure("push = \"always\"");
    publishes(&always);
    let never = on_github("push", "octocat", include_str!("events/push.json"));
    never.configure("push = \"never\"");
    keeps_it_local(&never, "push = \"never\"");
}

/// Whatever ran before in a runner's engine could have left an image with any label.
#[test]
fn an_image_that_only_the_engine_has_is_built_anew() {
    let machine = on_github("push", "octocat", include_str!("events/push.json"));
    machine.fp(&["ensure", "--no-push"]).succeeded();
    publishes(&machine);
}
