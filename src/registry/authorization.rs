//! Requests in the name of the user: sent without credentials first, and once more with what the
//! registry then asks for.
//!
//! Tokens are kept for the client's lifetime, so that what follows a look-up costs one request, and
//! one token is asked for all repositories that are known to be asked about. A token that has expired
//! meanwhile, or that grants too little by now, is simply asked for again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use super::challenge::Challenge;
use super::credentials::{Account, Basic, Credentials, Proof};
use super::endpoint::Endpoint;
use super::error::Error;
use super::keychain::Keychain;
use super::rate_limit::RateLimit;
use super::token::{TokenQuestion, bearer, token_server};
use super::transport::{Answer, Request, Transport, origin};
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
    /// The repositories that will be asked about.
    expected: Mutex<BTreeSet<Endpoint>>,
    /// A gate for each registry, by its `/v2/`: open once somebody has been through.
    gates: Mutex<HashMap<Url, Arc<AsyncMutex<Gate>>>>,
}

/// Whether a registry has been spoken to.
#[derive(Default)]
struct Gate {
    is_open: bool,
}

/// How long the names together may be of the repositories that one token is asked for: the question
/// is a URL, of which servers take 8 KiB.
const MAX_SCOPES: usize = 2000;

/// What an `Authorization` header was granted for. It is never sent for anything else.
type Grant = (Endpoint, Access);

impl Authorizer {
    pub(super) fn new(keychain: Keychain) -> Self {
        Authorizer {
            keychain,
            granted: Mutex::default(),
            expected: Mutex::default(),
            gates: Mutex::default(),
        }
    }

    /// Tells of a repository that will be asked about.
    pub(super) fn expect(&self, endpoint: Endpoint) {
        locked(&self.expected).insert(endpoint);
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
        let first = self.first_at(endpoint, deadline).await;
        let grant = (endpoint.clone(), access);
        let granted = self.granted(&grant);
        let had_token = granted.is_some();
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
        let asking = Asking {
            transport,
            grant: &grant,
            challenged: &answer,
            credentials: self.credentials(endpoint, deadline).await?,
            deadline,
        };
        let others = match first.is_some() && !had_token {
            true => self.others(&asking).await?,
            false => Vec::new(),
        };
        let answered = self.answer(&asking, &challenge, request, others).await?;
        Ok(answered.unwrap_or(answer))
    }

    /// Sends a request once more with what the challenge asks for, and keeps it if it is good for
    /// something. `None` if the user has nothing to answer the challenge with.
    async fn answer(
        &self,
        asking: &Asking<'_>,
        challenge: &Challenge,
        mut request: Request,
        mut others: Vec<Endpoint>,
    ) -> Result<Option<Answer>, Error> {
        let (_, access) = asking.grant;
        loop {
            let header = self.authorization(asking, challenge, &mut others).await?;
            let Some(header) = header else {
                return Ok(None);
            };
            request.headers.insert(AUTHORIZATION, header.clone());
            let answer = asking
                .transport
                .send(request.clone(), asking.deadline)
                .await?;
            if !is_denial(&answer) {
                let grants = others.into_iter().map(|other| (other, *access));
                let grants = grants.chain([asking.grant.clone()]);
                self.grants()
                    .extend(grants.map(|grant| (grant, header.clone())));
                return Ok(Some(answer));
            }
            self.grants().remove(asking.grant);
            if others.is_empty() {
                return Ok(Some(answer));
            }
            // Perhaps the token server heeds one scope of several, and not the first.
            others.clear();
        }
    }

    /// Waits while somebody speaks to a registry for the first time, so that what he learns serves
    /// all. `Some` if that is us, and as long as it is held.
    async fn first_at(
        &self,
        endpoint: &Endpoint,
        deadline: Instant,
    ) -> Option<OwnedMutexGuard<Gate>> {
        let gate = Arc::clone(
            locked(&self.gates)
                .entry(endpoint.root.clone())
                .or_default(),
        );
        // Whoever has waited in vain will be told so by his own request.
        let mut gate = timeout_at(deadline, gate.lock_owned()).await.ok()?;
        let is_first = !std::mem::replace(&mut gate.is_open, true);
        is_first.then_some(gate)
    }

