//! Registries that are not on this machine: through proxies, with certificates that have to be
//! right, and without TLS only where that is configured.

use std::path::Path;

use tempfile::TempDir;

use super::far_registry::{Clients, FarRegistry, certify, trust};
use super::{Reply, ScriptedRegistry, manifest_reply, settings, tag, unknown};
use crate::environment::Environment;
use crate::registry::{Client, Error, Lookup, Proxies, Settings};

fn proxies(variables: &[(&str, &str)]) -> Proxies {
    Proxies::of(&variables.iter().copied().collect::<Environment>())
}

/// The settings of a machine that reaches `registry` through its proxy.
fn behind_proxy(registry: &FarRegistry, certificates: &Path) -> Settings {
    Settings {
        proxies: proxies(&[("HTTPS_PROXY", &registry.proxy())]),
        certificate_folders: vec![certificates.to_owned()],
        ..settings()
    }
}

async fn look_up(settings: Settings) -> Lookup {
    let repository = "registry.test/acme/app".parse().unwrap();
    Client::new(settings).look_up(&repository, &tag()).await
}

fn is_present(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Present { .. })
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_registry_is_asked_through_the_proxy_and_trusted_by_its_own_ca() {
    let backend = ScriptedRegistry::start(|_| manifest_reply());
    let registry = FarRegistry::start(&backend.host(), Clients::All);
    let certificates = folder();
    trust(certificates.path());
    let lookup = look_up(behind_proxy(&registry, certificates.path())).await;
    assert!(is_present(&lookup), "{lookup:?}");
    assert_eq!(registry.asked_for(), ["registry.test:443"]);
    assert_eq!(backend.request_lines(), ["HEAD /v2/acme/app/manifests/v1"]);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_no_answer_and_not_tried_again() {
    let backend = ScriptedRegistry::start(|_| manifest_reply());
    let registry = FarRegistry::start(&backend.host(), Clients::All);
    let certificates = folder();
    let settings = Settings {
        retries: Settings::default().retries,
        ..behind_proxy(&registry, certificates.path())
    };
    let error = unknown(look_up(settings).await);
    assert!(!error.is_transient(), "{error:?}");
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("SSL_CERT_FILE"), "{hint}");
    assert_eq!(registry.asked_for().len(), 1);
    assert!(backend.requests().is_empty());
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_its_own_registry() {
    let backend = ScriptedRegistry::start(|_| manifest_reply());
    let registry = FarRegistry::start(&backend.host(), Clients::WithCertificate);
    let certificates = folder();
    trust(certificates.path());
    unknown(look_up(behind_proxy(&registry, certificates.path())).await);
    certify(certificates.path());
    let lookup = look_up(behind_proxy(&registry, certificates.path())).await;
    assert!(is_present(&lookup), "{lookup:?}");
}

#[tokio::test]
async fn no_proxy_is_heeded() {
    let backend = ScriptedRegistry::start(|_| manifest_reply());
    let registry = FarRegistry::start(&backend.host(), Clients::All);
    let variables = [
        ("HTTPS_PROXY", registry.proxy()),
        ("NO_PROXY", "other.test,.test".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let settings = Settings {
        proxies: proxies(&variables),
        ..settings()
    };
    unknown(look_up(settings).await);
    assert!(registry.asked_for().is_empty());
}

/// A machine on loopback is nobody's business.
#[tokio::test]
async fn no_proxy_stands_before_this_machine() {
    let registry = ScriptedRegistry::start(|_| manifest_reply());
    let client = Client::new(Settings {
        proxies: proxies(&[("ALL_PROXY", "http://127.0.0.1:1")]),
        ..settings()
    });
    let lookup = client.look_up(&super::repository(&registry), &tag()).await;
    assert!(is_present(&lookup), "{lookup:?}");
}

#[tokio::test]
async fn a_ca_file_without_certificates_is_an_error_and_not_passed_over() {
    let file = folder();
    let ca_file = Some(file.path().join("missing.pem"));
    let error = unknown(
        look_up(Settings {
            ca_file,
            ..settings()
        })
        .await,
    );
    assert!(matches!(error, Error::Certificate { .. }), "{error:?}");
    std::fs::write(file.path().join("ca.pem"), "nonsense").unwrap();
    let ca_file = Some(file.path().join("ca.pem"));
    let error = unknown(
        look_up(Settings {
            ca_file,
            ..settings()
        })
        .await,
    );
    assert!(matches!(error, Error::NoCertificate { .. }), "{error:?}");
    assert!(error.hint().unwrap().to_string().contains("SSL_CERT_FILE"));
}

/// A registry that is reached by a name without TLS; the proxy is how the name leads here.
fn without_tls(proxy: &ScriptedRegistry, docker_config: &Path) -> Settings {
    Settings {
        proxies: proxies(&[("HTTP_PROXY", &proxy.host())]),
        plain_http: ["registry.test".to_owned()].into(),
        credential_files: vec![docker_config.join("config.json")],
        ..settings()
    }
}

#[tokio::test]
async fn without_tls_goes_only_what_is_configured_so() {
    let registry = ScriptedRegistry::start(|_| manifest_reply());
    let config = folder();
    let lookup = look_up(without_tls(&registry, config.path())).await;
    assert!(is_present(&lookup), "{lookup:?}");
    let settings = Settings {
        plain_http: ["other.test".to_owned()].into(),
        ..without_tls(&registry, config.path())
    };
    unknown(look_up(settings).await);
    assert_eq!(
        registry.request_lines(),
        ["HEAD http://registry.test/v2/acme/app/manifests/v1"]
    );
}

#[tokio::test]
async fn without_tls_go_no_credentials() {
    let challenges = [
        "Basic realm=\"x\"",
        "Bearer realm=\"http://registry.test/token\"",
        "Bearer realm=\"http://127.0.0.1:1/token\"",
    ];
    for challenge in challenges {
        let registry =
            ScriptedRegistry::start(move |request| match request.target.contains("/token") {
                true => Reply::status(401),
                false => Reply::status(401).header("WWW-Authenticate", challenge),
            });
        let config = folder();
        let auths = r#"{"auths": {"registry.test": {"auth": "dXNlcjpodW50ZXIy"}}}"#;
        std::fs::write(config.path().join("config.json"), auths).unwrap();
        let error = unknown(look_up(without_tls(&registry, config.path())).await);
        for request in registry.requests() {
            assert_eq!(request.header("authorization"), None, "{request:?}");
        }
        if error.is_denied() {
            let hint = error.hint().unwrap().to_string();
            assert!(hint.contains("never sent without TLS"), "{hint}");
        }
    }
}

#[tokio::test]
async fn without_tls_a_registry_may_point_to_itself_and_to_nobody_else() {
    for (target, is_followed) in [
        ("/moved", true),
        ("http://registry.test/moved", true),
        ("http://registry.test:81/moved", false),
        ("http://other.test/moved", false),
        ("http://127.0.0.1/moved", false),
    ] {
        let registry =
            ScriptedRegistry::start(move |request| match request.target.ends_with("/moved") {
                true => manifest_reply(),
                false => Reply::status(307).header("Location", target),
            });
        let config = folder();
        let lookup = look_up(without_tls(&registry, config.path())).await;
        assert_eq!(is_present(&lookup), is_followed, "{target}: {lookup:?}");
    }
}
