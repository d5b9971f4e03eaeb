//! What a [`Client`](super::Client) is told about the machine that it runs on.
//!
//! The whole of it follows from environment variables and from what fingerprint.toml says of
//! registries, so that nothing else in this room has to know either. No file is read here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::getuid;
use thiserror::Error;

use super::keychain;
use super::proxies::Proxies;
use crate::environment::Environment;
use crate::shown::Shown;

/// What a [`Client`](super::Client) is told about the machine it runs on.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The files in which credentials are looked for, in this order: docker's config.json and
    /// podman's auth.json.
    pub credential_files: Vec<PathBuf>,
    /// What credential helpers get, and where the token of a job in GitHub's CI may be.
    pub environment: Environment,
    pub time_limits: TimeLimits,
    pub retries: Retries,
    pub proxies: Proxies,
    /// A file of CA certificates that takes the place of the system's, which the TLS library reads
    /// on its own; it is named here to be looked at first.
    pub ca_file: Option<PathBuf>,
    /// Where docker and podman keep certificates for single registries, each in a folder called as
    /// the registry; the first folder that there is counts.
    pub certificate_folders: Vec<PathBuf>,
    /// The registries beside those on loopback that are spoken to without TLS, and then without
    /// credentials: `HOST` or `HOST:PORT`.
    pub plain_http: BTreeSet<String>,
}

/// How long the parts of an operation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Making one connection.
    pub connect: Duration,
    /// Waiting for the next bytes of an answer.
    pub read: Duration,
    /// The whole operation with all its requests, retries and pauses.
    pub total: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        TimeLimits {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(15),
            total: Duration::from_secs(25),
        }
    }
}

/// How often an operation is tried again that failed for a reason that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    pub times: usize,
    /// About how long the first pause is; each further one is three times as long.
    pub first_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Retries {
            times: 3,
            first_pause: Duration::from_millis(250),
        }
    }
}

/// A variable that sets a time limit and is no number of seconds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable} is {}, and not a number of seconds from 1 to {MAX_SECONDS}", Shown::text(.value))]
pub struct InvalidTimeLimit {
    pub variable: &'static str,
    pub value: String,
}

const MAX_SECONDS: u64 = 3600;

impl Settings {
    /// The settings that follow from `environment`.
    pub fn of(environment: &Environment) -> Result<Self, InvalidTimeLimit> {
        let path = |name| {
            let value = environment.get(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        Ok(Settings {
            credential_files: keychain::files(environment, getuid().as_raw()),
            environment: environment.clone(),
            time_limits: TimeLimits::of(environment)?,
            retries: Retries::default(),
            proxies: Proxies::of(environment),
            ca_file: path("SSL_CERT_FILE"),
            certificate_folders: certificate_folders(path("XDG_CONFIG_HOME"), path("HOME")),
            plain_http: BTreeSet::new(),
        })
    }
}

impl TimeLimits {
    fn of(environment: &Environment) -> Result<Self, InvalidTimeLimit> {
        let default = TimeLimits::default();
        let limit = |variable, default| limit(environment, variable, default);
        Ok(TimeLimits {
            connect: limit("FP_REGISTRY_CONNECT_TIMEOUT", default.connect)?,
            read: limit("FP_REGISTRY_READ_TIMEOUT", default.read)?,
            total: limit("FP_REGISTRY_TIMEOUT", default.total)?,
        })
    }
}

fn limit(
    environment: &Environment,
    variable: &'static str,
    default: Duration,
) -> Result<Duration, InvalidTimeLimit> {
    let Some(value) = environment.get(variable).filter(|value| !value.is_empty()) else {
        return Ok(default);
    };
    let value = value.to_string_lossy();
    match value.parse() {
        Ok(seconds @ 1..=MAX_SECONDS) => Ok(Duration::from_secs(seconds)),
        _ => Err(InvalidTimeLimit {
            variable,
            value: value.into_owned(),
        }),
    }
}

/// The user's folders before the machine's, podman's before docker's, as containers/image has it.
fn certificate_folders(config: Option<PathBuf>, home: Option<PathBuf>) -> Vec<PathBuf> {
    let own = config.or_else(|| home.map(|home| home.join(".config")));
    let own = own.into_iter().flat_map(|folder| {
        ["containers/certs.d", "docker/certs.d"].map(|certificates| folder.join(certificates))
    });
    let shared = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    own.chain(shared).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Settings, TimeLimits};
    use crate::environment::Environment;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let environment: Environment = variables.iter().copied().collect();
        Settings::of(&environment).map_err(|error| error.to_string())
    }

    #[test]
    fn time_limits_can_be_set() {
        let limits = |variables: &[(&str, &str)]| settings(variables).unwrap().time_limits;
        assert_eq!(
            limits(&[("FP_REGISTRY_TIMEOUT", "")]),
            TimeLimits::default()
        );
        let set = limits(&[
            ("FP_REGISTRY_CONNECT_TIMEOUT", "1"),
            ("FP_REGISTRY_READ_TIMEOUT", "2"),
            ("FP_REGISTRY_TIMEOUT", "3600"),
        ]);
        let seconds = [set.connect, set.read, set.total].map(|limit| limit.as_secs());
        assert_eq!(seconds, [1, 2, 3600]);
        for value in ["0", "3601", "-1", "1.5", "25s", "never"] {
            let error = settings(&[("FP_REGISTRY_TIMEOUT", value)]).unwrap_err();
            assert!(
                error.starts_with(&format!("FP_REGISTRY_TIMEOUT is {value}, and not a number")),
                "{error}"
            );
        }
    }

    /// The engine that is asked beside the registry has to fit in as well.
    #[test]
    fn a_look_up_ends_within_30_s() {
        assert!(TimeLimits::default().total < Duration::from_secs(30));
    }

    #[test]
    fn certificates_lie_where_the_engines_have_them() {
        let folders = |variables: &[(&str, &str)]| -> Vec<String> {
            let folders = settings(variables).unwrap().certificate_folders;
            folders.iter().map(|f| f.display().to_string()).collect()
        };
        let shared = ["/etc/containers/certs.d", "/etc/docker/certs.d"];
        assert_eq!(folders(&[]), shared);
        let own = ["/h/.config/containers/certs.d", "/h/.config/docker/certs.d"];
        assert_eq!(folders(&[("HOME", "/h")]), [own, shared].concat());
        let own = folders(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")]);
        assert_eq!(own[0], "/c/containers/certs.d");
    }
}
