//! The arguments that `fp` takes.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::EngineChoice;
use crate::platform::Platform;
use crate::reference::{ParseError, Reference};

/// Names a CI image by a fingerprint of its inputs, and makes that image available.
#[derive(Debug, Parser)]
#[command(name = "fp", version, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// The configuration; found by walking up from the current folder if not given.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

// The arguments of the other commands are not even made: `fp hash` takes little longer than starting a program. For
// that, no group of arguments has a doc comment; it would take the place of the command's.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Print the fingerprint of an image, and nothing else.
    Hash(Hash),
    /// Print the record: everything that decides the image. Its BLAKE3 hash is the fingerprint.
    Record(Record),
    /// List the inputs, each with the reason it is one.
    Inputs(OneOfRevision),
    /// Print the part of the Dockerfile that decides the image: all that the build gets of it.
    Dockerfile(OneOfRevision),
    /// Print the image reference with its tag.
    Ref(OneOrAll),
    /// Tell where each image is, and what ensure would do.
    ///
    /// Exit code 3 if any is absent, 4 if that could not be told.
    Status(Status),
    /// Make images available: pull what is published, build and publish what is not.
    ///
    /// Prints `REPOSITORY:TAG@DIGEST` for each.
    Ensure(Ensure),
    /// Join the parts of an image that runners published, each for its platform, into the whole.
    ///
    /// Prints `REPOSITORY:TAG@DIGEST`; exit code 3 if a part is absent.
    Index(Index),
    /// Move an alias to the current image, which has to be published; exit code 3 if it is not.
    ///
    /// Prints `REPOSITORY:ALIAS@DIGEST`.
    Alias(Alias),
}

impl Command {
    /// The git revision that the answer is about; `None` for the files on disk.
    pub(super) fn revision(&self) -> Option<&OsStr> {
        let source = match self {
            Command::Hash(hash) => &hash.source,
            Command::Record(record) => &record.one.source,
            Command::Inputs(one) | Command::Dockerfile(one) => &one.source,
            Command::Ref(_)
            | Command::Status(_)
            | Command::Ensure(_)
            | Command::Index(_)
            | Command::Alias(_) => {
                return None;
            }
        };
        source.rev.as_deref()
    }
}

// Where the files lie that an answer is about.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// A git revision: what a fresh clone of it would give, whatever the work tree holds.
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub(super) rev: Option<OsString>,
}

/// Which engine is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineName {
    /// The first that answers, docker or podman.
    Auto,
    /// Docker with BuildKit.
    Docker,
    /// Podman.
    Podman,
}

impl From<EngineName> for EngineChoice {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Auto => EngineChoice::Auto,
            EngineName::Docker => EngineChoice::Docker,
            EngineName::Podman => EngineChoice::Podman,
        }
    }
}

// A command that asks an engine.
#[derive(Debug, Args)]
pub(super) struct EngineOption {
    /// The engine to use, whatever the configuration says.
    #[arg(long, value_enum, value_name = "ENGINE")]
    engine: Option<EngineName>,
}

impl EngineOption {
    pub(super) fn choice(&self) -> Option<EngineChoice> {
        self.engine.map(EngineChoice::from)
    }
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people and shells.
    Text,
    /// For programs.
    Json,
}

// A command on one image.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The image, or a glob that matches one; may be left out if only one is configured.
    pub(super) image: Option<String>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

// A command on one image, on disk or in a revision.
#[derive(Debug, Args)]
pub(super) struct OneOfRevision {
    #[command(flatten)]
    pub(super) one: One,
    #[command(flatten)]
    pub(super) source: Source,
}

#[derive(Debug, Args)]
pub(super) struct Record {
    #[command(flatten)]
    pub(super) one: OneOfRevision,
    /// A published image, `REPOSITORY:TAG` or `REPOSITORY@DIGEST`: the record that is stored with it, held against its
    /// label. No fingerprint.toml is needed.
    #[arg(long, value_name = "REF", value_parser = published, conflicts_with_all = ["image", "rev"])]
    pub(super) from: Option<Reference>,
}

