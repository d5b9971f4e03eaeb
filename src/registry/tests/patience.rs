//! What is tried again, when, and for how long.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::{
    MANIFEST, Reply, Request, ScriptedRegistry, manifest_reply, refusal, repository, settings, tag,
    unknown,
};
use crate::reference::Digest;
use crate::registry::{Client, Error, Lookup, Manifest, PutOutcome, Retries, Settings, TimeLimits};

/// Tries three times more, almost at once.
fn persistent_client() -> Client {
    Client::new(Settings {
        retries: Retries {
            times: 3,
            first_pause: Duration::from_millis(2),
        },
        ..settings()
    })
}

/// Answers the first `count` requests that are `meant` with `fault`, and all others as `then` does.
fn failing_first(
    count: usize,
    meant: impl Fn(&Request) -> bool + Send + Sync + 'static,
    fault: impl Fn() -> Reply + Send + Sync + 'static,
    then: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> ScriptedRegistry {
    let left = AtomicUsize::new(count);
    ScriptedRegistry::start(move |request| {
        let less = |left: usize| left.checked_sub(1);
        let is_first = meant(request)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
                .is_ok();
        if is_first { fault() } else { then(request) }
    })
}

async fn look_up(registry: &ScriptedRegistry) -> Lookup {
    persistent_client()
        .look_up(&repository(registry), &tag())
        .await
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let faults: [fn() -> Reply; 8] = [
        || Reply::status(408),
        || Reply::status(429),
        || Reply::status(500),
        || Reply::status(502),
        || Reply::status(503),
        || Reply::status(504),
        || Reply::Reset,
        || Reply::status(200).cut_short(),
    ];
    for fault in faults {
        // A truncated answer shows only where there is a body.
        let truncated = matches!(fault(), Reply::CutShort { .. });
        let method = if truncated { "GET" } else { "HEAD" };
        let without_digest = move |request: &Request| match request.method.as_str() {
            "HEAD" if truncated => Reply::status(200),
            _ => manifest_reply(),
        };
        let meant = move |request: &Request| request.method == method;
        let registry = failing_first(3, meant, fault, without_digest);
        let lookup = look_up(&registry).await;
        assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
        let tries = registry.requests().iter().filter(|r| meant(r)).count();
        assert_eq!(tries, 4);

        let registry = failing_first(4, meant, fault, without_digest);
        assert!(unknown(look_up(&registry).await).is_transient());
    }
}

#[tokio::test]
async fn a_no_is_taken_for_a_no() {
    for (status, requests) in [(400, 2), (401, 1), (403, 2), (404, 3), (405, 1), (422, 1)] {
        let registry = ScriptedRegistry::start(move |_| Reply::status(status));
        assert!(!unknown(look_up(&registry).await).is_transient());
        assert_eq!(registry.requests().len(), requests, "{status}");
    }
    let registry = ScriptedRegistry::start(|request| match request.method.as_str() {
        "HEAD" => Reply::status(404),
        _ => refusal(404, "MANIFEST_UNKNOWN", "no"),
    });
    assert!(matches!(look_up(&registry).await, Lookup::Absent));
    assert_eq!(registry.requests().len(), 2);
}

/// Until a registry is asked a second time, it passes as long as it asked for.
#[tokio::test]
async fn retry_after_is_waited_for() {
    let in_two_seconds = || {
        let date = SystemTime::now() + Duration::from_secs(2);
        httpdate::fmt_http_date(date)
    };
    let ways: [(fn() -> String, Duration); 2] = [
        (|| "1".to_owned(), Duration::from_secs(1)),
        // Dates have whole seconds.
        (in_two_seconds, Duration::from_millis(900)),
    ];
    for (value, at_least) in ways {
        let fault = move || Reply::status(429).header("Retry-After", &value());
        let registry = failing_first(1, |_| true, fault, |_| manifest_reply());
        let begin = Instant::now();
        assert!(matches!(look_up(&registry).await, Lookup::Present { .. }));
        assert!(begin.elapsed() >= at_least, "{:?}", begin.elapsed());
        assert_eq!(registry.requests().len(), 2);
    }
}

#[tokio::test]
async fn who_is_asked_for_more_patience_than_there_is_gives_up_at_once() {
    let registry = ScriptedRegistry::start(|_| {
        refusal(429, "TOOMANYREQUESTS", "pull rate limit")
            .header("Retry-After", "3600")
            .header("RateLimit-Limit", "100;w=21600")
            .header("RateLimit-Remaining", "0;w=21600")
    });
    let begin = Instant::now();
    let error = unknown(look_up(&registry).await);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(registry.requests().len(), 1);
    let text = error.to_string();
    assert!(
        text.ends_with("(100 requests in 6 h are allowed, 0 are left, it asks to wait 1 h)"),
        "{text}"
    );
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("as long as the registry asks"), "{hint}");
}

