//! Image manifests and indexes: their bytes, which are what a digest names, and the little that fp
//! reads in them.

mod index;

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

pub use index::NoPart;

use crate::platform::Platform;
use crate::reference::Digest;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The media types that fp reads, for `Accept`.
pub(super) const MEDIA_TYPES: [&str; 4] = [OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST];

/// A manifest or index, byte for byte as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    media_type: &'static str,
    bytes: Vec<u8>,
    content: Content,
}

/// What a manifest is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One image; the classic store of docker knows it by the digest of its configuration.
    Image { config: Digest },
    /// An index of images; attestations are no platforms.
    Index { images: Vec<(Platform, Digest)> },
}

impl Content {
    /// The digest of the image for `platform` in an index.
    pub fn image_for(&self, platform: &Platform) -> Option<&Digest> {
        let Content::Index { images } = self else {
            return None;
        };
        let found = images.iter().find(|(known, _)| known == platform);
        found.map(|(_, digest)| digest)
    }
}

/// Why bytes are no manifest.
#[derive(Debug, Error)]
pub enum ManifestProblem {
    #[error("it is no JSON object of a manifest")]
    Json(#[source] serde_json::Error),
    #[error("its media type is {0:?}")]
    MediaType(String),
    #[error("it says that it is {named:?}, and was sent as {sent:?}")]
    MediaTypes { named: String, sent: String },
    #[error("its parts are not those of {0:?}")]
    Parts(&'static str),
    #[error("it is an index that lists another index, and engines pull no platform out of that")]
    NestedIndex,
}

impl Manifest {
    /// Reads a manifest that was sent with a `Content-Type`.
    ///
    /// It is an error if the two name different media types or none that fp reads, or if the
    /// manifest lacks what its type demands.
    pub fn parse(content_type: Option<&str>, bytes: Vec<u8>) -> Result<Self, ManifestProblem> {
        let document: Document = serde_json::from_slice(&bytes).map_err(ManifestProblem::Json)?;
        let media_type = document.media_type(content_type)?;
        if document.is_nested() {
            return Err(ManifestProblem::NestedIndex);
        }
        let content = document
            .content(media_type)
            .ok_or(ManifestProblem::Parts(media_type))?;
        Ok(Manifest {
            media_type,
            bytes,
            content,
        })
    }

    /// What the manifest is, as `Content-Type` names it: one of the types that fp reads.
    pub fn media_type(&self) -> &str {
        self.media_type
    }

    /// The manifest as it was read, which is what its digest is of.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest that names it.
    pub fn digest(&self) -> Digest {
        Digest::sha256_of(&self.bytes)
    }

    /// What the manifest says of the images that it stands for.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<IgnoredAny>,
    manifests: Option<Vec<IndexEntry>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry {
    media_type: Option<String>,
    platform: Option<PlatformEntry>,
    digest: Option<String>,
}

#[derive(Deserialize)]
struct PlatformEntry {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

impl Document {
    /// The media type that the document names or, as OCI allows it to name none, that it was sent
    /// with or that its parts show. The two may not contradict each other, since clients that go by
    /// one or the other would then see different images (CVE-2021-41190).
    fn media_type(&self, content_type: Option<&str>) -> Result<&'static str, ManifestProblem> {
        let sent = content_type.map(essence).filter(|sent| !is_generic(sent));
        let shown = if self.manifests.is_some() {
            OCI_INDEX
        } else {
            OCI_MANIFEST
        };
        if let (Some(named), Some(sent)) = (&self.media_type, sent)
            && named != sent
        {
            let (named, sent) = (named.clone(), sent.to_owned());
            return Err(ManifestProblem::MediaTypes { named, sent });
        }
        let found = self.media_type.as_deref().or(sent).unwrap_or(shown);
        let known = MEDIA_TYPES.into_iter().find(|known| *known == found);
        known.ok_or_else(|| ManifestProblem::MediaType(found.to_owned()))
    }

    fn is_nested(&self) -> bool {
        let mut entries = self.manifests.iter().flatten();
        entries.any(|entry| entry.media_type.as_deref().is_some_and(is_index))
    }

    fn content(self, media_type: &str) -> Option<Content> {
        let is_index = is_index(media_type);
        match (is_index, self.config, self.layers, self.manifests) {
            (true, None, None, Some(entries)) => Some(Content::Index {
                images: images(entries)?,
            }),
            (false, Some(config), _, None) => Some(Content::Image {
                config: config.digest,
            }),
            _ => None,
        }
    }
}

/// The images of an index; attestations are listed as well, and are none. `None` if an image has no digest.
fn images(entries: Vec<IndexEntry>) -> Option<Vec<(Platform, Digest)>> {
    let with_platforms = entries.into_iter().filter_map(|entry| {
        let PlatformEntry {
            os,
            architecture,
            variant,
        } = entry.platform?;
        let variant = variant.unwrap_or_default();
        Some((
            Platform::new(&os, &architecture, &variant),
            entry.digest.unwrap_or_default(),
        ))
    });
    with_platforms
        .filter(|(platform, _)| !platform.is_unknown())
        .map(|(platform, digest)| Some((platform, digest.parse().ok()?)))
        .collect()
}

fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_INDEX)
}

/// A `Content-Type` without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Types that servers give to files they know nothing about.
fn is_generic(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/json" | "application/octet-stream" | "text/plain"
    )
}

