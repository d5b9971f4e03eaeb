//! A registry that keeps what it is given, with or without the referrers API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::{Reply, Request, refusal};
use crate::reference::Digest;

#[derive(Clone)]
pub(super) struct Shelf {
    has_api: bool,
    blobs: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// By tag and by digest.
    manifests: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Shelf {
    pub(super) fn new(has_api: bool) -> Self {
        Shelf {
            has_api,
            blobs: Arc::default(),
            manifests: Arc::default(),
        }
    }

    pub(super) fn manifests(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.manifests.lock().unwrap()
    }

    pub(super) fn blobs(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.blobs.lock().unwrap()
    }

    pub(super) fn put(&self, tag: &str, manifest: &[u8]) {
        let digest = Digest::sha256_of(manifest).to_string();
        let mut manifests = self.manifests();
        manifests.insert(digest, manifest.to_owned());
        manifests.insert(tag.to_owned(), manifest.to_owned());
    }

    pub(super) fn answer(&self, request: &Request) -> Reply {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let name = path.rsplit('/').next().unwrap();
        let method = request.method.as_str();
        if path.contains("/blobs/uploads/") {
            return self.take_blob(method, query, &request.body);
        }
        if path.contains("/blobs/") {
            return match self.blobs().get(name) {
                Some(blob) => Reply::status(200).body(blob.clone()),
                None => refusal(404, "BLOB_UNKNOWN", "unknown"),
            };
        }
        if path.contains("/referrers/") {
            return match self.has_api {
                true => self.referrers(name),
                false => Reply::status(404).body("404 page not found"),
            };
        }
        match method {
            "PUT" => self.take_manifest(name, &request.body),
            _ => match self.manifests().get(name) {
                Some(manifest) => Reply::status(200)
                    .header("Content-Type", &media_type(manifest))
                    .header(
                        "Docker-Content-Digest",
                        &Digest::sha256_of(manifest).to_string(),
                    )
                    .body(manifest.clone()),
                None => refusal(404, "MANIFEST_UNKNOWN", "unknown"),
            },
        }
    }

    fn take_blob(&self, method: &str, query: &str, body: &[u8]) -> Reply {
        if method == "POST" {
            let place = "/v2/acme/app/blobs/uploads/1?_state=a%2Bb";
            return Reply::status(202).header("Location", place);
        }
        let digest = Digest::sha256_of(body).to_string();
        let expected = format!("_state=a%2Bb&digest={}", digest.replace(':', "%3A"));
        if query != expected {
            return refusal(400, "DIGEST_INVALID", query);
        }
        self.blobs().insert(digest, body.to_owned());
        Reply::status(201)
    }

    fn take_manifest(&self, name: &str, body: &[u8]) -> Reply {
        let manifest: Value = serde_json::from_slice(body).unwrap();
        let layers = manifest["layers"].as_array().into_iter().flatten();
        for part in layers.chain(manifest.get("config")) {
            if !self.blobs().contains_key(part["digest"].as_str().unwrap()) {
                return refusal(400, "MANIFEST_BLOB_UNKNOWN", "unknown");
            }
        }
        self.put(name, body);
        let reply = Reply::status(201);
        match manifest["subject"]["digest"].as_str() {
            Some(subject) if self.has_api => reply.header("OCI-Subject", subject),
            _ => reply,
        }
    }

    fn referrers(&self, subject: &str) -> Reply {
        let manifests = self.manifests();
        let by_digest = manifests.iter().filter(|(name, _)| name.contains(':'));
        let listed: Vec<_> = by_digest
            .filter_map(|(digest, bytes)| {
                let manifest: Value = serde_json::from_slice(bytes).ok()?;
                let refers = manifest["subject"]["digest"] == subject;
                let kind = &manifest["artifactType"];
                refers.then(|| json!({ "digest": digest, "artifactType": kind }))
            })
            .collect();
        let list = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed });
        Reply::status(200)
            .header("Content-Type", INDEX_TYPE)
            .body(list.to_string())
    }
}

pub(super) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

fn media_type(manifest: &[u8]) -> String {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    manifest["mediaType"].as_str().unwrap().to_owned()
}
