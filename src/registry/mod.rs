//! The registry: whether a tag is there, and reading and writing manifests, over the HTTP interface
//! of the OCI distribution specification.
//!
//! It knows no engine and decides nothing: what a look-up's answer leads to is the plan's business,
//! and layers are moved by the engine. Everything here is told by its arguments, but for the proxy
//! variables and the CA store, which the HTTP and TLS libraries read.

mod authorization;
mod challenge;
mod credentials;
mod endpoint;
mod error;
mod look_up;
mod manifest;
mod transport;
mod words;

use std::fmt::Display;
use std::path::PathBuf;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

pub use authorization::Access;
pub use credentials::{Account, docker_config_folder};
pub use error::{ConnectionCause, Error, Hint, RequestLine};
pub use look_up::Lookup;
pub use manifest::{Content, Manifest, ManifestProblem};
pub use transport::TimeLimits;
pub use words::Words;

use crate::reference::{Digest, Repository, Tag};
use authorization::Authorizer;
use endpoint::Endpoint;
use manifest::MEDIA_TYPES;
use transport::{Answer, Request, Transport};
use words::RegistryErrors;

/// What a [`Client`] is told about the machine it runs on.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The folder of docker's config.json, see [`docker_config_folder`].
    pub docker_config: Option<PathBuf>,
    pub time_limits: TimeLimits,
}

/// Talks to registries. Every operation ends within [`TimeLimits::total`], and tries nothing twice.
pub struct Client {
    transport: Transport,
    authorizer: Authorizer,
}

/// What came of writing a tag.
#[derive(Debug)]
pub enum PutOutcome {
    /// The registry took the manifest under the tag.
    Written,
    /// The tag exists, and the registry does not let it be overwritten; the error is what it said.
    Refused(Error),
}

impl Client {
    /// Opens no connection and reads no file: that happens when an answer needs it.
    pub fn new(settings: Settings) -> Self {
        Client {
            transport: Transport::new(settings.time_limits),
            authorizer: Authorizer::new(settings.docker_config),
        }
    }

    /// Whether a tag is there.
    pub async fn look_up(&self, repository: &Repository, tag: &Tag) -> Lookup {
        match look_up::look_up(self, repository, tag).await {
            Ok(Some(digest)) => Lookup::Present { digest },
            Ok(None) => Lookup::Absent,
            Err(error) => Lookup::Unknown(error),
        }
    }

    /// Reads the manifest or index that a digest names.
    pub async fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Manifest, Error> {
        let endpoint = Endpoint::of(repository)?;
        let deadline = self.transport.deadline();
        let answer = self.ask(Method::GET, &endpoint, digest, deadline).await?;
        if answer.status != StatusCode::OK {
            return Err(self
                .authorizer
                .refusal(&endpoint, Access::Pull, &answer)
                .await);
        }
        if !digest.is_of(&answer.body) {
            let (expected, found) = (digest.clone(), Digest::sha256_of(&answer.body));
            return Err(Error::DigestMismatch {
                request: answer.request(),
                expected,
                found,
            });
        }
        manifest_of(answer)
    }

    /// Writes a manifest, byte for byte, under a tag. Whatever it names has to be in the
    /// repository.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: &Manifest,
    ) -> Result<PutOutcome, Error> {
        let endpoint = Endpoint::of(repository)?;
        let content_type = HeaderValue::from_str(manifest.media_type())
            .expect("the media types that a manifest may have are header values");
        let request = Request {
            method: Method::PUT,
            url: endpoint.manifest(tag),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: Some(manifest.bytes().to_owned()),
        };
        let deadline = self.transport.deadline();
        let answer = self
            .authorizer
            .send(
                &self.transport,
                &endpoint,
                Access::PullAndPush,
                request,
                deadline,
            )
            .await?;
        if matches!(answer.status, StatusCode::CREATED | StatusCode::OK) {
            return Ok(PutOutcome::Written);
        }
        let access = Access::PullAndPush;
        let refusal = self.authorizer.refusal(&endpoint, access, &answer).await;
        match says_that_the_tag_exists(&answer) {
            true => Ok(PutOutcome::Refused(refusal)),
            false => Err(refusal),
        }
    }

    /// Asks for the manifest that a tag or digest names.
    async fn ask(
        &self,
        method: Method,
        endpoint: &Endpoint,
        tag_or_digest: &impl Display,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let accept = HeaderValue::try_from(MEDIA_TYPES.join(", "))
            .expect("the media types that a manifest may have are header values");
        let headers = HeaderMap::from_iter([(ACCEPT, accept)]);
        let request = Request::new(method, endpoint.manifest(tag_or_digest), headers);
        self.authorizer
            .send(&self.transport, endpoint, Access::Pull, request, deadline)
            .await
    }

    /// Asks for `/v2/`, without credentials: that it asks for them is part of the answer.
    async fn ping(&self, endpoint: &Endpoint, deadline: Instant) -> Result<Answer, Error> {
        let request = Request::new(Method::GET, endpoint.root.clone(), HeaderMap::new());
        self.transport.send(request, deadline).await
    }
}

/// Reads the manifest in an answer.
fn manifest_of(answer: Answer) -> Result<Manifest, Error> {
    let request = answer.request();
    let content_type = answer.header("content-type").map(str::to_owned);
    Manifest::parse(content_type.as_deref(), answer.body)
        .map_err(|cause| Error::Manifest { request, cause })
}

/// How registries refuse to overwrite a tag: 409 (the specification leaves it open), 412 (Harbor),
/// or 400, 403 or 405 with a code or message that says so (`TAG_INVALID` with ECR).
fn says_that_the_tag_exists(answer: &Answer) -> bool {
    let said = |code: &str, message: &str| {
        let message = message.to_ascii_lowercase();
        code == "TAG_INVALID"
            || code == "TAG_ALREADY_EXISTS"
            || ["immutab", "already exist", "overwrit"]
                .iter()
                .any(|word| message.contains(word))
    };
    match answer.status {
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => true,
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {
            RegistryErrors::parse(&answer.body).is_some_and(|errors| errors.any(said))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