fn published(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|error: ParseError| error.problem())?;
    match (&reference.tag, &reference.digest) {
        (None, None) => Err("it has neither a tag nor a digest".to_owned()),
        _ => Ok(reference),
    }
}

// A command on one image or all.
#[derive(Debug, Args)]
pub(super) struct OneOrAll {
    #[command(flatten)]
    pub(super) one: One,
    /// All images: a line for each, with its answer and then its name.
    #[arg(long, conflicts_with = "image")]
    pub(super) all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Hash {
    #[command(flatten)]
    pub(super) images: OneOrAll,
    #[command(flatten)]
    pub(super) source: Source,
}

#[derive(Debug, Args)]
pub(super) struct Index {
    #[command(flatten)]
    pub(super) one: One,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The images, by name or by globs such as 'tools-*'; all that are configured if none is named.
    pub(super) images: Vec<String>,
    /// List only what has still to be built and published, each platform by itself; an empty list is no
    /// failure.
    #[arg(long)]
    pub(super) missing: bool,
    /// The repository is new: if the registry refuses the look-up, take that as "not there yet".
    #[arg(long)]
    pub(super) first_push: bool,
    #[command(flatten)]
    pub(super) engine: EngineOption,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = StatusFormat::Text, requires_if("github", "missing"))]
    pub(super) format: StatusFormat,
}

/// How an answer about the state of images is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// For people and shells.
    Text,
    /// For programs.
    Json,
    /// For a workflow's outputs: `missing=true` or `false`, and `matrix=…` for the jobs that build what is
    /// missing.
    Github,
}

#[derive(Debug, Args)]
pub(super) struct Alias {
    /// The image, or a glob that matches one.
    pub(super) image: String,
    /// The alias: a tag, or a reference to another repository of the same registry.
    pub(super) name: String,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Ensure {
    /// The images, by name or by globs such as 'tools-*'; all that are configured if none is named.
    pub(super) images: Vec<String>,
    /// Do not pull a published image; its name is all that is wanted.
    #[arg(long)]
    pub(super) no_pull: bool,
    /// Do not publish a built image.
    #[arg(long)]
    pub(super) no_push: bool,
    /// Do not ask the registry; exit code 3 if the engine does not have the image.
    #[arg(long)]
    pub(super) offline: bool,
    /// The repository is new: if the registry refuses the look-up, take that as "not there yet".
    #[arg(long, conflicts_with = "offline")]
    pub(super) first_push: bool,
    /// Never build an image that has a repository: wait so long (`90s`, `2h`) until somebody else has
    /// published it; exit code 3 if nobody has.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "offline")]
    pub(super) wait: Option<Duration>,
    /// Make the part for this one of the configured platforms only, as `TAG-linux-arm64`, for `fp index` to
    /// join; a whole image that has the platform is a hit.
    #[arg(long, value_name = "PLATFORM", value_parser = Platform::parse)]
    pub(super) platform: Option<Platform>,
    /// The builder of buildx that builds, as `docker buildx ls` names it, whatever BUILDX_BUILDER says.
    #[arg(long, value_name = "NAME")]
    pub(super) builder: Option<String>,
    /// Print every line as it comes, on a terminal as well.
    #[arg(long)]
    pub(super) verbose: bool,
    /// Print what would be done, and why, and do nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) engine: EngineOption,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory;

    use super::Arguments;

    /// What is made only when a command is asked for takes nothing away that stood there.
    #[test]
    fn the_help_of_a_command_is_its_own() {
        let abouts = |command: &clap::Command| -> BTreeMap<String, String> {
            let commands = command.get_subcommands();
            let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
            commands
                .map(|one| (one.get_name().to_owned(), about(one).unwrap_or_default()))
                .collect()
        };
        let mut command = Arguments::command();
        let before = abouts(&command);
        command.build();
        let mut after = abouts(&command);
        after.remove("help");
        assert_eq!(before, after);
    }
}
