//! Artifacts: what is attached to an image without being part of it, and the lists of them.
//!
//! Pure. The shapes are those of the OCI image specification 1.1 ("Guidelines for Artifact Usage", `subject`)
//! and of the distribution specification ("Listing Referrers", "Referrers Tag Schema"). What is read here
//! was written by anybody who may push, so nothing is expected of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::manifest::{OCI_INDEX, OCI_MANIFEST};
use super::{Manifest, ManifestProblem};
use crate::reference::{Digest, Tag};

/// The configuration of what needs none, as the specification spells it.
pub(super) const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// How many hex digits of a digest stand in the tag of the fallback scheme, at most.
const MAX_TAG_DIGITS: usize = 64;

/// Something to be attached to an image: one piece of content.
#[derive(Debug, Clone, Copy)]
pub struct Artifact<'a> {
    /// The type of the artifact, and the media type of its content.
    pub kind: &'a str,
    /// What a file with the content is called.
    pub title: &'a str,
    pub content: &'a [u8],
    /// What else is said of it.
    pub annotations: &'a BTreeMap<String, String>,
}

/// A piece of content, as manifests name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    #[serde(serialize_with = "as_text")]
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

/// Why bytes are no list of what is attached to an image, or cannot become one.
#[derive(Debug, Error)]
pub enum ListProblem {
    #[error("it is no JSON")]
    Json(#[source] serde_json::Error),
    #[error("it is no image index")]
    Index,
    #[error("its pages do not end")]
    Pages,
    #[error("others change it all the time")]
    Races,
}

impl Artifact<'_> {
    /// The manifest that attaches the artifact to `subject`.
    pub(super) fn manifest(&self, subject: &Manifest) -> Result<Manifest, ManifestProblem> {
        let mut layer = json!(descriptor(self.kind, self.content));
        layer["annotations"] = json!({ "org.opencontainers.image.title": self.title });
        let document = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": self.kind,
            "config": descriptor(EMPTY_TYPE, EMPTY),
            "layers": [layer],
            "subject": descriptor(subject.media_type(), subject.bytes()),
            "annotations": self.annotations,
        });
        Manifest::parse(Some(OCI_MANIFEST), document.to_string().into_bytes())
    }

    /// The entry for the artifact in a list; `manifest` is its own.
    pub(super) fn entry(&self, manifest: &Manifest) -> Value {
        let mut entry = json!(descriptor(manifest.media_type(), manifest.bytes()));
        entry["artifactType"] = json!(self.kind);
        entry["annotations"] = json!(self.annotations);
        entry
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::sha256_of(bytes),
        size: bytes.len() as u64,
    }
}

fn as_text<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

/// The tag under which registries without the referrers API list what is attached to `subject`.
pub(super) fn fallback_tag(subject: &Digest) -> Tag {
    let text = subject.to_string();
    let (algorithm, hex) = text.split_once(':').expect("a digest has a colon");
    let hex = &hex[..hex.len().min(MAX_TAG_DIGITS)];
    format!("{algorithm}-{hex}")
        .parse()
        .expect("hex digits are part of a tag")
}

/// The artifacts of type `kind` in a list, in its order.
pub(super) fn listed(list: &[u8], kind: &str) -> Result<Vec<Digest>, ListProblem> {
    let list = index(list)?;
    let is_meant = |entry: &&Value| entry["artifactType"] == kind;
    let entries = list["manifests"].as_array().into_iter().flatten();
    let digests = entries.filter(is_meant).map(|entry| &entry["digest"]);
    Ok(digests
        .filter_map(|digest| digest.as_str()?.parse().ok())
        .collect())
}

/// `list`, or a new one, with `entry` added and everything else as it was; `None` if it is listed already.
pub(super) fn with_entry(
    list: Option<&[u8]>,
    entry: &Value,
) -> Result<Option<Vec<u8>>, ListProblem> {
    let mut list = match list {
        Some(list) => index(list)?,
        None => json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }),
    };
    let entries = list["manifests"].as_array_mut().ok_or(ListProblem::Index)?;
    if entries
        .iter()
        .any(|known| known["digest"] == entry["digest"])
    {
        return Ok(None);
    }
    entries.push(entry.clone());
    Ok(Some(list.to_string().into_bytes()))
}

/// Reads an index. One that does not say that it is one is taken for it, as the specification allows.
fn index(bytes: &[u8]) -> Result<Value, ListProblem> {
    let value: Value = serde_json::from_slice(bytes).map_err(ListProblem::Json)?;
    let media_type = value.get("mediaType");
    let is_index = media_type.is_none_or(|media_type| media_type == OCI_INDEX);
    match is_index && value["manifests"].is_array() {
        true => Ok(value),
        false => Err(ListProblem::Index),
    }
}

