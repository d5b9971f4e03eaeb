//! The answers of well-known registries, in the shapes that their documentation, their sources or
//! public reports show. docs/REGISTRIES.md tells the same, and what is not known for sure.

use super::{MANIFEST, Reply, ScriptedRegistry, client, refusal, repository, tag};
use crate::registry::{Lookup, Manifest, PutOutcome};

/// What an answer has to be taken for.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Absent,
    Denied,
    /// Unknown, and no denial.
    Unclear,
}

async fn meaning(status: u16, body: &'static str) -> Meaning {
    let registry = ScriptedRegistry::start(move |request| {
        let reply = Reply::status(status).header("Content-Type", "application/json");
        match request.method.as_str() {
            "HEAD" => reply,
            _ => reply.body(body),
        }
    });
    match client().look_up(&repository(&registry), &tag()).await {
        Lookup::Absent => Meaning::Absent,
        Lookup::Unknown(error) if error.is_denied() => Meaning::Denied,
        Lookup::Unknown(_) => Meaning::Unclear,
        Lookup::Present { .. } => panic!("nothing here is present"),
    }
}

#[tokio::test]
async fn what_registries_say_of_a_tag_that_is_not_there() {
    for (registry, status, body, expected) in [
        (
            "Docker Hub, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"v1"}}]}"#,
            Meaning::Absent,
        ),
        (
            "Docker Hub, no such repository or none of ours",
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Class":"","Name":"acme/app","Action":"pull"}]}]}"#,
            Meaning::Denied,
        ),
        (
            "ghcr.io, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#,
            Meaning::Absent,
        ),
        (
            "ghcr.io, no such package for somebody who may make it",
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}"#,
            Meaning::Absent,
        ),
        (
            "ghcr.io, no such package or none of ours",
            403,
            r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#,
            Meaning::Denied,
        ),
        (
            "ECR, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Requested image not found"}]}"#,
            Meaning::Absent,
        ),
        (
            "ECR, no such repository",
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'app' does not exist in the registry with id '123456789012'"}]}"#,
            Meaning::Absent,
        ),
        (
            "ECR, a token that has expired",
            403,
            r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#,
            Meaning::Denied,
        ),
        (
            "GAR, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Failed to fetch \"v1\""}]}"#,
            Meaning::Absent,
        ),
        (
            "GAR, no such repository",
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"Repository \"app\" not found"}]}"#,
            Meaning::Absent,
        ),
        (
            "GAR, no permission",
            403,
            r#"{"errors":[{"code":"DENIED","message":"Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"projects/p/locations/l/repositories/r\" (or it may not exist)"}]}"#,
            Meaning::Denied,
        ),
        (
            "Harbor, no such tag or repository",
            404,
            r#"{"errors":[{"code":"NOT_FOUND","message":"artifact library/app:v1 not found"}]}"#,
            Meaning::Absent,
        ),
        (
            "Harbor, no such project or none of ours",
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to access repository: acme/app, action: pull: unauthorized to access repository: acme/app, action: pull"}]}"#,
            Meaning::Denied,
        ),
        (
            "Artifactory, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"The named manifest is not known to the registry.","detail":{"manifest":"app/v1/manifest.json"}}]}"#,
            Meaning::Absent,
        ),
        (
            "Artifactory, in the words of its own interface",
            404,
            r#"{"errors":[{"status":404,"message":"File not found."}]}"#,
            Meaning::Unclear,
        ),
        (
            "Quay, no such tag",
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","detail":{},"message":"manifest unknown"}]}"#,
            Meaning::Absent,
        ),
        (
            "Quay, a tag that has been deleted or has expired",
            404,
            r#"{"errors":[{"code":"TAG_EXPIRED","detail":{},"message":"Tag v1 was deleted or has expired. To pull, revive via time machine"}]}"#,
            Meaning::Absent,
        ),
        (
            "Quay, no such repository or none of ours",
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"access to the requested resource is not authorized"}]}"#,
            Meaning::Denied,
        ),
    ] {
        assert_eq!(meaning(status, body).await, expected, "{registry}");
    }
}

#[tokio::test]
async fn what_registries_say_of_a_tag_that_may_not_be_overwritten() {
    for (registry, status, code, message) in [
        (
            "ECR",
            400,
            "TAG_INVALID",
            "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the repository is immutable.",
        ),
        (
            "Harbor",
            412,
            "PRECONDITION",
            "Failed to process request due to 'app:v1' configured as immutable.",
        ),
        (
            "GAR",
            400,
            "MANIFEST_INVALID",
            "cannot update tag v1. The repository has enabled tag immutability",
        ),
        (
            "Nexus",
            400,
            "UNKNOWN",
            "Repository does not allow updating assets: docker-hosted",
        ),
    ] {
        let scripted = ScriptedRegistry::start(move |_| refusal(status, code, message));
        let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
        let outcome = client()
            .put_manifest(&repository(&scripted), &tag(), &manifest)
            .await;
        assert!(
            matches!(outcome, Ok(PutOutcome::Refused(_))),
            "{registry}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn docker_hub_says_how_much_may_be_pulled() {
    let registry = ScriptedRegistry::start(|_| {
        refusal(
            429,
            "TOOMANYREQUESTS",
            "You have reached your unauthenticated pull rate limit.",
        )
        .header("ratelimit-limit", "100;w=21600")
        .header("ratelimit-remaining", "0;w=21600")
        .header("docker-ratelimit-source", "192.0.2.1")
    });
    let lookup = client().look_up(&repository(&registry), &tag()).await;
    let error = super::unknown(lookup).to_string();
    assert!(
        error.ends_with(" (100 requests in 6 h are allowed, 0 are left)"),
        "{error}"
    );
}
