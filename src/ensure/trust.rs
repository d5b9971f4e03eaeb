//! Whether a built image may be published from here: the configuration, the flags, and the event
//! that started CI.
//!
//! Pure: the environment and the event's text are handed in. An event that is not known to be
//! trusted never publishes, since a published tag is believed by everyone who computes the same
//! fingerprint.

use serde::Deserialize;

use crate::config::Push;
use crate::environment::Environment;

/// Whether to publish, and why or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publishing {
    /// Publish.
    Allowed {
        /// Whether a refusal by the registry is a failure; on a laptop it is a warning.
        must: bool,
    },
    /// Keep the image in the engine.
    Denied(Denial),
}

/// Why a built image is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("--no-push")]
    Flag,
    #[error("push = \"never\"")]
    Configured,
    #[error("fp does not know how this CI system tells trusted events from others")]
    UnknownCi,
    #[error("the event `{0}` is not one that fp publishes from")]
    Event(String),
    #[error("the pull request comes from another repository")]
    ForeignPullRequest,
    #[error("the repository is a fork")]
    Fork,
    #[error("the event was caused by {0}")]
    Actor(String),
    #[error("the event's description cannot be read")]
    UnreadableEvent,
}

/// Variables that CI systems set: most of them `CI`, and those that do not, or not always, one of
/// their own.
const CI_VARIABLES: [&str; 8] = [
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "TF_BUILD",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "CODEBUILD_BUILD_ID",
];

/// Whether `environment` is a CI system's: one of their variables is set, and not to `false` or `0`.
pub fn is_ci(environment: &Environment) -> bool {
    CI_VARIABLES.iter().any(|name| {
        let value = environment
            .get(name)
            .map(|value| value.to_string_lossy().to_lowercase());
        value.is_some_and(|value| !matches!(value.as_str(), "" | "false" | "0"))
    })
}

/// Decides for an image whose configuration says `push`, in a run with `--no-push` or without.
///
/// `event` is the text of the file that GITHUB_EVENT_PATH names, if there is one.
pub fn publishing(
    push: Push,
    no_push: bool,
    environment: &Environment,
    event: Option<&str>,
) -> Publishing {
    match push {
        _ if no_push => Publishing::Denied(Denial::Flag),
        Push::Never => Publishing::Denied(Denial::Configured),
        Push::Always => Publishing::Allowed { must: true },
        Push::Auto if !is_ci(environment) => Publishing::Allowed { must: false },
        Push::Auto => match denial_in_ci(environment, event) {
            None => Publishing::Allowed { must: true },
            Some(denial) => Publishing::Denied(denial),
        },
    }
}

/// The parts of GitHub's event payload that count.
///
/// Source: GitHub's documentation of webhook events, `pull_request`.
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

fn denial_in_ci(environment: &Environment, event: Option<&str>) -> Option<Denial> {
    let text = |name| environment.text(name).ok().flatten();
    if text("GITHUB_ACTIONS") != Some("true") {
        return Some(Denial::UnknownCi);
    }
    let Some(payload) = event.and_then(|text| serde_json::from_str::<Event>(text).ok()) else {
        return Some(Denial::UnreadableEvent);
    };
    let sender = payload
        .sender
        .as_ref()
        .and_then(|sender| sender.login.as_deref());
    if [text("GITHUB_ACTOR"), sender].contains(&Some(DEPENDABOT)) {
        return Some(Denial::Actor(DEPENDABOT.to_owned()));
    }
    if payload
        .repository
        .as_ref()
        .is_some_and(|repository| repository.fork == Some(true))
    {
        return Some(Denial::Fork);
    }
    match text("GITHUB_EVENT_NAME") {
        Some("push" | "schedule" | "workflow_dispatch" | "merge_group") => None,
        Some("pull_request") if is_own(payload.pull_request.as_ref()) => None,
        Some("pull_request") => Some(Denial::ForeignPullRequest),
        Some(other) => Some(Denial::Event(other.to_owned())),
        None => Some(Denial::Event(String::new())),
    }
}