/// The one piece of content of an artifact of type `kind`; `None` if the manifest is not that of one.
pub(super) fn content(manifest: &Manifest, kind: &str) -> Option<Descriptor> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        artifact_type: String,
        layers: Vec<Descriptor>,
    }
    let document: Document = serde_json::from_slice(manifest.bytes()).ok()?;
    match <[Descriptor; 1]>::try_from(document.layers) {
        Ok([content]) if document.artifact_type == kind => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{Artifact, EMPTY, content, fallback_tag, index, listed, with_entry};
    use crate::reference::Digest;
    use crate::registry::Manifest;

    const KIND: &str = "application/vnd.example.v1";

    fn subject() -> Manifest {
        let config = Digest::sha256_of(EMPTY);
        let text = format!(r#"{{"config":{{"digest":"{config}"}},"layers":[]}}"#);
        Manifest::parse(None, text.into()).unwrap()
    }

    fn attached(text: &[u8]) -> (Manifest, Value) {
        let annotations = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let artifact = Artifact {
            kind: KIND,
            title: "t",
            content: text,
            annotations: &annotations,
        };
        let manifest = artifact.manifest(&subject()).unwrap();
        let entry = artifact.entry(&manifest);
        (manifest, entry)
    }

    #[test]
    fn a_manifest_names_its_subject_and_its_content() {
        let (manifest, entry) = attached(b"text");
        let document: Value = serde_json::from_slice(manifest.bytes()).unwrap();
        let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let digest = Digest::sha256_of(b"text");
        let subject = subject();
        let expected = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": KIND,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 },
            "layers": [{ "mediaType": KIND, "digest": digest.to_string(), "size": 4,
                "annotations": { "org.opencontainers.image.title": "t" } }],
            "subject": { "mediaType": subject.media_type(), "size": subject.bytes().len(),
                "digest": Digest::sha256_of(subject.bytes()).to_string() },
            "annotations": { "a": "b" },
        });
        assert_eq!(document, expected);
        let found = content(&manifest, KIND).unwrap();
        assert_eq!((found.digest, found.size), (digest, 4));
        assert_eq!(content(&manifest, "another"), None);
        let own = Digest::sha256_of(manifest.bytes());
        let expected = json!({ "mediaType": manifest.media_type(), "digest": own.to_string(),
            "size": manifest.bytes().len(), "artifactType": KIND, "annotations": { "a": "b" } });
        assert_eq!(entry, expected);
    }

    #[test]
    fn a_list_keeps_what_others_wrote_and_lists_nothing_twice() {
        let foreign = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{ "digest": "sha256:x", "artifactType": "other", "unknown": [1.5] }],
            "annotations": { "kept": "too" },
        });
        let (manifest, entry) = attached(b"text");
        let before = foreign.to_string();
        let edited = with_entry(Some(before.as_bytes()), &entry)
            .unwrap()
            .unwrap();
        let mut expected = foreign;
        expected["manifests"]
            .as_array_mut()
            .unwrap()
            .push(entry.clone());
        assert_eq!(index(&edited).unwrap(), expected);
        assert_eq!(with_entry(Some(&edited), &entry).unwrap(), None);
        let own = Digest::sha256_of(manifest.bytes());
        assert_eq!(listed(&edited, KIND).unwrap(), std::slice::from_ref(&own));
        assert_eq!(listed(&edited, "other").unwrap(), []);

        let new = with_entry(None, &entry).unwrap().unwrap();
        assert_eq!(listed(&new, KIND).unwrap(), [own]);
    }

    #[test]
    fn what_is_no_list_is_left_alone() {
        let (_, entry) = attached(b"text");
        for text in [
            "<html>",
            "null",
            "[]",
            "{}",
            r#"{"manifests": 1}"#,
            r#"{"mediaType": "application/vnd.oci.image.manifest.v1+json", "manifests": []}"#,
        ] {
            assert!(listed(text.as_bytes(), KIND).is_err(), "{text}");
            assert!(with_entry(Some(text.as_bytes()), &entry).is_err(), "{text}");
        }
        let odd = format!(
            r#"{{"manifests": [1, null, {{}}, {{"artifactType": "{KIND}", "digest": "md5:0"}}]}}"#
        );
        assert_eq!(listed(odd.as_bytes(), KIND).unwrap(), []);
    }

    #[test]
    fn the_tag_of_the_fallback_scheme_is_a_tag_for_every_digest() {
        let sha256 = Digest::sha256_of(b"");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(fallback_tag(&sha256).to_string(), format!("sha256-{hex}"));
        let sha512: Digest = format!("sha512:{}", "a1".repeat(64)).parse().unwrap();
        let expected = format!("sha512-{}", "a1".repeat(32));
        assert_eq!(fallback_tag(&sha512).to_string(), expected);
    }
}
