//! What can be wrong in a Dockerfile, or cannot be told from it, and the place.
//!
//! What BuildKit would refuse is refused here too, before anything is built; a text that fp cannot
//! decide about is a mistake in the same sense.

use std::ops::Range;

use super::effort::TooMuch;
use super::shell::SyntaxError;
use super::variables::Undecided;
use crate::dockerfile::dockerignore::Malformed;
use crate::nearest::nearest;

/// The instructions that fp knows.
const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// One mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Mistake {
    /// Byte range of the instruction in the file's text; `None` if the mistake has no place in it.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub kind: MistakeKind,
}

/// What is wrong with an instruction. The messages read after the place in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MistakeKind {
    #[error("the directive `{0}` stands here a second time")]
    RepeatedDirective(String),
    #[error("`{0}` cannot be the escape character; only `\\` and `` ` `` can")]
    Escape(String),
    #[error("the line is longer than the 65535 bytes that BuildKit reads")]
    LongLine,
    #[error("the here-document `{0}` is not ended by a line that says `{0}`")]
    UnendedHeredoc(String),
    #[error("`{0}` does not name a here-document")]
    HeredocName(String),
    #[error("the Dockerfile has no FROM")]
    NoStages,
    #[error("{0} stands before the first FROM, where only ARG may")]
    BeforeFrom(String),
    #[error("FROM takes an image and, after AS, a name; this is `{0}`")]
    From(String),
    #[error("`{0}` cannot be the name of a stage: a letter, then letters, digits, `-`, `_`, `.`")]
    StageName(String),
    #[error("the name of the image is empty once `{0}` is expanded")]
    EmptyImage(String),
    #[error("there is no stage `{0}` in the Dockerfile")]
    NoSuchStage(String),
    #[error("`{0}` is to be built, and `needs` puts another image in its place")]
    ReplacedTarget(String),
    #[error("nothing that is built names `{0}`, for which `needs` has an image")]
    UnusedNeed(String),
    #[error("the stage `{0}` does not come before this one")]
    StageNotBefore(String),
    #[error("`{0}` names a stage or an image, where variables are not expanded")]
    VariableInFrom(String),
    #[error("a JSON array here holds something that is no text")]
    NotTexts,
    #[error("{0} takes at least one source and a destination")]
    NoDestination(String),
    #[error("`{0}` is not `NAME=VALUE`")]
    NotAssignment(String),
    #[error("this ONBUILD cannot be read")]
    Onbuild,
    #[error("fp does not know the flag `{flag}`, which could change what the build reads{}", question(*near))]
    UnknownFlag {
        flag: String,
        near: Option<&'static str>,
    },
    #[error("`{0}` is neither `true` nor `false`")]
    Flag(String),
    #[error("fp does not know the instruction {name}, which could read files of the build context{}", question(*near))]
    UnknownInstruction {
        name: String,
        near: Option<&'static str>,
    },
    #[error("the mount `{0}` cannot be read")]
    Mount(String),
    #[error("COPY takes no address: `{0}`")]
    CopyOfAddress(String),
    #[error("the source `{0}` holds a NUL character, which no file name can")]
    Nul(String),
    #[error("the pattern `{text}` is not valid: {problem}")]
    Pattern { text: String, problem: Malformed },
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A name that decides which stages are reached.
    #[error("which image or stage `{text}` names cannot be told: {why}")]
    UndecidedFrom { text: String, why: Undecided },
    /// A text that decides which files are read.
    #[error("which files `{text}` names cannot be told: {why}")]
    UndecidedSource { text: String, why: Undecided },
    #[error(
        "`{text}` decides what is built, and {name} in it is one of `hints`, which are not recorded"
    )]
    HintInFrom { text: String, name: String },
    #[error(
        "`{text}` decides what is copied, and {name} in it is one of `hints`, which are not recorded"
    )]
    HintInSource { text: String, name: String },
    #[error("what the Dockerfile asks for grows beyond all measure")]
    TooLarge,
    #[error("no stage that is built declares the argument {0}")]
    UndeclaredArg(String),
    #[error("no stage that is built declares the argument {0}, which is one of `hints`")]
    UndeclaredHint(String),
}

