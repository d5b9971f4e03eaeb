//! Present, absent or unknown: every answer that a look-up can meet.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{
    MANIFEST, MANIFEST_TYPE, Reply, Request, ScriptedRegistry, client, digest, impatient_client,
    look_up, manifest_reply, refusal, repository, tag, unknown,
};
use crate::registry::{Error, Lookup};

/// What a look-up says if the registry answers HEAD, GET and `/v2/` in these ways.
async fn with_answers(
    head: impl Fn() -> Reply + Send + Sync + 'static,
    get: impl Fn() -> Reply + Send + Sync + 'static,
    root: impl Fn() -> Reply + Send + Sync + 'static,
) -> Lookup {
    let registry = ScriptedRegistry::start(move |request| match request {
        Request { method, .. } if method == "HEAD" => head(),
        Request { target, .. } if target == "/v2/" => root(),
        _ => get(),
    });
    look_up(&registry).await
}

fn is_present(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Present { digest: found } if *found == digest())
}

fn is_absent(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Absent)
}

#[tokio::test]
async fn a_present_tag_costs_one_request() {
    let registry = ScriptedRegistry::start(|_| manifest_reply());
    assert!(is_present(&look_up(&registry).await));
    assert_eq!(registry.request_lines(), ["HEAD /v2/acme/app/manifests/v1"]);
    let accept = registry.requests()[0].header("accept").unwrap().to_owned();
    for kind in [
        "oci.image.manifest",
        "oci.image.index",
        "manifest.v2",
        "manifest.list.v2",
    ] {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[tokio::test]
async fn header_names_have_no_case() {
    for name in [
        "docker-content-digest",
        "DOCKER-CONTENT-DIGEST",
        "dOcKeR-Content-digest",
    ] {
        let head = move || Reply::status(200).header(name, &digest().to_string());
        let lookup = with_answers(head, || Reply::Reset, || Reply::Reset).await;
        assert!(is_present(&lookup), "{lookup:?}");
    }
}

#[tokio::test]
async fn a_digest_that_was_not_sent_is_computed() {
    let get = || {
        Reply::status(200)
            .header("Content-Type", MANIFEST_TYPE)
            .body(MANIFEST)
    };
    let lookup = with_answers(|| Reply::status(200), get, || Reply::Reset).await;
    assert!(is_present(&lookup), "{lookup:?}");
}

#[tokio::test]
async fn a_digest_that_is_none_is_no_answer() {
    for value in ["", "sha256:x", "md5:00", "latest"] {
        let head = move || Reply::status(200).header("Docker-Content-Digest", value);
        let error = unknown(with_answers(head, manifest_reply, || Reply::Reset).await);
        assert!(matches!(error, Error::DigestHeader { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_of_their_digest_are_no_answer() {
    let get = || manifest_reply().body(format!("{MANIFEST} "));
    let error = unknown(with_answers(|| Reply::status(200), get, || Reply::Reset).await);
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
}

/// A captive portal, or a web server that answers everything.
#[tokio::test]
async fn a_web_page_is_no_manifest() {
    let page = || {
        Reply::status(200)
            .header("Content-Type", "text/html")
            .body("<html>hello</html>")
    };
    let error = unknown(with_answers(page, page, page).await);
    assert!(matches!(error, Error::Manifest { .. }), "{error:?}");
}

#[tokio::test]
async fn absence_is_said_in_the_words_of_a_registry() {
    for code in ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"] {
        let get = move || refusal(404, code, "not there");
        let lookup = with_answers(|| Reply::status(404), get, || Reply::Reset).await;
        assert!(is_absent(&lookup), "{code}: {lookup:?}");
    }
}

#[tokio::test]
async fn other_404s_are_not_absence() {
    let page = || {
        Reply::status(404)
            .header("Content-Type", "text/html")
            .body("<html>404</html>")
    };
    let root = || Reply::status(200).header("Docker-Distribution-Api-Version", "registry/2.0");
    let error = unknown(with_answers(|| Reply::status(404), page, root).await);
    assert!(
        error
            .to_string()
            .ends_with("but not in the words of a registry (with a web page)")
    );

    for body in [
        "{}",
        r#"{"errors": []}"#,
        r#"{"errors": [{"code": "UNAUTHORIZED"}]}"#,
        r#"{"errors": [{"code": "MANIFEST_UNKNOWN"}, {"code": "DENIED"}]}"#,
        r#"{"errors": [{"code": "manifest_unknown"}]}"#,
        r#"{"errors": [{"message": "MANIFEST_UNKNOWN"}]}"#,
        "404 page not found",
        "MANIFEST_UNKNOWN",
    ] {
        let lookup = with_answers(
            || Reply::status(404),
            move || Reply::status(404).body(body),
            root,
        )
        .await;
        assert!(!unknown(lookup).is_denied(), "{body}");
    }
}

#[tokio::test]
async fn an_empty_404_is_absence_if_the_host_is_a_registry() {
    let empty = || Reply::status(404);
    let version = || Reply::status(200).header("docker-distribution-api-version", "registry/2.0");
    let is_registry: [fn() -> Reply; 5] = [
        || {
            Reply::status(200)
                .header("Docker-Distribution-Api-Version", "registry/2.0")
                .body("x")
        },
        || Reply::status(401).header("WWW-Authenticate", "Bearer realm=\"https://t/\""),
        || Reply::status(401).header("www-authenticate", "basic realm=x"),
        || {
            Reply::status(200)
                .header("Content-Type", "application/json")
                .body("{}\n")
        },
        || Reply::status(200),
    ];
    assert!(is_absent(&with_answers(empty, empty, version).await));
    for root in is_registry {
        assert!(is_absent(&with_answers(empty, empty, root).await));
    }
    let is_none: [fn() -> Reply; 6] = [
        || Reply::status(404),
        || Reply::status(401),
        || Reply::status(401).header("WWW-Authenticate", "Negotiate"),
        || {
            Reply::status(200)
                .header("Content-Type", "text/html")
                .body("<html>welcome</html>")
        },
        || Reply::status(503).header("Docker-Distribution-Api-Version", "registry/2.0"),
        || Reply::status(302).header("Location", "https://login.invalid/"),
    ];
    for root in is_none {
        unknown(with_answers(empty, empty, root).await);
    }
}

#[tokio::test]
async fn a_head_that_is_refused_alone_is_asked_again_by_get() {
    for status in [400, 403, 404] {
        let head = move || Reply::status(status);
        assert!(is_present(
            &with_answers(head, manifest_reply, || Reply::Reset).await
        ));
    }
}

#[tokio::test]
async fn refusals_and_failures_are_unknown() {
    for (status, is_denied, is_transient) in [
        (400, false, false),
        (401, true, false),
        (403, true, false),
        (405, false, false),
        (408, false, true),
        (429, false, true),
        (500, false, true),
        (502, false, true),
        (503, false, true),
        (504, false, true),
        (204, false, false),
        (304, false, false),
        (418, false, false),
    ] {
        let reply = move || Reply::status(status);
        let error = unknown(with_answers(reply, reply, reply).await);
        assert_eq!(error.is_denied(), is_denied, "{error}");
        assert_eq!(error.is_transient(), is_transient, "{error}");
        let text = error.to_string();
        assert!(text.contains(&status.to_string()), "{text}");
        assert!(text.contains("http://127.0.0.1:"), "{text}");
        assert!(text.contains("/v2/acme/app/manifests/v1"), "{text}");
    }
}

#[tokio::test]
async fn a_denial_shows_the_words_of_the_registry_and_the_way_out() {
    let get = || refusal(403, "DENIED", "requested access to the resource is denied");
    let error = unknown(with_answers(|| Reply::status(403), get, || Reply::Reset).await);
    let text = error.to_string();
    assert!(text.starts_with("GET http://127.0.0.1:"), "{text}");
    assert!(text.ends_with("403 Forbidden: DENIED: requested access to the resource is denied"));
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("docker login 127.0.0.1:"), "{hint}");
    assert!(hint.contains("--first-push"), "{hint}");
}

#[tokio::test]
async fn what_a_registry_says_cannot_act_on_a_terminal() {
    let message = format!("\\u001b[31mred\\u202e {}", "x".repeat(1000));
    let get = move || refusal(400, "UNKNOWN", &message);
    let error = unknown(with_answers(|| Reply::status(400), get, || Reply::Reset).await);
    let text = error.to_string();
    assert!(text.contains(r"\u{1b}[31mred\u{202e} xxx"), "{text}");
    assert!(
        !text.contains(char::is_control) && text.len() < 500,
        "{text}"
    );
}

#[tokio::test]
async fn broken_connections_are_unknown() {
    for break_off in [|| Reply::Reset, || Reply::status(200).cut_short()] {
        let error = unknown(with_answers(|| Reply::status(404), break_off, || Reply::Reset).await);
        assert!(matches!(error, Error::Connection { .. }), "{error:?}");
        assert!(
            error.is_transient() && error.to_string().starts_with("GET http"),
            "{error}"
        );
    }
    let error = unknown(with_answers(|| Reply::Reset, || Reply::Reset, || Reply::Reset).await);
    assert!(matches!(error, Error::Connection { .. }), "{error:?}");
    assert!(error.to_string().starts_with("HEAD http"), "{error}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unknown() {
    let registry = ScriptedRegistry::start(|_| Reply::Reset);
    let repository = repository(&registry);
    drop(registry);
    let error = unknown(client().look_up(&repository, &tag()).await);
    assert!(
        error
            .to_string()
            .ends_with("Connection refused (os error 111)"),
        "{error}"
    );
    assert!(error.is_transient());
}

/// The longest that a look-up by the impatient client may take on a busy machine.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn silence_ends_within_the_limits() {
    let replies: [fn() -> Reply; 2] = [|| Reply::Silence, || Reply::Drip];
    for reply in replies {
        let registry = ScriptedRegistry::start(move |request| match request.method.as_str() {
            "HEAD" => Reply::status(404),
            _ => reply(),
        });
        let begin = Instant::now();
        let lookup = impatient_client()
            .look_up(&repository(&registry), &tag())
            .await;
        let error = unknown(lookup);
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        assert!(
            error.is_transient() && error.to_string().contains("no answer within"),
            "{error}"
        );
        assert!(begin.elapsed() < SOON);
    }
}

/// Each answer comes within the read limit, and the limit for the whole ends it all the same.
#[tokio::test]
async fn slow_redirects_end_within_the_limits() {
    let registry = ScriptedRegistry::start(|request| {
        std::thread::sleep(Duration::from_millis(150));
        Reply::status(302).header("Location", &format!("{}x", request.target))
    });
    let begin = Instant::now();
    let error = unknown(
        impatient_client()
            .look_up(&repository(&registry), &tag())
            .await,
    );
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(begin.elapsed() < SOON);
}

#[tokio::test]
async fn redirect_loops_end() {
    let registry =
        ScriptedRegistry::start(|request| Reply::status(307).header("Location", &request.target));
    let error = unknown(look_up(&registry).await);
    assert!(matches!(error, Error::TooManyRedirects { .. }), "{error:?}");
    assert_eq!(registry.requests().len(), 11);
}

#[tokio::test]
async fn redirects_are_followed_on_the_host_and_across_hosts() {
    let elsewhere = ScriptedRegistry::start(|_| manifest_reply());
    let target = format!("http://{}/blob?signature=hunter2", elsewhere.host());
    for status in [301, 302, 303, 307, 308] {
        let target = target.clone();
        let registry = ScriptedRegistry::start(move |request| match request.target.as_str() {
            "/moved" => Reply::status(status).header("Location", &target),
            _ => Reply::status(status).header("Location", "/moved"),
        });
        assert!(is_present(&look_up(&registry).await));
        assert_eq!(registry.requests().len(), 2);
    }
    assert_eq!(elsewhere.request_lines()[0], "HEAD /blob?signature=hunter2");
}

#[tokio::test]
async fn an_error_behind_a_redirect_names_both_hosts_without_their_secrets() {
    let elsewhere = ScriptedRegistry::start(|_| Reply::status(500));
    let target = format!(
        "http://user:hunter2@{}/blob?signature=hunter2",
        elsewhere.host()
    );
    let registry = ScriptedRegistry::start(move |_| Reply::status(302).header("Location", &target));
    let error = unknown(look_up(&registry).await);
    let text = format!("{error} {error:?}");
    assert!(
        text.contains(&format!("{}/blob?signature=…: 500", elsewhere.host())),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

/// What comes over such a way could be anybody's answer.
#[tokio::test]
async fn a_redirect_may_not_lead_to_an_unprotected_host() {
    for target in [
        "http://192.0.2.1/v2/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
    ] {
        let registry =
            ScriptedRegistry::start(move |_| Reply::status(302).header("Location", target));
        let error = unknown(look_up(&registry).await);
        assert!(matches!(error, Error::Redirect { .. }), "{error:?}");
    }
}

/// `/v2/` speaks for its own host only.
#[tokio::test]
async fn an_empty_404_of_another_host_is_not_absence() {
    let elsewhere = ScriptedRegistry::start(|_| Reply::status(404));
    let target = format!("http://{}/v2/", elsewhere.host());
    let registry = ScriptedRegistry::start(move |request| match request.target.as_str() {
        "/v2/" => Reply::status(200),
        _ => Reply::status(307).header("Location", &target),
    });
    let error = unknown(look_up(&registry).await);
    assert!(
        matches!(error, Error::NotFoundByNoRegistry { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_the_end() {
    let bodies: [fn() -> Reply; 2] = [
        || Reply::status(200).body(vec![b' '; (4 << 20) + 1]),
        || Reply::Endless,
    ];
    for get in bodies {
        let error = unknown(with_answers(|| Reply::status(404), get, || Reply::Reset).await);
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
}

/// 127.1 is no loopback name to fp, which therefore speaks TLS, and is this machine all the same.
#[tokio::test]
async fn a_server_without_tls_is_unknown_where_tls_is_due() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        stream
    });
    let repository = format!("127.1:{port}/acme/app").parse().unwrap();
    let error = unknown(client().look_up(&repository, &tag()).await);
    assert!(
        error.to_string().starts_with("HEAD https://127.0.0.1:"),
        "{error}"
    );
    assert!(!error.is_transient() && !error.is_denied(), "{error:?}");
    assert!(error.hint().unwrap().to_string().contains("no registry"));
    server.join().unwrap();
}
