//! Whether a tag is there: present, absent, or unknown.
//!
//! "Could not tell" is never "absent", because absent starts a build and a push. So absence has to
//! be said by a registry: by the error codes of its 404, or by an empty 404 from a host whose
//! `/v2/` shows that it is one. Whatever else comes back is unknown, with its reason.

use std::fmt::Display;

use reqwest::{Method, StatusCode};
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::authorization::Access;
use super::blobs::checked;
use super::challenge::Challenge;
use super::endpoint::Endpoint;
use super::error::Error;
use super::transport::{Answer, origin};
use super::words::{RegistryErrors, Words};
use super::{Client, manifest_of};
use crate::reference::Digest;

/// What a registry says about a tag.
#[derive(Debug)]
pub enum Lookup {
    /// The tag names the manifest with this digest.
    Present { digest: Digest },
    /// The registry itself said that the tag, or its whole repository, does not exist.
    Absent,
    /// Neither was said, and this is why: the tag may exist or not.
    Unknown(Error),
}

const DIGEST_HEADER: &str = "docker-content-digest";
const VERSION_HEADER: &str = "docker-distribution-api-version";

/// Some is present, None absent. A digest is looked up as a tag is.
pub(super) async fn look_up(
    client: &Client,
    endpoint: &Endpoint,
    tag: &impl Display,
    deadline: Instant,
) -> Result<Option<Digest>, Error> {
    let answer = client.ask(Method::HEAD, endpoint, tag, deadline).await?;
    match answer.status {
        StatusCode::OK if answer.headers.contains_key(DIGEST_HEADER) => digest_header(&answer),
        // Without a digest it has to be computed. A refusal of HEAD has no body, and only the body
        // tells an absent tag from a wrong address, or why access was denied.
        StatusCode::OK
        | StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND => {
            let answer = client.ask(Method::GET, endpoint, tag, deadline).await?;
            judge(client, endpoint, answer, deadline).await
        }
        _ => Err(client
            .authorizer
            .refusal(endpoint, Access::Pull, &answer, deadline)
            .await),
    }
}

/// Reads the manifest that a tag names, whatever it is; `None` if the tag is absent.
pub(super) async fn read(
    client: &Client,
    endpoint: &Endpoint,
    tag: &impl Display,
    deadline: Instant,
) -> Result<Option<Answer>, Error> {
    let answer = client.ask(Method::GET, endpoint, tag, deadline).await?;
    if answer.status != StatusCode::OK {
        return absent(client, endpoint, answer, deadline)
            .await
            .map(|()| None);
    }
    match digest_header(&answer)? {
        Some(digest) => checked(answer, &digest).map(Some),
        None => Ok(Some(answer)),
    }
}

async fn judge(
    client: &Client,
    endpoint: &Endpoint,
    answer: Answer,
    deadline: Instant,
) -> Result<Option<Digest>, Error> {
    match answer.status {
        StatusCode::OK => digest_of_body(answer).map(Some),
        _ => absent(client, endpoint, answer, deadline)
            .await
            .map(|()| None),
    }
}

/// Takes the answer of a registry that says that a tag is absent. Any other is an error.
async fn absent(
    client: &Client,
    endpoint: &Endpoint,
    answer: Answer,
    deadline: Instant,
) -> Result<(), Error> {
    match answer.status {
        StatusCode::NOT_FOUND => match RegistryErrors::parse(&answer.body) {
            Some(errors) if errors.all_codes(means_absent) => Ok(()),
            Some(_) => Err(client
                .authorizer
                .refusal(endpoint, Access::Pull, &answer, deadline)
                .await),
            None if is_bare(&answer, endpoint)
                && is_registry(client, endpoint, deadline).await? =>
            {
                Ok(())
            }
            None => {
                let words = Words::of(&answer.body);
                Err(Error::NotFoundByNoRegistry {
                    request: answer.request(),
                    words,
                })
            }
        },
        _ => Err(client
            .authorizer
            .refusal(endpoint, Access::Pull, &answer, deadline)
            .await),
    }
}

/// The codes of the distribution specification, the one of registries that have a single code for
/// whatever is not there, and Quay's for a tag that was deleted.
fn means_absent(code: &str) -> bool {
    matches!(
        code,
        "MANIFEST_UNKNOWN" | "NAME_UNKNOWN" | "NOT_FOUND" | "TAG_EXPIRED"
    )
}

/// Whether an answer has an empty body and comes from the registry's own address: what `/v2/` shows
/// is true of that address only.
fn is_bare(answer: &Answer, endpoint: &Endpoint) -> bool {
    answer.body.trim_ascii().is_empty() && origin(&answer.url) == origin(&endpoint.root)
}

/// Whether `/v2/` answers as a registry does: it names its version, asks for credentials, or says
/// yes with nothing or with JSON. A web page is none of these.
async fn is_registry(
    client: &Client,
    endpoint: &Endpoint,
    deadline: Instant,
) -> Result<bool, Error> {
    let answer = client.ping(endpoint, deadline).await?;
    let version = answer
        .header(VERSION_HEADER)
        .is_some_and(|v| v.starts_with("registry/2"));
    Ok(match answer.status {
        StatusCode::OK => version || is_empty_or_json(&answer.body),
        StatusCode::UNAUTHORIZED => version || has_challenge(&answer),
        _ => false,
    })
}

fn is_empty_or_json(body: &[u8]) -> bool {
    body.trim_ascii().is_empty() || serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn has_challenge(answer: &Answer) -> bool {
    let values = answer.headers.get_all("www-authenticate").iter();
    Challenge::choose(values.filter_map(|value| value.to_str().ok())).is_some()
}

fn digest_header(answer: &Answer) -> Result<Option<Digest>, Error> {
    let Some(value) = answer.headers.get(DIGEST_HEADER) else {
        return Ok(None);
    };
    let digest = String::from_utf8_lossy(value.as_bytes()).parse();
    digest.map(Some).map_err(|cause| Error::DigestHeader {
        request: answer.request(),
        cause,
    })
}

/// The digest of a manifest that was sent whole: of its bytes, never taken on trust.
fn digest_of_body(answer: Answer) -> Result<Digest, Error> {
    let request = answer.request();
    let expected = digest_header(&answer)?;
    let manifest = manifest_of(answer)?;
    match expected {
        Some(expected) if !expected.is_of(manifest.bytes()) => {
            let found = Digest::sha256_of(manifest.bytes());
            Err(Error::DigestMismatch {
                request,
                expected,
                found,
            })
        }
        Some(expected) => Ok(expected),
        None => Ok(Digest::sha256_of(manifest.bytes())),
    }
}
