//! What can go wrong with an engine, and what to do about it.

use std::time::Duration;

use thiserror::Error;

use super::process;
use crate::interrupt::Interrupted;
use crate::shown::Shown;

/// Why the engine did not do what it was told. What its programs say in it is safe to show.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the program `{program}` was not found")]
    NotInstalled { program: &'static str },
    #[error("the engine cannot be reached: {message}")]
    NotRunning { message: String },
    #[error("the docker context cannot be used: {message}")]
    NoContext { message: String },
    #[error("the builder cannot be used: {message}")]
    NoBuilder { message: String },
    /// A builder elsewhere that does not answer.
    #[error("the builder `{}` does not answer", Shown::text(.name))]
    BuilderAway { name: String },
    #[error("the builder `{}` is buildx's, and this docker has no buildx", Shown::text(.name))]
    BuilderWithoutBuildx { name: String },
    #[error("no permission to use the engine: {message}")]
    PermissionDenied { message: String },
    #[error("`{program}` is not Docker's: its answer names no server")]
    NotDocker { program: &'static str },
    #[error("docker {client} cannot build with BuildKit")]
    NoBuildKit { client: String },
    #[error("`{command}` gave an answer that is not understood")]
    Answer {
        command: &'static str,
        source: serde_json::Error,
    },
    /// The way to BuildKit knows no named contexts.
    #[error("this docker cannot build an image on another one of fingerprint.toml")]
    NoContexts,
    /// An image could not be taken out of the engine.
    #[error("an image that only the engine has could not be handed to the build")]
    Export { source: std::io::Error },
    /// The engine is too old to write an OCI layout.
    #[error("the engine cannot hand an image that only it has to a build")]
    NoLayout,
    #[error("the build's report cannot be read")]
    Report { source: std::io::Error },
    #[error("the engine has no image {ids} after the build reported it")]
    BuiltImageMissing { ids: String },
    #[error("the push of {reference} was refused: {message}")]
    PushRefused {
        reference: String,
        refusal: Refusal,
        message: String,
    },
    /// The image is an index, and the engine has only some of the images in it: it pulled the one
    /// that it needs.
    #[error("the engine has only a part of {reference}, and the registry lacks the rest")]
    Incomplete { reference: String },
    /// Another process took the tag away between tagging and pushing.
    #[error("the engine has no {reference} to push")]
    NothingToPush { reference: String },
    #[error("the push of {reference} reported no digest")]
    NoDigest { reference: String },
    #[error(transparent)]
    Process(process::Error),
    #[error(transparent)]
    Interrupted(Interrupted),
}

/// Why a registry did not take a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No credentials, wrong ones, or ones that may not push there.
    Authorization,
    /// The tag exists and must not be overwritten.
    ImmutableTag,
}

impl Error {
    /// The command that asks about images.
    pub(super) const INSPECTION: &str = "docker image inspect";

    /// The engine was asked about an image, and gave no answer within `limit`.
    pub fn no_answer(limit: Duration) -> Self {
        let command = Self::INSPECTION.to_owned();
        Error::Process(process::Error::TimedOut { command, limit })
    }

    /// Whether the program told of `text` before it failed.
    pub fn mentions(&self, text: &str) -> bool {
        matches!(self, Error::Process(error) if error.mentions(text))
    }

    /// The way out, where there is a known one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NotInstalled { .. } => Some(
                "install Docker Engine (https://docs.docker.com/engine/install/), or put its \
                 `docker` program on the PATH",
            ),
            Error::NotRunning { .. } => Some(
                "start it (`sudo systemctl start docker`, or Docker Desktop), or name one that \
                 runs with `docker context use` or DOCKER_HOST",
            ),
            Error::NoContext { .. } => Some(
                "`docker context ls` lists the contexts there are; DOCKER_CONTEXT or \
                 `docker context use` names one of them",
            ),
            Error::NoBuilder { .. } => Some(
                "`docker buildx ls` lists the builders there are; --builder, BUILDX_BUILDER or \
                 `docker buildx use` names one of them",
            ),
            Error::BuilderAway { .. } => Some(
                "see that its buildkitd runs and can be reached (`docker buildx inspect --bootstrap`), or name another \
                 builder with --builder or BUILDX_BUILDER",
            ),
            Error::BuilderWithoutBuildx { .. } => {
                Some("install the buildx plugin, or unset BUILDX_BUILDER to build with the engine")
            }
            Error::Incomplete { .. } => Some(
                "take the image out of the engine (`docker image rm`), so that fp builds it anew, \
                 or have whoever has all of it push it",
            ),
            Error::PermissionDenied { .. } => Some(
                "join the group of the socket (`sudo usermod -aG docker \"$USER\"`, then log in \
                 again), or use a rootless Docker",
            ),
            Error::NotDocker { .. } => Some("put Docker's own `docker` program first on the PATH"),
            Error::NoBuildKit { .. } => Some(
                "install the buildx plugin: `docker-buildx-plugin` from Docker's own packages, \
                 `docker-buildx` from a distribution's",
            ),
            Error::NoContexts => Some("install the buildx plugin"),
            Error::NoLayout => Some(
                "give the image that is needed a `repository`, and let it be published; or use Docker Engine 25 or newer",
            ),
            Error::Export { .. } => Some(
                "free space in the folder for temporary files, or name another one with TMPDIR",
            ),
            Error::PushRefused {
                refusal: Refusal::Authorization,
                ..
            } => Some("log in with `docker login` as somebody who may push to that repository"),
            Error::PushRefused {
                refusal: Refusal::ImmutableTag,
                ..
            }
            | Error::Answer { .. }
            | Error::Report { .. }
            | Error::BuiltImageMissing { .. }
            | Error::NothingToPush { .. }
            | Error::NoDigest { .. }
            | Error::Interrupted(_) => None,
            Error::Process(error) => error.hint(),
        }
    }
}

impl From<process::Error> for Error {
    fn from(error: process::Error) -> Self {
        match error {
            process::Error::NotFound { program } => Error::NotInstalled { program },
            process::Error::Interrupted(interrupted) => Error::Interrupted(interrupted),
            error => Error::Process(error),
        }
    }
}
