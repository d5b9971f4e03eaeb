//! The environment that an engine's program gets: what it needs to find the engine, the user's
//! credentials and the network, and nothing that could change a build behind the record's back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// To run at all, in the user's home and language. LC_* and XDG_* come as families.
const PROCESS: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*",
];

/// Which engine, and how it is reached. A machine's matter, and so never the configuration's.
const ENGINE: &[&str] = &[
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION",
    "DOCKER_CUSTOM_HEADERS",
    // `ssh://` hosts.
    "SSH_AUTH_SOCK",
];

/// Which builder; the second for builders that live in Kubernetes. Every other BUILDX_* variable,
/// and every BUILDKIT_* one, can change what a build does or makes.
const BUILDER: &[&str] = &["BUILDX_BUILDER", "KUBECONFIG"];

/// The way out, and whom to trust on it.
const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Which podman, how it is reached, where it keeps its images and what it is allowed to do; the variables that begin with
/// `_` tell it that it runs in a namespace of its own (`podman unshare`, a container). What a build makes is none
/// of their matter: BUILDAH_FORMAT, BUILDAH_LAYERS and their kin, which could change that, stay outside.
const PODMAN: &[&str] = &[
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "CONTAINER_PASSPHRASE",
    "CONTAINERS_*",
    "REGISTRY_AUTH_FILE",
    "REGISTRIES_CONFIG_PATH",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "PODMAN_CONNECTIONS_CONF",
    "BUILDAH_ISOLATION",
    "BUILDAH_RUNTIME",
    "_CONTAINERS_USERNS_CONFIGURED",
    "_CONTAINERS_ROOTLESS_UID",
    "_CONTAINERS_ROOTLESS_GID",
    // Where it looks for credentials as well, and `ssh://` hosts.
    "DOCKER_CONFIG",
    "SSH_AUTH_SOCK",
];

/// What docker and its credential helpers (ecr-login, gcr, gcloud, acr, pass, secretservice) read.
const CREDENTIALS: &[&str] = &[
    "DOCKER_AUTH_CONFIG",
    "AWS_*",
    "GOOGLE_*",
    "CLOUDSDK_*",
    "AZURE_*",
    "GNUPGHOME",
    "PASSWORD_STORE_*",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// The variables of `all` that docker may see.
///
/// A list of what may pass, not of what may not: tomorrow's switches stay outside as well. Known
/// ones are SOURCE_DATE_EPOCH, DOCKER_DEFAULT_PLATFORM, DOCKER_BUILDKIT, DOCKER_CONTENT_TRUST,
/// COMPOSE_*, EXPERIMENTAL_* and OTEL_*.
pub(super) fn of_docker(
    all: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    allowed(all, &[PROCESS, ENGINE, BUILDER, NETWORK, CREDENTIALS])
}

/// The variables of `all` that podman may see; see [`of_docker`].
pub(super) fn of_podman(
    all: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    allowed(all, &[PROCESS, PODMAN, NETWORK, CREDENTIALS])
}

/// What a command has beside it that ends with its answer. docker and podman are written in Go: a program that is about
/// to end collects its garbage in vain, and answers a tenth later for it. One that has much to read, such as podman with
/// thousands of layers, collects it from that limit on.
pub(super) fn of_brief() -> [(OsString, OsString); 2] {
    [("GOGC", "off"), ("GOMEMLIMIT", "256MiB")].map(|(name, value)| (name.into(), value.into()))
}

fn allowed(
    all: impl IntoIterator<Item = (OsString, OsString)>,
    lists: &[&[&str]],
) -> BTreeMap<OsString, OsString> {
    all.into_iter()
        .filter(|(name, _)| may_pass(name, lists))
        .collect()
}

fn may_pass(name: &OsStr, lists: &[&[&str]]) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    lists
        .iter()
        .copied()
        .flatten()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(family) => name.starts_with(family),
            None => name == *pattern,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::{of_docker, of_podman};

    fn passing(names: &[&str]) -> Vec<String> {
        shown(of_docker(variables(names)))
    }

    fn passing_to_podman(names: &[&str]) -> Vec<String> {
        shown(of_podman(variables(names)))
    }

    fn variables(names: &[&str]) -> Vec<(OsString, OsString)> {
        names.iter().map(|name| (name.into(), "1".into())).collect()
    }

    fn shown(passing: BTreeMap<OsString, OsString>) -> Vec<String> {
        let names = passing.into_keys();
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn podman_gets_what_leads_to_it_and_nothing_that_changes_builds() {
        let names = [
            "BUILDAH_ISOLATION",
            "CONTAINERS_CONF",
            "CONTAINERS_STORAGE_CONF",
            "CONTAINER_HOST",
            "DOCKER_CONFIG",
            "REGISTRY_AUTH_FILE",
            "XDG_RUNTIME_DIR",
            "_CONTAINERS_USERNS_CONFIGURED",
        ];
        assert_eq!(passing_to_podman(&names), names);
        let names = [
            "BUILDAH_FORMAT",
            "BUILDAH_LAYERS",
            "BUILDAH_QUIET",
            "BUILDX_BUILDER",
            "DOCKER_HOST",
            "PODMAN_USERNS",
            "SOURCE_DATE_EPOCH",
        ];
        assert!(passing_to_podman(&names).is_empty());
        assert!(passing(&["CONTAINERS_CONF", "BUILDAH_ISOLATION"]).is_empty());
    }

    #[test]
    fn what_reaches_the_engine_passes() {
        let names = [
            "AWS_PROFILE",
            "BUILDX_BUILDER",
            "DBUS_SESSION_BUS_ADDRESS",
            "DOCKER_CONFIG",
            "DOCKER_CONTEXT",
            "DOCKER_HOST",
            "HOME",
            "HTTPS_PROXY",
            "LC_ALL",
            "PATH",
            "SSH_AUTH_SOCK",
            "XDG_RUNTIME_DIR",
            "no_proxy",
        ];
        assert_eq!(passing(&names), names);
    }

    #[test]
    fn what_changes_builds_does_not() {
        let names = [
            "SOURCE_DATE_EPOCH",
            "BUILDX_NO_DEFAULT_ATTESTATIONS",
            "BUILDX_CONFIG",
            "BUILDX_BUILDER_2",
            "BUILDKIT_PROGRESS",
            "BUILDKIT_SYNTAX",
            "BUILDKIT_HOST",
            "DOCKER_BUILDKIT",
            "DOCKER_DEFAULT_PLATFORM",
            "DOCKER_CONTENT_TRUST",
            "COMPOSE_PROJECT_NAME",
            "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY",
            "GIT_DIR",
            "LD_PRELOAD",
        ];
        assert!(passing(&names).is_empty(), "{:?}", passing(&names));
    }
}
