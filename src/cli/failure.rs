//! Why a command did not do what was asked, as an exit code and as a report.

use std::error::Error;
use std::io;
use std::sync::Arc;

use crate::config::{self, ImageName, Invalid};
use crate::ensure;
use crate::inputs;
use crate::interrupt::Interrupted;
use crate::registry;
use crate::report::{Place, Problem};
use crate::shown::Shown;
use crate::stored;

/// Everything that can end a command early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("the inputs of `{image}` cannot be told")]
    Inputs {
        image: ImageName,
        /// What comes before the paths of files: nothing on disk, `REV:FOLDER/` in a revision.
        prefix: String,
        source: inputs::Error,
    },
    #[error("the files that a matrix has an image for cannot be told")]
    Matrix(#[source] inputs::Error),
    #[error(transparent)]
    Revision(inputs::Error),
    #[error("`{image}` is not available")]
    Ensure {
        image: ImageName,
        source: Arc<ensure::Error>,
    },
    #[error("the aliases of `{image}` are not all where they should be")]
    Aliases {
        image: ImageName,
        source: Arc<ensure::Error>,
    },
    #[error(transparent)]
    Alias(#[from] config::AliasError),
    #[error(transparent)]
    Stored(stored::Error),
    #[error(transparent)]
    Settings(#[from] registry::InvalidTimeLimit),
    #[error("--builder names a builder of docker's, and the engine is podman")]
    BuilderOfPodman,
    #[error("the current folder cannot be told")]
    CurrentFolder(#[source] io::Error),
    #[error("this process cannot do two things at a time")]
    Runtime(#[source] io::Error),
    #[error("cannot write to stdout")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// All has been said.
    #[error("some images are not available")]
    Reported { exit_code: u8 },
}

impl Failure {
    /// The failure to make `image` available.
    pub(super) fn ensure(image: &ImageName, source: Arc<ensure::Error>) -> Self {
        match *source {
            ensure::Error::Interrupted(interrupted) => Failure::Interrupted(interrupted),
            ensure::Error::Alias { .. }
            | ensure::Error::AliasNotWritten(_)
            | ensure::Error::Unpublished(_) => Failure::Aliases {
                image: image.clone(),
                source,
            },
            _ => Failure::Ensure {
                image: image.clone(),
                source,
            },
        }
    }

    /// The exit code: 1 failed, 2 usage or configuration, 3 absent, 4 could not tell, and 128 with
    /// the number of a signal.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Inputs { .. }
            | Failure::Matrix(_)
            | Failure::CurrentFolder(_)
            | Failure::Runtime(_)
            | Failure::Output(_) => 1,
            Failure::Config(_)
            | Failure::Alias(_)
            | Failure::Settings(_)
            | Failure::BuilderOfPodman => 2,
            Failure::Revision(inputs::Error::Revision(error)) if !error.is_usage() => 1,
            Failure::Revision(_) => 2,
            Failure::Ensure { source, .. } | Failure::Aliases { source, .. } => {
                ensure_exit_code(source)
            }
            Failure::Stored(error) => stored_exit_code(error),
            Failure::Interrupted(interrupted) => 128 + interrupted.signal.number(),
            Failure::Reported { exit_code } => *exit_code,
        }
    }

    /// What to tell the user; `None` if everything has been said.
    pub(super) fn problem(&self) -> Option<Problem<'_>> {
        let mut problem = Problem::new(self);
        match self {
            Failure::Config(error) => {
                problem.hint = error.hint();
                if let config::Error::Invalid(invalid) = error {
                    problem.place = Some(in_configuration(invalid));
                }
            }
            Failure::Inputs { prefix, source, .. } => {
                problem.hint = source.hint().map(str::to_owned);
                problem.place = in_dockerfile(prefix, source);
            }
            // There is no `!` entry that could take it out of a matrix.
            Failure::Matrix(inputs::Error::Special { .. }) => {}
            Failure::Matrix(source) | Failure::Revision(source) => {
                problem.hint = source.hint().map(str::to_owned);
            }
            Failure::Ensure { source, .. } | Failure::Aliases { source, .. } => {
                problem.hint = source.hint();
            }
            Failure::Alias(error) => problem.hint = error.hint(),
            Failure::Stored(error) => problem.hint = error.hint(),
            Failure::BuilderOfPodman => {
                problem.hint = Some("leave it out, or say `--engine docker`".to_owned());
            }
            Failure::Settings(_)
            | Failure::CurrentFolder(_)
            | Failure::Runtime(_)
            | Failure::Output(_)
            | Failure::Interrupted(_) => {}
            Failure::Reported { .. } => return None,
        }
        Some(problem)
    }
}

fn in_configuration(invalid: &Invalid) -> Place<'_> {
    Place {
        mistake: &invalid.mistake.kind,
        file: Shown::path(&invalid.file).to_string(),
        text: &invalid.text,
        span: invalid.mistake.span.clone(),
        table: invalid.mistake.table.as_deref(),
        is_secret: invalid.mistake.kind.may_quote_a_secret(),
    }
}

