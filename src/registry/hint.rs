//! What the user can do about an error.

use std::fmt;

use super::credentials::Account;

/// What the user can do about an [`Error`](super::Error).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Gain access; `may_be_new` if the registry may have refused only because the repository does
    /// not exist yet.
    Access {
        registry: String,
        account: Account,
        may_be_new: bool,
    },
    CertificateFiles,
    Certificates,
    Mount,
    AuthFile,
    Helper,
    ProxyVariable,
    RateLimit,
    Reachability,
    RegistryName,
    TryAgain,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::Access {
                registry,
                account,
                may_be_new,
            } => {
                fmt_access(f, registry, account)?;
                if *may_be_new {
                    f.write_str("; if the repository is new, say so with `fp ensure --first-push`")?;
                }
                Ok(())
            }
            Hint::Certificates => f.write_str(
                "check this machine's clock and CA certificates (SSL_CERT_FILE names others, and \
                 `certs.d` folders those of single registries)",
            ),
            Hint::Mount => f.write_str(
                "name an alias in the image's own repository, or copy the image to the other one (`skopeo copy`)",
            ),
            Hint::CertificateFiles => {
                f.write_str("correct that file: SSL_CERT_FILE or a `certs.d` folder names it")
            }
            Hint::Helper => f.write_str(
                "see that `docker-credential-…` works, or take it out of docker's config.json \
                 (`credsStore`, `credHelpers`) and log in again",
            ),
            Hint::ProxyVariable => f.write_str("write it as `http://HOST:PORT`"),
            Hint::RateLimit => f.write_str(
                "wait as long as the registry asks to; most registries allow more to those who \
                 are logged in",
            ),
            Hint::Reachability => f.write_str(
                "check the registry's name, the network and the proxy variables, and try again",
            ),
            Hint::AuthFile => {
                f.write_str("correct that file, or name the folder of another with DOCKER_CONFIG")
            }
            Hint::RegistryName => f.write_str(
                "check the registry's name: what answered there is no registry, or something in \
                 between answered in its place (a proxy, a login page)",
            ),
            Hint::TryAgain => f.write_str("try again later"),
        }
    }
}

fn fmt_access(f: &mut fmt::Formatter<'_>, registry: &str, account: &Account) -> fmt::Result {
    match account {
        Account::Anonymous => write!(f, "log in with `docker login {registry}`"),
        Account::User => write!(f, "check what the account for {registry} may do there"),
        Account::Withheld => write!(
            f,
            "{registry} is configured for `plain_http`, and credentials are never sent without TLS: \
             give it a certificate, or open it to everybody"
        ),
        Account::Helper(helper) => write!(
            f,
            "check what the account that the credential helper {helper:?} has for {registry} may do \
             there"
        ),
        Account::Github => write!(
            f,
            "GITHUB_TOKEN was offered: give the job the permission `packages`, and the package's \
             settings this repository, or log in with another account"
        ),
    }
}
