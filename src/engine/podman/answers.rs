//! What the `podman` program prints, as values. Pure.
//!
//! The texts that are recognised, and those in the tests, were recorded from podman 4.3.1. What is not
//! recognised is an error and never an absence.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Error as _;

use super::PROGRAM;
use crate::engine::process::Output;
use crate::engine::{About, Demand, Error, FINGERPRINT_LABEL, ImageId, LocalImage};
use crate::platform::Platform;
use crate::reference::Digest;

/// What podman is, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) about: About,
    /// The version of the builder in it; `None` if it is of an unknown form, and taken for a new one.
    buildah: Option<(u32, u32)>,
}

/// The first buildah with all that fp's builds are told with, named contexts among them: that of podman 4.2.
const OLDEST: (u32, u32) = (1, 27);

/// The first buildah that reads here-documents: that of podman 4.8.
const WITH_HEREDOCS: (u32, u32) = (1, 33);

/// Reads `podman info --format '{{json .}}'`.
pub(super) fn info(json: &[u8]) -> serde_json::Result<Info> {
    #[derive(Deserialize)]
    struct Document {
        host: Host,
        version: Version,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Host {
        arch: String,
        os: String,
        #[serde(default)]
        variant: String,
        buildah_version: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version {
        version: String,
    }
    let Document { host, version } = serde_json::from_slice(json)?;
    Ok(Info {
        about: About {
            client: version.version.clone(),
            version: version.version,
            platform: Platform::new(&host.os, &host.arch, &host.variant),
        },
        buildah: major_and_minor(&host.buildah_version),
    })
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

impl Info {
    /// Fails if this podman cannot build what is demanded.
    pub(super) fn check(&self, demand: &Demand) -> Result<(), Error> {
        let is_older = |than| self.buildah.is_some_and(|version| version < than);
        let cannot = |what, hint| Error::Cannot {
            engine: PROGRAM,
            version: self.about.version.clone(),
            what,
            hint,
        };
        if is_older(OLDEST) {
            return Err(cannot(
                "build from a sealed context",
                "install Podman 4.2 or newer, or use Docker",
            ));
        }
        if demand.frontend {
            return Err(cannot(
                "have another frontend (`# syntax=`) read the Dockerfile",
                "use Docker",
            ));
        }
        if demand.gha {
            return Err(cannot(
                "use the cache of GitHub Actions",
                "use Docker, or another `cache`",
            ));
        }
        if demand.writable_mounts {
            return Err(cannot(
                "keep what is written to a mount (`RUN --mount=…,rw`) out of the context",
                "use Docker, or take `rw` out and have the instruction work in a copy",
            ));
        }
        if demand.heredocs && is_older(WITH_HEREDOCS) {
            return Err(cannot(
                "read the here-documents (`<<`) of the Dockerfile",
                "install Podman 4.8 or newer, use Docker, or put the text into a file that the Dockerfile copies",
            ));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    /// The digest of the image's configuration, without `sha256:`.
    id: String,
    repo_digests: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
    size: Option<u64>,
}

/// Reads `podman image inspect` of one image.
pub(super) fn inspected(json: &[u8]) -> serde_json::Result<LocalImage> {
    let images: Vec<Inspected> = serde_json::from_slice(json)?;
    let found = images.len();
    let [image] = <[Inspected; 1]>::try_from(images).map_err(|_| {
        serde_json::Error::custom(format!("it tells of {found} images instead of one"))
    })?;
    Ok(LocalImage {
        id: id(&image.id)?,
        repo_digests: image
            .repo_digests
            .unwrap_or_default()
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        fingerprint: image
            .labels
            .and_then(|mut labels| labels.remove(FINGERPRINT_LABEL)),
        platform: Platform::new(&image.os, &image.architecture, &image.variant),
        size: image.size,
    })
}

/// Reads the file that `--iidfile` names.
pub(super) fn built(report: &str) -> serde_json::Result<ImageId> {
    id(report.trim())
}

fn id(text: &str) -> serde_json::Result<ImageId> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let digest: Result<Digest, _> = format!("sha256:{digits}").parse();
    digest
        .map(ImageId::new)
        .map_err(|_| serde_json::Error::custom("it names no image by its id"))
}

/// Whether `podman image inspect` of one image says that there is none: the empty list, and one complaint.
pub(super) fn says_no_such_image(output: &Output) -> bool {
    let mut errors = output.stderr.iter().filter(|line| is_error(line));
    output.status.code() == Some(125)
        && output.stdout.trim_ascii() == b"[]"
        && errors.next().is_some_and(|line| is_unknown(line))
        && errors.next().is_none()
}

fn is_error(line: &str) -> bool {
    line.starts_with("Error: ")
}

/// Whether a line says that an image, or its name, is not there.
pub(super) fn is_unknown(line: &str) -> bool {
    is_error(line) && (line.ends_with(": image not known") || line.ends_with(": tag not known"))
}

/// Whether the last line of a failed build says that a layer went while the build looked for what is cached, or
/// while it put its own on it: somebody removed an image meanwhile. buildah takes that for an error up to the
/// releases of spring 2026 (its issue 5674).
pub(super) fn collided(line: &str) -> bool {
    let begins = [
        "Error: checking if cached image exists from a previous build: ",
        "Error: committing container for step ",
    ];
    let ends = [": layer not known", ": image not known"];
    begins.iter().any(|begin| line.starts_with(begin)) && ends.iter().any(|end| line.ends_with(end))
}

/// Why podman could not work, if that is what a line of it says.
pub(super) fn unreachable(line: &str) -> Option<Error> {
    let message = line.strip_prefix("Error: ")?;
    message
        .starts_with("unable to connect to Podman")
        .then(|| Error::NoPodmanService {
            message: message.to_owned(),
        })
}

/// Why podman does not even tell what it is.
pub(super) fn unusable(output: &Output) -> Error {
    let mut lines = output.stderr.iter().rev().filter(|line| !line.is_empty());
    let Some(line) = lines.next() else {
        let message = format!("`podman info` ended with {}", output.status);
        return Error::NoPodman { message };
    };
    if let Some(error) = unreachable(line) {
        return error;
    }
    let message = message(line).to_owned();
    match message.to_ascii_lowercase().contains("permission denied") {
        true => Error::PodmanDenied { message },
        false => Error::NoPodman { message },
    }
}

/// The message in a line, which is bare, or that of podman's log: `time="…" level=error msg="…"`.
fn message(line: &str) -> &str {
    let logged = line.split_once(" msg=\"");
    let logged = logged.and_then(|(_, message)| message.strip_suffix('"'));
    let bare = line.strip_prefix("Error: ").unwrap_or(line);
    logged.unwrap_or(bare)
}

#[cfg(test)]
mod tests;
