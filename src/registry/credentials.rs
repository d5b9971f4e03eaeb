//! Credentials as docker keeps them in config.json: the `auths` entries with a user and password.
//!
//! Which folder holds the file is the caller's to say; this module reads no environment. Credential
//! helpers and identity tokens are recognised, so that a denial can name them, but not used. A
//! secret leaves this module only in an `Authorization` header.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Deserializer};

use super::error::Error;
use crate::regular_file;

/// The key under which docker keeps the credentials for docker.io, and the host names that are it.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// docker writes padding; others who write the file may leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What fp knows of the user's account at a registry, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// docker's config.json has nothing for the registry.
    Anonymous,
    /// It has a user and password, and they were offered.
    User,
    /// It names a credential helper.
    Helper(String),
    /// It has an OAuth identity token.
    IdentityToken,
    /// Nobody looked, since the registry is spoken to without TLS.
    Withheld,
}

/// A registry's entry in config.json.
#[derive(Debug)]
pub(super) enum Credentials {
    None,
    Basic(Basic),
    Helper(String),
    IdentityToken,
    Withheld,
}

/// A user and password. Neither is shown by Debug: the user may be a token, too.
pub(super) struct Basic {
    username: String,
    password: String,
}

impl Credentials {
    /// Reads what `folder`/config.json has for a registry. No folder and no file mean no
    /// credentials.
    pub(super) fn read(folder: Option<&Path>, domain: &str) -> Result<Self, Error> {
        let Some(path) = folder.map(|folder| folder.join("config.json")) else {
            return Ok(Credentials::None);
        };
        let text = match regular_file::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Credentials::None),
            Err(cause) => return Err(Error::DockerConfig { path, cause }),
        };
        let config = DockerConfig::parse(&text).map_err(|cause| {
            let (line, column) = (cause.line(), cause.column());
            Error::DockerConfigSyntax {
                path: path.clone(),
                line,
                column,
            }
        })?;
        config
            .credentials_for(domain)
            .map_err(|key| Error::DockerConfigEntry { path, key })
    }

    pub(super) fn account(&self) -> Account {
        match self {
            Credentials::None => Account::Anonymous,
            Credentials::Basic(_) => Account::User,
            Credentials::Helper(name) => Account::Helper(name.clone()),
            Credentials::IdentityToken => Account::IdentityToken,
            Credentials::Withheld => Account::Withheld,
        }
    }

    pub(super) fn basic(&self) -> Option<&Basic> {
        match self {
            Credentials::Basic(basic) => Some(basic),
            _ => None,
        }
    }
}

impl Basic {
    /// The `Authorization` header of RFC 7617.
    pub(super) fn header(&self) -> HeaderValue {
        let encoded = BASE64.encode(format!("{}:{}", self.username, self.password));
        let mut header = HeaderValue::try_from(format!("Basic {encoded}"))
            .expect("base64 has only characters that a header may have");
        header.set_sensitive(true);
        header
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(…)")
    }
}

/// The folder of docker's config.json: `DOCKER_CONFIG` if it is set and not empty, else `.docker`
/// in the home folder.
pub(super) fn docker_config_folder(
    docker_config: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    docker_config
        .filter(|folder| !folder.as_os_str().is_empty())
        .or_else(|| home.map(|home| home.join(".docker")))
}

/// The part of config.json that is about credentials. As docker reads it, null is as good as nothing
/// everywhere.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DockerConfig {
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
}

fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl DockerConfig {
    /// An empty file is no mistake for docker either.
    fn parse(text: &[u8]) -> serde_json::Result<Self> {
        if text.trim_ascii().is_empty() {
            return Ok(DockerConfig::default());
        }
        serde_json::from_slice::<Option<_>>(text).map(Option::unwrap_or_default)
    }

    /// As docker does it: a helper for this registry, else the helper for all, else the file
    /// itself. An empty name of a helper means the file. An entry that cannot be decoded is an error
    /// with its key.
    fn credentials_for(mut self, domain: &str) -> Result<Credentials, String> {
        let helper = match take(&mut self.cred_helpers, domain) {
            Some((_, helper)) => helper.unwrap_or_default(),
            None => self.creds_store,
        };
        if !helper.is_empty() {
            return Ok(Credentials::Helper(helper));
        }
        match take(&mut self.auths, domain) {
            Some((key, entry)) => entry.unwrap_or_default().credentials().ok_or(key),
            None => Ok(Credentials::None),
        }
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
    fn credentials(self) -> Option<Credentials> {
        if !self.identitytoken.is_empty() {
            return Some(Credentials::IdentityToken);
        }
        if !self.auth.is_empty() {
            return decode(&self.auth).map(Credentials::Basic);
        }
        if self.username.is_empty() && self.password.is_empty() {
            return Some(Credentials::None);
        }
        Some(Credentials::Basic(Basic {
            username: self.username,
            password: self.password,
        }))
    }
}

fn decode(auth: &str) -> Option<Basic> {
    let decoded = String::from_utf8(BASE64.decode(auth).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    // docker pads the decoded text with NULs and cuts them off again.
    let password = password.trim_end_matches('\0').to_owned();
    Some(Basic {
        username: username.to_owned(),
        password,
    })
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::{Account, Credentials, DockerConfig, Error, docker_config_folder};

    fn header(config: &str, domain: &str) -> Result<String, Account> {
        let config = DockerConfig::parse(config.as_bytes()).unwrap();
        let credentials = config.credentials_for(domain).unwrap();
        match credentials.basic() {
            Some(basic) => Ok(basic.header().to_str().unwrap().to_owned()),
            None => Err(credentials.account()),
        }
    }

    // base64 of `user:secret`
    const AUTH: &str = r#"{"auth": "dXNlcjpzZWNyZXQ="}"#;
    const HEADER: &str = "Basic dXNlcjpzZWNyZXQ=";

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
            assert_eq!(header(&config, domain).as_deref(), Ok(HEADER), "{key}");
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
            ("https://index.docker.io/v1/", "index.docker.io.evil.io"),
            ("docker.io", "ghcr.io"),
        ] {
            let config = format!(r#"{{"auths": {{"{key}": {AUTH}}}}}"#);
            assert_eq!(header(&config, domain), Err(Account::Anonymous), "{key}");
        }
    }

    #[test]
    fn the_exact_key_wins() {
        let config = format!(
            r#"{{"auths": {{"https://ghcr.io": {{"username": "x", "password": "y"}}, "ghcr.io": {AUTH}}}}}"#
        );
        assert_eq!(header(&config, "ghcr.io").as_deref(), Ok(HEADER));
    }

    #[test]
    fn user_and_password_may_be_plain_and_base64_may_lack_padding() {
        for entry in [
            r#"{"username": "user", "password": "secret"}"#,
            r#"{"auth": "dXNlcjpzZWNyZXQ"}"#,
            // with a NUL behind the password
            r#"{"auth": "dXNlcjpzZWNyZXQA"}"#,
        ] {
            let config = format!(r#"{{"auths": {{"ghcr.io": {entry}}}}}"#);
            assert_eq!(header(&config, "ghcr.io").as_deref(), Ok(HEADER), "{entry}");
        }
    }

    #[test]
    fn helpers_and_identity_tokens_are_told() {
        let helper = |name: &str| Err(Account::Helper(name.to_owned()));
        let config = r#"{"auths": {"ghcr.io": {}}, "credsStore": "desktop", "credHelpers": {"gcr.io": "gcloud"}}"#;
        assert_eq!(header(config, "ghcr.io"), helper("desktop"));
        assert_eq!(header(config, "gcr.io"), helper("gcloud"));
        let config = r#"{"auths": {"a.io": {"auth": "eDp5", "identitytoken": "t"}, "b.io": {}}}"#;
        assert_eq!(header(config, "a.io"), Err(Account::IdentityToken));
        assert_eq!(header(config, "b.io"), Err(Account::Anonymous));
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
            assert_eq!(
                header(config, "ghcr.io"),
                Err(Account::Anonymous),
                "{config}"
            );
        }
        for helper in ["null", "\"\""] {
            let helpers = format!(r#""credHelpers": {{"ghcr.io": {helper}}}"#);
            let config =
                format!(r#"{{"auths": {{"ghcr.io": {AUTH}}}, "credsStore": "x", {helpers}}}"#);
            assert_eq!(
                header(&config, "ghcr.io").as_deref(),
                Ok(HEADER),
                "{config}"
            );
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let read = || Credentials::read(Some(folder.path()), "ghcr.io");
        for (text, is_error) in [
            (
                r#"{"auths": {"ghcr.io": {"username": "hunter2", "password": "hunter2"}}}"#,
                false,
            ),
            (r#"{"auths": {"ghcr.io": {"auth": "hunter2!"}}}"#, true),
            (r#"{"auths": {"ghcr.io": "hunter2"}}"#, true),
            (r#"{"auths": "hunter2"#, true),
        ] {
            std::fs::write(&path, text).unwrap();
            let shown = match read() {
                Ok(credentials) => format!("{credentials:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(read().is_err(), is_error, "{shown}");
        }
    }

    #[test]
    fn no_file_is_no_credentials_and_an_unreadable_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let read = |folder| Credentials::read(folder, "ghcr.io");
        assert!(matches!(read(None), Ok(Credentials::None)));
        assert!(matches!(read(Some(folder.path())), Ok(Credentials::None)));
        std::fs::create_dir(folder.path().join("config.json")).unwrap();
        let error = read(Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }

    #[test]
    fn a_fifo_in_the_place_of_config_json_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let error = Credentials::read(Some(folder.path()), "ghcr.io").unwrap_err();
        assert!(matches!(error, Error::DockerConfig { .. }), "{error:?}");
    }

    #[test]
    fn the_folder_is_docker_config_or_in_the_home() {
        let folder = |config: Option<&str>, home: Option<&str>| {
            docker_config_folder(config.map(Into::into), home.map(Into::into))
        };
        assert_eq!(folder(Some("/c"), Some("/h")), Some("/c".into()));
        assert_eq!(folder(Some(""), Some("/h")), Some("/h/.docker".into()));
        assert_eq!(folder(None, Some("/h")), Some("/h/.docker".into()));
        assert_eq!(folder(None, None), None);
    }
}
