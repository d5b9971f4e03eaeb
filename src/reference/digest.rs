//! Digests of content: `sha256:` or `sha512:` and lower-case hex digits. The registered algorithms
//! of the OCI image specification, and no others: what cannot be checked is not taken.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};
use thiserror::Error;

use super::ParseError;

/// The digest of a manifest or blob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

/// How a digest is computed, as the OCI image specification registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    Sha256,
    Sha512,
}

/// What is wrong with a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DigestProblem {
    #[error("it must begin with `sha256:` or `sha512:`")]
    Algorithm,
    #[error("{algorithm} has {} hex digits, not {found}", algorithm.hex_length())]
    Length { algorithm: Algorithm, found: usize },
    #[error("{0:?} is not a lower-case hex digit")]
    Character(char),
}

impl Digest {
    /// The sha256 digest of `bytes`.
    pub fn sha256_of(bytes: &[u8]) -> Self {
        Algorithm::Sha256.digest(bytes)
    }

    /// Whether `bytes` are what this digest names.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.algorithm.digest(bytes) == *self
    }
}

impl Algorithm {
    fn digest(self, bytes: &[u8]) -> Digest {
        let hex = match self {
            Algorithm::Sha256 => hex(&Sha256::digest(bytes)),
            Algorithm::Sha512 => hex(&Sha512::digest(bytes)),
        };
        Digest {
            algorithm: self,
            hex,
        }
    }

    fn hex_length(self) -> usize {
        match self {
            Algorithm::Sha256 => 64,
            Algorithm::Sha512 => 128,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String never fails");
            hex
        })
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map_err(|problem| ParseError::Digest {
            text: text.to_owned(),
            problem,
        })
    }
}

impl TryFrom<String> for Digest {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

fn parse(text: &str) -> Result<Digest, DigestProblem> {
    let (algorithm, hex) = match text.split_once(':') {
        Some(("sha256", hex)) => (Algorithm::Sha256, hex),
        Some(("sha512", hex)) => (Algorithm::Sha512, hex),
        _ => return Err(DigestProblem::Algorithm),
    };
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if let Some(c) = hex.chars().find(|&c| !is_digit(c)) {
        return Err(DigestProblem::Character(c));
    }
    if hex.len() != algorithm.hex_length() {
        return Err(DigestProblem::Length {
            algorithm,
            found: hex.len(),
        });
    }
    Ok(Digest {
        algorithm,
        hex: hex.to_owned(),
    })
}