/// Whether a pull request's head lies in the repository that it asks to change.
fn is_own(pull_request: Option<&PullRequest>) -> bool {
    let Some(PullRequest { base, head }) = pull_request else {
        return false;
    };
    let name = |side: &Side| {
        side.repo
            .as_ref()
            .and_then(|repository| repository.full_name.clone())
    };
    name(base).is_some() && name(base) == name(head)
}

#[cfg(test)]
mod tests {
    use super::{Denial, Publishing, publishing};
    use crate::config::Push;
    use crate::environment::Environment;

    const TRUSTED: Publishing = Publishing::Allowed { must: true };

    fn on_github(event: &str, payload: &str) -> Publishing {
        let environment: Environment = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_ACTOR", "octocat"),
        ]
        .into_iter()
        .collect();
        publishing(Push::Auto, false, &environment, Some(payload))
    }

    fn pull_request(head: &str, fork: bool, sender: &str) -> String {
        format!(
            r#"{{"repository":{{"fork":{fork},"full_name":"acme/app"}},"sender":{{"login":"{sender}"}},
                "pull_request":{{"base":{{"repo":{{"full_name":"acme/app"}}}},"head":{{"repo":{head}}}}}}}"#
        )
    }

    #[test]
    fn laptops_publish_and_may_be_refused() {
        let environment = Environment::default();
        let auto = publishing(Push::Auto, false, &environment, None);
        assert_eq!(auto, Publishing::Allowed { must: false });
        assert_eq!(publishing(Push::Always, false, &environment, None), TRUSTED);
        let never = publishing(Push::Never, false, &environment, None);
        assert_eq!(never, Publishing::Denied(Denial::Configured));
        let flag = publishing(Push::Always, true, &environment, None);
        assert_eq!(flag, Publishing::Denied(Denial::Flag));
    }

    #[test]
    fn trusted_events_publish() {
        for event in ["push", "schedule", "workflow_dispatch", "merge_group"] {
            assert_eq!(on_github(event, "{}"), TRUSTED, "{event}");
        }
        let own = pull_request(r#"{"full_name":"acme/app"}"#, false, "octocat");
        assert_eq!(on_github("pull_request", &own), TRUSTED);
    }

    #[test]
    fn every_other_event_does_not() {
        for event in [
            "pull_request_target",
            "issue_comment",
            "workflow_run",
            "release",
            "",
        ] {
            assert!(
                matches!(on_github(event, "{}"), Publishing::Denied(Denial::Event(_))),
                "{event}"
            );
        }
    }

    #[test]
    fn pull_requests_from_elsewhere_do_not() {
        let foreign = Publishing::Denied(Denial::ForeignPullRequest);
        for head in [r#"{"full_name":"mallory/app"}"#, "null", "{}"] {
            assert_eq!(
                on_github("pull_request", &pull_request(head, false, "octocat")),
                foreign
            );
        }
        assert_eq!(on_github("pull_request", "{}"), foreign);
    }

    #[test]
    fn forks_robots_and_unreadable_events_do_not() {
        let own = r#"{"full_name":"acme/app"}"#;
        let fork = pull_request(own, true, "octocat");
        assert_eq!(
            on_github("pull_request", &fork),
            Publishing::Denied(Denial::Fork)
        );
        assert_eq!(on_github("push", &fork), Publishing::Denied(Denial::Fork));
        let robot = pull_request(own, false, "dependabot[bot]");
        assert!(matches!(
            on_github("push", &robot),
            Publishing::Denied(Denial::Actor(_))
        ));
        assert_eq!(
            on_github("push", "<html>"),
            Publishing::Denied(Denial::UnreadableEvent)
        );
    }

    #[test]
    fn other_ci_systems_do_not() {
        let environment: Environment = [("CI", "true"), ("GITLAB_CI", "true")]
            .into_iter()
            .collect();
        let denied = Publishing::Denied(Denial::UnknownCi);
        assert_eq!(publishing(Push::Auto, false, &environment, None), denied);
        let jenkins: Environment = [("JENKINS_URL", "http://ci")].into_iter().collect();
        assert_eq!(publishing(Push::Auto, false, &jenkins, None), denied);
    }
}
