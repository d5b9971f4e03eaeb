//! What COPY, ADD and RUN say about where they read: their flags and sources, variables not yet
//! expanded.

use super::heredoc::is_heredoc;
use super::instruction::Instruction;
use super::mistake::{Mistake, MistakeKind};
use super::{mount, words};

const COPY_FLAGS: [&str; 6] = [
    "--from",
    "--parents",
    "--exclude",
    "--chown",
    "--chmod",
    "--link",
];
const ADD_FLAGS: [&str; 7] = [
    "--exclude",
    "--chown",
    "--chmod",
    "--link",
    "--keep-git-dir",
    "--checksum",
    "--unpack",
];
const RUN_FLAGS: [&str; 4] = ["--mount", "--network", "--security", "--device"];

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
        "copy" => values(&instruction.flags, "--from=")
            .last()
            .filter(|value| !value.is_empty())
            .map(copy_naming)
            .transpose()
            .map(|naming| naming.into_iter().collect()),
        "run" => values(&instruction.flags, "--mount=")
            .map(mount_naming)
            .collect(),
        _ => Ok(Vec::new()),
    };
    namings.map_err(|kind: MistakeKind| kind.at(&instruction.span))
}

/// The values of a flag, in their order.
fn values<'a>(flags: &'a [String], start: &'static str) -> impl Iterator<Item = &'a str> {
    let values = flags.iter();
    values.filter_map(move |flag| flag.strip_prefix(start))
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
    let known: &[_] = match instruction.keyword.as_str() {
        "add" => &ADD_FLAGS,
        _ => &COPY_FLAGS,
    };
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
            _ => return Err(MistakeKind::unknown_flag(flag, known)),
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

/// The sources of COPY or ADD, without here-documents.
///
/// # Errors
///
/// There is no destination, or a JSON array of something else than texts.
pub(super) fn sources(instruction: &Instruction) -> Result<Vec<String>, MistakeKind> {
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
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag.as_str(), None),
        };
        match (name, value) {
            ("--mount", Some(value)) => mounts.push(value),
            ("--network" | "--security" | "--device", _) => {}
            _ => return Err(MistakeKind::unknown_flag(flag, &RUN_FLAGS)),
        }
    }
    Ok(mounts)
}

#[cfg(test)]
mod tests {
    use super::{Naming, copy, mounts, namings};
    use crate::dockerfile::directives::Head;
    use crate::dockerfile::instruction::{self, Instruction};

    fn instruction(text: &str) -> Instruction {
        instruction::read(text, &Head::read(text).unwrap())
            .unwrap()
            .remove(0)
    }

    #[test]
    fn the_last_from_counts_for_what_is_reached_and_for_what_is_read() {
        let last = instruction("COPY --from=a --from=b x /");
        assert_eq!(namings(&last).unwrap(), [Naming::Name("b".into())]);
        let none = instruction("COPY --from=a --from= x /");
        assert!(namings(&none).unwrap().is_empty() && !copy(&none).unwrap().has_from);
    }

    #[test]
    fn an_empty_mount_is_a_mount_and_one_without_a_value_is_no_flag() {
        let empty = instruction("RUN --mount= x");
        assert_eq!(namings(&empty).unwrap(), [Naming::Name("scratch".into())]);
        assert_eq!(mounts(&empty).unwrap(), [""]);
        assert!(mounts(&instruction("RUN --mount x")).is_err());
        assert!(mounts(&instruction("RUN --network x")).is_ok());
    }
}