/// Asks for what was likely meant.
fn question(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

impl MistakeKind {
    /// An instruction that is not known, in capital letters.
    pub(super) fn unknown_instruction(name: String) -> Self {
        let near = nearest(&name, INSTRUCTIONS);
        MistakeKind::UnknownInstruction { name, near }
    }

    /// A flag that is not known to an instruction, which has those of `known`.
    pub(super) fn unknown_flag(flag: &str, known: &[&'static str]) -> Self {
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        // One that is known may lack its value.
        let others = known.iter().copied().filter(|other| *other != name);
        MistakeKind::UnknownFlag {
            flag: flag.to_owned(),
            near: nearest(name, others),
        }
    }

    /// The way out, where the message does not say it already.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            MistakeKind::UndecidedFrom {
                why: Undecided::Platform(_),
                ..
            } => "say for which `platforms` the image is, as in `platforms = [\"linux/amd64\"]`",
            MistakeKind::UndecidedSource {
                why: Undecided::Platform(_),
                ..
            } => {
                "say for which `platforms` the image is, as in `platforms = [\"linux/amd64\"]`, or list the files in \
                 `inputs`"
            }
            MistakeKind::UndecidedSource {
                why: Undecided::Base(_),
                ..
            } => {
                "give the variable a value by ENV, or by ARG with a default, or list the files in `inputs`"
            }
            MistakeKind::HintInFrom { .. } => {
                "move it to `args`, where it is recorded; a mirror of base images can be configured in the engine"
            }
            MistakeKind::HintInSource { .. } => "move it to `args`, where it is recorded",
            MistakeKind::UndecidedSource { .. }
            | MistakeKind::UnknownFlag { .. }
            | MistakeKind::UnknownInstruction { .. }
            | MistakeKind::TooLarge => "list the files that go into the image in `inputs`",
            MistakeKind::VariableInFrom(_) => {
                "name the image in a FROM, where variables are expanded, and then that stage"
            }
            MistakeKind::UndeclaredArg(_) => {
                "declare it by ARG in a stage that the target reaches, or take it out of `args`"
            }
            MistakeKind::UndeclaredHint(_) => {
                "declare it by ARG in a stage that the target reaches, or take it out of `hints`"
            }
            MistakeKind::UnusedNeed(_) => {
                "name it in a FROM, a COPY --from or a mount that the target reaches, or take it out of `needs`"
            }
            MistakeKind::CopyOfAddress(_) => "fetch it by ADD",
            MistakeKind::NoSuchStage(_) => "name a stage by what stands behind AS in its FROM",
            MistakeKind::EmptyImage(_) => {
                "give the variable a value: by `ARG NAME=…` before the first FROM, or in `args`"
            }
            MistakeKind::UnendedHeredoc(_) => {
                "write the name alone on a line, without blanks before or behind it"
            }
            _ => return None,
        })
    }
}

impl From<TooMuch> for MistakeKind {
    fn from(TooMuch: TooMuch) -> Self {
        MistakeKind::TooLarge
    }
}

impl MistakeKind {
    /// Whether it only keeps the sources from being told, so that it does not matter where they are not wanted.
    pub(super) fn is_about_sources(&self) -> bool {
        matches!(
            self,
            MistakeKind::UndecidedSource { .. }
                | MistakeKind::UnknownFlag { .. }
                | MistakeKind::UnknownInstruction { .. }
        )
    }

    /// Whether it is one even where the sources are not wanted.
    pub(super) fn is_of_hint(&self) -> bool {
        matches!(self, MistakeKind::HintInSource { .. })
    }

    /// The mistake at a place.
    pub(super) fn at(self, span: &Range<usize>) -> Mistake {
        Mistake {
            span: Some(span.clone()),
            kind: self,
        }
    }

    /// The mistake that has no place: something is missing.
    pub(crate) fn nowhere(self) -> Mistake {
        Mistake {
            span: None,
            kind: self,
        }
    }
}
