//! What can go wrong with an engine, and what to do about it.

use std::borrow::Cow;
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
    /// None of the engines that might be used can be asked; in the order in which they were tried.
    #[error("no engine answers: {}", each(.tried))]
    NoEngine { tried: Vec<(&'static str, Error)> },
    /// podman itself does not work for this user.
    #[error("podman cannot be used: {message}")]
    NoPodman { message: String },
    /// podman's service, where that lies elsewhere.
    #[error("podman's service cannot be reached: {message}")]
    NoPodmanService { message: String },
    #[error("podman may not use its storage: {message}")]
    PodmanDenied { message: String },
    /// Known before anything is built.
    #[error("{engine} {version} cannot {what}")]
    Cannot {
        engine: &'static str,
        version: String,
        what: &'static str,
        hint: &'static str,
    },
    /// A path that podman would take for several values, in the folder for temporary files.
    #[error("podman takes no comma in the path of a secret: {}", .path.display())]
    Comma { path: std::path::PathBuf },
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
    #[error("a link to a secret's file could not be made")]
    Link { source: std::io::Error },
    #[error("there is no room for what podman writes about its work")]
    Scratch { source: std::io::Error },
    #[error("what the engine reports cannot be read")]
    Report { source: std::io::Error },
    #[error("the engine has no image {ids} after the build reported it")]
    BuiltImageMissing { ids: String },
    #[error("the push of {reference} was refused: {message}")]
    PushRefused {
        program: &'static str,
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

impl Refusal {
    /// Why a registry did not take a push, if that is what the last line says.
    ///
    /// The sentences are the registries' own, so this goes by the words they have in common: those of
    /// the distribution protocol's codes DENIED and UNAUTHORIZED, the status, and docker's own for no
    /// credentials. A laptop goes on with a local image after a refusal, and an immutable staging tag is
    /// left for another; what is not recognised ends the run, as any other failure does.
    pub(super) fn told_by(line: &str) -> Option<Self> {
        let text = line.to_ascii_lowercase();
        let has_any = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has_any(&["immutab", "overwrit", "does not allow updating"]) {
            Some(Refusal::ImmutableTag)
        } else if has_any(&[
            "denied",
            "unauthorized",
            "forbidden",
            "authorization failed",
            "authentication required",
            "no basic auth credentials",
            "insufficient_scope",
        ]) {
            Some(Refusal::Authorization)
        } else {
            None
        }
    }
}

impl Error {
    /// The command that asks about images.
    pub(super) const INSPECTION: &str = "docker image inspect";

    /// The engine was asked about an image, and gave no answer within `limit`.
    pub fn no_answer(limit: Duration) -> Self {
        let command = Self::INSPECTION.to_owned();
        Error::Process(process::Error::TimedOut { command, limit })
    }

    /// The lines in which a program said why it failed; none if it was not a program that did.
    pub fn verdict(&self) -> &[String] {
        match self {
            Error::Process(error) => error.verdict(),
            _ => &[],
        }
    }

    /// The way out, where there is a known one.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Error::NoEngine { tried } => Some(hint_of_all(tried)),
            Error::PushRefused {
                program,
                refusal: Refusal::Authorization,
                ..
            } => Some(Cow::Owned(format!(
                "log in with `{program} login` as somebody who may push to that repository"
            ))),
            Error::Cannot { hint, .. } => Some(Cow::Borrowed(hint)),
            _ => self.plain_hint().map(Cow::Borrowed),
        }
    }

    fn plain_hint(&self) -> Option<&'static str> {
        match self {
            Error::NotInstalled { program: "podman" } => Some(
                "install Podman (https://podman.io/docs/installation), or put its `podman` program on the PATH",
            ),
            Error::NoPodman { .. } => Some(
                "`podman info` has to succeed for this user; `podman system migrate` mends some of what keeps it from it",
            ),
            Error::NoPodmanService { .. } => Some(
                "start it (`podman machine start`, or `systemctl --user start podman.socket` where it runs), or name \
                 one that runs with `podman system connection default` or CONTAINER_HOST",
            ),
            Error::PodmanDenied { .. } => Some(
                "let podman keep its images where this user may write (`graphroot` and `runroot` of storage.conf, \
                 XDG_RUNTIME_DIR), or run fp as the user whose they are",
            ),
            Error::Comma { .. } => Some("name another folder for temporary files with TMPDIR"),
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
            Error::Export { .. } | Error::Link { .. } | Error::Scratch { .. } => Some(
                "free space in the folder for temporary files, or name another one with TMPDIR",
            ),
            Error::NoEngine { .. }
            | Error::Cannot { .. }
            | Error::PushRefused { .. }
            | Error::Answer { .. }
            | Error::Report { .. }
            | Error::BuiltImageMissing { .. }
            | Error::NothingToPush { .. }
            | Error::NoDigest { .. }
            | Error::Interrupted(_) => None,
            Error::Process(error) => error.hint(),
        }
    }

    /// Whether the program is not there, rather than in trouble.
    fn is_not_installed(&self) -> bool {
        matches!(self, Error::NotInstalled { .. })
    }
}

fn each(tried: &[(&'static str, Error)]) -> String {
    let reasons: Vec<_> = tried
        .iter()
        .map(|(engine, error)| format!("{engine}: {error}"))
        .collect();
    reasons.join("; ")
}

/// The ways out. One who has an engine in trouble does not want to install another.
fn hint_of_all(tried: &[(&'static str, Error)]) -> Cow<'static, str> {
    let in_trouble = tried.iter().filter(|(_, error)| !error.is_not_installed());
    let mut hints: Vec<_> = in_trouble.filter_map(|(_, error)| error.hint()).collect();
    if hints.is_empty() {
        hints.extend(tried.iter().filter_map(|(_, error)| error.hint()));
    }
    Cow::Owned(hints.join("; or "))
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
