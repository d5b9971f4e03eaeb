//! Requests in the name of the user: sent without credentials first, and once more with what the
//! registry then asks for.
//!
//! Tokens are kept for the client's lifetime, so that what follows a look-up costs one request. A
//! token that has expired meanwhile, or that grants too little by now, is simply asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::challenge::Challenge;
use super::credentials::{Account, Basic, Credentials, Proof, Secret};
use super::endpoint::Endpoint;
use super::error::{Error, without_secrets};
use super::keychain::Keychain;
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
    keychain: Keychain,
    granted: Mutex<HashMap<Grant, HeaderValue>>,
}

/// What an `Authorization` header was granted for. It is never sent for anything else.
type Grant = (Endpoint, Access);

impl Authorizer {
    pub(super) fn new(keychain: Keychain) -> Self {
        Authorizer {
            keychain,
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
        let credentials = self.credentials(endpoint, deadline).await?;
        let header = match (&challenge, &credentials.proof) {
            (Challenge::Basic, _) => credentials.basic().map(Basic::header),
            (Challenge::Bearer { .. }, Proof::RegistryToken(token)) => token.bearer_header(),
            (
                Challenge::Bearer {
                    realm,
                    service,
                    scope,
                },
                proof,
            ) => {
                let question = TokenQuestion {
                    service: service.as_deref(),
                    scopes: scopes(scope.as_deref(), &grant),
                    url: token_server(&answer, realm, proof)?,
                };
                let answer = question.ask(transport, proof, deadline).await?;
                Some(self.token(&grant, answer, deadline).await?)
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
        deadline: Instant,
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
        match self.credentials(endpoint, deadline).await {
            Ok(credentials) => {
                let registry = endpoint.domain.clone();
                Error::Denied {
                    request,
                    status,
                    words,
                    registry,
                    account: credentials.account,
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
        deadline: Instant,
    ) -> Result<HeaderValue, Error> {
        if answer.status != StatusCode::OK {
            return Err(self.refusal(endpoint, *access, &answer, deadline).await);
        }
        bearer(&answer.body).ok_or(Error::NoToken {
            request: answer.request(),
        })
    }

    /// What goes unprotected to another machine goes without credentials.
    async fn credentials(
        &self,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Result<Credentials, Error> {
        if endpoint.is_unprotected() && !endpoint.is_loopback() {
            return Ok(Credentials::none(Account::Withheld));
        }
        let (domain, name) = (&endpoint.domain, &endpoint.path);
        self.keychain.find(domain, name, deadline).await
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

/// The address of the token server that a registry names. It gets the user's secrets, if there are
/// any, only over a way on which nobody reads them.
fn token_server(challenged: &Answer, realm: &str, proof: &Proof) -> Result<Url, Error> {
    let refused = |realm: String| Error::TokenServer {
        request: challenged.request(),
        realm,
    };
    let url = Url::parse(realm).map_err(|_| refused(realm.chars().take(200).collect()))?;
    let url = without_userinfo(url);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(url.into()));
    }
    let is_secret = !matches!(proof, Proof::None);
    if is_secret && !may_carry_secrets(&challenged.url, &url) {
        return Err(refused(without_secrets(&url)));
    }
    Ok(url)
}

/// What a token is wanted for, and who gives it.
struct TokenQuestion<'a> {
    url: Url,
    service: Option<&'a str>,
    scopes: Vec<String>,
}

impl TokenQuestion<'_> {
    /// Asks as the distribution project's token specifications have it: with GET, or with the POST of
    /// OAuth for identity tokens, and for users where the server knows no GET.
    async fn ask(
        self,
        transport: &Transport,
        proof: &Proof,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let basic = match proof {
            Proof::IdentityToken(Secret(token)) => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
                return transport.send(self.post(&grant), deadline).await;
            }
            Proof::Basic(basic) => Some(basic),
            Proof::None | Proof::RegistryToken(_) => None,
        };
        let answer = transport.send(self.get(basic), deadline).await?;
        match (answer.status, basic) {
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, Some(basic)) => {
                let grant = [
                    ("grant_type", "password"),
                    ("username", basic.username.as_str()),
                    ("password", basic.password.as_str()),
                ];
                transport.send(self.post(&grant), deadline).await
            }
            _ => Ok(answer),
        }
    }

    fn get(&self, basic: Option<&Basic>) -> Request {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .extend_pairs(self.service.map(|service| ("service", service)))
            .extend_pairs(self.scopes.iter().map(|scope| ("scope", scope)));
        let header = basic.map(|basic| (AUTHORIZATION, basic.header()));
        Request::new(Method::GET, url, header.into_iter().collect())
    }

    fn post(&self, grant: &[(&str, &str)]) -> Request {
        let mut form = self.url.clone();
        form.set_query(None);
        form.query_pairs_mut()
            .extend_pairs(grant)
            .append_pair("client_id", "fp")
            .extend_pairs(self.service.map(|service| ("service", service)))
            .append_pair("scope", &self.scopes.join(" "));
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Request {
            method: Method::POST,
            url: self.url.clone(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: form.query().map(|form| form.as_bytes().to_owned()),
        }
    }
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
    Secret(token).bearer_header()
}
