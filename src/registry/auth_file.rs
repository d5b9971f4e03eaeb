//! The files in which docker (config.json) and podman (auth.json) keep credentials, or the names of
//! the helpers that have them.
//!
//! Both have one format. Which files there are is decided elsewhere, and helpers are asked elsewhere.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use base64::Engine as _;
use serde::{Deserialize, Deserializer};

use super::credentials::{BASE64, Proof, Secret};
use super::error::Error;
use crate::regular_file;

/// The key under which docker keeps the credentials for docker.io, and the host names that are it.
pub(super) const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// What a file has for a repository.
#[derive(Debug)]
pub(super) struct Found {
    /// The helper that the file leaves the registry to.
    pub(super) helper: Option<String>,
    /// What stands in the file itself.
    pub(super) stored: Proof,
}

/// Reads what the file at `path` has for the repository `name` of the registry `domain`. No file
/// means nothing.
pub(super) fn read(path: &Path, domain: &str, name: &str) -> Result<Option<Found>, Error> {
    let text = match regular_file::read(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => {
            let path = path.to_owned();
            return Err(Error::AuthFile { path, cause });
        }
    };
    let file = AuthFile::parse(&text).map_err(|cause| Error::AuthFileSyntax {
        path: path.to_owned(),
        line: cause.line(),
        column: cause.column(),
    })?;
    let found = file.find(domain, name);
    found.map(Some).map_err(|key| Error::AuthFileEntry {
        path: path.to_owned(),
        key,
    })
}

/// The part of a file that is about credentials. As docker reads it, null is as good as nothing
/// everywhere.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AuthFile {
    #[serde(deserialize_with = "nullable")]
    auths: BTreeMap<String, Option<Entry>>,
    #[serde(deserialize_with = "nullable")]
    creds_store: String,
    #[serde(deserialize_with = "nullable")]
    cred_helpers: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    #[serde(deserialize_with = "nullable")]
    auth: String,
    #[serde(deserialize_with = "nullable")]
    username: String,
    #[serde(deserialize_with = "nullable")]
    password: String,
    #[serde(deserialize_with = "nullable")]
    identitytoken: String,
    #[serde(deserialize_with = "nullable")]
    registrytoken: String,
}

fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl AuthFile {
    /// An empty file is no mistake for docker either.
    fn parse(text: &[u8]) -> serde_json::Result<Self> {
        if text.trim_ascii().is_empty() {
            return Ok(AuthFile::default());
        }
        serde_json::from_slice::<Option<_>>(text).map(Option::unwrap_or_default)
    }

    /// A helper for this registry goes before the helper for all; an empty name of a helper means
    /// the file. An entry that cannot be decoded is an error with its key.
    fn find(mut self, domain: &str, name: &str) -> Result<Found, String> {
        let helper = match take(&mut self.cred_helpers, domain) {
            Some((_, helper)) => helper.unwrap_or_default(),
            None => self.creds_store,
        };
        let stored = match take_namespace(&mut self.auths, domain, name) {
            Some(found) => Some(found),
            None => take(&mut self.auths, domain),
        };
        Ok(Found {
            helper: Some(helper).filter(|helper| !helper.is_empty()),
            stored: match stored {
                Some((key, entry)) => entry.unwrap_or_default().proof().ok_or(key)?,
                None => Proof::None,
            },
        })
    }
}

/// The entry for the repository or the nearest of its namespaces, as podman has them:
/// `ghcr.io/acme/app`, then `ghcr.io/acme`.
fn take_namespace<V>(
    entries: &mut BTreeMap<String, V>,
    domain: &str,
    name: &str,
) -> Option<(String, V)> {
    let mut namespace = name;
    loop {
        if let Some(entry) = entries.remove_entry(&format!("{domain}/{namespace}")) {
            return Some(entry);
        }
        namespace = namespace.rsplit_once('/')?.0;
    }
}

/// The entry whose key is the registry itself, else the first whose key names its host.
fn take<V>(entries: &mut BTreeMap<String, V>, domain: &str) -> Option<(String, V)> {
    let exact = if domain == "docker.io" {
        DOCKER_HUB_KEY
    } else {
        domain
    };
    if let Some(entry) = entries.remove_entry(exact) {
        return Some(entry);
    }
    let key = entries.keys().find(|key| names(key, domain))?.clone();
    entries.remove_entry(&key)
}

