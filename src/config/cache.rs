//! Layer caches: which ones an image has, and the places that buildx's own words name.
//!
//! No cache is recorded: it may change how long a build takes, and nothing else. Which of them a build
//! reads and writes is decided by `ensure`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::mistake::{Mistake, at};
use super::secret::MachinePath;
use super::{Image, written};
use crate::csv;
use crate::reference::{Reference, Repository};

/// How the tags begin that fp keeps for itself: that for images on their way, and those of caches.
pub(super) const OWN_TAGS: [&str; 2] = ["fp-staging", CACHE_TAG];

/// How the tag of a cache begins. No image's tag does.
pub const CACHE_TAG: &str = "fp-cache";

/// Attributes that hold a credential, beside those whose names say so.
const CREDENTIALS: [&str; 2] = ["access_key_id", "account_key"];

/// Why a text names no cache. The text may hold a credential, and is in no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("this is no place of a cache as `docker buildx build` names it")]
    Place,
    #[error("`{0}` of a cache is or holds a credential, which has no place in fingerprint.toml")]
    Credential(String),
    #[error("no cache is written where the image is published")]
    OverImage,
    #[error("a cache of `{image}` is written where `{other}` is published")]
    OverOther { image: String, other: String },
}

impl Error {
    /// The way out.
    pub(super) fn hint(&self) -> String {
        match self {
            Error::Place => {
                "as in `type=registry,ref=ghcr.io/acme/app-cache`, `type=local,dest=PATH`, or a reference alone".to_owned()
            }
            Error::Credential(_) => {
                "take it out: `docker login` signs in to registries, S3 goes by AWS's own variables and files, and \
                 GitHub's cache by the job's own token"
                    .to_owned()
            }
            Error::OverImage | Error::OverOther { .. } => format!(
                "give it a tag that begins with `{CACHE_TAG}`, which no image has, or a repository of its own"
            ),
        }
    }

    /// Whether the text that is wrong may hold a credential.
    pub(super) fn may_quote_a_secret(&self) -> bool {
        !matches!(self, Error::OverImage | Error::OverOther { .. })
    }
}

/// The layer caches of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cache {
    /// The one that fp looks after.
    pub kind: CacheKind,
    /// Others to read from.
    pub from: Vec<CachePlace>,
    /// Others to write to.
    pub to: Vec<CachePlace>,
}

/// The cache that fp looks after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheKind {
    #[default]
    None,
    /// In the image itself: the layers that it consists of.
    Inline,
    /// In the image's repository: the layers of all stages.
    Registry,
    /// In the cache of GitHub Actions: the layers of all stages.
    Gha,
}

/// The place of a cache: its type and attributes, as in `--cache-from` and `--cache-to` of
/// `docker buildx build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePlace {
    /// `registry`, `local`, `gha`, `s3`, …
    pub kind: String,
    attributes: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Path(MachinePath),
}

impl CachePlace {
    /// A place of this type.
    pub fn of(kind: &str, attributes: &[(&str, &str)]) -> Self {
        let attribute = |(name, value): &(&str, &str)| {
            let value = Value::Text((*value).to_owned());
            ((*name).to_owned(), value)
        };
        CachePlace {
            kind: kind.to_owned(),
            attributes: attributes.iter().map(attribute).collect(),
        }
    }

