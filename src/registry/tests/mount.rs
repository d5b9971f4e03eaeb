//! Having an image in another repository as well.

use super::{Error, Reply, Request, ScriptedRegistry, client, repository};
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

/// A registry whose challenges name one repository only, and that takes a mount for an upload if the token is not good
/// for the other one as well. A token is the list of the scopes that it was asked for.
fn token_registry(named: fn(&str) -> String) -> ScriptedRegistry {
    ScriptedRegistry::start(move |request| {
        if request.target.starts_with("/token") {
            let token = scopes(request).join(" ");
            return Reply::status(200).body(format!(r#"{{"token": "{token}"}}"#));
        }
        let granted = request.header("authorization").unwrap_or_default();
        let path = request.target.strip_prefix("/v2/").unwrap();
        let name = path.split("/blobs/").next().unwrap();
        let name = name.split("/manifests/").next().unwrap();
        let actions = match request.method.as_str() {
            "GET" | "HEAD" => "pull",
            _ => "pull,push",
        };
        let wanted = format!("repository:{name}:{actions}");
        if !granted.contains(&wanted) {
            let realm = format!("http://{}/token", request.header("host").unwrap());
            let challenge = format!(r#"Bearer realm="{realm}",scope="{}""#, named(&wanted));
            return Reply::status(401).header("WWW-Authenticate", &challenge);
        }
        match request.method.as_str() {
            "POST" if granted.contains("repository:acme/app:pull") => Reply::status(201),
            "POST" => Reply::status(202),
            "HEAD" => Reply::status(404),
            _ => Reply::status(200).body(manifest()),
        }
    })
}

fn scopes(request: &Request) -> Vec<String> {
    let url = reqwest::Url::parse(&format!("http://x{}", request.target)).unwrap();
    let scopes = url.query_pairs().filter(|(key, _)| key == "scope");
    scopes.map(|(_, scope)| scope.into_owned()).collect()
}

/// Whether or not the registry's challenge names both, each once.
#[tokio::test]
async fn a_token_for_a_mount_is_good_for_both_repositories() {
    let both: fn(&str) -> String = |own| format!("{own} repository:acme/app:pull");
    for named in [both, |own| own.to_owned(), |_| String::new()] {
        let registry = token_registry(named);
        let other: Repository = format!("{}/acme/other", registry.host()).parse().unwrap();
        let digest = Digest::sha256_of(manifest().as_bytes());
        let (client, from) = (client(), repository(&registry));
        client.mount(&from, &other, &digest).await.unwrap();
        let requests = registry.requests();
        let tokens = requests.iter().filter(|r| r.target.starts_with("/token"));
        let asked = tokens.map(scopes).next_back().unwrap();
        let pull = "repository:acme/app:pull".to_owned();
        assert_eq!(asked, ["repository:acme/other:pull,push".to_owned(), pull]);
    }
}
