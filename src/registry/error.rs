//! What can go wrong between fp and a registry, told so that the reader knows which request failed,
//! what the other side said, whether trying again can help, and what to do.
//!
//! Nothing secret gets in: URLs lose their userinfo and query values, and everything that a server
//! says is bounded and escaped. Who prints errors and hints is decided elsewhere.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use thiserror::Error;

use super::artifact::ListProblem;
use super::authorization::Access;
use super::credentials::Account;
use super::helper::HelperProblem;
use super::hint::Hint;
use super::manifest::ManifestProblem;
use super::rate_limit::RateLimit;
use super::transport::{MAX_BODY, MAX_REDIRECTS};
use super::words::{Words, bounded};
use crate::reference::{Digest, ParseError};

/// Why a registry could not be asked, or what it answered instead of an answer.
#[derive(Debug, Error)]
pub enum Error {
    /// The registry, or its token server, answered 401 or 403.
    #[error("{request}: {status}{words}")]
    Denied {
        request: RequestLine,
        status: StatusCode,
        words: Words,
        registry: String,
        account: Account,
        access: Access,
    },
    /// An answer that is neither success nor denial.
    #[error("{request}: {status}{words}{limit}")]
    Status {
        request: RequestLine,
        status: StatusCode,
        words: Words,
        /// Boxed, since it is large and rare.
        limit: Box<RateLimit>,
    },
    /// A 404 that does not come from a registry, and so says nothing about the image.
    #[error("{request}: 404 Not Found, but not in the words of a registry{words}")]
    NotFoundByNoRegistry { request: RequestLine, words: Words },
    /// The name was not resolved, the connection was not made, or it broke.
    #[error("{request}: {cause}")]
    Connection {
        request: RequestLine,
        cause: ConnectionCause,
    },
    #[error("{request}: no answer within {} s", after.as_secs_f32())]
    TimedOut {
        request: RequestLine,
        after: Duration,
    },
    #[error("{request}: more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects { request: RequestLine },
    #[error("{request}: redirected to {target:?}, which is not followed from there")]
    Redirect {
        request: RequestLine,
        target: String,
    },
    #[error("{request}: the answer has more than {MAX_BODY} bytes")]
    TooLarge { request: RequestLine },
    #[error("{request}: the answer's Docker-Content-Digest is none")]
    DigestHeader {
        request: RequestLine,
        #[source]
        cause: ParseError,
    },
    #[error("{request}: the answer has the digest {found}, not {expected}")]
    DigestMismatch {
        request: RequestLine,
        expected: Digest,
        found: Digest,
    },
    #[error("{request}: the answer is no manifest")]
    Manifest {
        request: RequestLine,
        #[source]
        cause: ManifestProblem,
    },
    /// The registry would have the blob uploaded.
    #[error("{request}: the registry does not share what {from} has with other repositories")]
    NotMounted { request: RequestLine, from: String },
    #[error("{request}: the answer is no image configuration")]
    Configuration {
        request: RequestLine,
        #[source]
        cause: serde_json::Error,
    },
    #[error("{request}: the answer is no list of what is attached to an image")]
    List {
        request: RequestLine,
        #[source]
        cause: ListProblem,
    },
    #[error("{request}: the answer does not say where to upload to")]
    NoUpload { request: RequestLine },
    #[error("{request}: the token server's answer holds no token")]
    NoToken { request: RequestLine },
    #[error(
        "{request}: the registry names the token server {realm:?}, and credentials are not sent there"
    )]
    TokenServer { request: RequestLine, realm: String },
    #[error("the registry's name makes no URL: {url:?}")]
    Url { url: String },
    #[error("failed to read {}", path.display())]
    AuthFile {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    /// The parser's own message is left out, since it quotes the file, and the file holds secrets.
    #[error("failed to read {}: no credentials as docker and podman keep them at line {line}, column {column}", path.display())]
    AuthFileSyntax {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    #[error("failed to read {}: the credentials for {key:?} are not those of a user", path.display())]
    AuthFileEntry { path: PathBuf, key: String },
    #[error("the credential helper {name:?} did not tell what it has for {registry}")]
    Helper {
        name: String,
        registry: String,
        #[source]
        cause: HelperProblem,
    },
    #[error("failed to read {}", path.display())]
    Certificate {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{} holds no certificate with its key, or none at all, as PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("the value of {variable} is no address of a proxy")]
    Proxy { variable: &'static str },
    #[error("failed to set up the HTTP client")]
    Setup(#[source] reqwest::Error),
}

impl Error {
    /// Whether the registry refused (401, 403) rather than failed. Some registries answer so for a
    /// repository that does not exist yet, which is what `--first-push` is about.
    pub fn is_denied(&self) -> bool {
        matches!(self, Error::Denied { .. })
    }

    /// Whether something may have answered a plain request that speaks TLS: it hung up, its answer was
    /// no HTTP, or it said so, as Go's server and nginx do.
    pub(super) fn may_be_tls(&self) -> bool {
        match self {
            Error::Connection { cause, .. } => cause.kind == ConnectionFault::Network,
            Error::Status { status, words, .. } => {
                *status == StatusCode::BAD_REQUEST && words.tell_of_tls
            }
            _ => false,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Status { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            Error::Connection { cause, .. } => cause.kind == ConnectionFault::Network,
            Error::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// Whether nobody has answered.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Error::Connection { .. } | Error::TimedOut { .. })
    }

    /// How long the registry asks to wait before the next try.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Status { limit, .. } => limit.retry_after,
            _ => None,
        }
    }

    /// The way out, as far as there is one.
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Error::Denied {
                registry,
                account,
                access,
                ..
            } => Some(Hint::Access {
                registry: registry.clone(),
                account: account.clone(),
                may_be_new: *access == Access::Pull,
            }),
            Error::Connection { cause, .. } => Some(match cause.kind {
                ConnectionFault::Network => Hint::Reachability,
                ConnectionFault::Tls => Hint::RegistryName,
                ConnectionFault::Certificate => Hint::Certificates,
            }),
            Error::TimedOut { .. } => Some(Hint::Reachability),
            Error::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
                Some(Hint::RateLimit)
            }
            Error::Status { .. } if self.is_transient() => Some(Hint::TryAgain),
            Error::Status { .. }
            | Error::NotFoundByNoRegistry { .. }
            | Error::TooManyRedirects { .. }
            | Error::Redirect { .. }
            | Error::TooLarge { .. }
            | Error::DigestHeader { .. }
            | Error::DigestMismatch { .. }
            | Error::Manifest { .. }
            | Error::Configuration { .. }
            | Error::List { .. }
            | Error::NoUpload { .. }
            | Error::NoToken { .. }
            | Error::TokenServer { .. }
            | Error::Url { .. } => Some(Hint::RegistryName),
            Error::AuthFile { .. } | Error::AuthFileSyntax { .. } | Error::AuthFileEntry { .. } => {
                Some(Hint::AuthFile)
            }
            Error::Helper { .. } => Some(Hint::Helper),
            Error::Certificate { .. } | Error::NoCertificate { .. } => Some(Hint::CertificateFiles),
            Error::Proxy { .. } => Some(Hint::ProxyVariable),
            Error::NotMounted { .. } => Some(Hint::Mount),
            Error::Setup(_) => None,
        }
    }
}

