//! Asking a token server for a token, as the distribution project's token specifications have it.
//!
//! Which scopes it is asked for, and what the token is good for, is decided by whoever asks.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::credentials::{Basic, Proof, Secret};
use super::error::{Error, without_secrets};
use super::transport::{Answer, Request, Transport, may_carry_secrets, without_userinfo};

/// The address of the token server that a registry names. It gets the user's secrets, if there are
/// any, only over a way on which nobody reads them.
pub(super) fn token_server(challenged: &Answer, realm: &str, proof: &Proof) -> Result<Url, Error> {
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
pub(super) struct TokenQuestion<'a> {
    pub(super) url: Url,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: Vec<String>,
}

impl TokenQuestion<'_> {
    /// Asks with GET, or with the POST of OAuth for identity tokens, and for users where the server knows no GET.
    pub(super) async fn ask(
        &self,
        transport: &Transport,
        proof: &Proof,
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let send = |request| transport.send(request, deadline);
        let basic = match proof {
            Proof::IdentityToken(Secret(token)) => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
                return send(self.post(&grant)).await;
            }
            Proof::Basic(basic) => Some(basic),
            Proof::None | Proof::RegistryToken(_) => None,
        };
        let answer = send(self.get(basic)).await?;
        match (answer.status, basic) {
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, Some(basic)) => {
                let grant = [
                    ("grant_type", "password"),
                    ("username", basic.username.as_str()),
                    ("password", basic.password.as_str()),
                ];
                send(self.post(&grant)).await
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
pub(super) fn bearer(body: &[u8]) -> Option<HeaderValue> {
    let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
    let mut tokens = [answer.token, answer.access_token].into_iter().flatten();
    let token = tokens.find(|token| !token.is_empty())?;
    Secret(token).bearer_header()
}