fn in_dockerfile<'a>(prefix: &str, error: &'a inputs::Error) -> Option<Place<'a>> {
    let place = error.place()?;
    let mistake: &dyn Error = match error {
        inputs::Error::Dockerfile { mistake, .. } => &mistake.kind,
        error => error,
    };
    Some(Place {
        mistake,
        file: format!("{prefix}{}", place.file),
        text: &place.text,
        span: place.span.clone(),
        table: None,
        is_secret: false,
    })
}

fn stored_exit_code(error: &stored::Error) -> u8 {
    match error {
        stored::Error::NoLabel(_) | stored::Error::Mismatch { .. } | stored::Error::NoRecord(_) => {
            1
        }
        stored::Error::Absent(_) | stored::Error::Nothing(_) => 3,
        stored::Error::Unknown { .. } => 4,
    }
}

fn ensure_exit_code(error: &ensure::Error) -> u8 {
    match error {
        ensure::Error::Label { .. }
        | ensure::Error::BuiltLabel { .. }
        | ensure::Error::Verify { .. }
        | ensure::Error::BuiltPlatform { .. }
        | ensure::Error::Context(_)
        | ensure::Error::Secret { .. }
        | ensure::Error::Build(_)
        | ensure::Error::UpstreamUnseen { .. }
        | ensure::Error::UpstreamUnpublished(_)
        | ensure::Error::Alias { .. }
        | ensure::Error::AliasNotWritten(_)
        | ensure::Error::Unpublishable(_)
        | ensure::Error::Pull { .. }
        | ensure::Error::PulledMissing(_)
        | ensure::Error::Push { .. }
        | ensure::Error::PushedOther { .. }
        | ensure::Error::Publish { .. }
        | ensure::Error::Index(_)
        | ensure::Error::PartPlatform { .. }
        | ensure::Error::NotAllowed(_)
        | ensure::Error::Lacks { .. }
        | ensure::Error::Engine(_) => 1,
        ensure::Error::Part { source, .. } => ensure_exit_code(source),
        ensure::Error::Upstream { source, .. } => ensure_exit_code(source),
        ensure::Error::Platforms { .. }
        | ensure::Error::NotConfigured { .. }
        | ensure::Error::NoParts
        | ensure::Error::NoRepository
        | ensure::Error::PartTag(_) => 2,
        ensure::Error::Absent(_)
        | ensure::Error::Unpublished(_)
        | ensure::Error::NotPublished { .. }
        | ensure::Error::PartsMissing { .. }
        | ensure::Error::Platform { .. } => 3,
        ensure::Error::RegistryUnknown { .. }
        | ensure::Error::LabelUnknown { .. }
        | ensure::Error::EngineUnknown(_)
        | ensure::Error::PushedUnknown { .. }
        | ensure::Error::Vanished { .. } => 4,
        ensure::Error::Interrupted(interrupted) => 128 + interrupted.signal.number(),
    }
}
