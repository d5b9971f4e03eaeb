//! Having an image in another repository of its registry as well, without moving its bytes.
//!
//! Source: OCI distribution specification, "Mounting a blob from another repository".

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use super::authorization::Access;
use super::endpoint::Endpoint;
use super::transport::Request;
use super::{Client, Error, Manifest};
use crate::reference::{Digest, Repository};

/// What a manifest or an index names.
#[derive(Debug, Default, Deserialize)]
struct Parts {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    digest: Digest,
}

impl Parts {
    /// A manifest that was read has these parts; one whose digests are none has nothing to mount, and the registry
    /// refuses it for what it lacks.
    fn of(manifest: &Manifest) -> Self {
        serde_json::from_slice(manifest.bytes()).unwrap_or_default()
    }
}

impl Client {
    /// Makes all that the manifest or index `digest` of `from` names available in `to`, at the same registry: its
    /// blobs, and the manifests that an index lists.
    ///
    /// # Errors
    ///
    /// A registry that does not share blobs between repositories ([`Error::NotMounted`]); fp moves no layers.
    pub async fn mount(
        &self,
        from: &Repository,
        to: &Repository,
        digest: &Digest,
    ) -> Result<(), Error> {
        let manifest = self.manifest(from, digest).await?;
        let parts = Parts::of(&manifest);
        for image in &parts.manifests {
            let manifest = self.manifest(from, &image.digest).await?;
            self.mount_blobs(from, to, &Parts::of(&manifest)).await?;
            self.point(to, &image.digest, &manifest).await?;
        }
        self.mount_blobs(from, to, &parts).await
    }

    async fn mount_blobs(
        &self,
        from: &Repository,
        to: &Repository,
        parts: &Parts,
    ) -> Result<(), Error> {
        for blob in parts.config.iter().chain(&parts.layers) {
            let mount = async |endpoint: &Endpoint, deadline| {
                self.mount_blob(from, endpoint, &blob.digest, deadline)
                    .await
            };
            self.at(to, mount).await?;
        }
        Ok(())
    }

    async fn mount_blob(
        &self,
        from: &Repository,
        to: &Endpoint,
        blob: &Digest,
        deadline: Instant,
    ) -> Result<(), Error> {
        if self.has_blob(to, blob, deadline).await? {
            return Ok(());
        }
        let request = Request {
            method: Method::POST,
            url: to.mount(blob, from),
            headers: HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("0"))]),
            body: Some(Vec::new()),
        };
        // A registry that finds out that the other repository may not be read has the blob uploaded instead.
        let to = &to.reading(from);
        let access = Access::PullAndPush;
        let authorizer = &self.authorizer;
        let answer = authorizer
            .send(&self.transport, to, access, request, deadline)
            .await?;
        match answer.status {
            StatusCode::CREATED => Ok(()),
            // An upload was begun instead.
            StatusCode::ACCEPTED => Err(Error::NotMounted {
                request: answer.request(),
                from: from.to_string(),
            }),
            _ => Err(authorizer.refusal(to, access, &answer, deadline).await),
        }
    }

    /// Whether the repository has a blob. One that does not exist yet may answer with a denial, which is as good
    /// as no: the mount that follows tells more.
    async fn has_blob(
        &self,
        endpoint: &Endpoint,
        blob: &Digest,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let request = Request::new(Method::HEAD, endpoint.blob(blob), HeaderMap::new());
        let access = Access::Pull;
        let answer = self
            .authorizer
            .send(&self.transport, endpoint, access, request, deadline)
            .await?;
        Ok(answer.status == StatusCode::OK)
    }
}
