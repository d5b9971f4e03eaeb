//! The record that travels with a published image: storing it, and reading it back.
//!
//! It is attached to the image as an artifact of its own type. Anybody who may push can attach anything, so what is
//! read counts only if it hashes to the fingerprint that the image's own label names.

use std::collections::BTreeMap;

use crate::engine::FINGERPRINT_LABEL;
use crate::record::{Fingerprint, Record};
use crate::reference::{Digest, Reference, Repository};
use crate::registry::{self, Artifact, Client, Content, Lookup, Manifest};
use crate::shown::Shown;

/// The type of the artifact that holds a record, and of the record in it.
pub const KIND: &str = "application/vnd.fp.record.v1";

/// The longest record that is stored or read, in bytes: what registries take for a manifest, too.
pub const MAX_RECORD: usize = 4 << 20;

/// How many of the records are looked at that are stored with one image.
const MAX_CANDIDATES: usize = 32;

/// Why a record is not stored with its image.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("it has {0} bytes, and at most {MAX_RECORD} are stored")]
    TooLarge(usize),
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// Why the record of a published image is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such image.
    #[error("{0} does not exist")]
    Absent(Reference),
    /// Nothing is stored with the image.
    #[error("no record is stored with {0}")]
    Nothing(Reference),
    /// Something could not be read, so that neither the record nor its absence is known.
    #[error("whether a record is stored with {reference}, and which, cannot be told")]
    Unknown {
        reference: Reference,
        source: registry::Error,
    },
    /// The image does not say which record is its own.
    #[error("{0} has no label {FINGERPRINT_LABEL}, so that no record can be held against it")]
    NoLabel(Reference),
    /// What is stored is not what the image was made of.
    #[error("no record that is stored with {reference} is its own: its label names {}, {}", Shown::text(.label), hashes(.found))]
    Mismatch {
        reference: Reference,
        label: String,
        /// The hashes of what is stored.
        found: Vec<Fingerprint>,
    },
    /// It is what the label names, and no record.
    #[error("what is stored with {0} is what its label names, and no record")]
    NoRecord(Reference),
}

fn hashes(found: &[Fingerprint]) -> String {
    match found {
        [] => "and nothing that is stored is a record".to_owned(),
        found => {
            let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
            format!("and what is stored hashes to {}", texts.join(", "))
        }
    }
}

impl Error {
    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Absent(_) => None,
            Error::Nothing(_) => Some(
                "fp stores it when it publishes an image, unless `publish_record = false` or a warning said otherwise"
                    .to_owned(),
            ),
            Error::Unknown { source, .. } => source.hint().map(|hint| hint.to_string()),
            Error::NoLabel(_) => Some("name an image that fp has made".to_owned()),
            Error::Mismatch { .. } | Error::NoRecord(_) => Some(
                "somebody who may push there wrote the label or the record: find out who that is before you trust either"
                    .to_owned(),
            ),
        }
    }
}

/// Stores a record with a published image, unless it is stored already.
///
/// `annotations` tell of the storing, not of the record; what was stored first keeps its own.
pub async fn store(
    client: &Client,
    repository: &Repository,
    image: &Manifest,
    record: &Record,
    annotations: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    let content = record.as_str().as_bytes();
    if content.len() > MAX_RECORD {
        return Err(StoreError::TooLarge(content.len()));
    }
    let was_there = client.store_content(repository, content).await?;
    if was_there && is_attached(client, repository, image, &Digest::sha256_of(content)).await? {
        return Ok(());
    }
    let artifact = Artifact {
        kind: KIND,
        title: "record",
        content,
        annotations,
    };
    Ok(client.attach(repository, image, &artifact).await?)
}