#[cfg(test)]
mod tests {
    use super::{Content, DOCKER_INDEX, DOCKER_MANIFEST, Manifest, OCI_INDEX, OCI_MANIFEST};

    const CONFIG: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn image(media_type: &str) -> String {
        format!(r#"{{"schemaVersion":2,{media_type}"config":{{"digest":"{CONFIG}"}},"layers":[]}}"#)
    }

    fn parse(content_type: Option<&str>, text: &str) -> Result<Manifest, String> {
        Manifest::parse(content_type, text.into()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn an_image_has_a_configuration() {
        let docker = image(&format!(r#""mediaType":"{DOCKER_MANIFEST}","#));
        for (content_type, text, expected) in [
            (Some(OCI_MANIFEST), image(""), OCI_MANIFEST),
            (Some(DOCKER_MANIFEST), image(""), DOCKER_MANIFEST),
            (Some(DOCKER_MANIFEST), docker.clone(), DOCKER_MANIFEST),
            (
                Some("application/json; charset=utf-8"),
                docker,
                DOCKER_MANIFEST,
            ),
            (None, image(""), OCI_MANIFEST),
        ] {
            let manifest = parse(content_type, &text).unwrap();
            assert_eq!(manifest.media_type(), expected);
            assert_eq!(manifest.bytes(), text.as_bytes());
            assert_eq!(
                *manifest.content(),
                Content::Image {
                    config: CONFIG.parse().unwrap()
                }
            );
        }
    }

    #[test]
    fn an_index_has_platforms_and_attestations_are_none() {
        let text = format!(
            r#"{{"manifests": [
            {{"digest": "{CONFIG}", "platform": {{"os": "linux", "architecture": "amd64"}}}},
            {{"digest": "{CONFIG}", "platform": {{"os": "linux", "architecture": "arm", "variant": "v7"}}}},
            {{"platform": {{"os": "unknown", "architecture": "unknown"}}}},
            {{"digest": "x"}}]}}"#
        );
        let manifest = parse(Some(OCI_INDEX), &text).unwrap();
        let Content::Index { images } = manifest.content() else {
            panic!("{manifest:?}")
        };
        let shown: Vec<String> = images.iter().map(|(one, _)| one.to_string()).collect();
        assert_eq!(shown, ["linux/amd64", "linux/arm/v7"]);
    }

    #[test]
    fn an_index_lists_images_and_no_index() {
        for kind in [OCI_INDEX, DOCKER_INDEX] {
            let text = format!(r#"{{"manifests": [{{"mediaType": "{kind}"}}]}}"#);
            let problem = parse(Some(OCI_INDEX), &text).unwrap_err();
            assert!(problem.contains("lists another index"), "{problem}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let docker = image(&format!(r#""mediaType":"{DOCKER_MANIFEST}","#));
        let both = r#"{"manifests": [], "layers": []}"#;
        for (content_type, text, expected) in [
            (Some(OCI_MANIFEST), docker.as_str(), "was sent as"),
            (Some("text/html"), &docker, "was sent as"),
            (Some(OCI_INDEX), both, "its parts are not those of"),
            (Some(OCI_INDEX), &image(""), "its parts are not those of"),
            (
                Some("text/html"),
                &image(""),
                r#"its media type is "text/html""#,
            ),
            (
                Some(OCI_INDEX),
                r#"{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]}"#,
                "its parts are not those of",
            ),
            (None, "{}", "its parts are not those of"),
            (None, "<html>", "no JSON object"),
            (None, r#"{"config":{"digest":"md5:0"}}"#, "no JSON object"),
        ] {
            let problem = parse(content_type, text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
