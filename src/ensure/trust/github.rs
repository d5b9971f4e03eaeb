//! Events of GitHub Actions.
//!
//! Sources: GitHub's documentation of webhook events and payloads, and of the events that trigger
//! workflows.

use serde::Deserialize;

use super::{Ci, Denial};

/// The parts of the event's payload that count.
#[derive(Debug, Default, Deserialize)]
struct Event {
    #[serde(default)]
    repository: Option<Repository>,
    #[serde(default)]
    pull_request: Option<PullRequest>,
    #[serde(default)]
    sender: Option<Sender>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    fork: Option<bool>,
    #[serde(default)]
    full_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    base: Side,
    head: Side,
}

/// One side of a pull request; the repository is null if it was deleted.
#[derive(Debug, Deserialize)]
struct Side {
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Sender {
    #[serde(default)]
    login: Option<String>,
}

/// The account whose pushes and pull requests run with a reduced token.
const DEPENDABOT: &str = "dependabot[bot]";

/// Why the event is not one to publish from.
pub(super) fn denial(ci: &Ci<'_>) -> Option<Denial> {
    let payload = ci.payload.map(serde_json::from_str::<Event>);
    let Some(Ok(event)) = payload else {
        return Some(Denial::UnreadableEvent);
    };
    let sender = event.sender.and_then(|sender| sender.login);
    if ci.text("GITHUB_ACTOR") == DEPENDABOT || sender.as_deref() == Some(DEPENDABOT) {
        return Some(Denial::Actor(DEPENDABOT.to_owned()));
    }
    if event.repository.and_then(|repository| repository.fork) == Some(true) {
        return Some(Denial::Fork);
    }
    match ci.text("GITHUB_EVENT_NAME") {
        "push" | "schedule" | "workflow_dispatch" | "merge_group" => None,
        "pull_request" if is_own(event.pull_request.as_ref()) => None,
        "pull_request" => Some(Denial::ForeignPullRequest),
        other => Some(Denial::Event(other.to_owned())),
    }
}

/// Whether a pull request's head lies in the repository that it asks to change.
fn is_own(pull_request: Option<&PullRequest>) -> bool {
    let name = |side: &Side| side.repo.as_ref().and_then(|repo| repo.full_name.clone());
    pull_request
        .is_some_and(|PullRequest { base, head }| name(base).is_some() && name(base) == name(head))
}
