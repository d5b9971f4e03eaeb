//! Blobs that fp itself reads and writes: small ones. Layers are moved by the engine.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;

use super::authorization::Access;
use super::endpoint::Endpoint;
use super::error::without_secrets;
use super::transport::{Answer, Request, is_acceptable, origin, without_userinfo};
use super::{Client, Error};
use crate::reference::{Digest, Repository};

const UPLOAD_HEADER: &str = "docker-upload-uuid";

impl Client {
    /// Reads the blob that a digest names: at most 4 MiB, held against the digest.
    pub async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Vec<u8>, Error> {
        let read = async |endpoint: &Endpoint, deadline| {
            let answer = self.read_blob(endpoint, digest, deadline).await?;
            Ok(answer.body)
        };
        self.at(repository, read).await
    }

    pub(super) async fn read_blob(
        &self,
        endpoint: &Endpoint,
        digest: &Digest,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let request = Request::new(Method::GET, endpoint.blob(digest), HeaderMap::new());
        let answer = self.sent(endpoint, Access::Pull, request, deadline).await?;
        match answer.status {
            StatusCode::OK => checked(answer, digest),
            _ => Err(self.refused(endpoint, Access::Pull, answer, deadline).await),
        }
    }

    /// Stores a blob, unless the repository has it: whether it had it.
    pub(super) async fn store_blob(
        &self,
        repository: &Repository,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        let digest = Digest::sha256_of(bytes);
        let store = async |endpoint: &Endpoint, deadline| {
            let access = Access::PullAndPush;
            let request = Request::new(Method::HEAD, endpoint.blob(&digest), HeaderMap::new());
            let answer = self.sent(endpoint, access, request, deadline).await?;
            match answer.status {
                StatusCode::OK => return Ok(true),
                status if is_failure(status) => {
                    return Err(self.refused(endpoint, access, answer, deadline).await);
                }
                // Whatever this says, the upload will say with reasons.
                _ => {}
            }
            let place = self.begin_upload(endpoint, &digest, deadline).await?;
            self.upload(endpoint, place, bytes, deadline).await?;
            Ok(false)
        };
        self.at(repository, store).await
    }

    /// Asks for a place to upload a blob to.
    async fn begin_upload(
        &self,
        endpoint: &Endpoint,
        digest: &Digest,
        deadline: Instant,
    ) -> Result<Url, Error> {
        let access = Access::PullAndPush;
        let empty = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("0"))]);
        let request = Request::new(Method::POST, endpoint.upload(""), empty);
        let answer = self.sent(endpoint, access, request, deadline).await?;
        match answer.status {
            StatusCode::ACCEPTED => place(&answer, endpoint, digest),
            _ => Err(self.refused(endpoint, access, answer, deadline).await),
        }
    }

    /// Uploads a blob. What goes to another server than the registry's own goes without credentials: the place
    /// itself is what lets it in there.
    async fn upload(
        &self,
        endpoint: &Endpoint,
        place: Url,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), Error> {
        let is_own = origin(&place) == origin(&endpoint.root);
        let content_type = HeaderValue::from_static("application/octet-stream");
        let request = Request {
            method: Method::PUT,
            url: place,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: Some(bytes.to_owned()),
        };
        let access = Access::PullAndPush;
        let answer = match is_own {
            true => self.sent(endpoint, access, request, deadline).await?,
            false => self.transport.send(request, deadline).await?,
        };
        match answer.status {
            StatusCode::CREATED => Ok(()),
            _ => Err(self.refused(endpoint, access, answer, deadline).await),
        }
    }

    /// Sends a request in the name of the user.
    pub(super) async fn sent(
        &self,
        endpoint: &Endpoint,
        access: Access,
        request: Request,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        self.authorizer
            .send(&self.transport, endpoint, access, request, deadline)
            .await
    }

    /// The error that an answer is.
    pub(super) async fn refused(
        &self,
        endpoint: &Endpoint,
        access: Access,
        answer: Answer,
        deadline: Instant,
    ) -> Error {
        self.authorizer
            .refusal(endpoint, access, &answer, deadline)
            .await
    }
}

/// Whether a registry fails, or wants to be left alone for a while.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// The answer, if its body is what was asked for.
pub(super) fn checked(answer: Answer, digest: &Digest) -> Result<Answer, Error> {
    match digest.is_of(&answer.body) {
        true => Ok(answer),
        false => Err(Error::DigestMismatch {
            request: answer.request(),
            expected: digest.clone(),
            found: Digest::sha256_of(&answer.body),
        }),
    }
}

/// Where a blob is to go, as the registry's answer says it: an address, whole or in part, or the name of the
/// upload.
fn place(answer: &Answer, endpoint: &Endpoint, digest: &Digest) -> Result<Url, Error> {
    let request = || answer.request();
    let mut place = match (answer.headers.get(LOCATION), answer.header(UPLOAD_HEADER)) {
        (Some(location), _) => {
            let location = String::from_utf8_lossy(location.as_bytes());
            answer.url.join(&location).map_err(|_| Error::Redirect {
                request: request(),
                target: "(no URL)".to_owned(),
            })?
        }
        (None, Some(upload)) if is_plain(upload) => endpoint.upload(upload),
        (None, _) => return Err(Error::NoUpload { request: request() }),
    };
    if !is_acceptable(&answer.url, &place) {
        return Err(Error::Redirect {
            request: request(),
            target: without_secrets(&place),
        });
    }
    place.set_fragment(None);
    place
        .query_pairs_mut()
        .append_pair("digest", &digest.to_string());
    Ok(without_userinfo(place))
}

/// Whether a name is one part of a path and nothing else.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.bytes().all(is_plain)
}
