use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Denial, Publishing, Stay, default_branch, is_proposal, publishing};
use crate::config::Push;
use crate::environment::Environment;

/// An event as a CI system describes it: a file of tests/events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    /// Why nothing is published; empty if something is.
    denial: String,
    /// The branch for which aliases are moved, or why they stay; left out where it is that nothing is published.
    aliases: Option<String>,
    environment: BTreeMap<String, String>,
    payload: Option<String>,
}

#[test]
fn every_recorded_event_publishes_or_does_not() {
    // Where cargo runs tests, which need not be where it built them.
    let folder = Path::new("tests/events");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let recorded: Recorded = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let variables = recorded.environment.iter();
        let environment: Environment = variables
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let payload = recorded.payload.as_deref();
        let decided = match publishing(Push::Auto, false, &environment, payload) {
            Publishing::Allowed { must } => {
                assert!(must, "{}: it is taken for a laptop", path.display());
                String::new()
            }
            Publishing::Denied(denial) => denial.to_string(),
        };
        assert_eq!(decided, recorded.denial, "{}", path.display());
        let name = path.file_stem().unwrap().to_string_lossy();
        let is_merge = ["pull-request", "merge-request", "merge-group"]
            .iter()
            .any(|word| name.contains(word));
        let expected = is_merge || !recorded.denial.is_empty();
        assert_eq!(is_proposal(&environment, payload), expected, "{name}");
        let aliases = match default_branch(false, &environment, payload) {
            Ok(branch) => format!("moved on {branch}"),
            Err(stay) => stay.to_string(),
        };
        let expected = recorded.aliases.unwrap_or(recorded.denial);
        assert_eq!(aliases, expected, "{}", path.display());
        count += 1;
    }
    assert!(count > 30, "only {count} events were found");
}

#[test]
fn laptops_publish_and_may_be_refused() {
    let environment = Environment::default();
    let decide = |push, no_push| publishing(push, no_push, &environment, None);
    assert!(!is_proposal(&environment, None));
    let must = Publishing::Allowed { must: true };
    assert_eq!(
        decide(Push::Auto, false),
        Publishing::Allowed { must: false }
    );
    assert_eq!(decide(Push::Always, false), must);
    let never = Publishing::Denied(Denial::Configured);
    assert_eq!(decide(Push::Never, false), never);
    assert_eq!(decide(Push::Always, true), Publishing::Denied(Denial::Flag));
}

#[test]
fn a_ci_system_inside_another_publishes_only_if_both_trust_their_events() {
    let decide = |source| {
        let environment: Environment = [
            ("BUILDKITE", "true"),
            ("BUILDKITE_SOURCE", "webhook"),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", source),
        ]
        .into_iter()
        .collect();
        publishing(Push::Auto, false, &environment, None)
    };
    assert_eq!(decide("push"), Publishing::Allowed { must: true });
    assert!(matches!(
        decide("trigger"),
        Publishing::Denied(Denial::Event(_))
    ));
}

#[test]
fn aliases_move_in_ci_only_and_on_one_branch() {
    let decide = |variables: &[(&str, &str)], no_push| {
        let environment: Environment = variables.iter().copied().collect();
        default_branch(no_push, &environment, None)
    };
    assert_eq!(decide(&[], false), Err(Stay::NoCi));
    let mut variables = vec![
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    assert_eq!(decide(&variables, false), Ok("main".to_owned()));
    assert_eq!(decide(&variables, true), Err(Denial::Flag.into()));
    variables.extend([
        ("BUILDKITE", "true"),
        ("BUILDKITE_SOURCE", "webhook"),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_BRANCH", "trunk"),
        ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "trunk"),
    ]);
    assert!(matches!(
        decide(&variables, false),
        Err(Stay::OtherBranch { .. })
    ));
}

/// The words come from a variable, and stand in lines that a terminal or a runner acts upon.
#[test]
fn an_event_cannot_steer_whoever_shows_it() {
    for denial in [
        Denial::Event("x\u{1b}[2J\n::add-mask::y".to_owned()),
        Denial::Actor("x\u{1b}[2J\n::add-mask::y".to_owned()),
    ] {
        let text = denial.to_string();
        assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    }
}
