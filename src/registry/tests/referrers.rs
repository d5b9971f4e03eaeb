//! Attaching to an image and listing what is attached, with registries that have rules, moods and gaps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::shelf::{INDEX_TYPE, Shelf};
use super::{
    MANIFEST, Reply, Request, ScriptedRegistry, client, digest, refusal, repository, settings,
};
use crate::reference::Digest;
use crate::registry::{Artifact, Client, Error, Manifest, Settings};

const KIND: &str = "application/vnd.example.v1";

async fn attach(client: &Client, registry: &ScriptedRegistry, text: &str) -> Result<(), Error> {
    let subject = Manifest::parse(None, MANIFEST.into()).unwrap();
    let artifact = Artifact {
        kind: KIND,
        title: "text",
        content: text.as_bytes(),
        annotations: &BTreeMap::new(),
    };
    let repository = repository(registry);
    client.store_content(&repository, artifact.content).await?;
    client.attach(&repository, &subject, &artifact).await
}

async fn attached(registry: &ScriptedRegistry) -> Result<Vec<Digest>, Error> {
    let repository = repository(registry);
    client().attached(&repository, &digest(), KIND).await
}

/// The texts that are attached, as somebody reads them who comes later.
async fn texts(registry: &ScriptedRegistry) -> Vec<String> {
    let (client, repository) = (client(), repository(registry));
    let mut texts = Vec::new();
    for artifact in attached(registry).await.unwrap() {
        let content = client.content_of(&repository, &artifact, KIND).await;
        let content = content.unwrap().expect("a text");
        let text = client.blob(&repository, &content.digest).await.unwrap();
        texts.push(String::from_utf8(text).unwrap());
    }
    texts
}

/// A registry that does as `rule` says, and as usual where that says nothing.
fn registry(
    shelf: &Shelf,
    rule: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> ScriptedRegistry {
    let shelf = shelf.clone();
    ScriptedRegistry::start(move |request| rule(request).unwrap_or_else(|| shelf.answer(request)))
}

fn list_tag() -> String {
    digest().to_string().replace(':', "-")
}

fn is_put_of_the_list(request: &Request) -> bool {
    request.method == "PUT" && request.target.ends_with(&list_tag())
}

fn list(kinds: &[&str]) -> String {
    let entry = |kind: &&str| {
        let digest = Digest::sha256_of(kind.as_bytes()).to_string();
        json!({ "artifactType": kind, "digest": digest, "x": 1 })
    };
    let entries: Vec<_> = kinds.iter().map(entry).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries }).to_string()
}

#[tokio::test]
async fn what_is_attached_is_listed_with_and_without_the_api() {
    for (has_api, requests) in [(true, 7), (false, 10)] {
        let shelf = Shelf::new(has_api);
        let registry = registry(&shelf, |_| None);
        attach(&client(), &registry, "one").await.unwrap();
        assert_eq!(registry.requests().len(), requests);
        // The empty configuration is there already.
        attach(&client(), &registry, "two").await.unwrap();
        let mut texts = texts(&registry).await;
        texts.sort();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(shelf.manifests().contains_key(&list_tag()), !has_api);
    }
}

#[tokio::test]
async fn what_is_listed_already_is_not_listed_again() {
    let registry = registry(&Shelf::new(false), |_| None);
    attach(&client(), &registry, "one").await.unwrap();
    attach(&client(), &registry, "one").await.unwrap();
    let requests = registry.requests();
    let written = requests
        .iter()
        .filter(|request| is_put_of_the_list(request));
    assert_eq!(written.count(), 1);
    assert_eq!(texts(&registry).await, ["one"]);
}