    /// The other repositories at the same registry that will be read with the same credentials.
    async fn others(&self, asking: &Asking<'_>) -> Result<Vec<Endpoint>, Error> {
        let (endpoint, access) = asking.grant;
        let mut others = Vec::new();
        if *access != Access::Pull {
            return Ok(others);
        }
        let expected = locked(&self.expected).clone();
        let mut room = MAX_SCOPES;
        for other in expected {
            let is_other = other.root == endpoint.root && other.path != endpoint.path;
            if !is_other || room < other.path.len() {
                continue;
            }
            let credentials = self.credentials(&other, asking.deadline).await?;
            if credentials.proof == asking.credentials.proof {
                room -= other.path.len();
                others.push(other);
            }
        }
        Ok(others)
    }

    /// The header that answers a challenge, if the user has anything to answer it with. `others` is
    /// left with the repositories that it is good for as well.
    async fn authorization(
        &self,
        asking: &Asking<'_>,
        challenge: &Challenge,
        others: &mut Vec<Endpoint>,
    ) -> Result<Option<HeaderValue>, Error> {
        let credentials = &asking.credentials;
        let Challenge::Bearer {
            realm,
            service,
            scope,
        } = challenge
        else {
            others.clear();
            return Ok(credentials.basic().map(Basic::header));
        };
        if let Proof::RegistryToken(token) = &credentials.proof {
            return Ok(token.bearer_header());
        }
        let mut question = TokenQuestion {
            url: token_server(asking.challenged, realm, &credentials.proof)?,
            service: service.as_deref(),
            scopes: scopes(scope.as_deref(), asking.grant),
        };
        if !others.is_empty() {
            let own = question.scopes.len();
            let (_, access) = asking.grant;
            let more = others.iter().map(|other| own_scope(other, *access));
            question.scopes.extend(more);
            let answer = asking.ask(&question).await?;
            // Some servers give nothing if one thing of several is refused.
            if !answer.status.is_client_error() {
                return self.token(asking, answer).await.map(Some);
            }
            others.clear();
            question.scopes.truncate(own);
        }
        let answer = asking.ask(&question).await?;
        self.token(asking, answer).await.map(Some)
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

    async fn token(&self, asking: &Asking<'_>, answer: Answer) -> Result<HeaderValue, Error> {
        if answer.status != StatusCode::OK {
            let ((endpoint, access), deadline) = (asking.grant, asking.deadline);
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

    fn grants(&self) -> MutexGuard<'_, HashMap<Grant, HeaderValue>> {
        locked(&self.granted)
    }
}

/// The maps and sets here are whole whatever panicked elsewhere.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is needed to answer a challenge.
struct Asking<'a> {
    transport: &'a Transport,
    grant: &'a Grant,
    challenged: &'a Answer,
    credentials: Credentials,
    deadline: Instant,
}

impl Asking<'_> {
    async fn ask(&self, question: &TokenQuestion<'_>) -> Result<Answer, Error> {
        let proof = &self.credentials.proof;
        question.ask(self.transport, proof, self.deadline).await
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
/// registry behind a path-rewriting proxy knows its repository by another name than the user. Not every
/// registry names the other repository that a mount reads.
fn scopes(named: Option<&str>, (endpoint, access): &Grant) -> Vec<String> {
    let named = named.unwrap_or_default().split_ascii_whitespace();
    let mut scopes: Vec<String> = named.map(str::to_owned).collect();
    let other = endpoint.reads.as_ref();
    let other = other.map(|other| scope(other, Access::Pull));
    for wanted in [own_scope(endpoint, *access)].into_iter().chain(other) {
        if !scopes.contains(&wanted) {
            scopes.push(wanted);
        }
    }
    scopes
}

fn own_scope(endpoint: &Endpoint, access: Access) -> String {
    scope(&endpoint.path, access)
}

fn scope(path: &str, access: Access) -> String {
    format!("repository:{path}:{}", access.actions())
}
