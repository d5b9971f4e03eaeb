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

/// The variables of `all` that an engine's program may see.
///
/// A list of what may pass, not of what may not: tomorrow's switches stay outside as well. Known
/// ones are SOURCE_DATE_EPOCH, DOCKER_DEFAULT_PLATFORM, DOCKER_BUILDKIT, DOCKER_CONTENT_TRUST,
/// COMPOSE_*, EXPERIMENTAL_* and OTEL_*.
pub(super) fn allowed(
    all: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    all.into_iter().filter(|(name, _)| may_pass(name)).collect()
}

fn may_pass(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    [PROCESS, ENGINE, BUILDER, NETWORK, CREDENTIALS]
        .into_iter()
        .flatten()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(family) => name.starts_with(family),
            None => name == *pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::allowed;

    fn passing(names: &[&str]) -> Vec<String> {
        allowed(names.iter().map(|name| (name.into(), "1".into())))
            .into_keys()
            .map(|name| name.into_string().unwrap())
            .collect()
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
