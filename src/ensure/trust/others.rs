//! Events of CI systems that describe them in variables alone.
//!
//! Sources: GitLab, "Predefined CI/CD variables" and "CI_PIPELINE_SOURCE"; Azure Pipelines, "Use predefined
//! variables"; Buildkite, "Environment variables".

use super::{Ci, Denial};

/// GitLab. A pipeline that another one started is not trusted: what started that one is not known here.
pub(super) fn on_gitlab(ci: &Ci<'_>) -> Option<Denial> {
    match ci.text("CI_PIPELINE_SOURCE") {
        "push" | "schedule" | "web" => None,
        "merge_request_event" => {
            let target = ci.text("CI_MERGE_REQUEST_PROJECT_ID");
            let is_own = !target.is_empty()
                && target == ci.text("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
                && target == ci.text("CI_PROJECT_ID");
            (!is_own).then_some(Denial::ForeignPullRequest)
        }
        other => Some(Denial::Event(other.to_owned())),
    }
}

/// Azure Pipelines.
pub(super) fn on_azure(ci: &Ci<'_>) -> Option<Denial> {
    match ci.text("BUILD_REASON") {
        "Manual" | "IndividualCI" | "BatchedCI" | "Schedule" => None,
        "PullRequest" => match ci.text("SYSTEM_PULLREQUEST_ISFORK") {
            is_fork if is_fork.eq_ignore_ascii_case("false") => None,
            is_fork if is_fork.eq_ignore_ascii_case("true") => Some(Denial::ForeignPullRequest),
            _ => Some(Denial::PullRequest),
        },
        other => Some(Denial::Event(other.to_owned())),
    }
}

/// Buildkite. It names both repositories of a pull request by addresses, whose spellings differ even
/// where the repositories do not.
pub(super) fn on_buildkite(ci: &Ci<'_>) -> Option<Denial> {
    match (
        ci.text("BUILDKITE_SOURCE"),
        ci.text("BUILDKITE_PULL_REQUEST"),
    ) {
        ("webhook" | "ui" | "schedule", "false") => None,
        ("webhook" | "ui" | "schedule", _) => Some(Denial::PullRequest),
        (other, _) => Some(Denial::Event(other.to_owned())),
    }
}
