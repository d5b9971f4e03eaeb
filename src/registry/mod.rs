//! The registry: whether a tag is there, and reading and writing manifests, over the HTTP interface
//! of the OCI distribution specification.
//!
//! It knows no engine and decides nothing: what a look-up's answer leads to is the plan's business,
//! and layers are moved by the engine. Everything here is told by its arguments, but for the CA store,
//! which the TLS library finds.

mod artifact;
mod auth_file;
mod authorization;
mod blobs;
mod certificates;
mod challenge;
mod configuration;
mod credentials;
mod endpoint;
mod error;
mod helper;
mod hint;
mod keychain;
mod look_up;
mod manifest;
mod mount;
mod patience;
mod proxies;
mod rate_limit;
mod referrers;
mod settings;
mod token;
mod transport;
mod words;

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::{Instant, sleep};

pub use artifact::{Artifact, Descriptor, ListProblem};
pub use authorization::Access;
pub use configuration::Configuration;
pub use credentials::Account;
pub use error::{ConnectionCause, Error, RequestLine};
pub use helper::HelperProblem;
pub use hint::Hint;
pub use look_up::Lookup;
pub use manifest::{Content, Manifest, ManifestProblem, NoPart};
pub use proxies::Proxies;
pub use rate_limit::RateLimit;
pub use settings::{InvalidTimeLimit, Retries, Settings, TimeLimits};
pub use words::Words;

use crate::reference::{Digest, Repository, Tag};
use authorization::Authorizer;
use endpoint::Endpoint;
use keychain::Keychain;
use manifest::MEDIA_TYPES;
use patience::{Pauses, Silent};
use transport::{Answer, Request, Transport};
use words::RegistryErrors;

/// Talks to registries. Every operation ends within [`TimeLimits::total`]; until then, one that
/// failed for a reason that may pass is tried again.
pub struct Client {
    transport: Transport,
    authorizer: Authorizer,
    retries: Retries,
    plain_http: BTreeSet<String>,
    /// The registries on this machine that turned out to speak TLS.
    over_tls: Mutex<HashSet<String>>,
    silent: Silent,
}

/// What came of writing a tag.
#[derive(Debug)]
pub enum PutOutcome {
    /// The registry took the manifest under the tag.
    Written,
    /// The registry failed to say whether it took it, and now has another one under the tag.
    Overtaken,
    /// The tag exists, and the registry does not let it be overwritten; the error is what it said.
    Refused(Error),
}

impl Client {
    /// Opens no connection and reads no file: that happens when an answer needs it.
    pub fn new(settings: Settings) -> Self {
        Client {
            authorizer: Authorizer::new(Keychain::new(
                settings.credential_files.clone(),
                settings.environment.clone(),
            )),
            retries: settings.retries,
            plain_http: settings.plain_http.clone(),
            transport: Transport::new(settings),
            over_tls: Mutex::default(),
            silent: Silent::default(),
        }
    }

    /// How long an operation may take, with all its tries.
    pub fn longest(&self) -> Duration {
        self.transport.limits().total
    }

