//! What can be wrong in fingerprint.toml, where, and what to do about it.

use std::ops::Range;
use std::path::PathBuf;

use super::cache;
use super::key;
use super::room::Full;
use super::{AliasError, ImageName, template};
use crate::environment::NotText;
use crate::nearest::nearest;
use crate::path;
use crate::pattern;
use crate::platform::{self, Platform};
use crate::record::FORMAT;
use crate::reference::ParseError;

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder from the current one upwards holds the file.
    #[error("there is no fingerprint.toml in {} or any folder above it{}", .from.display(), stop(.git_top))]
    NotFound {
        from: PathBuf,
        git_top: Option<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read {}", .file.display())]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    /// The file is read and wrong.
    #[error("{} is not valid", .0.file.display())]
    Invalid(Box<Invalid>),
    /// The image asked for is not in the file.
    #[error("there is no image `{name}` in {}", .file.display())]
    NoSuchImage {
        name: String,
        file: PathBuf,
        names: Vec<String>,
    },
    /// No image that the glob asks for is in the file.
    #[error("`{glob}` matches no image in {}", .file.display())]
    NoImageMatches {
        glob: String,
        file: PathBuf,
        names: Vec<String>,
    },
    /// The command takes one image and the file has several.
    #[error("{} has several images, and the command takes one: {}", .file.display(), .names.join(", "))]
    WhichImage { file: PathBuf, names: Vec<String> },
    /// The command takes one image and the glob matches several.
    #[error("`{glob}` matches several images, and the command takes one: {}", .names.join(", "))]
    WhichOfMatches { glob: String, names: Vec<String> },
}

/// A mistake together with the text it was made in.
#[derive(Debug)]
pub struct Invalid {
    /// The path of the file, as it was found or named.
    pub file: PathBuf,
    /// The whole text of the file.
    pub text: String,
    /// The mistake.
    pub mistake: Mistake,
}

/// One mistake and its place.
#[derive(Debug, Clone)]
pub struct Mistake {
    /// Byte range in the file's text; `None` if the mistake is that something is missing.
    pub span: Option<Range<usize>>,
    /// The image's table, and what the names of its matrix stand for, where the place in the file does
    /// not tell which image is meant.
    pub table: Option<String>,
    /// What is wrong.
    pub kind: MistakeKind,
}

impl Mistake {
    /// Something is missing.
    pub(super) fn nowhere(kind: MistakeKind) -> Self {
        Mistake {
            span: None,
            table: None,
            kind,
        }
    }

    /// The mistake in an image whose place does not tell which one it is.
    pub(super) fn in_table(self, table: Option<&String>) -> Self {
        Mistake {
            table: self.table.or_else(|| table.cloned()),
            ..self
        }
    }
}

/// What is wrong, and the place.
pub(super) fn at(span: Range<usize>, kind: impl Into<MistakeKind>) -> Mistake {
    Mistake {
        span: Some(span),
        table: None,
        kind: kind.into(),
    }
}

