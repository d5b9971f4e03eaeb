//! One HTTP request and its answer: clients, time limits, redirects, bounded bodies.
//!
//! Redirects are followed here rather than by the HTTP library, so that credentials stay with the
//! host that they are for and no answer comes over an unprotected way. What an answer means, and
//! which credentials a request bears, is decided elsewhere.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Certificate, ClientBuilder, Method, StatusCode, Url, redirect};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::certificates;
use super::error::{ConnectionCause, Error, RequestLine, without_secrets};
use super::settings::{Settings, TimeLimits};
use crate::reference::is_loopback_host;

/// The longest body that is read, as the distribution project limits manifests.
pub(super) const MAX_BODY: usize = 4 << 20;
pub(super) const MAX_REDIRECTS: usize = 10;
/// How many requests are under way at once: a run that asks about many images opens no flood of
/// connections.
pub(super) const MAX_AT_ONCE: usize = 32;

#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// What came back, from wherever the redirects led.
pub(super) struct Answer {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn new(method: Method, url: Url, headers: HeaderMap) -> Self {
        Request {
            method,
            url,
            headers,
            body: None,
        }
    }

    fn line(&self) -> RequestLine {
        RequestLine::new(&self.method, &self.url)
    }
}

impl Answer {
    pub(super) fn request(&self) -> RequestLine {
        RequestLine::new(&self.method, &self.url)
    }

    /// A header's text, if it is there and is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The HTTP clients, one per [`Route`], each made when it is first needed: reading the CA store
/// takes longer than a whole look-up on loopback.
pub(super) struct Transport {
    settings: Settings,
    clients: Mutex<HashMap<Route, reqwest::Client>>,
    at_once: Semaphore,
}

/// A way to a server. Servers that are reached in the same way share a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Route {
    tls: Tls,
    is_loopback: bool,
    /// The folder of the server's own certificates.
    certificates: Option<PathBuf>,
}

/// How far a server's certificate matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Tls {
    None,
    Unchecked,
    Checked,
}

impl Transport {
    pub(super) fn new(settings: Settings) -> Self {
        Transport {
            settings,
            clients: Mutex::default(),
            at_once: Semaphore::new(MAX_AT_ONCE),
        }
    }

    pub(super) fn limits(&self) -> TimeLimits {
        self.settings.time_limits
    }

    /// When an operation that begins now has to be over.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits().total
    }

    /// Sends a request and follows redirects of GET and HEAD. Any status is an answer.
    pub(super) async fn send(
        &self,
        mut request: Request,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let first = request.line();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.exchange(&request, deadline).await?;
            let Some(target) = redirect_target(&answer)? else {
                return Ok(answer);
            };
            if origin(&target) != origin(&request.url) {
                request.headers.remove(AUTHORIZATION);
            }
            request.url = target;
        }
        Err(Error::TooManyRedirects { request: first })
    }

    async fn exchange(&self, request: &Request, deadline: Instant) -> Result<Answer, Error> {
        let client = self.client_for(&request.url)?;
        let exchange = async {
            let _turn = self.at_once.acquire().await;
            exchange(&client, request).await
        };
        match timeout_at(deadline, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::TooLarge)) => Err(Error::TooLarge {
                request: request.line(),
            }),
            Ok(Err(Failure::Http(error))) if error.is_timeout() => {
                let after = if error.is_connect() {
                    self.limits().connect
                } else {
                    self.limits().read
                };
                Err(Error::TimedOut {
                    request: request.line(),
                    after,
                })
            }
            Ok(Err(Failure::Http(error))) => {
                let cause = ConnectionCause::of(&error);
                Err(Error::Connection {
                    request: request.line(),
                    cause,
                })
            }
            Err(_) => Err(Error::TimedOut {
                request: request.line(),
                after: self.limits().total,
            }),
        }
    }

    fn client_for(&self, url: &Url) -> Result<reqwest::Client, Error> {
        let route = self.route(url);
        if let Some(client) = self.clients().get(&route) {
            return Ok(client.clone());
        }
        let client = self.build_client(&route)?;
        Ok(self.clients().entry(route).or_insert(client).clone())
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<Route, reqwest::Client>> {
        // A map of clients is whole whatever panicked elsewhere.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self, url: &Url) -> Route {
        let is_loopback = is_loopback(url);
        let tls = match (url.scheme(), is_loopback) {
            ("http", _) => Tls::None,
            // Nobody is between this machine and itself.
            (_, true) => Tls::Unchecked,
            (_, false) => Tls::Checked,
        };
        let folders = &self.settings.certificate_folders;
        Route {
            tls,
            is_loopback,
            certificates: match tls {
                Tls::None => None,
                _ => certificates::folder_for(folders, url),
            },
        }
    }

    fn build_client(&self, route: &Route) -> Result<reqwest::Client, Error> {
        // Whoever embeds this library may have chosen a provider already; then that one is taken.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match route.tls {
            Tls::None => {
                let builder = self.builder(route)?.tls_certs_only([]);
                builder.build().map_err(Error::Setup)
            }
            Tls::Unchecked => {
                let builder = self.builder(route)?.tls_danger_accept_invalid_certs(true);
                builder.build().map_err(Error::Setup)
            }
            Tls::Checked => self.build_checking_client(route),
        }
    }

    /// Without a CA store the first attempt fails; then Mozilla's certificates serve, as they were
    /// when fp was built. A file that the user names is looked at before, so that this covers no
    /// mistake in its name.
    fn build_checking_client(&self, route: &Route) -> Result<reqwest::Client, Error> {
        if let Some(file) = &self.settings.ca_file {
            certificates::authorities(file)?;
        }
        if let Ok(client) = self.builder(route)?.build() {
            return Ok(client);
        }
        let mozilla = mozilla_certificates().map_err(Error::Setup)?;
        // Only certificates can be added later, not put in the place of those that were added.
        let own = match &route.certificates {
            Some(folder) => certificates::authorities_in(folder)?,
            None => Vec::new(),
        };
        let builder = self.builder(route)?;
        let builder = builder.tls_certs_only(mozilla.into_iter().chain(own));
        builder.build().map_err(Error::Setup)
    }

    fn builder(&self, route: &Route) -> Result<ClientBuilder, Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("fp/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(self.limits().connect)
            .read_timeout(self.limits().read);
        let builder = match route.is_loopback {
            true => builder.no_proxy(),
            false => self.settings.proxies.apply(builder)?,
        };
        match &route.certificates {
            Some(folder) => certificates::apply(builder, folder),
            None => Ok(builder),
        }
    }
}

