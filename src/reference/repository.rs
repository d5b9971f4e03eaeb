//! Repositories: `[DOMAIN/]PATH`, with docker's rule for what a domain is and its default for none.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use super::{Digest, ParseError, Reference, Tag};

const MAX_LENGTH: usize = 255;
const DOCKER_HUB: &str = "docker.io";
/// What docker called its domain once; config files and old scripts still do.
const DOCKER_HUB_BEFORE: &str = "index.docker.io";

/// A repository on a registry.
///
/// It is displayed as it was written; two are equal if they name the same repository, so `ubuntu`
/// equals `docker.io/library/ubuntu`.
#[derive(Debug, Clone)]
pub struct Repository {
    written: String,
    domain: String,
    path: String,
}

/// What is wrong with the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepositoryProblem {
    #[error("it is empty")]
    Empty,
    #[error("leave out `{0}://`: a repository begins with the registry's name")]
    Scheme(String),
    #[error("a repository is named without a tag or digest")]
    TagOrDigest,
    #[error("64 hex digits could be mistaken for an image id")]
    ImageId,
    #[error("with its registry it has {0} characters, and {MAX_LENGTH} are allowed")]
    TooLong(usize),
    #[error("{0:?} is no host name, IPv4 address or IPv6 address in brackets")]
    Host(String),
    #[error("{0:?} is no port")]
    Port(String),
    #[error("a part between two slashes is empty")]
    EmptyComponent,
    #[error(
        "{0:?} has upper-case letters, and only lower case is allowed after the registry's name"
    )]
    UpperCase(String),
    #[error("in {component:?}, {character:?} is not allowed (a-z, 0-9, `.`, `_` and `-` are)")]
    Character { component: String, character: char },
    #[error(
        "in {0:?}, `.`, `_`, `__` or any number of `-` may stand between letters or digits, and nowhere else"
    )]
    Separator(String),
}

impl Repository {
    /// The registry's name, with its port if one was written; `docker.io` where none was named.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The name within the registry; `library/ubuntu` for `ubuntu`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the registry is this machine, which docker talks to without TLS.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(split_port(&self.domain).0)
    }

    /// `REPOSITORY:TAG`
    pub fn tagged(&self, tag: &Tag) -> Reference {
        Reference {
            repository: self.clone(),
            tag: Some(tag.clone()),
            digest: None,
        }
    }

    /// `REPOSITORY@DIGEST`
    pub fn at(&self, digest: &Digest) -> Reference {
        Reference {
            repository: self.clone(),
            tag: None,
            digest: Some(digest.clone()),
        }
    }

    fn normalized(&self) -> (&str, &str) {
        (&self.domain, &self.path)
    }
}

/// Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1, the latter with or without
/// brackets. Other names are not resolved to find out.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }
}

impl Eq for Repository {}

impl PartialOrd for Repository {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Repository {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normalized().cmp(&other.normalized())
    }
}

impl Hash for Repository {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normalized().hash(state);
    }
}

impl FromStr for Repository {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map_err(|problem| ParseError::Repository {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Repository, RepositoryProblem> {
    if text.is_empty() {
        return Err(RepositoryProblem::Empty);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(RepositoryProblem::Scheme(scheme.to_owned()));
    }
    if is_image_id(text) {
        return Err(RepositoryProblem::ImageId);
    }
    let (domain, path) = split_domain(text);
    if let Some(domain) = domain {
        check_domain(domain)?;
    }
    check_path(path)?;
    let repository = normalize(text, domain, path);
    let length = repository.domain.len() + 1 + repository.path.len();
    if length > MAX_LENGTH {
        return Err(RepositoryProblem::TooLong(length));
    }
    Ok(repository)
}

fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The first part is a domain if it cannot be part of a path (it has a dot, a colon or an
/// upper-case letter) or is `localhost`. This is docker's rule, and engines name images by it.
fn split_domain(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, path))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.contains(char::is_uppercase) =>
        {
            (Some(first), path)
        }
        _ => (None, text),
    }
}

fn normalize(text: &str, domain: Option<&str>, path: &str) -> Repository {
    let domain = match domain {
        None | Some(DOCKER_HUB_BEFORE) => DOCKER_HUB,
        Some(domain) => domain,
    };
    let path = if domain == DOCKER_HUB && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    Repository {
        written: text.to_owned(),
        domain: domain.to_owned(),
        path,
    }
}

fn check_domain(domain: &str) -> Result<(), RepositoryProblem> {
    let (host, port) = split_port(domain);
    if !is_host(host) {
        return Err(RepositoryProblem::Host(host.to_owned()));
    }
    match port {
        Some(port) if !is_port(port) => Err(RepositoryProblem::Port(port.to_owned())),
        _ => Ok(()),
    }
}

/// Cuts `HOST:PORT`; the colons of a bracketed IPv6 address are its own.
fn split_port(domain: &str) -> (&str, Option<&str>) {
    let end_of_address = domain.rfind(']').map_or(0, |bracket| bracket + 1);
    match domain[end_of_address..].find(':') {
        Some(colon) => {
            let colon = end_of_address + colon;
            (&domain[..colon], Some(&domain[colon + 1..]))
        }
        None => (domain, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        // The grammar knows hex digits and colons only: no zone, no embedded IPv4 address.
        return address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
            && address.parse::<Ipv6Addr>().is_ok();
    }
    host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn check_path(path: &str) -> Result<(), RepositoryProblem> {
    if path.contains(['@', ':']) {
        return Err(RepositoryProblem::TagOrDigest);
    }
    path.split('/').try_for_each(check_component)
}

fn check_component(component: &str) -> Result<(), RepositoryProblem> {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |c: char| matches!(c, '.' | '_' | '-');
    if component.is_empty() {
        return Err(RepositoryProblem::EmptyComponent);
    }
    if component.contains(char::is_uppercase) {
        return Err(RepositoryProblem::UpperCase(component.to_owned()));
    }
    if let Some(character) = component
        .chars()
        .find(|&c| !is_alphanumeric(c) && !is_separator(c))
    {
        return Err(RepositoryProblem::Character {
            component: component.to_owned(),
            character,
        });
    }
    // Cutting at letters and digits leaves the separators, and an empty text between two letters.
    let mut separators = component.split(is_alphanumeric);
    let is_bare_at_the_ends =
        component.starts_with(is_alphanumeric) && component.ends_with(is_alphanumeric);
    if is_bare_at_the_ends && separators.all(is_separator_run) {
        Ok(())
    } else {
        Err(RepositoryProblem::Separator(component.to_owned()))
    }
}

fn is_separator_run(run: &str) -> bool {
    matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-')
}
