//! The real engines and registries that script/lab starts, as the environment names them.
//!
//! Nothing is started here. Without the lab a test fails: one that passes without having asked an
//! engine would show nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

pub(crate) use super::registry::Registry;

/// An engine, docker by how it keeps its images: they differ in what they call an image's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Containerd,
    Classic,
    Podman,
}

impl Store {
    /// The address of the engine with this store, as DOCKER_HOST has it; with podman, one where no docker
    /// is.
    pub(crate) fn address(self) -> String {
        variable(match self {
            Store::Containerd => "FP_LAB_ENGINE_CONTAINERD",
            Store::Classic => "FP_LAB_ENGINE_CLASSIC",
            Store::Podman => return "unix:///nonexistent/docker.sock".to_owned(),
        })
    }

    /// The program that talks to it.
    pub(crate) fn program(self) -> PathBuf {
        match self {
            Store::Containerd | Store::Classic => docker_program(),
            Store::Podman => podman_folder().join("podman"),
        }
    }

    /// The one that this is not.
    pub(crate) fn other(self) -> Self {
        match self {
            Store::Containerd => Store::Classic,
            Store::Classic | Store::Podman => Store::Containerd,
        }
    }
}

/// Makes a test for each image store of functions that take one.
macro_rules! on_both_stores {
    ($($name:ident)*) => {
        mod containerd_store {
            $(#[test] fn $name() { super::$name($crate::support::lab::Store::Containerd) })*
        }
        mod classic_store {
            $(#[test] fn $name() { super::$name($crate::support::lab::Store::Classic) })*
        }
    };
}
pub(crate) use on_both_stores;

/// Makes a test with podman of functions that take a store.
macro_rules! on_podman {
    ($($name:ident)*) => {
        mod podman {
            $(#[test] fn $name() { super::$name($crate::support::lab::Store::Podman) })*
        }
    };
}
pub(crate) use on_podman;

/// Makes a test for each image store and with podman of functions that take a store.
macro_rules! on_every_engine {
    ($($name:ident)*) => {
        $crate::support::lab::on_both_stores! { $($name)* }
        $crate::support::lab::on_podman! { $($name)* }
    };
}
pub(crate) use on_every_engine;

/// Has the engine's own containerd forget a snapshot, which BuildKit has been seen to do to itself.
pub(crate) fn lose_snapshot(store: Store, snapshot: &str) {
    let engine = store.address();
    let engine = engine
        .strip_prefix("unix://")
        .expect("only a private engine has its containerd beside it");
    let status = Command::new(variable("FP_LAB_CTR"))
        .arg("--address")
        .arg(Path::new(engine).with_file_name("containerd.sock"))
        .args(["--namespace", "moby", "snapshots", "rm", snapshot])
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// The address of an engine that is newer than the others, if there is one: it is always private.
pub(crate) fn newest_engine() -> Option<String> {
    std::env::var("FP_LAB_ENGINE_NEWEST").ok()
}

/// The image of a Dockerfile frontend that knows more than that engine's own, if there is one.
pub(crate) fn newest_frontend() -> Option<String> {
    std::env::var("FP_LAB_FRONTEND_NEWEST").ok()
}

/// The registry that lets everybody in.
pub(crate) fn registry() -> Registry {
    Registry::open(&variable("FP_LAB_REGISTRY"))
}

/// A registry of another implementation, which lets everybody in.
pub(crate) fn second_registry() -> Registry {
    Registry::open(&variable("FP_LAB_SECOND_REGISTRY"))
}

/// The registry that wants a password.
pub(crate) fn guarded_registry() -> Registry {
    let host = variable("FP_LAB_AUTH_REGISTRY");
    let (user, password) = (
        variable("FP_LAB_AUTH_USER"),
        variable("FP_LAB_AUTH_PASSWORD"),
    );
    Registry::guarded(&host, &user, &password)
}

/// The registry that wants a token, which a token server gives for a password.
pub(crate) fn token_registry() -> Registry {
    let guarded = guarded_registry();
    let host = variable("FP_LAB_TOKEN_REGISTRY");
    Registry::guarded(&host, guarded.user(), guarded.password())
}

/// A base image with a shell.
pub(crate) fn base() -> String {
    variable("FP_LAB_BASE_BUSYBOX")
}

/// A Debian with the tools that the example's image wants.
pub(crate) fn debian() -> String {
    variable("FP_LAB_BASE_DEBIAN")
}

/// That Debian with Rust.
pub(crate) fn rust() -> String {
    variable("FP_LAB_BASE_RUST")
}

/// The `docker` program that talks to the lab's engines.
pub(crate) fn docker_program() -> PathBuf {
    let path = variable("PATH");
    std::env::split_paths(&path)
        .map(|folder| folder.join("docker"))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("there is no docker on the PATH: {ADVICE}"))
}

/// A `docker` program that needs no buildx.
pub(crate) fn old_docker_program() -> PathBuf {
    PathBuf::from(variable("FP_LAB_OLD_CLIENT"))
}

/// The `oras` program.
pub(crate) fn oras_program() -> PathBuf {
    PathBuf::from(variable("FP_LAB_ORAS"))
}

/// podman's folder: the program, `containers.conf`, `storage.conf`, `registries.conf` and `policy.json`.
pub(crate) fn podman_folder() -> PathBuf {
    PathBuf::from(variable("FP_LAB_PODMAN"))
}

/// The folder with docker's plugins.
pub(crate) fn docker_plugins() -> PathBuf {
    PathBuf::from(variable("DOCKER_CONFIG")).join("cli-plugins")
}

/// docker's config.json after `docker login` to `registry`.
pub(crate) fn docker_config(registry: &str, user: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{user}:{password}"));
    json!({ "auths": { registry: { "auth": auth } } }).to_string()
}

const ADVICE: &str =
    "run the tests with script/test, which starts the engines and registries they need";

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: {ADVICE}"))
}
