//! The operations by which a record is stored with an image and read again.

use std::collections::BTreeMap;

use super::super::{
    Request, ScriptedRegistry, client as sound_client, repository as repository_of,
};
use super::{MANIFEST, Outcome, Place, Shelf, digest};
use crate::reference::{Digest, Repository};
use crate::registry::{Artifact, Client, Manifest};

const KIND: &str = "application/vnd.fp.record.v1";
const RECORD: &[u8] = b"fp-record\t1\n";

/// The manifest of something that is attached to the image.
fn attached() -> String {
    let subject = digest();
    format!(r#"{{"artifactType":"{KIND}","subject":{{"digest":"{subject}"}}}}"#)
}

/// Which of the requests this is by which a record is stored.
pub(super) fn place(request: &Request) -> Place {
    let target = &request.target;
    let is_blob = target.contains("/blobs/");
    let is_artifact = request.method == "PUT" && target.contains("sha256:");
    match request.method.as_str() {
        "POST" => "POST",
        "HEAD" if is_blob => "HEAD blob",
        "PUT" if is_blob => "PUT blob",
        "PUT" if is_artifact => "PUT manifest",
        "PUT" => "PUT list",
        _ => "GET list",
    }
}

/// Puts the record where a list would lead to.
pub(super) fn put_record(shelf: &Shelf) {
    let digest = Digest::sha256_of(RECORD).to_string();
    shelf.blobs().insert(digest, RECORD.to_owned());
}

/// Puts something there that is attached to the image.
pub(super) fn put_artifact(shelf: &Shelf) {
    shelf.put("attached", attached().as_bytes());
}

pub(super) async fn list(client: &Client, repository: &Repository) -> Outcome {
    let own = Digest::sha256_of(attached().as_bytes());
    match client.attached(repository, &digest(), KIND).await {
        Ok(listed) => {
            assert_eq!(listed, [own]);
            Outcome::Right
        }
        Err(_) => Outcome::None,
    }
}

pub(super) async fn read(client: &Client, repository: &Repository) -> Outcome {
    let blob = client.blob(repository, &Digest::sha256_of(RECORD)).await;
    match blob {
        Ok(blob) => {
            assert_eq!(blob, RECORD);
            Outcome::Right
        }
        Err(_) => Outcome::None,
    }
}

/// Attaches a record. Whoever is told that it was attached finds it.
pub(super) async fn attach(client: &Client, repository: &Repository, shelf: &Shelf) -> Outcome {
    let subject = Manifest::parse(None, MANIFEST.into()).unwrap();
    let artifact = Artifact {
        kind: KIND,
        title: "record",
        content: RECORD,
        annotations: &BTreeMap::new(),
    };
    let attach = async || {
        client.store_content(repository, RECORD).await?;
        client.attach(repository, &subject, &artifact).await
    };
    if attach().await.is_err() {
        return Outcome::None;
    }
    let shelf = shelf.clone();
    let sound = ScriptedRegistry::start(move |request| shelf.answer(request));
    let (client, repository) = (sound_client(), repository_of(&sound));
    let listed = client.attached(&repository, &digest(), KIND).await.unwrap();
    let [artifact] = listed.as_slice() else {
        panic!("{listed:?}")
    };
    let content = client.content_of(&repository, artifact, KIND).await;
    let content = content.unwrap().expect("a record");
    let record = client.blob(&repository, &content.digest).await.unwrap();
    assert_eq!(record, RECORD);
    Outcome::Right
}
