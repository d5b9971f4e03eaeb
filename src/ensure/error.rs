//! Why an image could not be made available.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::hindrance::Hindrance;
use super::secrets;
use super::trust::Denial;
use crate::config::ImageName;
use crate::context;
use crate::engine;
use crate::interrupt::Interrupted;
use crate::platform::Platform;
use crate::reference::{Digest, ParseError, Reference};
use crate::registry;
use crate::shown::Shown;

/// Why an image could not be made available.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Whether the image is published cannot be told.
    #[error("whether {reference} exists cannot be told")]
    RegistryUnknown {
        reference: Reference,
        source: registry::Error,
    },
    /// What the engine has cannot be told.
    #[error("the engine could not be asked")]
    EngineUnknown(#[source] engine::Error),
    /// `--offline`, and the engine does not have the image.
    #[error("{0} is not in the engine, and with --offline nothing else is asked")]
    Absent(Reference),
    /// `--wait`, and nobody has published the image.
    #[error("{reference} is still not published after {}", humantime::format_duration(*.limit))]
    NotPublished {
        reference: Reference,
        limit: Duration,
    },
    /// The published image runs elsewhere.
    #[error("{reference} is an image for {found}, and this engine runs {wanted}")]
    Platform {
        reference: Reference,
        found: String,
        wanted: Platform,
    },
    /// The published image is not what its tag says.
    #[error("{reference} is refused: {}", label(.found))]
    Label {
        reference: Reference,
        found: Option<String>,
        wanted: String,
    },
    /// What label the published image bears cannot be told.
    #[error("whether {reference} is what its tag says cannot be told")]
    LabelUnknown {
        reference: Reference,
        source: registry::Error,
    },
    /// The engine's image does not bear the label that it was built with.
    #[error("the built image does not bear the label fp.fingerprint={wanted}")]
    BuiltLabel { wanted: String },
    /// The configuration asks for platforms that cannot be built here.
    #[error("the image is configured for {}, and this engine runs {engine}", list(.configured))]
    Platforms {
        configured: Vec<Platform>,
        engine: Platform,
    },
    /// `--platform` with another platform.
    #[error("{platform} is not among the platforms that are configured: {}", configured_list(.configured))]
    NotConfigured {
        platform: Platform,
        configured: Vec<Platform>,
    },
    /// The tag of a platform's part would be none.
    #[error("the tag has no room for the platform's name")]
    PartTag(#[source] ParseError),
    /// One of the platforms failed.
    #[error("the image is not available for {platform}, so nothing was published")]
    Part {
        platform: Platform,
        source: Box<Error>,
    },
    /// A part is not for the platform that its tag names.
    #[error("{reference} is an image for {found}, and not for {wanted}")]
    PartPlatform {
        reference: Reference,
        found: Platform,
        wanted: Platform,
    },
    /// There is nothing to join: no platforms.
    #[error("the image has no `platforms`, so there are no parts of it to join")]
    NoParts,
    #[error("the image has no `repository`, so it is nowhere but in the engine")]
    NoRepository,
    #[error("the image may not be published from here: {0}")]
    NotAllowed(Denial),
    #[error("{reference} cannot be put together: nobody has published it for {}", list(.platforms))]
    PartsMissing {
        reference: Reference,
        platforms: Vec<Platform>,
    },
    /// What is published is not for all platforms.
    #[error("{reference} is published, and not for {platform}")]
    Lacks {
        reference: Reference,
        platform: Platform,
    },
    #[error("the images of the platforms make no index")]
    Index(#[source] registry::NoPart),
    /// A command of `verify` failed.
    #[error("the built image fails the check `{}`; it gets no name and is not published", Shown::text(&.command.join(" ")))]
    Verify {
        command: Vec<String>,
        source: engine::Error,
    },
    /// The Dockerfile asks for another platform than fp.
    #[error("the built image is for {found}, and not for {wanted}; it is not used")]
    BuiltPlatform { found: Platform, wanted: Platform },
    /// A secret or an ssh key is not where the configuration says.
    #[error("`{id}` is not to be had, so nothing was built")]
    Secret { id: String, source: secrets::Error },
    #[error(transparent)]
    Context(context::Error),
    #[error("the image could not be built")]
    Build(#[source] engine::Error),
    /// An image that this one is built on is not to be had.
    #[error("`{image}`, which it is built on, is not available")]
    Upstream {
        image: ImageName,
        source: Arc<Error>,
    },
    /// The builder does not find an image that this one is built on.
    #[error("the builder cannot get {reference}, which stands for `{name}` in the Dockerfile")]
    UpstreamUnseen {
        name: String,
        reference: Reference,
        source: engine::Error,
    },
    /// It has to be published, and what it is built on is not.
    #[error("the image cannot be published, since `{0}`, which it is built on, is not")]
    UpstreamUnpublished(String),
    /// It has to be published, and what it is built on will not be.
    #[error("the image cannot be published, since {0}; nothing was built")]
    Unpublishable(Hindrance),
    /// An alias could not be moved; the image is published.
    #[error("the image is published, and the alias {alias} could not be moved to it")]
    Alias {
        alias: Reference,
        source: registry::Error,
    },
    /// The registry said that it took an alias, and did not.
    #[error("the image is published, and the alias {0} does not stand for it after it was written")]
    AliasNotWritten(Reference),
    /// Nothing is there that an alias could stand for.
    #[error("{0} is not published, so that no alias can stand for it")]
    Unpublished(Reference),
    #[error("{reference} could not be pulled")]
    Pull {
        reference: Reference,
        source: engine::Error,
    },
    /// The engine pulled the image and does not have it.
    #[error("{0} was pulled, and the engine does not have it")]
    PulledMissing(Reference),
    #[error("the image could not be pushed to {reference}; it stays in the engine")]
    Push {
        reference: Reference,
        source: engine::Error,
    },
    /// What arrived is another process's image.
    #[error("{reference} is not the image that was pushed; nothing was published")]
    PushedOther { reference: Reference },
    #[error("{reference} could not be published; the image stays in the engine")]
    Publish {
        reference: Reference,
        source: registry::Error,
    },
    /// The repository was pushed to, and does not tell what is in it.
    #[error(
        "whether {reference} exists cannot be told, although the repository was pushed to; the image stays in the engine"
    )]
    PushedUnknown {
        reference: Reference,
        source: registry::Error,
    },
    /// The tag was written and is not there.
    #[error("{reference} is not there after it was written as {digest}")]
    Vanished {
        reference: Reference,
        digest: Digest,
    },
    #[error("the engine failed")]
    Engine(#[source] engine::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn configured_list(platforms: &[Platform]) -> String {
    match platforms {
        [] => "there are none".to_owned(),
        platforms => list(platforms),
    }
}

fn list(platforms: &[Platform]) -> String {
    let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn label(found: &Option<String>) -> String {
    match found {
        Some(found) => format!("its label names the fingerprint {}", Shown::text(found)),
        None => "it has no label that names a fingerprint".to_owned(),
    }
}

impl From<context::Error> for Error {
    fn from(error: context::Error) -> Self {
        match error {
            context::Error::Interrupted(interrupted) => Error::Interrupted(interrupted),
            error => Error::Context(error),
        }
    }
}

impl Error {
    /// Wraps an engine's error, unless a signal is the reason of it.
    pub(super) fn of_engine(
        wrap: impl FnOnce(engine::Error) -> Error,
    ) -> impl FnOnce(engine::Error) -> Error {
        |error| match error {
            engine::Error::Interrupted(interrupted) => Error::Interrupted(interrupted),
            error => wrap(error),
        }
    }

    /// The failure of an image because of the part for `platform`.
    pub(super) fn of_part(platform: &Platform, source: Error) -> Self {
        match source {
            Error::Interrupted(_) | Error::Context(_) | Error::Secret { .. } => source,
            source => Error::Part {
                platform: platform.clone(),
                source: Box::new(source),
            },
        }
    }

    /// The failure of an image because of `image`, which it is built on.
    pub(super) fn of_upstream(image: &ImageName, source: Arc<Error>) -> Self {
        match *source {
            Error::Interrupted(interrupted) => Error::Interrupted(interrupted),
            _ => Error::Upstream {
                image: image.clone(),
                source,
            },
        }
    }

    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::RegistryUnknown { source, .. }
            | Error::LabelUnknown { source, .. }
            | Error::Alias { source, .. }
            | Error::Publish { source, .. } => {
                source.hint().map(|hint| hint.to_string())
            }
            Error::EngineUnknown(source)
            | Error::Build(source)
            | Error::Pull { source, .. }
            | Error::Push { source, .. }
            | Error::Verify { source, .. }
            | Error::Engine(source) => source.hint().map(Into::into),
            Error::Upstream { source, .. } => source.hint(),
            Error::UpstreamUnseen { reference, .. } => Some(format!(
                "the builder fetches it itself: it has to reach {}, with the credentials of this user, and find \
                 its own platform there",
                reference.repository.domain()
            )),
            Error::UpstreamUnpublished(_) | Error::Unpublishable(_) => Some(
                "give that image a `repository` and let it be published, or say `push = \"never\"` of this one".to_owned(),
            ),
            Error::Secret { source, .. } => Some(source.hint()),
            Error::Unpublished(_) => Some("publish it by `fp ensure`".to_owned()),
            Error::Absent(_) => Some("run fp without --offline".to_owned()),
            Error::NotPublished { .. } => Some(
                "see what became of the build that was to publish it; without --wait, fp builds it"
                    .to_owned(),
            ),
            Error::Platform { found, wanted, .. } => Some(format!(
                "configure `platforms`, with \"{wanted}\" among them; what is configured can also be had by \
                 `--platform {found}`, if this engine can run it"
            )),
            Error::BuiltPlatform { wanted, .. } => Some(format!(
                "take `--platform` out of the `FROM --platform=…` of the stage that is built, or name a base image \
                 for {wanted}"
            )),
            Error::Platforms { configured, engine } => Some(format!(
                "add \"{engine}\" to `platforms`; or say `--platform {}`, which needs an engine that can run it, or \
                 `--no-pull`, if it is only to be published",
                configured.first().unwrap_or(engine)
            )),
            Error::NotConfigured { platform, .. } => {
                Some(format!("add \"{platform}\" to the image's `platforms`"))
            }
            Error::PartTag(_) => Some("make `tag` shorter".to_owned()),
            Error::Part { platform, source } => source.hint().or_else(|| Some(format!(
                "if this machine cannot build or run what is for {platform}: `--no-push` builds for the engine's own \
                 platform only; `--platform {platform}` on a machine of that platform, and `fp index` after all of \
                 them, publishes without emulation"
            ))),
            Error::PartPlatform { .. } | Error::Lacks { .. } => Some(
                "somebody else wrote the tag: find out who may push there, and remove the tag or change `salt`".to_owned(),
            ),
            Error::NoParts => Some(
                "`fp ensure` publishes an image for one platform; configure `platforms` for several".to_owned(),
            ),
            Error::NoRepository => Some("give the image a `repository`".to_owned()),
            Error::NotAllowed(_) => None,
            Error::PartsMissing { platforms, .. } => {
                let commands = platforms.iter().map(|one| format!("`fp ensure --platform {one}`"));
                Some(format!("run {} first", commands.collect::<Vec<_>>().join(" and ")))
            }
            Error::Index(_) => Some("remove that tag, and publish it with `fp ensure --platform`".to_owned()),
            Error::Label { wanted, .. } => Some(format!(
                "the inputs give {wanted}; somebody else wrote the tag: find out who may push there, and remove \
                 the tag or change `salt`"
            )),
            Error::Context(context::Error::Changed { .. }) => {
                Some("run fp again when nothing writes to the inputs".to_owned())
            }
            Error::Context(context::Error::Input(source)) => source.hint().map(str::to_owned),
            Error::Context(
                context::Error::Write { source, .. } | context::Error::Folder { source, .. },
            ) => Some(staging_hint(source.kind()).to_owned()),
            Error::PushedOther { .. } => {
                Some("other processes push to that repository right now: run fp again".to_owned())
            }
            Error::PulledMissing(_) => Some("run fp again".to_owned()),
            Error::PushedUnknown { source, .. } if source.is_denied() => {
                Some("whoever may push there has to be allowed to pull as well".to_owned())
            }
            Error::PushedUnknown { source, .. } => source.hint().map(|hint| hint.to_string()),
            Error::Vanished { .. } => Some("run fp again; the image is in the engine".to_owned()),
            Error::AliasNotWritten(_) => Some("move it again with `fp alias`".to_owned()),
            Error::Context(context::Error::Interrupted(_))
            | Error::BuiltLabel { .. }
            | Error::Interrupted(_) => None,
        }
    }
}

/// What to do about a folder for temporary files in which nothing can be staged.
fn staging_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "make that folder, or name another one with TMPDIR"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "name a folder that you may write to with TMPDIR"
        }
        _ => "free space there, or name another folder with TMPDIR",
    }
}

#[cfg(test)]
mod tests {
    use super::Error;
    use crate::platform::Platform;

    #[test]
    fn the_way_out_of_a_part_is_its_own_if_there_is_one() {
        let platform = || Platform::new("linux", "arm64", "");
        let hint = |source| {
            let source = Box::new(source);
            let part = Error::Part {
                platform: platform(),
                source,
            };
            part.hint().unwrap()
        };
        let label = Error::BuiltLabel {
            wanted: "00ff".to_owned(),
        };
        let of_label = hint(label);
        assert!(of_label.contains("--platform linux/arm64"), "{of_label}");
        let other = Error::BuiltPlatform {
            found: Platform::new("linux", "amd64", ""),
            wanted: platform(),
        };
        assert!(hint(other).starts_with("take `--platform` out of"));
    }
}
