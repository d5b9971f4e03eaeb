//! Who is told which secret, and who is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::{
    MANIFEST, Reply, Request, ScriptedRegistry, digest, impatient_client, manifest_reply, refusal,
    repository, settings, tag, unknown,
};
use crate::registry::{Client, Error, Lookup, Manifest, PutOutcome, Settings};

/// base64 of `user:hunter2`
const BASIC: &str = "Basic dXNlcjpodW50ZXIy";

/// A client whose config.json has an entry for the registry.
fn client_for(registry: &ScriptedRegistry, entry: &str) -> (Client, TempDir) {
    client_with(&format!(
        r#"{{"auths": {{"{}": {entry}}}}}"#,
        registry.host()
    ))
}

fn client_with(config: &str) -> (Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let credential_files = vec![folder.path().join("config.json")];
    (
        Client::new(Settings {
            credential_files,
            ..settings()
        }),
        folder,
    )
}

fn user(registry: &ScriptedRegistry) -> (Client, TempDir) {
    client_for(registry, r#"{"auth": "dXNlcjpodW50ZXIy"}"#)
}

async fn look_up(client: &Client, registry: &ScriptedRegistry) -> Lookup {
    client.look_up(&repository(registry), &tag()).await
}

/// The headers of RFC 6750 as a registry sends them, with a token server on its own address.
fn bearer_challenge(request: &Request) -> Reply {
    let host = request.header("host").unwrap();
    Reply::status(401).header(
        "WWW-Authenticate",
        &format!(r#"Bearer realm="http://{host}/token",service="the registry""#),
    )
}

/// A registry that wants a token for everything, and gives `reply` then.
fn bearer_registry(token: fn() -> Reply, reply: fn() -> Reply) -> ScriptedRegistry {
    ScriptedRegistry::start(move |request| match request.header("authorization") {
        _ if request.target.starts_with("/token") => token(),
        Some("Bearer the-token") => reply(),
        _ => bearer_challenge(request),
    })
}

fn the_token() -> Reply {
    Reply::status(200).body(r#"{"token": "the-token"}"#)
}

#[tokio::test]
async fn basic() {
    let registry = ScriptedRegistry::start(|request| match request.header("authorization") {
        Some(BASIC) => manifest_reply(),
        _ => Reply::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
    });
    let (client, _folder) = user(&registry);
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
    assert_eq!(registry.requests().len(), 2);

    let error = unknown(super::look_up(&registry).await);
    assert!(error.is_denied(), "{error}");
    assert!(
        error
            .hint()
            .unwrap()
            .to_string()
            .starts_with("log in with `docker login 127.0.0.1:")
    );
}

#[tokio::test]
async fn a_look_up_costs_one_token_and_what_follows_none() {
    let registry = bearer_registry(the_token, manifest_reply);
    let (client, _folder) = user(&registry);
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
    client
        .manifest(&repository(&registry), &digest())
        .await
        .unwrap();
    let manifest = "/v2/acme/app/manifests";
    assert_eq!(
        registry.request_lines(),
        [
            format!("HEAD {manifest}/v1"),
            "GET /token?service=the+registry&scope=repository%3Aacme%2Fapp%3Apull".to_owned(),
            format!("HEAD {manifest}/v1"),
            format!("GET {manifest}/{}", digest()),
        ]
    );
    assert_eq!(registry.requests()[1].header("authorization"), Some(BASIC));
}

#[tokio::test]
async fn an_open_repository_gives_its_token_to_anybody() {
    let registry = bearer_registry(
        || Reply::status(200).body(r#"{"token": "", "access_token": "the-token"}"#),
        manifest_reply,
    );
    assert!(matches!(
        super::look_up(&registry).await,
        Lookup::Present { .. }
    ));
    assert_eq!(registry.requests()[1].header("authorization"), None);
}

#[tokio::test]
async fn absence_behind_a_token_server() {
    let registry = bearer_registry(the_token, || refusal(404, "NAME_UNKNOWN", "no such thing"));
    assert!(matches!(super::look_up(&registry).await, Lookup::Absent));
    let registry = bearer_registry(the_token, || Reply::status(404));
    assert!(matches!(super::look_up(&registry).await, Lookup::Absent));
}

#[tokio::test]
async fn a_push_asks_for_the_right_to_push() {
    let registry = bearer_registry(the_token, || Reply::status(201));
    let (client, _folder) = user(&registry);
    let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
    let outcome = client
        .put_manifest(&repository(&registry), &tag(), &manifest)
        .await
        .unwrap();
    assert!(matches!(outcome, PutOutcome::Written));
    let requests = registry.requests();
    assert!(
        requests[1]
            .target
            .ends_with("scope=repository%3Aacme%2Fapp%3Apull%2Cpush")
    );
    assert_eq!(requests[2].body, MANIFEST.as_bytes());
}

#[tokio::test]
async fn the_scope_that_the_registry_names_is_asked_for_first() {
    let registry = ScriptedRegistry::start(|request| match request.header("authorization") {
        _ if request.target.starts_with("/token") => the_token(),
        Some("Bearer the-token") => manifest_reply(),
        _ => {
            let realm = format!("http://{}/token", request.header("host").unwrap());
            let challenge = format!(r#"Bearer realm="{realm}",scope="repository:inner/app:pull""#);
            Reply::status(401).header("WWW-Authenticate", &challenge)
        }
    });
    assert!(matches!(
        super::look_up(&registry).await,
        Lookup::Present { .. }
    ));
    assert_eq!(
        registry.requests()[1].target,
        "/token?scope=repository%3Ainner%2Fapp%3Apull&scope=repository%3Aacme%2Fapp%3Apull"
    );
}

#[tokio::test]
async fn a_token_that_has_expired_is_replaced() {
    let generation = Arc::new(AtomicUsize::new(0));
    let registry = ScriptedRegistry::start({
        let generation = Arc::clone(&generation);
        move |request| {
            let valid = format!("t{}", generation.load(Ordering::SeqCst));
            match request.header("authorization") {
                _ if request.target.starts_with("/token") => {
                    Reply::status(200).body(format!(r#"{{"token": "{valid}"}}"#))
                }
                Some(header) if header == format!("Bearer {valid}") => manifest_reply(),
                _ => bearer_challenge(request),
            }
        }
    });
    let client = super::client();
    for requests in [3, 4, 7, 8] {
        assert!(matches!(
            look_up(&client, &registry).await,
            Lookup::Present { .. }
        ));
        assert_eq!(registry.requests().len(), requests);
        // The second look-up is the last that the first token is good for.
        generation.store(usize::from(requests > 3), Ordering::SeqCst);
    }
}

/// A token server counts the tokens that it gives; the registry answers as `reply` says to the
/// number of the token, and asks for one where there is none.
fn counting_registry(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> ScriptedRegistry {
    let count = AtomicUsize::new(0);
    ScriptedRegistry::start(move |request| {
        if request.target.starts_with("/token") {
            let number = count.fetch_add(1, Ordering::SeqCst);
            return Reply::status(200).body(format!(r#"{{"token": "{number}"}}"#));
        }
        let token = request.header("authorization").map(|header| {
            let number = header.strip_prefix("Bearer ").expect("a token");
            number.parse().expect("a number")
        });
        token.map_or_else(|| bearer_challenge(request), &reply)
    })
}

/// The token of the first look, made while there was no repository, was once used for the second.
#[tokio::test]
async fn the_token_of_a_refused_look_is_not_used_after_the_push_that_made_the_repository() {
    let is_there = Arc::new(AtomicUsize::new(usize::MAX));
    let registry = counting_registry({
        let is_there = Arc::clone(&is_there);
        move |token| match token >= is_there.load(Ordering::SeqCst) {
            true => manifest_reply(),
            false => refusal(403, "DENIED", "no such package"),
        }
    });
    let client = super::client();
    assert!(unknown(look_up(&client, &registry).await).is_denied());
    // HEAD and GET had a token each.
    is_there.store(2, Ordering::SeqCst);
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
}

#[tokio::test]
async fn a_token_that_grants_too_little_by_now_is_replaced_once() {
    let valid = Arc::new(AtomicUsize::new(0));
    let registry = counting_registry({
        let valid = Arc::clone(&valid);
        move |token| match token >= valid.load(Ordering::SeqCst) {
            true => manifest_reply(),
            false => refusal(403, "DENIED", "not any more"),
        }
    });
    let client = super::client();
    // The second look-up brings the token that it has, then asks for one, and comes back with it.
    for requests in [3, 7] {
        assert!(matches!(
            look_up(&client, &registry).await,
            Lookup::Present { .. }
        ));
        assert_eq!(registry.requests().len(), requests);
        valid.store(1, Ordering::SeqCst);
    }
    valid.store(usize::MAX, Ordering::SeqCst);
    assert!(unknown(look_up(&client, &registry).await).is_denied());
}

#[tokio::test]
async fn a_token_server_that_denies_is_a_denial() {
    for status in [401, 403] {
        let token: fn() -> Reply = match status {
            401 => || refusal(401, "UNAUTHORIZED", "wrong password"),
            _ => || refusal(403, "DENIED", "no such package"),
        };
        let registry = bearer_registry(token, manifest_reply);
        let (client, _folder) = user(&registry);
        let error = unknown(look_up(&client, &registry).await);
        assert!(error.is_denied(), "{error}");
        assert!(
            error
                .to_string()
                .contains("/token?service=the+registry&scope="),
            "{error}"
        );
        let hint = error.hint().unwrap().to_string();
        assert!(
            hint.starts_with("check what the account for 127.0.0.1:"),
            "{hint}"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_token_server_that_fails_is_no_denial() {
    let tokens: [fn() -> Reply; 7] = [
        || Reply::status(500),
        || Reply::status(404),
        || Reply::Reset,
        || Reply::Silence,
        || Reply::status(200).body("<html>"),
        || Reply::status(200).body(r#"{"expires_in": 300}"#),
        || Reply::status(200).body("{\"token\": \"a\\nb\"}"),
    ];
    for token in tokens {
        let registry = bearer_registry(token, manifest_reply);
        let error = unknown(look_up(&impatient_client(), &registry).await);
        assert!(!error.is_denied(), "{error:?}");
        assert!(error.to_string().contains("/token?"), "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_its_own_token_ends_the_matter() {
    let registry = bearer_registry(
        || Reply::status(200).body(r#"{"token": "another"}"#),
        manifest_reply,
    );
    assert!(unknown(super::look_up(&registry).await).is_denied());
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn credentials_go_to_no_unprotected_token_server() {
    for realm in [
        "http://192.0.2.1/token",
        "ftp://127.0.0.1/token",
        "not a url",
    ] {
        let registry = ScriptedRegistry::start(move |_| {
            let challenge = format!(r#"Bearer realm="{realm}",service="s""#);
            Reply::status(401).header("WWW-Authenticate", &challenge)
        });
        let (client, _folder) = user(&registry);
        let error = unknown(look_up(&client, &registry).await);
        assert!(matches!(error, Error::TokenServer { .. }), "{error:?}");
        assert!(error.to_string().contains(realm), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_takes_no_credentials_to_another_host() {
    let elsewhere = ScriptedRegistry::start(|_| manifest_reply());
    let target = format!("http://x:y@{}/blob", elsewhere.host());
    let registry = ScriptedRegistry::start(move |request| match request.header("authorization") {
        Some(BASIC) if request.target == "/same" => Reply::status(307).header("Location", &target),
        Some(BASIC) => Reply::status(307).header("Location", "/same"),
        _ => Reply::status(401).header("WWW-Authenticate", "Basic"),
    });
    let (client, _folder) = user(&registry);
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
    let requests = elsewhere.requests();
    assert_eq!(
        (requests.len(), requests[0].header("authorization")),
        (1, None)
    );
}

/// Its token server would get the credentials of the registry that was meant.
#[tokio::test]
async fn another_hosts_challenge_is_not_answered() {
    let elsewhere = ScriptedRegistry::start(bearer_challenge);
    let target = format!("http://{}/blob", elsewhere.host());
    let registry = ScriptedRegistry::start(move |_| Reply::status(307).header("Location", &target));
    let (client, _folder) = user(&registry);
    assert!(unknown(look_up(&client, &registry).await).is_denied());
    assert_eq!(elsewhere.request_lines(), ["HEAD /blob"]);
}

#[tokio::test]
async fn a_token_server_may_not_pass_the_credentials_on() {
    let elsewhere = ScriptedRegistry::start(|_| the_token());
    let target = format!("http://{}/token", elsewhere.host());
    let registry = ScriptedRegistry::start(move |request| match request.header("authorization") {
        _ if request.target.starts_with("/token") => Reply::status(307).header("Location", &target),
        Some("Bearer the-token") => manifest_reply(),
        _ => bearer_challenge(request),
    });
    let (client, _folder) = user(&registry);
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
    assert_eq!(elsewhere.requests()[0].header("authorization"), None);
}

/// The token server of OAuth, which wants a form, and gives `the-token` for it if it is `expected`.
fn oauth_registry(expected: &'static str) -> ScriptedRegistry {
    ScriptedRegistry::start(move |request| match request.header("authorization") {
        _ if request.target.starts_with("/token") => {
            let form = String::from_utf8_lossy(&request.body);
            match request.method == "POST" && form == expected {
                true => Reply::status(200).body(r#"{"access_token": "the-token"}"#),
                false => Reply::status(405),
            }
        }
        Some("Bearer the-token") => manifest_reply(),
        _ => bearer_challenge(request),
    })
}

#[tokio::test]
async fn an_identity_token_is_exchanged_for_a_token() {
    let registry = oauth_registry(
        "grant_type=refresh_token&refresh_token=hunter2&client_id=fp&service=the+registry\
         &scope=repository%3Aacme%2Fapp%3Apull",
    );
    let (client, _folder) = client_for(&registry, r#"{"identitytoken": "hunter2"}"#);
    let lookup = look_up(&client, &registry).await;
    assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn a_token_server_without_get_is_asked_with_post() {
    let registry = oauth_registry(
        "grant_type=password&username=user&password=hunter2&client_id=fp&service=the+registry\
         &scope=repository%3Aacme%2Fapp%3Apull",
    );
    let (client, _folder) = user(&registry);
    let lookup = look_up(&client, &registry).await;
    assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
    assert_eq!(registry.requests().len(), 4);
}

#[tokio::test]
async fn a_token_for_the_registry_itself_needs_no_token_server() {
    let registry = bearer_registry(|| Reply::Reset, manifest_reply);
    let (client, _folder) = client_for(&registry, r#"{"registrytoken": "the-token"}"#);
    let lookup = look_up(&client, &registry).await;
    assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
    assert_eq!(registry.requests().len(), 2);
}

#[tokio::test]
async fn a_helper_that_fails_is_no_answer_and_no_denial() {
    let registry = bearer_registry(the_token, manifest_reply);
    let (client, _folder) = client_with(r#"{"credsStore": "nonesuch"}"#);
    let error = unknown(look_up(&client, &registry).await);
    assert!(matches!(error, Error::Helper { .. }), "{error:?}");
    assert!(!error.is_denied() && error.to_string().contains("nonesuch"));
    assert_eq!(registry.requests().len(), 1);
}

/// Of two teams on one registry each has its own account.
#[tokio::test]
async fn a_namespace_may_have_an_account_of_its_own() {
    let registry = ScriptedRegistry::start(|request| match request.header("authorization") {
        Some(BASIC) if request.target.contains("/acme/") => manifest_reply(),
        _ => Reply::status(401).header("WWW-Authenticate", "Basic"),
    });
    let config = format!(
        r#"{{"auths": {{"{0}": {{"auth": "eDp5"}}, "{0}/acme": {{"auth": "dXNlcjpodW50ZXIy"}}}}}}"#,
        registry.host()
    );
    let (client, _folder) = client_with(&config);
    let lookup = look_up(&client, &registry).await;
    assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
    let other = format!("{}/other/app", registry.host()).parse().unwrap();
    assert!(unknown(client.look_up(&other, &tag()).await).is_denied());
    let offered = registry.requests();
    assert_eq!(offered[3].header("authorization"), Some("Basic eDp5"));
}

/// An open registry needs no credentials, so a broken file is no obstacle there.
#[tokio::test]
async fn a_broken_config_json_matters_only_where_it_is_needed() {
    let (client, _folder) = client_with("{");
    let registry = ScriptedRegistry::start(|_| manifest_reply());
    assert!(matches!(
        look_up(&client, &registry).await,
        Lookup::Present { .. }
    ));
    let registry = bearer_registry(the_token, manifest_reply);
    let error = unknown(look_up(&client, &registry).await);
    assert!(matches!(error, Error::AuthFileSyntax { .. }), "{error:?}");
    assert!(!error.is_denied());
}

/// `--first-push` is about the first look only.
#[tokio::test]
async fn a_denied_push_is_not_taken_for_a_new_repository() {
    let registry = bearer_registry(|| refusal(403, "DENIED", "read only"), manifest_reply);
    let (client, _folder) = user(&registry);
    let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
    let outcome = client
        .put_manifest(&repository(&registry), &tag(), &manifest)
        .await;
    let error = outcome.unwrap_err();
    assert!(error.is_denied() && !error.hint().unwrap().to_string().contains("--first-push"));
}