    /// Tells which repositories will be asked about, so that one token can serve for all.
    pub fn expect<'a>(&self, repositories: impl IntoIterator<Item = &'a Repository>) {
        let endpoints = repositories
            .into_iter()
            .filter_map(|repository| Endpoint::of(repository, &self.plain_http).ok());
        endpoints.for_each(|endpoint| self.authorizer.expect(endpoint));
    }

    /// Whether a tag is there.
    pub async fn look_up(&self, repository: &Repository, tag: &Tag) -> Lookup {
        self.look_up_any(repository, tag).await
    }

    /// Whether the manifest is there that a digest names.
    pub async fn look_up_digest(&self, repository: &Repository, digest: &Digest) -> Lookup {
        self.look_up_any(repository, digest).await
    }

    async fn look_up_any(&self, repository: &Repository, tag: &impl Display) -> Lookup {
        let look_up = async |endpoint: &Endpoint, deadline| {
            look_up::look_up(self, endpoint, tag, deadline).await
        };
        match self.at(repository, look_up).await {
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
        let read = async |endpoint: &Endpoint, deadline| {
            self.read_manifest(endpoint, digest, deadline).await
        };
        self.at(repository, read).await
    }

    async fn read_manifest(
        &self,
        endpoint: &Endpoint,
        digest: &Digest,
        deadline: Instant,
    ) -> Result<Manifest, Error> {
        let answer = self.ask(Method::GET, endpoint, digest, deadline).await?;
        if answer.status != StatusCode::OK {
            let access = Access::Pull;
            return Err(self
                .authorizer
                .refusal(endpoint, access, &answer, deadline)
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
    ///
    /// A registry that failed may have written it all the same, and others may have written theirs
    /// since; so before it is written again, the tag has to be absent still.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: &Manifest,
    ) -> Result<PutOutcome, Error> {
        let was_tried = Cell::new(false);
        let write = async |endpoint: &Endpoint, deadline| {
            if was_tried.replace(true)
                && let Some(found) = look_up::look_up(self, endpoint, tag, deadline).await?
            {
                let is_ours = found.is_of(manifest.bytes());
                return Ok(match is_ours {
                    true => PutOutcome::Written,
                    false => PutOutcome::Overtaken,
                });
            }
            self.write_manifest(endpoint, tag, manifest, deadline).await
        };
        self.at(repository, write).await
    }

    /// Writes a manifest, byte for byte, under a tag that may stand for another one so far, or under its own
    /// digest. Whatever it names has to be in the repository.
    pub async fn point(
        &self,
        repository: &Repository,
        tag_or_digest: &impl Display,
        manifest: &Manifest,
    ) -> Result<PutOutcome, Error> {
        let write = async |endpoint: &Endpoint, deadline| {
            self.write_manifest(endpoint, tag_or_digest, manifest, deadline)
                .await
        };
        self.at(repository, write).await
    }

    async fn write_manifest(
        &self,
        endpoint: &Endpoint,
        tag: &impl Display,
        manifest: &Manifest,
        deadline: Instant,
    ) -> Result<PutOutcome, Error> {
        let access = Access::PullAndPush;
        let content_type = HeaderValue::from_str(manifest.media_type())
            .expect("the media types that a manifest may have are header values");
        let request = Request {
            method: Method::PUT,
            url: endpoint.manifest(tag),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: Some(manifest.bytes().to_owned()),
        };
        let answer = self
            .authorizer
            .send(&self.transport, endpoint, access, request, deadline)
            .await?;
        if matches!(answer.status, StatusCode::CREATED | StatusCode::OK) {
            return Ok(PutOutcome::Written);
        }
        let refusal = self
            .authorizer
            .refusal(endpoint, access, &answer, deadline)
            .await;
        match says_that_the_tag_exists(&answer) {
            true => Ok(PutOutcome::Refused(refusal)),
            false => Err(refusal),
        }
    }

    /// Does something at a repository, and does it again as long as it fails for a reason that may
    /// pass, there is time, and the registry does not ask for more patience than that. Of one that has just been
    /// silent all this time, nothing is asked twice: a run with many images would wait for each of them.
    async fn at<T>(
        &self,
        repository: &Repository,
        deed: impl AsyncFn(&Endpoint, Instant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let deadline = self.transport.deadline();
        let endpoint = Endpoint::of(repository, &self.plain_http)?;
        let mut pauses = Pauses::new(self.retries);
        loop {
            let error = match self.once(&endpoint, &deed, deadline).await {
                Err(error) if error.is_transient() => error,
                done => {
                    self.silent.forget(&endpoint);
                    return done;
                }
            };
            let is_silence = error.is_silence();
            let left = deadline.saturating_duration_since(Instant::now());
            let pause = pauses.next(error.retry_after(), left);
            match pause.filter(|_| !(is_silence && self.silent.has(&endpoint, self.longest()))) {
                Some(pause) => sleep(pause).await,
                None => {
                    if is_silence {
                        self.silent.note(&endpoint);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Does something at a repository.
    ///
    /// A registry on this machine is spoken to without TLS, unless it turns out to want it: then
    /// all is done once more with TLS, and whatever follows with TLS only. Its certificate is not
    /// checked, as docker does not do it either on loopback.
    async fn once<T>(
        &self,
        endpoint: &Endpoint,
        deed: &impl AsyncFn(&Endpoint, Instant) -> Result<T, Error>,
        deadline: Instant,
    ) -> Result<T, Error> {
        if !endpoint.is_unprotected() || !endpoint.is_loopback() {
            return deed(endpoint, deadline).await;
        }
        let over_tls = endpoint.clone().over_tls();
        if self.over_tls().contains(&endpoint.domain) {
            return deed(&over_tls, deadline).await;
        }
        let error = match deed(endpoint, deadline).await {
            Err(error) if error.may_be_tls() => error,
            done => return done,
        };
        match deed(&over_tls, deadline).await {
            // It does not speak TLS either.
            Err(Error::Connection { .. } | Error::TimedOut { .. }) => Err(error),
            done => {
                self.over_tls().insert(over_tls.domain);
                done
            }
        }
    }

    fn over_tls(&self) -> MutexGuard<'_, HashSet<String>> {
        // A set of names is whole whatever panicked elsewhere.
        self.over_tls.lock().unwrap_or_else(PoisonError::into_inner)
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
            || [
                "immutab",
                "already exist",
                "overwrit",
                "does not allow updating",
            ]
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