#[tokio::test]
async fn all_tries_together_end_within_the_limit() {
    let registry = ScriptedRegistry::start(|_| Reply::status(503).header("Retry-After", "1"));
    let time_limits = TimeLimits {
        total: Duration::from_millis(1500),
        ..TimeLimits::default()
    };
    let client = Client::new(Settings {
        time_limits,
        ..Settings::default()
    });
    let begin = Instant::now();
    unknown(client.look_up(&repository(&registry), &tag()).await);
    let time = begin.elapsed();
    assert!(
        time >= Duration::from_secs(1) && time < Duration::from_secs(10),
        "{time:?}"
    );
    assert_eq!(registry.requests().len(), 2);
}

/// A run with many images does not wait for each of them; and what answers again is asked with patience again.
#[tokio::test]
async fn a_registry_that_was_silent_is_asked_once_until_it_answers() {
    let registry = failing_first(5, |_| true, || Reply::Reset, |_| manifest_reply());
    let (client, repository, tag) = (persistent_client(), repository(&registry), tag());
    for requests in [4, 5] {
        unknown(client.look_up(&repository, &tag).await);
        assert_eq!(registry.requests().len(), requests);
    }
    let lookup = client.look_up(&repository, &tag).await;
    assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");

    let left = AtomicUsize::new(0);
    let registry = ScriptedRegistry::start(move |_| {
        // Silent for one operation, then there, then silent for one request.
        match left.fetch_add(1, Ordering::SeqCst) {
            0..=3 | 5 => Reply::Reset,
            _ => manifest_reply(),
        }
    });
    let repository = super::repository(&registry);
    unknown(client.look_up(&repository, &tag).await);
    for requests in [5, 7] {
        let lookup = client.look_up(&repository, &tag).await;
        assert!(matches!(lookup, Lookup::Present { .. }), "{lookup:?}");
        assert_eq!(registry.requests().len(), requests);
    }
}

/// An answer is no silence, whatever it says.
#[tokio::test]
async fn a_registry_that_fails_with_an_answer_is_tried_again_each_time() {
    let registry = ScriptedRegistry::start(|_| Reply::status(503));
    let client = persistent_client();
    for requests in [4, 8] {
        unknown(client.look_up(&repository(&registry), &tag()).await);
        assert_eq!(registry.requests().len(), requests);
    }
}

#[tokio::test]
async fn a_token_server_is_asked_again_as_well() {
    let registry = failing_first(
        2,
        |request| request.target.starts_with("/token"),
        || Reply::status(503),
        |request| match request.header("authorization") {
            _ if request.target.starts_with("/token") => {
                Reply::status(200).body(r#"{"token": "t"}"#)
            }
            Some("Bearer t") => manifest_reply(),
            _ => {
                let realm = format!("http://{}/token", request.header("host").unwrap());
                let challenge = format!(r#"Bearer realm="{realm}""#);
                Reply::status(401).header("WWW-Authenticate", &challenge)
            }
        },
    );
    assert!(matches!(look_up(&registry).await, Lookup::Present { .. }));
}

/// What a registry does with the first PUT of a tag, and what it then has.
async fn put_after(
    fault: Reply,
    then_there: Option<&'static str>,
) -> (Result<PutOutcome, Error>, usize) {
    let (fault, written) = (Mutex::new(Some(fault)), Mutex::new(then_there));
    let registry = ScriptedRegistry::start({
        move |request| {
            if request.method == "PUT" {
                return fault.lock().unwrap().take().unwrap_or_else(|| {
                    *written.lock().unwrap() = Some(MANIFEST);
                    Reply::status(201)
                });
            }
            match *written.lock().unwrap() {
                Some(MANIFEST) => manifest_reply(),
                Some(other) => {
                    let digest = Digest::sha256_of(other.as_bytes()).to_string();
                    Reply::status(200).header("Docker-Content-Digest", &digest)
                }
                None => refusal(404, "MANIFEST_UNKNOWN", "no"),
            }
        }
    });
    let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
    let outcome = persistent_client()
        .put_manifest(&repository(&registry), &tag(), &manifest)
        .await;
    let requests = registry.requests();
    (
        outcome,
        requests.iter().filter(|r| r.method == "PUT").count(),
    )
}

/// A second PUT would take the tag from whoever wrote it in between.
#[tokio::test]
async fn a_tag_is_written_again_only_if_it_is_still_absent() {
    let faults: [fn() -> Reply; 4] = [
        || Reply::Reset,
        || Reply::status(500),
        || Reply::status(503),
        || Reply::status(429),
    ];
    for fault in faults {
        let (outcome, puts) = put_after(fault(), None).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written)), "{outcome:?}");
        assert_eq!(puts, 2);
        let (outcome, puts) = put_after(fault(), Some(MANIFEST)).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written)), "{outcome:?}");
        assert_eq!(puts, 1);
        let (outcome, puts) = put_after(fault(), Some("another")).await;
        assert!(matches!(outcome, Ok(PutOutcome::Overtaken)), "{outcome:?}");
        assert_eq!(puts, 1);
    }
}
