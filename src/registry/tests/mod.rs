//! The client against a server that answers as each test scripts it.

mod authorization;
mod cost;
#[path = "../../../tests/integration/support/crowd.rs"]
mod crowd;
mod elsewhere;
#[path = "../../../tests/integration/support/far_registry.rs"]
mod far_registry;
mod faults;
mod labels;
mod look_up;
mod manifests;
mod mount;
mod over_tls;
mod patience;
mod referrers;
#[path = "../../../tests/integration/support/scripted_registry.rs"]
mod scripted_registry;
mod shapes;
mod shelf;
#[path = "../../../tests/integration/support/tls_front.rs"]
mod tls_front;

use std::time::Duration;

use scripted_registry::{Reply, Request, ScriptedRegistry};

use super::{Client, Error, Lookup, Retries, Settings, TimeLimits};
use crate::reference::{Digest, Repository, Tag};

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"layers":[]}"#;
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// The settings of most tests, which count requests: nothing is tried again.
fn settings() -> Settings {
    Settings {
        retries: Retries {
            times: 0,
            ..Retries::default()
        },
        ..Settings::default()
    }
}

fn client() -> Client {
    Client::new(settings())
}

/// A client for tests in which the time runs out. The others keep the real limits, so that a busy
/// machine fails none of them.
fn impatient_client() -> Client {
    let time_limits = TimeLimits {
        connect: Duration::from_millis(300),
        read: Duration::from_millis(300),
        total: Duration::from_millis(900),
    };
    Client::new(Settings {
        time_limits,
        ..settings()
    })
}

fn repository(registry: &ScriptedRegistry) -> Repository {
    format!("{}/acme/app", registry.host()).parse().unwrap()
}

fn tag() -> Tag {
    "v1".parse().unwrap()
}

fn digest() -> Digest {
    Digest::sha256_of(MANIFEST.as_bytes())
}

/// The manifest as a registry sends it.
fn manifest_reply() -> Reply {
    Reply::status(200)
        .header("Content-Type", MANIFEST_TYPE)
        .header("Docker-Content-Digest", &digest().to_string())
        .body(MANIFEST)
}

/// A registry's error body.
fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    Reply::status(status)
        .header("Content-Type", "application/json")
        .body(body)
}

async fn look_up(registry: &ScriptedRegistry) -> Lookup {
    client().look_up(&repository(registry), &tag()).await
}

/// The error of a look-up that could not tell.
fn unknown(lookup: Lookup) -> Error {
    match lookup {
        Lookup::Unknown(error) => error,
        other => panic!("{other:?}"),
    }
}
