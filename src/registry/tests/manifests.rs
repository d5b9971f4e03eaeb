//! Reading and writing manifests.

use super::{
    MANIFEST, MANIFEST_TYPE, Reply, ScriptedRegistry, client, digest, manifest_reply, refusal,
    repository, tag,
};
use crate::registry::{Content, Error, Manifest, PutOutcome};

async fn read(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Manifest, Error> {
    let registry = ScriptedRegistry::start(move |_| reply());
    client().manifest(&repository(&registry), &digest()).await
}

async fn write(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<PutOutcome, Error> {
    let registry = ScriptedRegistry::start(move |_| reply());
    let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
    client()
        .put_manifest(&repository(&registry), &tag(), &manifest)
        .await
}

#[tokio::test]
async fn a_manifest_is_read_as_it_is() {
    let manifest = read(manifest_reply).await.unwrap();
    assert_eq!(manifest.bytes(), MANIFEST.as_bytes());
    assert_eq!(manifest.media_type(), MANIFEST_TYPE);
    assert!(matches!(manifest.content(), Content::Image { .. }));
}

#[tokio::test]
async fn other_bytes_than_the_digests_are_refused() {
    let error = read(|| manifest_reply().body("{}")).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    let error = read(|| Reply::status(200).cut_short()).await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error:?}");
    let error = read(|| Reply::status(200).body(vec![0; 5 << 20]))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_manifest_is_an_error() {
    let error = read(|| refusal(404, "MANIFEST_UNKNOWN", "unknown"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("404 Not Found: MANIFEST_UNKNOWN: unknown"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_is_written_byte_for_byte() {
    let registry = ScriptedRegistry::start(|_| Reply::status(201));
    let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
    let outcome = client()
        .put_manifest(&repository(&registry), &tag(), &manifest)
        .await
        .unwrap();
    assert!(matches!(outcome, PutOutcome::Written));
    let request = &registry.requests()[0];
    assert_eq!(registry.request_lines(), ["PUT /v2/acme/app/manifests/v1"]);
    assert_eq!(request.header("content-type"), Some(MANIFEST_TYPE));
    assert_eq!(request.body, MANIFEST.as_bytes());
}

/// Some registries say neither where the manifest now is nor which digest it has, and some say 200.
#[tokio::test]
async fn what_a_registry_says_beside_the_status_of_a_write_does_not_matter() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::status(201),
        || Reply::status(200),
        || {
            Reply::status(201)
                .header("Location", "http://192.0.2.1/elsewhere")
                .header("DOCKER-content-DIGEST", "sha256:nonsense")
        },
    ];
    for reply in replies {
        let outcome = write(reply).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_tag_that_may_not_be_overwritten_is_an_outcome() {
    let replies: [fn() -> Reply; 7] = [
        || Reply::status(409),
        || refusal(409, "TAG_IMMUTABLE", "no"),
        || refusal(412, "PRECONDITION", "configured as immutable"),
        || refusal(400, "TAG_INVALID", "the image tag 'v1' already exists"),
        || {
            refusal(
                400,
                "MANIFEST_INVALID",
                "The repository has enabled tag immutability",
            )
        },
        || refusal(403, "DENIED", "The tag is immutable, cannot be overwritten"),
        || refusal(405, "UNSUPPORTED", "tag already exists"),
    ];
    for reply in replies {
        let outcome = write(reply).await;
        assert!(matches!(outcome, Ok(PutOutcome::Refused(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn other_refusals_of_a_write_are_errors() {
    let replies: [fn() -> Reply; 6] = [
        || refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown"),
        || refusal(404, "NAME_UNKNOWN", "no such repository"),
        || refusal(405, "UNSUPPORTED", "read only"),
        || Reply::status(202),
        || Reply::status(307).header("Location", "/elsewhere"),
        || Reply::status(500),
    ];
    for reply in replies {
        let error = write(reply).await.unwrap_err();
        assert!(matches!(error, Error::Status { .. }), "{error:?}");
    }
    let error = write(|| refusal(403, "DENIED", "not for you"))
        .await
        .unwrap_err();
    assert!(error.is_denied());
    assert!(!error.hint().unwrap().to_string().contains("--first-push"));
}
