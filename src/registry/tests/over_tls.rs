//! Registries on this machine that speak TLS, with certificates that nobody vouches for.

use super::tls_front::TlsFront;
use super::{ScriptedRegistry, digest, manifest_reply, refusal, tag, unknown};
use crate::reference::Repository;
use crate::registry::{Client, Error, Lookup};

const GO: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
const NGINX: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
    <html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>";
/// A record of TLS that says that the handshake was no handshake.
const ALERT: &[u8] = b"\x15\x03\x03\x00\x02\x02\x0a";

fn repository(front: &TlsFront) -> Repository {
    format!("{}/acme/app", front.host()).parse().unwrap()
}

async fn look_up(client: &Client, front: &TlsFront) -> Lookup {
    client.look_up(&repository(front), &tag()).await
}

/// As docker does it, and fp once did not.
#[tokio::test]
async fn a_registry_on_loopback_that_wants_tls_gets_it_whatever_its_certificate() {
    for to_plain_text in [b"", ALERT, GO, NGINX] {
        let registry = ScriptedRegistry::start(|_| manifest_reply());
        let front = TlsFront::start(&registry.host(), to_plain_text);
        let client = super::client();
        for _ in 0..2 {
            let answer = look_up(&client, &front).await;
            assert!(matches!(answer, Lookup::Present { .. }), "{answer:?}");
        }
        let manifest = client.manifest(&repository(&front), &digest()).await;
        assert!(manifest.is_ok(), "{manifest:?}");
        assert_eq!(registry.requests().len(), 3);
        let asked_in_vain = usize::from(to_plain_text.starts_with(b"HTTP"));
        assert_eq!(front.plain_requests(), 1 + asked_in_vain);
    }
}

#[tokio::test]
async fn what_such_a_registry_says_is_its_own_word() {
    let registry = ScriptedRegistry::start(|_| refusal(404, "NAME_UNKNOWN", "no such thing"));
    let front = TlsFront::start(&registry.host(), GO);
    let client = super::client();
    assert!(matches!(look_up(&client, &front).await, Lookup::Absent));

    let registry = ScriptedRegistry::start(|_| refusal(403, "DENIED", "no"));
    let front = TlsFront::start(&registry.host(), GO);
    let error = unknown(look_up(&client, &front).await);
    assert!(error.is_denied(), "{error}");
    assert!(
        error.to_string().contains("GET https://127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test]
async fn what_speaks_neither_is_told_by_its_answer_without_tls() {
    let registry = ScriptedRegistry::start(|_| {
        super::Reply::status(400).body("HTTP request to an HTTPS server")
    });
    let error = unknown(super::look_up(&registry).await);
    assert!(matches!(error, Error::Status { .. }), "{error:?}");
    let registry = ScriptedRegistry::start(|_| super::Reply::Reset);
    let error = unknown(super::look_up(&registry).await);
    assert!(error.to_string().contains("HEAD http://"), "{error}");
    assert_eq!(registry.requests().len(), 1);
}
