//! What a user has to show to a registry, and what may be told of it.
//!
//! A secret leaves this type only in an `Authorization` header or in the form that a token server
//! gets; Debug shows none.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::header::HeaderValue;

/// docker writes padding; others who write its files may leave it out.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What fp knows of the user's account at a registry, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// Nothing is configured for the registry.
    Anonymous,
    /// A file of docker's or podman's has a user and password, or a token.
    User,
    /// This credential helper has them.
    Helper(String),
    /// `GITHUB_TOKEN` was taken, since nothing else is configured.
    Github,
    /// Nobody looked, since the registry is spoken to without TLS.
    Withheld,
}

/// What a user has to show to a registry.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) account: Account,
    pub(super) proof: Proof,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    None,
    Basic(Basic),
    /// An OAuth refresh token, for which the token server gives tokens.
    IdentityToken(Secret),
    /// A token for the registry itself.
    RegistryToken(Secret),
}

/// A user and password. Neither is shown by Debug: the user may be a token, too.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Basic {
    pub(super) username: String,
    pub(super) password: String,
}

/// A text that is shown to nobody but whom it is for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl Credentials {
    pub(super) fn none(account: Account) -> Self {
        Credentials {
            account,
            proof: Proof::None,
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self.proof, Proof::None)
    }

    pub(super) fn basic(&self) -> Option<&Basic> {
        match &self.proof {
            Proof::Basic(basic) => Some(basic),
            _ => None,
        }
    }
}

impl Proof {
    /// A user and password, or nothing if both are empty.
    pub(super) fn of_user(username: String, password: String) -> Self {
        match username.is_empty() && password.is_empty() {
            true => Proof::None,
            false => Proof::Basic(Basic { username, password }),
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

impl Secret {
    /// The `Authorization` header of RFC 6750; `None` if a header cannot hold the token.
    pub(super) fn bearer_header(&self) -> Option<HeaderValue> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.0)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(…)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