    /// Parses what buildx takes: `type=registry,ref=…`, or a reference alone. Credentials are refused.
    fn parse(text: &str) -> Result<Self, Error> {
        let fields = csv::fields(text).ok_or(Error::Place)?;
        if let [reference] = fields.as_slice()
            && !reference.contains('=')
        {
            parse_reference(reference)?;
            return Ok(CachePlace::of("registry", &[("ref", reference)]));
        }
        let mut kind = None;
        let mut attributes = Vec::new();
        for field in &fields {
            let (name, value) = field.split_once('=').ok_or(Error::Place)?;
            let name = name.trim().to_ascii_lowercase();
            // Of two that have the same name buildx takes the last one.
            let is_known = |(known, _): &(String, String)| *known == name;
            let is_repeated = attributes.iter().any(is_known);
            if name.is_empty() || is_repeated || value.contains(|c: char| c.is_control()) {
                return Err(Error::Place);
            }
            if is_credential(&name, value) {
                return Err(Error::Credential(name));
            }
            match name.as_str() {
                "type" => kind = Some(value.to_owned()),
                _ => attributes.push((name, value.to_owned())),
            }
        }
        let kind = kind.filter(|kind| !kind.is_empty());
        let kind = kind.ok_or(Error::Place)?;
        let attributes = attributes.into_iter().map(|(name, value)| {
            let value = match (kind.as_str(), name.as_str()) {
                ("local", "src" | "dest") => {
                    Value::Path(MachinePath::parse(&value).map_err(|_| Error::Place)?)
                }
                _ => Value::Text(value),
            };
            Ok((name, value))
        });
        let attributes = attributes.collect::<Result<Vec<_>, Error>>()?;
        let place = CachePlace { kind, attributes };
        match place.kind == "registry" && place.reference().is_none() {
            true => Err(Error::Place),
            false => Ok(place),
        }
    }

    /// The same with an attribute more, unless it has that one.
    #[must_use]
    pub fn or(mut self, name: &str, value: &str) -> Self {
        if !self.attributes.iter().any(|(known, _)| known == name) {
            let value = Value::Text(value.to_owned());
            self.attributes.push((name.to_owned(), value));
        }
        self
    }

    /// The value of the flag that names the place, paths relative to `root`. `None` if a path is no text,
    /// or lies in the home folder and there is none.
    pub fn flag(&self, root: &Path, home: Option<&OsStr>) -> Option<String> {
        let mut fields = vec![csv::field(&format!("type={}", self.kind))];
        for (name, value) in &self.attributes {
            let field = match value {
                Value::Text(text) => format!("{name}={text}"),
                Value::Path(path) => format!("{name}={}", path.resolve(root, home)?.to_str()?),
            };
            fields.push(csv::field(&field));
        }
        Some(fields.join(","))
    }

    /// The reference of a place in a registry.
    fn reference(&self) -> Option<Reference> {
        let mut attributes = self.attributes.iter();
        attributes.find_map(|(name, value)| match value {
            Value::Text(text) if name == "ref" && self.kind == "registry" => text.parse().ok(),
            _ => None,
        })
    }
}

/// Resolves the caches of an image that is published to `repository`.
pub(super) fn cache(
    written: &written::Image,
    repository: Option<&Repository>,
) -> Result<Cache, Mistake> {
    let place = |text: &Spanned<String>| {
        CachePlace::parse(text.as_ref()).map_err(|kind| at(text.span(), kind))
    };
    let writable = |text: &Spanned<String>| {
        let place = place(text)?;
        match place.reference() {
            Some(reference) if is_image(&reference, repository) => {
                Err(at(text.span(), Error::OverImage))
            }
            _ => Ok(place),
        }
    };
    Ok(Cache {
        kind: written.cache,
        from: written
            .cache_from
            .iter()
            .map(place)
            .collect::<Result<_, _>>()?,
        to: written
            .cache_to
            .iter()
            .map(writable)
            .collect::<Result<_, _>>()?,
    })
}