/// Whether the record with this digest is stored with an image.
async fn is_attached(
    client: &Client,
    repository: &Repository,
    image: &Manifest,
    own: &Digest,
) -> Result<bool, registry::Error> {
    let attached = client.attached(repository, &image.digest(), KIND).await?;
    for artifact in attached.iter().take(MAX_CANDIDATES) {
        match client.content_of(repository, artifact, KIND).await {
            Ok(Some(known)) if known.digest == *own => return Ok(true),
            // A registry that fails now takes nothing, either.
            Err(error) if error.is_transient() => return Err(error),
            // What cannot be read is not ours to mend.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(false)
}

/// The record of a published image, and the reference with the digest that was read.
///
/// Where both a tag and a digest are given, the digest counts. Of several records that are stored, the one counts
/// that the image's label names.
pub async fn read(client: &Client, reference: &Reference) -> Result<(Reference, Record), Error> {
    let digest = digest(client, reference).await?;
    let reference = reference.clone().at(digest.clone());
    let repository = &reference.repository;
    let unknown = |source| Error::Unknown {
        reference: reference.clone(),
        source,
    };
    let attached = client.attached(repository, &digest, KIND).await;
    let attached = attached.map_err(unknown)?;
    if attached.is_empty() {
        return Err(Error::Nothing(reference));
    }
    let label = label(client, repository, &digest).await.map_err(unknown)?;
    let label = label.ok_or_else(|| Error::NoLabel(reference.clone()))?;
    let (mut found, mut doubt) = (Vec::new(), None);
    for artifact in attached.iter().take(MAX_CANDIDATES) {
        match candidate(client, repository, artifact).await {
            Ok(Some(bytes)) if Fingerprint::of(&bytes).to_string() == label => {
                let record = Record::read(bytes);
                let record = record.ok_or_else(|| Error::NoRecord(reference.clone()))?;
                return Ok((reference, record));
            }
            Ok(Some(bytes)) => found.push(Fingerprint::of(&bytes)),
            Ok(None) => {}
            // With a registry that fails now, none of the others is worth the wait.
            Err(error) if error.is_transient() => return Err(unknown(error)),
            // Another one may be the right one all the same.
            Err(error) => doubt = doubt.or(Some(error)),
        }
    }
    Err(match doubt {
        Some(source) => unknown(source),
        None => Error::Mismatch {
            reference: reference.clone(),
            label,
            found,
        },
    })
}

/// The digest of the image that is meant, which is there.
async fn digest(client: &Client, reference: &Reference) -> Result<Digest, Error> {
    let repository = &reference.repository;
    let lookup = match (&reference.digest, &reference.tag) {
        (Some(digest), _) => client.look_up_digest(repository, digest).await,
        (None, Some(tag)) => client.look_up(repository, tag).await,
        (None, None) => Lookup::Absent,
    };
    match lookup {
        // What a registry says of a digest is that digest; its word for it is not needed.
        Lookup::Present { digest } => Ok(reference.digest.clone().unwrap_or(digest)),
        Lookup::Absent => Err(Error::Absent(reference.clone())),
        Lookup::Unknown(source) => Err(Error::Unknown {
            reference: reference.clone(),
            source,
        }),
    }
}

/// What may be a record; `None` if it is something else, or too large.
async fn candidate(
    client: &Client,
    repository: &Repository,
    artifact: &Digest,
) -> Result<Option<Vec<u8>>, registry::Error> {
    let content = client.content_of(repository, artifact, KIND).await?;
    match content.filter(|content| content.size <= MAX_RECORD as u64) {
        Some(content) => Ok(Some(client.blob(repository, &content.digest).await?)),
        None => Ok(None),
    }
}

/// The fingerprint that the image's label names. All images of an index are of one record, so the first one tells.
async fn label(
    client: &Client,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<String>, registry::Error> {
    let mut manifest = client.manifest(repository, digest).await?;
    if let Content::Index { images } = manifest.content() {
        let Some((_, image)) = images.first() else {
            return Ok(None);
        };
        manifest = client.manifest(repository, image).await?;
    }
    let Content::Image { config } = manifest.content() else {
        return Ok(None);
    };
    let configuration = client.blob(repository, config).await?;
    Ok(label_in(&configuration))
}

/// The label in an image's configuration (OCI image specification, "Image Configuration").
fn label_in(configuration: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(configuration).ok()?;
    let label = value.get("config")?.get("Labels")?.get(FINGERPRINT_LABEL)?;
    label.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{MAX_RECORD, StoreError, label_in, store};
    use crate::record::{Item, Record};
    use crate::registry::{Client, Manifest, Settings};

    #[test]
    fn a_label_is_a_text_where_labels_are() {
        let label = |text: &str| label_in(text.as_bytes());
        let found = label(r#"{"config": {"Labels": {"fp.fingerprint": "00ff"}}}"#);
        assert_eq!(found.as_deref(), Some("00ff"));
        for other in [
            "",
            "[]",
            r#"{"config": null}"#,
            r#"{"config": {"Labels": null}}"#,
            r#"{"config": {"Labels": {"fp.fingerprint": 1}}}"#,
            r#"{"Labels": {"fp.fingerprint": "00ff"}}"#,
        ] {
            assert_eq!(label(other), None, "{other}");
        }
    }

    /// Nobody could read it again.
    #[tokio::test]
    async fn a_record_that_is_too_large_is_not_even_offered() {
        let salt = "x".repeat(MAX_RECORD);
        let record = Record::new([Item::Salt(&salt)]);
        let repository = "127.0.0.1:1/app".parse().unwrap();
        let client = Client::new(Settings::default());
        let image = br#"{"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}"#;
        let image = Manifest::parse(None, image.to_vec()).unwrap();
        let stored = store(&client, &repository, &image, &record, &BTreeMap::new()).await;
        assert!(matches!(stored, Err(StoreError::TooLarge(_))), "{stored:?}");
    }
}
