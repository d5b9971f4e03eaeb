//! Having an image in another repository as well.

use super::{Error, Reply, ScriptedRegistry, client, repository};
use crate::reference::{Digest, Repository};

const CONFIG: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn manifest() -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"digest":"{CONFIG}"}},"layers":[{{"digest":"{CONFIG}"}}]}}"#
    )
}

/// What comes of a mount at a registry that has the manifest, answers a HEAD of a blob with the status `head`,
/// and a POST with `post`; and the requests about blobs.
async fn mount(head: u16, post: u16) -> (Result<(), Error>, Vec<String>) {
    let registry = ScriptedRegistry::start(move |request| match request.method.as_str() {
        "POST" => Reply::status(post),
        "HEAD" => Reply::status(head),
        _ => Reply::status(200).body(manifest()),
    });
    let other: Repository = format!("{}/acme/other", registry.host()).parse().unwrap();
    let digest = Digest::sha256_of(manifest().as_bytes());
    let mounted = client()
        .mount(&repository(&registry), &other, &digest)
        .await;
    let lines = registry.request_lines().into_iter();
    let of_blobs = lines.filter(|line| line.contains("/blobs/")).collect();
    (mounted, of_blobs)
}

#[tokio::test]
async fn what_is_there_is_left_alone_and_the_rest_is_mounted() {
    let (mounted, requests) = mount(200, 500).await;
    mounted.unwrap();
    let head = format!("HEAD /v2/acme/other/blobs/{CONFIG}");
    assert_eq!(requests, [head.as_str(); 2]);
    for status in [404, 403] {
        let (mounted, requests) = mount(status, 201).await;
        mounted.unwrap();
        let digest = CONFIG.replace(':', "%3A");
        let post = format!("POST /v2/acme/other/blobs/uploads/?mount={digest}&from=acme%2Fapp");
        assert_eq!(requests[1], post);
    }
}

/// Some registries have the blob uploaded instead.
#[tokio::test]
async fn a_registry_that_mounts_nothing_is_an_error() {
    let (mounted, _) = mount(404, 202).await;
    let error = mounted.unwrap_err();
    assert!(matches!(error, Error::NotMounted { .. }), "{error:?}");
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("own repository"), "{hint}");
    let (mounted, _) = mount(404, 401).await;
    assert!(mounted.unwrap_err().is_denied());
}