fn mozilla_certificates() -> reqwest::Result<Vec<Certificate>> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect()
}

enum Failure {
    Http(reqwest::Error),
    TooLarge,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Failure::Http(error)
    }
}

async fn exchange(client: &reqwest::Client, request: &Request) -> Result<Answer, Failure> {
    let mut builder = client
        .request(request.method.clone(), request.url.clone())
        .headers(request.headers.clone());
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let mut response = builder.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        method: request.method.clone(),
        url: request.url.clone(),
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
    })
}

/// Where an answer points, if it is a redirect that is followed.
fn redirect_target(answer: &Answer) -> Result<Option<Url>, Error> {
    let is_safe_method = answer.method == Method::GET || answer.method == Method::HEAD;
    let is_redirect = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = answer.headers.get(LOCATION) else {
        return Ok(None);
    };
    if !is_safe_method || !is_redirect {
        return Ok(None);
    }
    let location = String::from_utf8_lossy(location.as_bytes());
    match answer.url.join(&location) {
        Ok(target) if is_acceptable(&answer.url, &target) => Ok(Some(without_userinfo(target))),
        Ok(target) => Err(refused(answer, without_secrets(&target))),
        Err(_) => Err(refused(answer, "(no URL)".to_owned())),
    }
}

fn refused(answer: &Answer, target: String) -> Error {
    Error::Redirect {
        request: answer.request(),
        target,
    }
}

/// A redirect may not leave TLS; without it only this machine may point to this machine, and a
/// registry that is configured to have none to itself.
pub(super) fn is_acceptable(from: &Url, to: &Url) -> bool {
    may_carry_secrets(from, to) || to.scheme() == "http" && origin(from) == origin(to)
}

/// Whether a URL may be given credentials by a registry at `registry`.
pub(super) fn may_carry_secrets(registry: &Url, url: &Url) -> bool {
    url.scheme() == "https" || is_unprotected_loopback(registry) && is_unprotected_loopback(url)
}

fn is_unprotected_loopback(url: &Url) -> bool {
    url.scheme() == "http" && is_loopback(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// The HTTP library would send a URL's userinfo as credentials.
pub(super) fn without_userinfo(mut url: Url) -> Url {
    // These fail for URLs that cannot have a user, which therefore have none to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

pub(super) fn origin(url: &Url) -> (&str, Option<&str>, Option<u16>) {
    (url.scheme(), url.host_str(), url.port_or_known_default())
}
