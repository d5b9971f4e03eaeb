//! Whether a built image may be published from here: the configuration, the flags, and the event
//! that started CI.
//!
//! Pure: the environment and the event's text are handed in. An event that is not known to be
//! trusted never publishes, since a published tag is believed by everyone who computes the same
//! fingerprint.

mod branch;
mod github;
mod others;

pub use branch::{Stay, default_branch};

use crate::config::Push;
use crate::environment::Environment;
use crate::shown::Shown;

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
    #[error("the event `{}` is not one that fp publishes from", Shown::text(.0))]
    Event(String),
    #[error("the pull request comes from another repository")]
    ForeignPullRequest,
    #[error("fp cannot tell where the pull request comes from")]
    PullRequest,
    #[error("the repository is a fork")]
    Fork,
    #[error("the event was caused by {}", Shown::text(.0))]
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

/// Whether this is a job of GitHub Actions.
pub fn is_in_github_actions(environment: &Environment) -> bool {
    let payload = None;
    Ci {
        environment,
        payload,
    }
    .is_here("GITHUB_ACTIONS")
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
        Push::Auto => match (Ci {
            environment,
            payload: event,
        }
        .denial())
        {
            None => Publishing::Allowed { must: true },
            Some(denial) => Publishing::Denied(denial),
        },
    }
}

/// Whether what is built is something that somebody asks to have merged, as far as that can be told: what
/// is not known to be trusted is taken for it. `event` is that of [`publishing`].
pub fn is_proposal(environment: &Environment, event: Option<&str>) -> bool {
    let ci = Ci {
        environment,
        payload: event,
    };
    is_ci(environment)
        && (ci.denial().is_some()
            || PROPOSALS.iter().any(|(variable, events)| {
                let event = ci.text(variable);
                events.contains(&event)
            }))
}

/// The events of pull requests among the trusted ones: the variable that names the event, and they.
const PROPOSALS: [(&str, &[&str]); 3] = [
    ("GITHUB_EVENT_NAME", &["pull_request", "merge_group"]),
    ("CI_PIPELINE_SOURCE", &["merge_request_event"]),
    ("BUILD_REASON", &["PullRequest"]),
];

/// Why an event is not one to publish from.
type Judge = fn(&Ci<'_>) -> Option<Denial>;

/// CI systems whose events fp can tell apart: the variable that is `true` there, and who judges them.
const SYSTEMS: [(&str, Judge); 4] = [
    ("GITHUB_ACTIONS", github::denial),
    ("GITLAB_CI", others::on_gitlab),
    ("TF_BUILD", others::on_azure),
    ("BUILDKITE", others::on_buildkite),
];

/// What a CI system says about the event that started it.
struct Ci<'a> {
    environment: &'a Environment,
    /// See [`publishing`].
    payload: Option<&'a str>,
}

impl<'a> Ci<'a> {
    /// The variable's text; empty if it is not set, or no text.
    fn text(&self, name: &str) -> &'a str {
        let text = self.environment.text(name).ok().flatten();
        text.unwrap_or_default()
    }

    /// Whether a CI system is there, by its variable.
    fn is_here(&self, variable: &str) -> bool {
        self.text(variable).eq_ignore_ascii_case("true")
    }

    /// Why nothing is published. One CI system can run inside another: all of them have to trust
    /// their events.
    fn denial(&self) -> Option<Denial> {
        let here = |(variable, _): &&(&str, _)| self.is_here(variable);
        let mut systems = SYSTEMS.iter().filter(here).peekable();
        if systems.peek().is_none() {
            return Some(Denial::UnknownCi);
        }
        systems.find_map(|(_, judge)| judge(self))
    }
}

#[cfg(test)]
mod tests;