/// What is wrong with a value. The messages read after the place in the file.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MistakeKind {
    /// Not TOML, or a value of the wrong type, in the TOML reader's words.
    #[error("{0}")]
    Syntax(String),
    #[error("there is no key `{key}` here")]
    UnknownKey { key: String, known: Vec<String> },
    #[error("format {0} is not known to this version of fp, which writes format {FORMAT}")]
    Format(i64),
    #[error("`format` is missing")]
    NoFormat,
    #[error("no image is configured")]
    NoImages,
    #[error(
        "`{0}` is not an image name: lower-case letters and digits, parted by single `.`, `_` or `-`"
    )]
    ImageName(String),
    #[error("the image name has {0} characters, and {longest} are allowed", longest = ImageName::LONGEST)]
    LongImageName(usize),
    #[error("`{name}` is the name of two images; the other one is {other}")]
    SameName { name: String, other: String },
    #[error("`{0}` is said of one image, and cannot be a default")]
    NoDefault(&'static str),
    #[error("`isolation` is podman's, and docker is to be used")]
    IsolationOfDocker,
    #[error(
        "`{0}` cannot stand for an image in a Dockerfile: a lower-case letter, then lower-case letters, digits, `-`, \
         `_` and `.`, and not `scratch`"
    )]
    NeedName(String),
    #[error("there is no image `{name}` to build on")]
    NoSuchNeed { name: String, names: Vec<String> },
    #[error("these images need one another: {}", .0.join(" → "))]
    Cycle(Vec<String>),
    #[error("this image is for {platform}, and `{upstream}` is not")]
    UncoveredPlatform {
        upstream: String,
        platform: Platform,
    },
    #[error("the matrix has no names")]
    EmptyMatrix,
    #[error("there is nothing that `{0}` could stand for")]
    NoChoices(String),
    #[error("the matrix gives more than {0} images")]
    LargeMatrix(usize),
    #[error("`{0}` is not a name for a matrix: letters, digits and `_`, not starting with a digit")]
    MatrixName(String),
    #[error("`{0}` means something else in the texts of fingerprint.toml")]
    ReservedMatrixName(String),
    #[error("`{0}` is not a path with one `*`")]
    Each(String),
    #[error("`{0}` matches no file")]
    EachNothing(String),
    #[error("the name `{0}`, which the `*` stands for, is not valid UTF-8")]
    EachNotText(String),
    #[error(transparent)]
    Platform(#[from] platform::ParseError),
    #[error("{0} stands in the list twice")]
    RepeatedPlatform(Platform),
    #[error("the list of platforms is empty")]
    NoPlatforms,
    #[error(transparent)]
    Path(#[from] path::Error),
    #[error(transparent)]
    Pattern(#[from] pattern::Error),
    #[error(transparent)]
    Template(#[from] template::Error),
    #[error(transparent)]
    Full(#[from] Full),
    #[error("`{text}` is not a repository")]
    Repository {
        text: String,
        /// Whether the environment has a part in the text.
        is_expanded: bool,
        source: ParseError,
    },
    #[error(transparent)]
    Alias(#[from] AliasError),
    #[error("`{one}` and `{other}` have the same alias, {alias}")]
    SameAlias {
        one: String,
        other: String,
        alias: String,
    },
    #[error("`{text}` does not give a valid tag")]
    Tag { text: String, source: ParseError },
    #[error("the tag `{tag}` starts with `{prefix}`, which fp keeps for itself")]
    OwnTag { tag: String, prefix: &'static str },
    #[error("the tag names the argument {0}, which `args` does not have")]
    TagArg(String),
    #[error(
        "the tag names the argument {0}, whose value comes from the environment and cannot be part of a tag"
    )]
    TagEnvArg(String),
    #[error("the tag names the argument {0}, which no stage that is built declares")]
    TagArgLeftOut(String),
    #[error("the environment variable {0} is not set, and no default is given")]
    Unset(String),
    #[error(transparent)]
    NotText(#[from] NotText),
    #[error(
        "`{0}` is not a name of a build argument: letters, digits and `_`, not starting with a digit"
    )]
    ArgName(String),
    #[error("`{0}` is an argument that BuildKit sets or interprets itself")]
    ReservedArg(String),
    #[error(
        "an argument's table has either `env`, with or without `default`, or `file`, with or without `key`"
    )]
    ArgTable,
    #[error("`{0}` is one of `args` already, and its value is recorded")]
    HintIsArg(String),
    #[error("a hint is a text or comes from the environment; what a file holds can be recorded")]
    HintFile,
    #[error("a secret's table has either `file` or `env`")]
    SecretTable,
    #[error("`{0}` is not an id of a secret or an ssh key: letters, digits, `.`, `_` and `-`")]
    SecretId(String),
    #[error("the path of a file is empty")]
    NoSecretFile,
    #[error("`{0}` is the id of two ssh keys")]
    RepeatedSsh(String),
    #[error("the path of an ssh key cannot have a comma in it")]
    SshComma,
    #[error(transparent)]
    Key(#[from] key::Error),
    #[error(
        "a `key` leads into a TOML or JSON file, and `{0}` ends in neither `.toml` nor `.json`"
    )]
    KeyedFile(String),
    #[error("`{0}` is not the name of an environment variable")]
    VariableName(String),
    #[error("the text holds a NUL byte, which no program can be given")]
    Nul,
    #[error("a command of `verify` names no program")]
    EmptyCommand,
    #[error("the target is empty")]
    EmptyTarget,
    #[error(transparent)]
    Cache(#[from] cache::Error),
    #[error("`{0}` is not the name of a registry: a host in lower case, with or without a port")]
    Registry(String),
    #[error("`source` is not an http(s) address, or it holds a user name or password")]
    Source,
}

impl MistakeKind {
    /// Whether it is the environment that is wrong and not the file: such a mistake matters only
    /// for images asked for.
    pub(super) fn is_environment(&self) -> bool {
        matches!(
            self,
            MistakeKind::Unset(_)
                | MistakeKind::NotText(_)
                | MistakeKind::Repository {
                    is_expanded: true,
                    ..
                }
        )
    }

    /// Whether the text that is wrong may hold a token, and may be wrong just because of it.
    pub fn may_quote_a_secret(&self) -> bool {
        match self {
            MistakeKind::Source => true,
            MistakeKind::Cache(error) => error.may_quote_a_secret(),
            _ => false,
        }
    }

    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            MistakeKind::UnknownKey { key, known } => Some(match likely(key, known) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("known keys are {}", known.join(", ")),
            }),
            MistakeKind::NoSuchNeed { name, names } => Some(match likely(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the images are {}", names.join(", ")),
            }),
            MistakeKind::UncoveredPlatform { upstream, platform } => {
                Some(format!("add \"{platform}\" to the `platforms` of `{upstream}`"))
            }
            MistakeKind::NoFormat | MistakeKind::Format(_) => {
                Some(format!("write `format = {FORMAT}` at the top"))
            }
            MistakeKind::NoImages => Some("add a table [images.NAME]".to_owned()),
            MistakeKind::NoPlatforms => {
                Some("name platforms, as in `[\"linux/amd64\"]`, or leave the key out".to_owned())
            }
            MistakeKind::Repository { source, .. } | MistakeKind::Tag { source, .. } => {
                Some(source.problem())
            }
            MistakeKind::Alias(error) => error.hint(),
            MistakeKind::Unset(name) => Some(format!(
                "set {name}, or give a default in the configuration"
            )),
            MistakeKind::SecretTable => Some(
                "as in `{ file = \"~/.npmrc\" }` or `{ env = \"TOKEN\" }`".to_owned(),
            ),
            MistakeKind::ArgTable => Some(
                "as in `{ env = \"DATE\", default = \"\" }` or `{ file = \"VERSION\" }`".to_owned(),
            ),
            MistakeKind::SameName { .. } => {
                Some("have each name of the matrix in the name of the table, as in `[images.\"ci-{name}\"]`".to_owned())
            }
            MistakeKind::Cache(error) => Some(error.hint()),
            MistakeKind::Full(_) | MistakeKind::Template(template::Error::Full(_)) => {
                Some("say long texts once, in a file, or part the matrix into smaller ones".to_owned())
            }
            MistakeKind::Each(_) => Some("as in `{ each = \"docker/*/Dockerfile\" }`".to_owned()),
            MistakeKind::EachNothing(_) => Some(
                "the files that git tracks, and new ones that .gitignore does not exclude, are looked at".to_owned(),
            ),
            MistakeKind::TagArgLeftOut(name) => {
                Some(format!("declare it by `ARG {name}` in such a stage"))
            }
            _ => None,
        }
    }
}

impl Error {
    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NotFound { .. } => {
                Some("create one, or name another file with --config FILE".to_owned())
            }
            Error::NoSuchImage { name, names, .. } => Some(match likely(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the images are {}", names.join(", ")),
            }),
            Error::NoImageMatches { names, .. } => {
                Some(format!("the images are {}", names.join(", ")))
            }
            Error::WhichImage { .. } | Error::WhichOfMatches { .. } => {
                Some("name the image".to_owned())
            }
            Error::Invalid(invalid) => invalid.mistake.kind.hint(),
            Error::Unreadable { .. } => None,
        }
    }
}

fn stop(git_top: &Option<PathBuf>) -> String {
    match git_top {
        Some(top) => format!(" up to the top of the git repository, {}", top.display()),
        None => String::new(),
    }
}

fn likely<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    nearest(name, known.iter().map(String::as_str))
}
