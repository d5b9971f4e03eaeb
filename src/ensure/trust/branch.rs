//! The branch that CI works on, and whether it is the repository's default: aliases are moved there alone.
//!
//! Sources: GitHub, "Default environment variables" and "Webhook events and payloads"; GitLab, "Predefined CI/CD
//! variables"; Buildkite, "Environment variables". Azure Pipelines names no default branch.

use serde::Deserialize;

use super::{Ci, Denial, is_ci};
use crate::environment::Environment;

/// Why aliases are not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stay {
    /// They are moved in CI only, or by hand.
    #[error("this is no CI system")]
    NoCi,
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("CI works on no branch")]
    NoBranch,
    #[error("{current} is not the default branch, {default}")]
    OtherBranch { current: String, default: String },
    #[error("CI does not tell which branch is the default one; `fp alias` moves one by hand")]
    UnknownDefault,
}

/// What a CI system says of branches; empty for what it does not say.
struct Branches {
    current: String,
    default: String,
}

#[derive(Debug, Default, Deserialize)]
struct Event {
    #[serde(default)]
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    default_branch: Option<String>,
}

/// The default branch, if CI works on it from an event that is trusted; else why aliases stay where they are.
/// `event` is what [`publishing`](super::publishing) takes.
pub fn default_branch(
    no_push: bool,
    environment: &Environment,
    event: Option<&str>,
) -> Result<String, Stay> {
    if no_push {
        return Err(Denial::Flag.into());
    }
    if !is_ci(environment) {
        return Err(Stay::NoCi);
    }
    let ci = Ci {
        environment,
        payload: event,
    };
    if let Some(denial) = ci.denial() {
        return Err(denial.into());
    }
    let mut found: Option<String> = None;
    for read in ci.branches() {
        let branch = judge(read(&ci))?;
        // Of one CI system inside another, both have to work on the same branch.
        match found.replace(branch.clone()) {
            Some(other) if other != branch => {
                let (current, default) = (other, branch);
                return Err(Stay::OtherBranch { current, default });
            }
            _ => {}
        }
    }
    found.ok_or(Stay::UnknownDefault)
}

fn judge(branches: Branches) -> Result<String, Stay> {
    let Branches { current, default } = branches;
    match (current.as_str(), default.as_str()) {
        ("", _) => Err(Stay::NoBranch),
        (_, "") => Err(Stay::UnknownDefault),
        (one, other) if one == other => Ok(current),
        _ => Err(Stay::OtherBranch { current, default }),
    }
}

/// How a CI system tells of branches.
type Read = fn(&Ci<'_>) -> Branches;

const SYSTEMS: [(&str, Read); 4] = [
    ("GITHUB_ACTIONS", on_github),
    ("GITLAB_CI", on_gitlab),
    ("TF_BUILD", on_azure),
    ("BUILDKITE", on_buildkite),
];

impl Ci<'_> {
    fn branches(&self) -> impl Iterator<Item = Read> {
        let here = |(variable, _): &(&str, Read)| self.is_here(variable);
        SYSTEMS.into_iter().filter(here).map(|(_, read)| read)
    }
}

/// `refs/pull/…` and `refs/tags/…` are no branches.
fn on_github(ci: &Ci<'_>) -> Branches {
    let payload = ci.payload.map(serde_json::from_str::<Event>);
    let event = payload.and_then(Result::ok).unwrap_or_default();
    let default = event.repository.and_then(|known| known.default_branch);
    Branches {
        current: of_reference(ci.text("GITHUB_REF")),
        default: default.unwrap_or_default(),
    }
}

/// CI_COMMIT_BRANCH is not set for merge requests and tags.
fn on_gitlab(ci: &Ci<'_>) -> Branches {
    Branches {
        current: ci.text("CI_COMMIT_BRANCH").to_owned(),
        default: ci.text("CI_DEFAULT_BRANCH").to_owned(),
    }
}

fn on_azure(ci: &Ci<'_>) -> Branches {
    Branches {
        current: of_reference(ci.text("BUILD_SOURCEBRANCH")),
        default: String::new(),
    }
}

/// For a tag, the branch is named as the tag is.
fn on_buildkite(ci: &Ci<'_>) -> Branches {
    let current = match ci.text("BUILDKITE_TAG") {
        "" => ci.text("BUILDKITE_BRANCH"),
        _ => "",
    };
    Branches {
        current: current.to_owned(),
        default: ci.text("BUILDKITE_PIPELINE_DEFAULT_BRANCH").to_owned(),
    }
}

fn of_reference(text: &str) -> String {
    let branch = text.strip_prefix("refs/heads/");
    branch.unwrap_or_default().to_owned()
}