#[tokio::test]
async fn a_list_that_somebody_else_writes_at_the_same_time_is_written_again() {
    // What is written the last time counts as well, if it stays.
    for times in [2, 5] {
        let shelf = Shelf::new(false);
        let theirs = list(&["theirs"]);
        let races = AtomicUsize::new(0);
        let registry = registry(&shelf.clone(), move |request| {
            let is_race =
                is_put_of_the_list(request) && races.fetch_add(1, Ordering::SeqCst) < times;
            is_race.then(|| {
                shelf.put(&list_tag(), theirs.as_bytes());
                Reply::status(201)
            })
        });
        attach(&client(), &registry, "one").await.unwrap();
        assert_eq!(texts(&registry).await, ["one"]);
        let repository = repository(&registry);
        let theirs = client().attached(&repository, &digest(), "theirs").await;
        assert_eq!(theirs.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_list_that_never_keeps_its_entry_is_given_up() {
    let registry = registry(&Shelf::new(false), |request| {
        is_put_of_the_list(request).then(|| Reply::status(201))
    });
    let error = attach(&client(), &registry, "one").await.unwrap_err();
    assert!(matches!(error, Error::List { .. }), "{error:?}");
}

/// A list that is begun on doubt would take the place of another.
#[tokio::test]
async fn a_list_is_begun_only_where_there_is_none() {
    let doubts: [fn() -> Reply; 5] = [
        || refusal(403, "DENIED", "no"),
        || Reply::status(500),
        || Reply::status(404).body("<html>"),
        || Reply::status(200).body("ok"),
        || Reply::Reset,
    ];
    for doubt in doubts {
        let registry = registry(&Shelf::new(false), move |request| {
            let is_look = request.method != "PUT" && request.target.ends_with(&list_tag());
            is_look.then(doubt)
        });
        attach(&client(), &registry, "one").await.unwrap_err();
        assert!(!registry.requests().iter().any(is_put_of_the_list));
        attached(&registry).await.unwrap_err();
    }
}

#[tokio::test]
async fn what_lies_under_the_lists_tag_and_is_no_list_is_left_alone() {
    let shelf = Shelf::new(false);
    shelf.put(&list_tag(), MANIFEST.as_bytes());
    let registry = registry(&shelf, |_| None);
    let error = attach(&client(), &registry, "one").await.unwrap_err();
    assert!(matches!(error, Error::List { .. }), "{error:?}");
    assert!(!registry.requests().iter().any(is_put_of_the_list));
}

#[tokio::test]
async fn no_other_answer_of_the_api_than_no_is_taken_for_no() {
    let replies: [fn() -> Reply; 6] = [
        || Reply::status(404).body("<html>not found</html>"),
        || refusal(401, "UNAUTHORIZED", "no"),
        || refusal(403, "DENIED", "no"),
        || Reply::status(500),
        || Reply::status(200).body("<html>welcome</html>"),
        || Reply::status(200).body(r#"{"manifests": {}}"#),
    ];
    for reply in replies {
        let registry = registry(&Shelf::new(false), move |request| {
            request.target.contains("/referrers/").then(reply)
        });
        attached(&registry).await.unwrap_err();
        assert_eq!(registry.requests().len(), 1);
    }
    for status in [400, 404, 405, 406] {
        let registry = registry(&Shelf::new(false), move |request| {
            let is_list = request.target.contains("/referrers/");
            is_list.then(|| Reply::status(status))
        });
        assert_eq!(attached(&registry).await.unwrap(), []);
    }
}

/// A registry whose list has a page for each number that `next` leads to, from 0 on.
fn paged(next: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> ScriptedRegistry {
    ScriptedRegistry::start(move |request| {
        let (_, number) = request.target.split_once("page=").unwrap_or(("", "0"));
        let reply = Reply::status(200).header("Content-Type", INDEX_TYPE);
        let reply = reply.body(list(&["other", KIND]));
        match next(number.parse().unwrap()) {
            Some(link) => reply.header("Link", &link),
            None => reply,
        }
    })
}

#[tokio::test]
async fn all_pages_are_read() {
    let registry = paged(|page| {
        let next = page + 1;
        let link = format!("</v2/x>; rel=prev, <?page={next}>; title=y; rel=\"next\"");
        (page < 4).then_some(link)
    });
    assert_eq!(attached(&registry).await.unwrap().len(), 5);
    let first = format!(
        "GET /v2/acme/app/referrers/{}?artifactType=application%2Fvnd.example.v1",
        digest()
    );
    assert_eq!(registry.request_lines()[0], first);
}

#[tokio::test]
async fn pages_that_do_not_end_or_lead_elsewhere_are_no_answer() {
    let link = |page: usize| format!("<?page={page}>; rel=\"next\"");
    for (registry, requests) in [
        (paged(move |page| Some(link(page + 1))), 32),
        (paged(move |_| Some(link(1))), 2),
        (
            paged(|_| Some("<http://192.0.2.1/v2/>; rel=next".to_owned())),
            1,
        ),
    ] {
        attached(&registry).await.unwrap_err();
        assert_eq!(registry.requests().len(), requests);
    }
}

#[tokio::test]
async fn an_upload_may_lack_its_address_if_it_has_a_name() {
    let answers: [(&str, &str, bool); 5] = [
        ("Docker-Upload-UUID", "0-a_b", true),
        ("Docker-Upload-UUID", "../../evil", false),
        ("X-Nothing", "", false),
        ("Location", "http://192.0.2.1/upload", false),
        ("Location", "https://[", false),
    ];
    for (name, value, is_enough) in answers {
        let registry = registry(&Shelf::new(true), move |request| {
            let is_begin = request.method == "POST";
            let is_named = request.target.contains("/uploads/0-a_b?digest=");
            match (is_begin, is_named) {
                (true, _) => Some(Reply::status(202).header(name, value)),
                (_, true) => Some(Reply::status(201)),
                _ => None,
            }
        });
        let error = attach(&client(), &registry, "one").await.unwrap_err();
        // This registry keeps no such blob, and says so when it gets the manifest.
        let is_uploaded = error.to_string().contains("MANIFEST_BLOB_UNKNOWN");
        assert_eq!(is_uploaded, is_enough, "{value}: {error}");
    }
}

/// The place of an upload is on another server, which must not get the password.
#[tokio::test]
async fn an_upload_to_another_server_goes_without_credentials() {
    let shelf = Shelf::new(true);
    let elsewhere = Arc::new(registry(&shelf, |request| {
        let is_own = request
            .target
            .starts_with("/upload?signature=s&digest=sha256%3A");
        is_own.then(|| Reply::status(201))
    }));
    // Both blobs are uploaded; here they are put where the manifest needs them.
    for blob in ["{}", "one"] {
        let digest = Digest::sha256_of(blob.as_bytes()).to_string();
        shelf.blobs().insert(digest, blob.into());
    }
    let place = format!("http://user@{}/upload?signature=s#x", elsewhere.host());
    let registry = registry(&shelf, move |request| {
        if request.header("authorization").is_none() {
            let challenge = "Basic realm=\"x\"";
            return Some(Reply::status(401).header("WWW-Authenticate", challenge));
        }
        match request.method.as_str() {
            "HEAD" => Some(Reply::status(404)),
            "POST" => Some(Reply::status(202).header("Location", &place)),
            _ => None,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let auth = r#"{"auth": "dXNlcjpodW50ZXIy"}"#;
    let config = format!(
        r#"{{"auths": {{"{}": {auth}, "{}": {auth}}}}}"#,
        registry.host(),
        elsewhere.host()
    );
    std::fs::write(&file, config).unwrap();
    let client = Client::new(Settings {
        credential_files: vec![file],
        ..settings()
    });
    attach(&client, &registry, "one").await.unwrap();
    let uploads = elsewhere.requests();
    assert_eq!(uploads.len(), 2);
    for upload in uploads {
        assert_eq!(upload.header("authorization"), None);
        assert_eq!(upload.method, "PUT");
    }
}

#[tokio::test]
async fn a_blob_is_held_against_its_digest() {
    let registry = ScriptedRegistry::start(|_| Reply::status(200).body("other"));
    let blob = client().blob(&repository(&registry), &digest()).await;
    let error = blob.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
}