/// The method and URL of a request, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    pub method: Method,
    pub url: String,
}

impl RequestLine {
    pub(super) fn new(method: &Method, url: &Url) -> Self {
        RequestLine {
            method: method.clone(),
            url: without_secrets(url),
        }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// The URL without userinfo and fragment, and with only those query values that are known to be
/// harmless: a redirect's target may be signed in its query.
pub(super) fn without_secrets(url: &Url) -> String {
    let mut clean = url.clone();
    // These fail for URLs that cannot have a user, which therefore have none to remove.
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean.set_fragment(None);
    clean.set_query(None);
    let query: Vec<String> = url
        .query()
        .into_iter()
        .flat_map(|q| q.split('&'))
        .map(known)
        .collect();
    if query.is_empty() {
        clean.into()
    } else {
        format!("{clean}?{}", query.join("&"))
    }
}

fn known(pair: &str) -> String {
    match pair.split_once('=') {
        Some(("service" | "scope", _)) => pair.to_owned(),
        Some((key, _)) => format!("{key}=…"),
        None => "…".to_owned(),
    }
}

/// Why there was no answer: the innermost cause, since the outer ones only say that a request
/// failed.
#[derive(Debug)]
pub struct ConnectionCause {
    text: String,
    kind: ConnectionFault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionFault {
    Network,
    Tls,
    Certificate,
}

impl ConnectionCause {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let first: Option<&(dyn StdError + 'static)> = error.source();
        let chain = || std::iter::successors(first, |error| (*error).source());
        let innermost = chain()
            .last()
            .map_or_else(|| error.to_string(), ToString::to_string);
        let kind = match chain().find_map(tls_error) {
            Some(rustls::Error::InvalidCertificate(_)) => ConnectionFault::Certificate,
            Some(_) => ConnectionFault::Tls,
            None => ConnectionFault::Network,
        };
        ConnectionCause {
            text: bounded(&innermost),
            kind,
        }
    }
}

/// A TLS error travels inside I/O errors, which do not name it as their source.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

impl fmt::Display for ConnectionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
