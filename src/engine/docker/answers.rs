//! What the `docker` program prints, as values. Pure.
//!
//! The texts that are recognised, and those in the tests, were recorded from the clients 20.10.24,
//! 26.1.5 and 28.2.2 talking to engines 20.10.24 and 26.1.5, the latter with either image store. What
//! is not recognised is an error and never an absence.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};

use super::Builder;
use crate::engine::process::Output;
use crate::engine::{About, Error, FINGERPRINT_LABEL, ImageId, LocalImage};
use crate::platform::Platform;
use crate::reference::{Digest, Tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    client: Client,
    /// Missing if the engine did not answer, and from podman's stand-in.
    server: Option<Server>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Client {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    version: String,
    os: String,
    arch: String,
}

/// Reads `docker version --format '{{json .}}'`.
pub(super) fn versions(json: &[u8]) -> serde_json::Result<Versions> {
    serde_json::from_slice(json)
}

impl Versions {
    pub(super) fn into_engine(self) -> Option<About> {
        let server = self.server?;
        Some(About {
            client: self.client.version,
            version: server.version,
            platform: Platform::new(&server.os, &server.arch, ""),
        })
    }
}

/// Reads `docker info --format '{{json .ClientInfo}}'`: buildx, if the client has it as a plugin that works.
pub(super) fn buildx(json: &[u8]) -> serde_json::Result<Option<Builder>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Client {
        plugins: Option<Vec<Plugin>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Plugin {
        /// Missing if a file is called `docker-`, which is no reason not to build.
        name: Option<String>,
        version: Option<String>,
        err: Option<IgnoredAny>,
    }
    let client: Client = serde_json::from_slice(json)?;
    let mut plugins = client.plugins.unwrap_or_default().into_iter();
    let is_buildx = |plugin: &Plugin| plugin.name.as_deref() == Some("buildx");
    let buildx = plugins.find(|plugin| is_buildx(plugin) && plugin.err.is_none());
    Ok(buildx.map(|buildx| buildx_of(buildx.version.as_deref().unwrap_or_default())))
}

/// Reads `docker buildx version`, such as `github.com/docker/buildx v0.12.1 30feaa1`.
pub(super) fn buildx_version(answer: &str) -> Builder {
    buildx_of(answer.split_whitespace().nth(1).unwrap_or_default())
}

/// buildx of a version. `--provenance` and `--sbom` came with 0.10, and so did the attestations that they turn off.
/// A version of another form is a build of somebody's own, and taken for a new one.
fn buildx_of(version: &str) -> Builder {
    let has_attestations = major_and_minor(version).is_none_or(|version| version >= (0, 10));
    Builder::Buildx { has_attestations }
}

/// Whether a client of this version builds with BuildKit by itself: from 18.09 until 23.0, when
/// that became buildx's work.
pub(super) fn has_built_in_buildkit(client: &str) -> bool {
    major_and_minor(client).is_some_and(|version| ((18, 9)..(23, 0)).contains(&version))
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: Digest,
    repo_digests: Option<Vec<String>>,
    config: Option<Config>,
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
    size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<BTreeMap<String, String>>,
}

/// Reads `docker image inspect` of `count` images, which are told in the order in which they were asked
/// about.
pub(super) fn inspected(json: &[u8], count: usize) -> serde_json::Result<Vec<LocalImage>> {
    let images: Vec<Inspected> = serde_json::from_slice(json)?;
    if images.len() != count {
        let found = images.len();
        let message = format!("it tells of {found} images instead of {count}");
        return Err(serde_json::Error::custom(message));
    }
    Ok(images.into_iter().map(local_image).collect())
}

fn local_image(image: Inspected) -> LocalImage {
    let labels = image.config.and_then(|config| config.labels);
    LocalImage {
        id: ImageId::new(image.id),
        // What is no reference (`<none>@<none>`, from old engines) names no image of ours.
        repo_digests: image
            .repo_digests
            .unwrap_or_default()
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        fingerprint: labels.and_then(|mut labels| labels.remove(FINGERPRINT_LABEL)),
        platform: Platform::new(&image.os, &image.architecture, &image.variant),
        size: image.size,
    }
}

/// Whether `docker image inspect` of `count` images says that there is none of them: the empty list, and
/// for each one of the three sentences that clients have for it. They name the image in docker's short
/// form.
pub(super) fn says_no_such_images(output: &Output, count: usize) -> bool {
    let errors = output
        .stderr
        .iter()
        .filter(|line| line.starts_with("Error"));
    output.status.code() == Some(1)
        && output.stdout.trim_ascii() == b"[]"
        && errors.clone().count() == count
        && errors.clone().all(|line| is_no_such_image(line))
}

/// As the clients 20.10 (`Error: `) and later ones say it; the second `no` is from an old engine.
pub(super) fn is_no_such_image(line: &str) -> bool {
    ["Error: ", "Error response from daemon: "]
        .iter()
        .filter_map(|start| line.strip_prefix(start))
        .any(|reason| {
            reason.starts_with("No such image: ") || reason.starts_with("no such image: ")
        })
}

/// Whether a line of `docker image rm` says that the name is gone: the sentences for an image that
/// is not there, and what the classic and the containerd store say if somebody else took the name
/// away in the middle.
pub(super) fn is_gone(line: &str) -> bool {
    let in_the_middle = line
        .strip_prefix("Error response from daemon: ")
        .is_some_and(|reason| {
            reason == "reference does not exist"
                || reason.starts_with("image \"") && reason.ends_with("\": not found")
        });
    in_the_middle || is_no_such_image(line)
}

/// What a build's report says about the id of the image, the likelier candidate first.
///
/// The engine's own builder reports the id as `containerimage.digest`. Another builder
/// (`docker-container`, `remote`) reports the manifest there, which is the id in a containerd
/// store; in a classic one it is the configuration's digest.
pub(super) fn built(builder: Builder, report: &str) -> serde_json::Result<Vec<ImageId>> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "containerimage.digest")]
        image: Digest,
        #[serde(rename = "containerimage.config.digest")]
        config: Option<Digest>,
    }
    let digests = match builder {
        Builder::BuiltIn => vec![serde_json::from_value(report.trim().into())?],
        Builder::Buildx { .. } => {
            let metadata: Metadata = serde_json::from_str(report)?;
            let config = metadata.config.filter(|config| *config != metadata.image);
            [Some(metadata.image), config]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    Ok(digests.into_iter().map(ImageId::new).collect())
}

/// Whether the last line of a failed build says that an identical one brought the image into the engine at the same
/// moment.
pub(super) fn collided(line: &str) -> bool {
    line.contains("image \"moby-dangling@") && line.ends_with("\": already exists")
}

/// The snapshot of a step that BuildKit remembers and no longer has, if the last line of a failed build names one.
pub(super) fn lost_snapshot(line: &str) -> Option<&str> {
    let (_, snapshot) = line
        .strip_suffix(" does not exist: not found")?
        .rsplit_once("snapshot ")?;
    // As BuildKit makes them. An image's layer is called by a digest, and what is shorter could be part of others.
    let is_steps = snapshot.len() == 25
        && snapshot
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_steps.then_some(snapshot)
}

/// The digest in `TAG: digest: sha256:… size: …`, the line that ends a push.
pub(super) fn pushed(line: &str, tag: &Tag) -> Option<Digest> {
    let digest_and_size = line
        .strip_prefix(tag.as_str())?
        .strip_prefix(": digest: ")?;
    let (digest, size) = digest_and_size.split_once(" size: ")?;
    size.parse::<u64>().ok()?;
    digest.parse().ok()
}

/// Why the engine could not be asked, if that is what a line of the client says.
pub(super) fn unreachable(line: &str) -> Option<Error> {
    let line = line.strip_prefix("ERROR: ").unwrap_or(line);
    let text = line.to_ascii_lowercase();
    let starts_with_any = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let message = line.to_owned();
    if starts_with_any(&[
        "permission denied while trying to connect to the docker",
        "got permission denied while trying to connect to the docker",
    ]) {
        Some(Error::PermissionDenied { message })
    } else if starts_with_any(&[
        "cannot connect to the docker daemon",
        "failed to connect to the docker api",
        "error during connect",
    ]) {
        Some(Error::NotRunning { message })
    } else if starts_with_any(&[
        "unable to resolve docker endpoint",
        "failed to initialize: unable to resolve docker endpoint",
    ]) {
        Some(Error::NoContext { message })
    } else if text.starts_with("no builder ") && text.ends_with(" found") {
        Some(Error::NoBuilder { message })
    } else {
        None
    }
}

/// Whether the last line of a failed push says that parts of an index are neither in the engine nor
/// in the registry.
pub(super) fn is_incomplete(line: &str) -> bool {
    line == "Make sure you have all the referenced content and try again."
}

/// Whether the last line of a failed push says that there was nothing under the tag.
pub(super) fn is_nothing_to_push(line: &str) -> bool {
    line.starts_with("An image does not exist locally with the tag: ")
        || line.starts_with("tag does not exist: ")
}

#[cfg(test)]
mod tests;
