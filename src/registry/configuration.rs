//! Image configurations: the little of them that fp reads.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::{Client, Content, Error};
use crate::platform::Platform;
use crate::reference::{Digest, Repository};

/// What the configuration of an image says of it (OCI image specification, "Image Configuration").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// What the image runs on.
    pub platform: Platform,
    /// Its labels, by their names; anybody can write any.
    pub labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document {
    os: String,
    architecture: String,
    variant: Option<String>,
    config: Option<Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    labels: Option<BTreeMap<String, String>>,
}

impl Client {
    /// Reads the configuration of an image, as its manifest names it.
    pub async fn configuration(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Configuration, Error> {
        let read = async |endpoint: &Endpoint, deadline| {
            self.read_configuration(endpoint, digest, deadline).await
        };
        self.at(repository, read).await
    }

    /// Reads the configuration of the image that a digest names; of the one for `platform`, if that is an
    /// index. `None` if the index has none for it.
    pub async fn configuration_for(
        &self,
        repository: &Repository,
        digest: &Digest,
        platform: &Platform,
    ) -> Result<Option<Configuration>, Error> {
        let read = async |endpoint: &Endpoint, deadline| {
            let mut manifest = self.read_manifest(endpoint, digest, deadline).await?;
            if let Content::Index { .. } = manifest.content() {
                let Some(image) = manifest.content().image_for(platform) else {
                    return Ok(None);
                };
                manifest = self.read_manifest(endpoint, image, deadline).await?;
            }
            let Content::Image { config } = manifest.content() else {
                // Engines pull no platform out of an index that an index lists.
                return Ok(None);
            };
            let read = self.read_configuration(endpoint, config, deadline).await;
            read.map(Some)
        };
        self.at(repository, read).await
    }

    async fn read_configuration(
        &self,
        endpoint: &Endpoint,
        digest: &Digest,
        deadline: Instant,
    ) -> Result<Configuration, Error> {
        let answer = self.read_blob(endpoint, digest, deadline).await?;
        parse(&answer.body).map_err(|cause| Error::Configuration {
            request: answer.request(),
            cause,
        })
    }
}

fn parse(json: &[u8]) -> serde_json::Result<Configuration> {
    let document: Document = serde_json::from_slice(json)?;
    let variant = document.variant.unwrap_or_default();
    let settings = document.config.and_then(|settings| settings.labels);
    Ok(Configuration {
        platform: Platform::new(&document.os, &document.architecture, &variant),
        labels: settings.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn platform_and_labels_are_read() {
        let json = r#"{"os": "linux", "architecture": "arm64", "variant": "v8", "rootfs": {},
            "config": {"Env": ["A=b"], "Labels": {"fp.fingerprint": "00ff"}}}"#;
        let configuration = parse(json.as_bytes()).unwrap();
        assert_eq!(configuration.platform.to_string(), "linux/arm64");
        assert_eq!(configuration.labels["fp.fingerprint"], "00ff");
        for without in [
            r#"{"os": "linux", "architecture": "amd64"}"#,
            r#"{"os": "linux", "architecture": "amd64", "config": {"Labels": null}}"#,
        ] {
            assert!(parse(without.as_bytes()).unwrap().labels.is_empty());
        }
        for wrong in [
            "",
            "[]",
            r#"{"os": "linux"}"#,
            r#"{"os": 1, "architecture": 2}"#,
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