/// Whether a key names a registry: docker has written keys with a scheme and with `/v1/` or `/v2/`.
fn names(key: &str, domain: &str) -> bool {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let is_host = host == domain || domain == "docker.io" && DOCKER_HUB_HOSTS.contains(&host);
    is_host && matches!(path.trim_end_matches('/'), "" | "v1" | "v2")
}

impl Entry {
    /// None if `auth` cannot be decoded. An empty entry is what docker leaves beside a helper.
    fn proof(self) -> Option<Proof> {
        if !self.registrytoken.is_empty() {
            return Some(Proof::RegistryToken(Secret(self.registrytoken)));
        }
        if !self.identitytoken.is_empty() {
            return Some(Proof::IdentityToken(Secret(self.identitytoken)));
        }
        if !self.auth.is_empty() {
            return decode(&self.auth);
        }
        Some(Proof::of_user(self.username, self.password))
    }
}

fn decode(auth: &str) -> Option<Proof> {
    let decoded = String::from_utf8(BASE64.decode(auth).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    // docker pads the decoded text with NULs and cuts them off again.
    let password = password.trim_end_matches('\0').to_owned();
    Some(Proof::of_user(username.to_owned(), password))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::{AuthFile, Error, Found, Proof, read};

    // base64 of `user:secret`
    const AUTH: &str = r#"{"auth": "dXNlcjpzZWNyZXQ="}"#;

    fn found(config: &str, domain: &str) -> Found {
        let file = AuthFile::parse(config.as_bytes()).unwrap();
        file.find(domain, "acme/team/app").unwrap()
    }

    /// `USER:PASSWORD`, or which kind of token it is.
    fn proof(config: &str, domain: &str) -> String {
        match found(config, domain).stored {
            Proof::None => String::new(),
            Proof::Basic(basic) => format!("{}:{}", basic.username, basic.password),
            Proof::IdentityToken(token) => format!("identity {}", token.0),
            Proof::RegistryToken(token) => format!("registry {}", token.0),
        }
    }

    #[test]
    fn keys_are_found_as_docker_wrote_them() {
        for (key, domain) in [
            ("ghcr.io", "ghcr.io"),
            ("localhost:5000", "localhost:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("https://ghcr.io", "ghcr.io"),
            ("http://ghcr.io/", "ghcr.io"),
            ("https://ghcr.io/v1/", "ghcr.io"),
            ("https://ghcr.io/v2/", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
        ] {
            let config = format!(r#"{{"auths": {{"{key}": {AUTH}}}}}"#);
            assert_eq!(proof(&config, domain), "user:secret", "{key}");
        }
    }

    #[test]
    fn credentials_are_for_their_own_host_only() {
        for (key, domain) in [
            ("ghcr.io", "evil.io"),
            ("ghcr.io", "ghcr.io:444"),
            ("ghcr.io.evil.io", "ghcr.io"),
            ("evil-ghcr.io", "ghcr.io"),
            ("ghcr.io/other", "ghcr.io"),
            ("ghcr.io/acme/te", "ghcr.io"),
            ("ghcr.io/acme/team/app/deeper", "ghcr.io"),
            ("https://index.docker.io/v1/", "index.docker.io.evil.io"),
            ("docker.io", "ghcr.io"),
        ] {
            let config = format!(r#"{{"auths": {{"{key}": {AUTH}}}}}"#);
            assert_eq!(proof(&config, domain), "", "{key}");
        }
    }

    #[test]
    fn the_nearest_namespace_counts_before_the_registry() {
        let entry = |key: &str| format!(r#""{key}": {{"username": "{key}", "password": "p"}}"#);
        let mut keys = vec!["ghcr.io", "ghcr.io/acme", "ghcr.io/acme/team/app"];
        for nearest in ["ghcr.io/acme/team/app:p", "ghcr.io/acme:p", "ghcr.io:p"] {
            let entries: Vec<_> = keys.iter().map(|key| entry(key)).collect();
            let config = format!(r#"{{"auths": {{{}}}}}"#, entries.join(","));
            assert_eq!(proof(&config, "ghcr.io"), nearest);
            keys.pop();
        }
    }

    #[test]
    fn the_exact_key_wins() {
        let config = format!(
            r#"{{"auths": {{"https://ghcr.io": {{"username": "x", "password": "y"}}, "ghcr.io": {AUTH}}}}}"#
        );
        assert_eq!(proof(&config, "ghcr.io"), "user:secret");
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        for (entry, expected) in [
            (
                r#"{"username": "user", "password": "secret"}"#,
                "user:secret",
            ),
            (r#"{"auth": "dXNlcjpzZWNyZXQ"}"#, "user:secret"),
            // with a NUL behind the password
            (r#"{"auth": "dXNlcjpzZWNyZXQA"}"#, "user:secret"),
            (
                r#"{"auth": "dXNlcjo=", "identitytoken": "t"}"#,
                "identity t",
            ),
            (
                r#"{"identitytoken": "t", "registrytoken": "r"}"#,
                "registry r",
            ),
            ("{}", ""),
        ] {
            let config = format!(r#"{{"auths": {{"ghcr.io": {entry}}}}}"#);
            assert_eq!(proof(&config, "ghcr.io"), expected, "{entry}");
        }
    }

    #[test]
    fn helpers_are_told() {
        let config = r#"{"auths": {"ghcr.io": {}}, "credsStore": "desktop", "credHelpers": {"gcr.io": "gcloud", "quay.io": ""}}"#;
        let helper = |domain| found(config, domain).helper;
        assert_eq!(helper("ghcr.io").as_deref(), Some("desktop"));
        assert_eq!(helper("gcr.io").as_deref(), Some("gcloud"));
        assert_eq!(helper("quay.io"), None);
    }

    /// docker takes all of these, and fp once refused them.
    #[test]
    fn null_and_an_empty_file_are_no_credentials() {
        for config in [
            "",
            "\n",
            "null",
            r#"{"auths": null, "credsStore": null, "credHelpers": null}"#,
            r#"{"auths": {"ghcr.io": null}}"#,
            r#"{"auths": {"ghcr.io": {"auth": null, "username": null, "identitytoken": null}}}"#,
        ] {
            assert_eq!(proof(config, "ghcr.io"), "", "{config}");
        }
        for helper in ["null", "\"\""] {
            let helpers = format!(r#""credHelpers": {{"ghcr.io": {helper}}}"#);
            let config =
                format!(r#"{{"auths": {{"ghcr.io": {AUTH}}}, "credsStore": "x", {helpers}}}"#);
            assert_eq!(found(&config, "ghcr.io").helper, None);
            assert_eq!(proof(&config, "ghcr.io"), "user:secret", "{config}");
        }
    }

    fn read_for_ghcr(path: &Path) -> Result<Option<Found>, Error> {
        read(path, "ghcr.io", "acme/app")
    }

    #[test]
    fn nothing_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        for (text, is_error) in [
            (
                r#"{"auths": {"ghcr.io": {"username": "hunter2", "password": "hunter2"}}}"#,
                false,
            ),
            (
                r#"{"auths": {"ghcr.io": {"identitytoken": "hunter2"}}}"#,
                false,
            ),
            (
                r#"{"auths": {"ghcr.io": {"registrytoken": "hunter2"}}}"#,
                false,
            ),
            (r#"{"auths": {"ghcr.io": {"auth": "hunter2!"}}}"#, true),
            (r#"{"auths": {"ghcr.io": "hunter2"}}"#, true),
            (r#"{"auths": "hunter2"#, true),
        ] {
            std::fs::write(&path, text).unwrap();
            let shown = match read_for_ghcr(&path) {
                Ok(found) => format!("{found:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(read_for_ghcr(&path).is_err(), is_error, "{shown}");
        }
    }

    #[test]
    fn no_file_is_no_credentials_and_an_unreadable_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        assert!(matches!(read_for_ghcr(&path), Ok(None)));
        std::fs::create_dir(&path).unwrap();
        let error = read_for_ghcr(&path).unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }

    #[test]
    fn a_fifo_in_the_place_of_config_json_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let error = read_for_ghcr(&path).unwrap_err();
        assert!(matches!(error, Error::AuthFile { .. }), "{error:?}");
    }
}
