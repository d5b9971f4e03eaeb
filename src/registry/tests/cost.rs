//! How many requests answers cost, for one image and for many at once.

use std::sync::Arc;

use futures_util::future::join_all;

use super::crowd::Crowd;
use super::{Reply, Request, ScriptedRegistry, client, manifest_reply, refusal, tag};
use crate::reference::Repository;
use crate::registry::transport::MAX_AT_ONCE;
use crate::registry::{Client, Lookup};

fn repositories(registry: &ScriptedRegistry, count: usize) -> Vec<Repository> {
    (0..count)
        .map(|number| {
            format!("{}/acme/app-{number}", registry.host())
                .parse()
                .unwrap()
        })
        .collect()
}

/// Looks up the same tag of all repositories at once, as `fp status` does it.
async fn look_up_all(client: &Client, repositories: &[Repository]) -> Vec<Lookup> {
    client.expect(repositories);
    let tag = tag();
    join_all(repositories.iter().map(|r| client.look_up(r, &tag))).await
}

fn all_present(lookups: &[Lookup]) -> bool {
    lookups.iter().all(|l| matches!(l, Lookup::Present { .. }))
}

fn challenge(request: &Request) -> Reply {
    let realm = format!("http://{}/token", request.header("host").unwrap());
    let challenge = format!(r#"Bearer realm="{realm}",service="s""#);
    Reply::status(401).header("WWW-Authenticate", &challenge)
}

/// The repository that a request for a manifest is about.
fn repository(request: &Request) -> &str {
    let path = request.target.strip_prefix("/v2/").unwrap();
    path.split_once("/manifests/").unwrap().0
}

/// The repositories that a token is asked for, in their order.
fn scopes(request: &Request) -> Vec<String> {
    let url = format!("http://x{}", request.target);
    let url = reqwest::Url::parse(&url).unwrap();
    let scopes = url.query_pairs().filter(|(key, _)| key == "scope");
    let name = |scope: &str| scope.split(':').nth(1).unwrap().to_owned();
    scopes.map(|(_, scope)| name(&scope)).collect()
}

/// What a token server makes of the scopes that it is asked for; `None` is a denial.
type Heeds = fn(Vec<String>) -> Option<Vec<String>>;

/// A registry whose token server grants what `heeds` leaves of the scopes; a token is the list of
/// the repositories that it is good for.
fn token_registry(heeds: Heeds) -> ScriptedRegistry {
    ScriptedRegistry::start(move |request| {
        if request.target.starts_with("/token") {
            return match heeds(scopes(request)) {
                Some(scopes) => {
                    Reply::status(200).body(format!(r#"{{"token": "{}"}}"#, scopes.join(",")))
                }
                None => refusal(403, "DENIED", "not all of them"),
            };
        }
        let granted = request.header("authorization").unwrap_or_default();
        let granted = granted.strip_prefix("Bearer ").unwrap_or_default();
        match granted.split(',').any(|name| name == repository(request)) {
            true => manifest_reply(),
            false => challenge(request),
        }
    })
}

#[tokio::test]
async fn an_open_registry_is_asked_once_for_each_image() {
    let registry = ScriptedRegistry::start(|_| manifest_reply());
    let lookups = look_up_all(&client(), &repositories(&registry, 20)).await;
    assert!(all_present(&lookups), "{lookups:?}");
    assert_eq!(registry.requests().len(), 20);
}

#[tokio::test]
async fn a_token_serves_all_images_of_a_run() {
    let registry = token_registry(Some);
    let client = client();
    let repositories = repositories(&registry, 20);
    let lookups = look_up_all(&client, &repositories).await;
    assert!(all_present(&lookups), "{lookups:?}");
    // A challenge, a token, and a look-up each.
    assert_eq!(registry.requests().len(), 22);
    look_up_all(&client, &repositories).await;
    assert_eq!(registry.requests().len(), 42);
}

#[tokio::test]
async fn a_token_server_that_heeds_one_scope_is_asked_for_each_image() {
    let first = |scopes: Vec<String>| Some(scopes[..1].to_vec());
    let last = |scopes: Vec<String>| Some(scopes[scopes.len() - 1..].to_vec());
    let none = |scopes: Vec<String>| (scopes.len() == 1).then_some(scopes);
    let servers: [Heeds; 3] = [first, last, none];
    for heeds in servers {
        let registry = token_registry(heeds);
        let lookups = look_up_all(&client(), &repositories(&registry, 5)).await;
        assert!(all_present(&lookups), "{lookups:?}");
        assert!(registry.requests().len() <= 5 * 3 + 2);
    }
}

/// A question is a URL, and servers refuse long ones.
#[tokio::test]
async fn a_token_is_not_asked_for_more_than_a_url_holds() {
    let registry = token_registry(Some);
    let lookups = look_up_all(&client(), &repositories(&registry, 300)).await;
    assert!(all_present(&lookups));
    let longest = registry.requests().iter().map(|r| r.target.len()).max();
    assert!(longest < Some(8000), "{longest:?}");
}

#[tokio::test]
async fn look_ups_go_out_together_and_not_all_at_once() {
    let crowd = Arc::new(Crowd::of(100, MAX_AT_ONCE));
    let at_registry = Arc::clone(&crowd);
    let registry = ScriptedRegistry::start(move |_| {
        at_registry.join();
        manifest_reply()
    });
    let lookups = look_up_all(&client(), &repositories(&registry, 100)).await;
    assert!(all_present(&lookups));
    assert_eq!(crowd.most(), MAX_AT_ONCE);
}