/// Makes sure that no image's cache is written over another image.
pub(super) fn check<'a>(images: impl Iterator<Item = &'a Image> + Clone) -> Result<(), Error> {
    let published = |image: &'a Image| Some((image.repository.as_ref()?, &image.name));
    let published: BTreeMap<_, _> = images.clone().filter_map(published).collect();
    for image in images {
        let written = image.cache.to.iter().filter_map(CachePlace::reference);
        for reference in written {
            if let Some(other) = published.get(&reference.repository)
                && is_image(&reference, Some(&reference.repository))
            {
                return Err(Error::OverOther {
                    image: image.name.to_string(),
                    other: other.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Whether a cache that is written there could take the place of an image.
fn is_image(reference: &Reference, repository: Option<&Repository>) -> bool {
    let tag = reference.tag.as_ref().map(ToString::to_string);
    repository == Some(&reference.repository) && !tag.is_some_and(|tag| tag.starts_with(CACHE_TAG))
}

fn parse_reference(text: &str) -> Result<Reference, Error> {
    text.parse().map_err(|_| Error::Place)
}

/// Whether an attribute is, or may hold, what nobody else may know. Signatures stand in the query of an
/// address.
fn is_credential(name: &str, value: &str) -> bool {
    let says_so = ["token", "secret", "password", "signature", "credential"]
        .iter()
        .any(|word| name.contains(word));
    let address = value.split_once("://").map(|(_, rest)| rest);
    says_so
        || CREDENTIALS.contains(&name)
        || address.is_some_and(|address| address.contains(['@', '?']))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CachePlace, Error, is_image};

    fn flag(text: &str) -> String {
        let place = CachePlace::parse(text).unwrap();
        place.flag(Path::new("/root"), None).unwrap()
    }

    #[test]
    fn places_are_written_as_buildx_reads_them() {
        for (text, expected) in [
            ("ghcr.io/a/b:c", "type=registry,ref=ghcr.io/a/b:c"),
            ("Type=registry, REF=a/b", "type=registry,ref=a/b"),
            ("type=local,dest=.cache", "type=local,dest=/root/.cache"),
            ("type=local,\"src=/a,b\"", "type=local,\"src=/a,b\""),
            ("scope=x,type=gha", "type=gha,scope=x"),
            (
                "type=s3,region=eu,bucket=b,use_path_style=true",
                "type=s3,region=eu,bucket=b,use_path_style=true",
            ),
        ] {
            assert_eq!(flag(text), expected);
        }
        let home = CachePlace::parse("type=local,src=~/c").unwrap();
        assert_eq!(home.flag(Path::new("/root"), None), None);
        assert_eq!(
            home.flag(Path::new("/root"), Some("/home/a".as_ref()))
                .unwrap(),
            "type=local,src=/home/a/c"
        );
    }

    #[test]
    fn an_attribute_that_is_there_stays() {
        let place = CachePlace::parse("type=gha,mode=min").unwrap();
        let flag = place.or("mode", "max").or("ignore-error", "true");
        let flag = flag.flag(Path::new("/"), None).unwrap();
        assert_eq!(flag, "type=gha,mode=min,ignore-error=true");
    }

    #[test]
    fn what_names_no_place_is_refused() {
        for text in [
            "",
            "mode=max",
            "type=",
            "type=gha,x",
            "A B",
            "\"a",
            "type=registry,ref=A B",
            "=",
            "type=local,dest=",
            // The last one was written over, whatever the first one was.
            "type=registry,ref=ghcr.io/a/cache,ref=ghcr.io/a/b:latest",
        ] {
            let mistake = CachePlace::parse(text).unwrap_err();
            assert!(!mistake.to_string().contains("A B"), "{text}");
        }
    }

    #[test]
    fn credentials_are_refused_and_not_quoted() {
        for text in [
            "type=gha,token=hush",
            "type=s3,secret_access_key=hush",
            "type=s3,access_key_id=hush",
            "type=s3,session_token=hush",
            "type=azblob,account_url=https://x/?sig=hush",
            "type=s3,endpoint_url=https://hush@x",
        ] {
            let mistake = CachePlace::parse(text).unwrap_err();
            assert!(matches!(mistake, Error::Credential(_)), "{text}");
            assert!(!mistake.to_string().contains("hush"), "{text}");
            assert!(mistake.may_quote_a_secret(), "{text}");
        }
    }

    #[test]
    fn no_cache_takes_the_place_of_an_image() {
        let repository = "ghcr.io/a/b".parse().unwrap();
        let is_image = |text: &str| is_image(&text.parse().unwrap(), Some(&repository));
        assert!(is_image("ghcr.io/a/b:latest"));
        assert!(is_image("ghcr.io/a/b"));
        assert!(!is_image("ghcr.io/a/b:fp-cache-mine"));
        assert!(!is_image("ghcr.io/a/b-cache:latest"));
    }
}
