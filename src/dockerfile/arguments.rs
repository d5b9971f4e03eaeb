//! What COPY, ADD and RUN say about where they read: their flags and sources, variables not yet
//! expanded.

use super::heredoc::is_heredoc;
use super::instruction::Instruction;
use super::mistake::{Mistake, MistakeKind};
use super::{mount, words};

/// How an instruction names the stage or image that it reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Naming {
    /// `COPY --from=2`
    Number(i64),
    /// A stage, or else an image.
    Name(String),
}

/// COPY or ADD.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// Whether it reads from a stage or an image instead of the context.
    pub(super) has_from: bool,
    /// `--parents`: sources are taken with the folders above them.
    pub(super) parents: bool,
    /// `--exclude`: patterns of what is not taken.
    pub(super) excludes: Vec<String>,
    /// The sources, without here-documents.
    pub(super) sources: Vec<String>,
}

/// The stages and images that an instruction reads from.
///
/// Flags that are not known are passed by: an older fp can still find the slice of a newer
/// Dockerfile.
pub(super) fn namings(instruction: &Instruction) -> Result<Vec<Naming>, Mistake> {
    let namings = match instruction.keyword.as_str() {
        "copy" => value(&instruction.flags, "--from=")
            .next()
            .map(copy_naming)
            .transpose()
            .map(|naming| naming.into_iter().collect()),
        "run" => value(&instruction.flags, "--mount=")
            .map(mount_naming)
            .collect(),
        _ => Ok(Vec::new()),
    };
    namings.map_err(|kind: MistakeKind| kind.at(&instruction.span))
}

/// The values of a flag that are not empty. An empty `--from` is none.
fn value<'a>(flags: &'a [String], start: &'static str) -> impl Iterator<Item = &'a str> {
    flags
        .iter()
        .filter_map(move |flag| flag.strip_prefix(start))
        .filter(|value| !value.is_empty())
}

fn copy_naming(text: &str) -> Result<Naming, MistakeKind> {
    // BuildKit refuses whatever a shell would change.
    if text.contains(['$', '\'', '"', '\\', '`']) {
        return Err(MistakeKind::VariableInFrom(text.to_owned()));
    }
    Ok(match text.parse() {
        Ok(number) => Naming::Number(number),
        Err(_) => Naming::Name(text.to_owned()),
    })
}

/// A mount that names nothing is taken for one of `scratch`: no stage at all, unless one has that name.
/// A cache then starts with what is in that stage.
fn mount_naming(text: &str) -> Result<Naming, MistakeKind> {
    let naming = mount::naming(text)?;
    Ok(naming.unwrap_or_else(|| Naming::Name("scratch".to_owned())))
}

/// Reads COPY or ADD.
///
/// # Errors
///
/// A flag that is not known: it could change what is read, as `--exclude` did when it was new.
pub(super) fn copy(instruction: &Instruction) -> Result<Copy, MistakeKind> {
    let mut copy = Copy::default();
    for flag in &instruction.flags {
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag.as_str(), None),
        };
        match (instruction.keyword.as_str(), name, value) {
            ("copy", "--from", Some(value)) => copy.has_from = !value.is_empty(),
            ("copy", "--parents", value) => copy.parents = is_true(flag, value)?,
            (_, "--exclude", Some(value)) => copy.excludes.push(value.to_owned()),
            (_, "--chown" | "--chmod" | "--link", _) => {}
            ("add", "--keep-git-dir" | "--checksum" | "--unpack", _) => {}
            _ => return Err(MistakeKind::UnknownFlag(flag.clone())),
        }
    }
    copy.sources = sources(instruction)?;
    Ok(copy)
}

fn is_true(flag: &str, value: Option<&str>) -> Result<bool, MistakeKind> {
    match value.map(str::to_lowercase).as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(MistakeKind::Flag(flag.to_owned())),
    }
}

fn sources(instruction: &Instruction) -> Result<Vec<String>, MistakeKind> {
    let mut words = match words::json(&instruction.arguments) {
        Some(words) => words.map_err(|words::NotTexts| MistakeKind::NotTexts)?,
        None => words::plain(&instruction.arguments),
    };
    if words.len() < 2 {
        let keyword = instruction.keyword.to_uppercase();
        return Err(MistakeKind::NoDestination(keyword));
    }
    words.pop();
    words.retain(|word| !is_heredoc(word));
    Ok(words)
}

/// The mounts of a RUN, as they are written.
///
/// # Errors
///
/// A flag that is not known, as with [`copy`].
pub(super) fn mounts(instruction: &Instruction) -> Result<Vec<&str>, MistakeKind> {
    let mut mounts = Vec::new();
    for flag in &instruction.flags {
        match flag.split_once('=').unwrap_or((flag, "")) {
            ("--mount", value) => mounts.push(value),
            ("--network" | "--security" | "--device", _) => {}
            _ => return Err(MistakeKind::UnknownFlag(flag.clone())),
        }
    }
    Ok(mounts)
}
