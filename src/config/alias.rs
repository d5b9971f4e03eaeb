//! Aliases: moving names of an image, beside the tag that is written once.
//!
//! Pure. When one is moved, and by whom, is left to `ensure`.

use super::template::{self, BranchTemplate};
use crate::reference::{ParseError, Reference, Repository, Tag};

/// How many hex digits in a row no alias may have: as many as a tag of fp has at least.
const DIGITS: usize = 16;

/// Why a text is no alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    #[error(transparent)]
    Template(#[from] template::Error),
    #[error("`{text}` is neither a tag nor a reference with one")]
    Invalid { text: String, source: ParseError },
    /// A repository without a tag.
    #[error("`{0}` is a repository without a tag")]
    NoTag(String),
    #[error("the alias `{0}` begins with `fp-`, as tags do that fp keeps for itself")]
    Reserved(String),
    /// It could take the place of a tag that is written once.
    #[error(
        "the alias `{0}` has {DIGITS} or more hex digits in a row, as have the tags that are written once"
    )]
    Fingerprint(String),
    #[error("the alias `{text}` is at another registry than the image, {registry}")]
    OtherRegistry { text: String, registry: String },
    /// `{branch}` where there is none.
    #[error("the alias `{0}` names the branch, which is known in CI alone")]
    NoBranch(String),
    /// The image stays in the engine.
    #[error("the image has no `repository`, so that it has no place for aliases")]
    NoRepository,
}

impl AliasError {
    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            AliasError::Invalid { source, .. } => Some(source.problem()),
            AliasError::NoTag(text) => Some(format!("as in `{text}:latest`")),
            AliasError::OtherRegistry { .. } => Some(
                "copy the image there once it is published (`skopeo copy`, `crane copy`)"
                    .to_owned(),
            ),
            AliasError::NoRepository => Some("give it a `repository`".to_owned()),
            _ => None,
        }
    }
}

/// A moving name: `latest`, `{branch}` or `ghcr.io/acme/other:latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// As it is written.
    text: String,
    /// The image's own if there is none.
    repository: Option<Repository>,
    tag: BranchTemplate,
}

impl Alias {
    /// Parses an alias of an image that is published to `own`.
    pub fn parse(text: &str, own: &Repository) -> Result<Self, AliasError> {
        let invalid = |source| AliasError::Invalid {
            text: text.to_owned(),
            source,
        };
        let (repository, tag) = match text.rsplit_once(':') {
            Some((_, port)) if port.contains('/') => {
                return Err(AliasError::NoTag(text.to_owned()));
            }
            Some((repository, tag)) => (Some(repository.parse().map_err(invalid)?), tag),
            None if text.contains('/') => return Err(AliasError::NoTag(text.to_owned())),
            None => (None, text),
        };
        let alias = Alias {
            text: text.to_owned(),
            repository,
            tag: BranchTemplate::parse(tag)?,
        };
        if alias.place(own).domain() != own.domain() {
            let registry = own.domain().to_owned();
            let text = text.to_owned();
            return Err(AliasError::OtherRegistry { text, registry });
        }
        // Any branch will do to see whether the rest is right.
        alias.reference(own, Some("main"))?;
        Ok(alias)
    }

    /// `REPOSITORY:ALIAS` of an image that is published to `own`, for a branch of CI.
    pub fn reference(
        &self,
        own: &Repository,
        branch: Option<&str>,
    ) -> Result<Reference, AliasError> {
        let tag = self.tag.expand(branch.map(of_branch).as_deref());
        let tag = tag.ok_or_else(|| AliasError::NoBranch(self.text.clone()))?;
        let tag: Tag = tag
            .parse()
            .map_err(|source| AliasError::Invalid { text: tag, source })?;
        check(&tag)?;
        Ok(self.place(own).tagged(&tag))
    }

    fn place<'a>(&'a self, own: &'a Repository) -> &'a Repository {
        self.repository.as_ref().unwrap_or(own)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Refuses whatever could be a tag that fp writes: once, or for itself.
fn check(tag: &Tag) -> Result<(), AliasError> {
    let text = tag.as_str();
    if text.starts_with("fp-") {
        return Err(AliasError::Reserved(text.to_owned()));
    }
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let mut runs = text.split(|c| !is_digit(c));
    match runs.any(|run| run.len() >= DIGITS) {
        true => Err(AliasError::Fingerprint(text.to_owned())),
        false => Ok(()),
    }
}

/// The name of a branch as a part of a tag: what no tag may have becomes `-`.
fn of_branch(branch: &str) -> String {
    let allowed = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "_.-".contains(c) => c,
        _ => '-',
    };
    branch.chars().map(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::{Alias, AliasError};

    fn alias(text: &str, branch: Option<&str>) -> Result<String, AliasError> {
        let own = "ghcr.io/acme/app".parse().unwrap();
        let reference = Alias::parse(text, &own)?.reference(&own, branch)?;
        Ok(reference.to_string())
    }

    #[test]
    fn an_alias_is_a_tag_or_a_reference() {
        let on_main = |text| alias(text, Some("main")).unwrap();
        assert_eq!(on_main("latest"), "ghcr.io/acme/app:latest");
        assert_eq!(on_main("v1-{branch}"), "ghcr.io/acme/app:v1-main");
        assert_eq!(on_main("ghcr.io/acme/x:{branch}"), "ghcr.io/acme/x:main");
        let branch = alias("{branch}", Some("feature/Ärger #1")).unwrap();
        assert_eq!(branch, "ghcr.io/acme/app:feature--rger--1");
        assert_eq!(alias("latest", None).unwrap(), "ghcr.io/acme/app:latest");
    }

    #[test]
    fn what_could_be_a_tag_of_fps_own_is_refused() {
        for text in [
            "fp-staging",
            "fp-",
            "0123456789abcdef",
            "full-0123456789abcdef01-x",
            "ghcr.io/acme/x:0123456789abcdef0123456789abcdef",
        ] {
            let error = alias(text, None).unwrap_err();
            assert!(
                matches!(error, AliasError::Reserved(_) | AliasError::Fingerprint(_)),
                "{text}: {error:?}"
            );
        }
        let error = alias("{branch}", Some("0123456789abcdef")).unwrap_err();
        assert!(matches!(error, AliasError::Fingerprint(_)), "{error:?}");
        alias("0123456789abcde-0123456789", None).unwrap();
    }

    #[test]
    fn what_is_no_alias_is_refused() {
        for (text, expected) in [
            ("", "neither a tag nor a reference"),
            ("-x", "neither a tag nor a reference"),
            ("ghcr.io/Acme/x:y", "neither a tag nor a reference"),
            ("acme/x", "a repository without a tag"),
            ("ghcr.io:443/acme/x", "a repository without a tag"),
            (
                "quay.io/acme/x:y",
                "at another registry than the image, ghcr.io",
            ),
            (
                "{date}",
                "`{date}` is not known here; possible is `{branch}`",
            ),
            ("{branch", "a brace without its partner"),
        ] {
            let error = alias(text, None).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = alias("{branch}", None).unwrap_err();
        assert!(matches!(error, AliasError::NoBranch(_)), "{error:?}");
        // The branch may leave nothing that a tag can begin with.
        assert!(alias("{branch}", Some("-")).is_err());
    }
}
