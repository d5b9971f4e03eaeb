//! The arguments that `fp` takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the fingerprint of an image, and nothing else.
    Hash(Hash),
    /// Print the record: everything that decides the image. Its BLAKE3 hash is the fingerprint.
    Record(One),
    /// List the inputs, each with the reason it is one.
    Inputs(One),
    /// Print the image reference with its tag.
    Ref(One),
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people and shells.
    Text,
    /// For programs.
    Json,
}

/// A command on one image.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The image; may be left out if only one is configured.
    pub(super) image: Option<String>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Hash {
    /// The image; may be left out if only one is configured.
    pub(super) image: Option<String>,
    /// All images: a line with fingerprint and name for each.
    #[arg(long, conflicts_with = "image")]
    pub(super) all: bool,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}
