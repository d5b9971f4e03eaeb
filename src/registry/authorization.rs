//! Requests in the name of the user: sent without credentials first, and once more with what the
//! registry then asks for.
//!
//! Tokens are kept for the client's lifetime, so that what follows a look-up costs one request. A
//! token that has expired meanwhile, or that grants too little by now, is simply asked for again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::challenge::Challenge;
use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::error::{Error, without_secrets};
use super::rate_limit::RateLimit;
use super::transport::{Answer, Request, Transport, may_carry_secrets, origin, without_userinfo};
use super::words::Words;

/// What a request does to a repository, as token servers name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read it.
    Pull,
    /// Read and write it.
    PullAndPush,
}

impl Access {
    fn actions(self) -> &'static str {
        match self {
            Access::Pull => "pull",
            Access::PullAndPush => "pull,push",
        }
    }
}

pub(super) struct Authorizer {
    docker_config: Option<PathBuf>,
    granted: Mutex<HashMap<Grant, HeaderValue>>,
}

/// What an `Authorization` header was granted for. It is never sent for anything else.
type Grant = (Endpoint, Access);

impl Authorizer {
    pub(super) fn new(docker_config: Option<PathBuf>) -> Self {
        Authorizer {
            docker_config,
            granted: Mutex::default(),
        }
    }

    /// Sends a request to `endpoint`. Every status of the registry is an answer; a token server
    /// that does not give a token is an error.
    pub(super) async fn send(
        &self,
        transport: &Transport,
        endpoint: &Endpoint,
        access: Access,
        mut request: Request,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let grant = (endpoint.clone(), access);
        let granted = self.granted(&grant);
        request
            .headers
            .extend(granted.map(|header| (AUTHORIZATION, header)));
        let mut answer = transport.send(request.clone(), deadline).await?;
        // What a token grants is settled when it is given, and a repository that did not exist then
        // may exist by now. A 403 does not say where to get another one.
        if answer.status == StatusCode::FORBIDDEN && request.headers.remove(AUTHORIZATION).is_some()
        {
            answer = transport.send(request.clone(), deadline).await?;
        }
        let Some(challenge) = challenge(&answer, endpoint) else {
            return Ok(answer);
        };
        let credentials = self.credentials(endpoint).await?;
        let header = match &challenge {
            Challenge::Basic => credentials.basic().map(|basic| basic.header()),
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => {
                let scopes = scopes(scope.as_deref(), &grant);
                let request =
                    token_request(&answer, realm, service.as_deref(), &scopes, &credentials)?;
                let answer = transport.send(request, deadline).await?;
                Some(self.token(&grant, answer).await?)
            }
        };
        let Some(header) = header else {
            return Ok(answer);
        };
        request.headers.insert(AUTHORIZATION, header.clone());
        let answer = transport.send(request, deadline).await?;
        if is_denial(&answer) {
            self.grants().remove(&grant);
        } else {
            self.grants().insert(grant, header);
        }
        Ok(answer)
    }

    /// The error that an answer's status is: a denial, or another.
    pub(super) async fn refusal(
        &self,
        endpoint: &Endpoint,
        access: Access,
        answer: &Answer,
    ) -> Error {
        let (request, status) = (answer.request(), answer.status);
        let words = Words::of(&answer.body);
        if !is_denial(answer) {
            let limit = Box::new(RateLimit::of(&answer.headers, SystemTime::now()));
            return Error::Status {
                request,
                status,
                words,
                limit,
            };
        }
        match self.credentials(endpoint).await {
            Ok(credentials) => {
                let registry = endpoint.domain.clone();
                Error::Denied {
                    request,
                    status,
                    words,
                    registry,
                    account: credentials.account(),
                    access,
                }
            }
            Err(unreadable) => unreadable,
        }
    }

    async fn token(
        &self,
        (endpoint, access): &Grant,
        answer: Answer,
    ) -> Result<HeaderValue, Error> {
        if answer.status != StatusCode::OK {
            return Err(self.refusal(endpoint, *access, &answer).await);
        }
        let mut header = bearer(&answer.body).ok_or(Error::NoToken {
            request: answer.request(),
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Reading blocks, and whoever waits for it may have to act upon signals. What goes unprotected to
    /// another machine goes without credentials.
    async fn credentials(&self, endpoint: &Endpoint) -> Result<Credentials, Error> {
        if endpoint.is_unprotected() && !endpoint.is_loopback() {
            return Ok(Credentials::Withheld);
        }
        let (folder, domain) = (self.docker_config.clone(), endpoint.domain.clone());
        let reading = move || Credentials::read(folder.as_deref(), &domain);
        let read = tokio::task::spawn_blocking(reading).await;
        read.expect("reading does not panic")
    }

    fn granted(&self, grant: &Grant) -> Option<HeaderValue> {
        self.grants().get(grant).cloned()
    }

    fn grants(&self) -> std::sync::MutexGuard<'_, HashMap<Grant, HeaderValue>> {
        // A map of headers is whole whatever panicked elsewhere.
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a registry, or a token server, refuses rather than fails.
fn is_denial(answer: &Answer) -> bool {
    matches!(
        answer.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}

/// What a 401 asks for. Another host's challenge is not answered: after a redirect across hosts the
/// credentials are not for whoever asks.
fn challenge(answer: &Answer, endpoint: &Endpoint) -> Option<Challenge> {
    let is_own = origin(&answer.url) == origin(&endpoint.root);
    if answer.status != StatusCode::UNAUTHORIZED || !is_own {
        return None;
    }
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    Challenge::choose(values.filter_map(|value| value.to_str().ok()))
}

/// The scope that the registry named comes first, since some token servers heed only one; a
/// registry behind a path-rewriting proxy knows its repository by another name than the user.
fn scopes(named: Option<&str>, (endpoint, access): &Grant) -> Vec<String> {
    let own = format!("repository:{}:{}", endpoint.path, access.actions());
    let named = named
        .filter(|scope| !scope.is_empty() && *scope != own)
        .map(str::to_owned);
    named.into_iter().chain([own]).collect()
}

/// The request of the distribution project's token specification.
fn token_request(
    challenged: &Answer,
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
    credentials: &Credentials,
) -> Result<Request, Error> {
    let refused = |realm: String| Error::TokenServer {
        request: challenged.request(),
        realm,
    };
    let url = Url::parse(realm).map_err(|_| refused(realm.chars().take(200).collect()))?;
    let mut url = without_userinfo(url);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(url.into()));
    }
    let mut headers = HeaderMap::new();
    if let Some(basic) = credentials.basic() {
        if !may_carry_secrets(&challenged.url, &url) {
            return Err(refused(without_secrets(&url)));
        }
        headers.insert(AUTHORIZATION, basic.header());
    }
    let named = service.map(|service| ("service", service));
    url.query_pairs_mut()
        .extend_pairs(named)
        .extend_pairs(scopes.iter().map(|s| ("scope", s)));
    Ok(Request::new(Method::GET, url, headers))
}

/// The two names under which token servers answer: docker's own and OAuth's.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The header for the token of a token server's answer, if there is one and a header can hold it.
fn bearer(body: &[u8]) -> Option<HeaderValue> {
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    let mut tokens = [answer.token, answer.access_token].into_iter().flatten();
    let token = tokens.find(|token| !token.is_empty())?;
    HeaderValue::try_from(format!("Bearer {token}")).ok()
}
