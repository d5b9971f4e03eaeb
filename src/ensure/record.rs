//! Storing the record of an image that was just published.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::{Error, Event, Job, Tell, Warning, World};
use crate::environment::Environment;
use crate::registry::Manifest;
use crate::stored;

/// In which variables CI systems name the revision that they have checked out.
const REVISION_VARIABLES: [&str; 4] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILD_SOURCEVERSION",
    "BUILDKITE_COMMIT",
];

/// Stores the job's record with the image that it has just published, unless the configuration says not to. The image
/// is whole without it: what goes wrong is told, and is no failure.
pub(super) async fn store(
    job: &Job<'_>,
    world: &World<'_>,
    image: &Manifest,
    tell: &mut Tell<'_>,
) -> Result<(), Error> {
    if !job.image.publish_record {
        return Ok(());
    }
    tell(Event::Recording);
    let record = job.inputs.record(job.image, &job.upstreams);
    let revision = revision(world.environment).filter(|_| job.is_ci);
    let annotations = annotations(SystemTime::now(), revision);
    let repository = &job.repository;
    let stored = stored::store(world.registry, repository, image, &record, &annotations);
    if let Err(error) = world.unless_interrupted(stored).await? {
        tell(Event::Warning(Warning::RecordNotStored(&error)));
    }
    Ok(())
}

/// What is said of the storing: when it was, and from which revision, if a CI system tells that.
fn annotations(now: SystemTime, revision: Option<&str>) -> BTreeMap<String, String> {
    let created = humantime::format_rfc3339_seconds(now).to_string();
    let created = ("org.opencontainers.image.created", created);
    let revision =
        revision.map(|revision| ("org.opencontainers.image.revision", revision.to_owned()));
    let all = [created].into_iter().chain(revision);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The commit that a CI system names.
fn revision(environment: &Environment) -> Option<&str> {
    let mut values = REVISION_VARIABLES
        .iter()
        .filter_map(|name| environment.get(name)?.to_str());
    values.find(|value| {
        matches!(value.len(), 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{annotations, revision};
    use crate::environment::Environment;

    #[test]
    fn a_revision_is_a_commit_and_nothing_else() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let of = |variables: &[(&str, &str)]| -> Option<String> {
            let environment: Environment = variables.iter().copied().collect();
            revision(&environment).map(str::to_owned)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("GITHUB_SHA", commit)]).as_deref(), Some(commit));
        assert_eq!(of(&[("CI_COMMIT_SHA", commit)]).as_deref(), Some(commit));
        assert_eq!(of(&[("BUILDKITE_COMMIT", "HEAD")]), None);
        assert_eq!(of(&[("GITHUB_SHA", "x".repeat(40).as_str())]), None);
    }

    #[test]
    fn time_and_revision_are_what_is_said() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let said = annotations(now, Some("abc"));
        assert_eq!(
            said["org.opencontainers.image.created"],
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(said["org.opencontainers.image.revision"], "abc");
        assert_eq!(annotations(now, None).len(), 1);
    }
}
