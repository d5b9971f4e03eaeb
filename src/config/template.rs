//! The small languages inside the configuration's texts: `{env:NAME}` in a repository,
//! `{fingerprint:N}` and `{arg:NAME}` in a tag, and the names of a matrix in all texts of its table.
//!
//! `{{` and `}}` stand for braces. Templates are parsed when the file is read, so that a mistake is
//! found whether or not the image is asked for.

use std::collections::BTreeMap;

use super::matrix::Cell;
use super::room::{Full, Room};
use crate::environment::{Environment, NotText};
use crate::record::Fingerprint;

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A `{` or `}` that has no partner.
    #[error("`{0}` has a brace without its partner; a literal brace is written `{{{{` or `}}}}`")]
    Unbalanced(String),
    /// A placeholder that means nothing here.
    #[error("`{{{placeholder}}}` is not known here; possible is {expected}")]
    Unknown {
        placeholder: String,
        expected: String,
    },
    /// `{env:…}` with something that is no variable's name.
    #[error("`{0}` is not the name of an environment variable")]
    Variable(String),
    /// A count of fingerprint digits that is too small to be a name, or larger than a fingerprint.
    #[error("`{{fingerprint:{0}}}` must ask for 16 to 64 digits")]
    Digits(String),
    /// A tag that would be the same for every fingerprint.
    #[error("`{0}` does not contain `{{fingerprint}}`, so every version would share one tag")]
    NoFingerprint(String),
    #[error(transparent)]
    Full(#[from] Full),
}

/// A variable without which the text cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// The variable is unset or empty, and the template gives no default.
    #[error("the environment variable {0} is not set, and no default is given")]
    Unset(String),
    #[error(transparent)]
    NotText(#[from] NotText),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<P> {
    Text(String),
    Placeholder(P),
}

/// A text in which `{env:NAME}` and `{env:NAME:-default}` stand for environment variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvironmentTemplate(Vec<Piece<Variable>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    name: String,
    default: Option<String>,
}

impl EnvironmentTemplate {
    /// Parses `text`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        pieces(text, variable).map(EnvironmentTemplate)
    }

    /// Whether the text depends on the environment.
    pub(super) fn has_variables(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Placeholder(_)))
    }

    /// The text with the variables' values. A default counts when the variable is unset or empty.
    pub(super) fn expand(&self, environment: &Environment) -> Result<String, ExpandError> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Ok(text.clone()),
                Piece::Placeholder(variable) => match environment.text(&variable.name)? {
                    Some(value) => Ok(value.to_owned()),
                    None => variable
                        .default
                        .clone()
                        .ok_or_else(|| ExpandError::Unset(variable.name.clone())),
                },
            })
            .collect()
    }
}

/// A tag in which `{fingerprint}` or `{fingerprint:N}` stands for the fingerprint's first N digits,
/// and `{arg:NAME}` for the value of a build argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate(Vec<Piece<TagPart>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum TagPart {
    Fingerprint(usize),
    Arg(String),
}

/// The argument that a tag names and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoArg(pub(super) String);

impl TagTemplate {
    /// Parses `text`, which must contain the fingerprint, with at least 16 digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let pieces = pieces(text, tag_part)?;
        let is_fingerprint =
            |piece: &Piece<_>| matches!(piece, Piece::Placeholder(TagPart::Fingerprint(_)));
        if !pieces.iter().any(is_fingerprint) {
            return Err(Error::NoFingerprint(text.to_owned()));
        }
        Ok(TagTemplate(pieces))
    }

    /// The names of the arguments in it.
    pub(super) fn args(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Placeholder(TagPart::Arg(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The tag's text for `fingerprint` and the values of the arguments.
    pub(super) fn expand(
        &self,
        fingerprint: &Fingerprint,
        args: &BTreeMap<String, String>,
    ) -> Result<String, NoArg> {
        let digits = fingerprint.to_string();
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Ok(text.as_str()),
                Piece::Placeholder(TagPart::Fingerprint(count)) => Ok(&digits[..*count]),
                Piece::Placeholder(TagPart::Arg(name)) => args
                    .get(name)
                    .map(String::as_str)
                    .ok_or_else(|| NoArg(name.clone())),
            })
            .collect()
    }
}

/// A tag in which `{branch}` stands for the branch that CI works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BranchTemplate(Vec<Piece<()>>);

impl BranchTemplate {
    /// Parses `text`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let read = |placeholder: &str| match placeholder {
            "branch" => Ok(()),
            other => Err(unknown(other, "`{branch}`")),
        };
        pieces(text, read).map(BranchTemplate)
    }

    /// The tag's text; `None` if it needs a branch and there is none.
    pub(super) fn expand(&self, branch: Option<&str>) -> Option<String> {
        let pieces = self.0.iter();
        pieces
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Placeholder(()) => branch,
            })
            .collect()
    }
}

/// A text with the names of `cell` replaced.
pub(super) fn fill(text: &str, cell: &Cell, room: &Room) -> Result<String, Error> {
    let read = |placeholder: &str| match cell.get(placeholder) {
        Some(choice) => {
            room.spend(choice.len())?;
            Ok(choice.to_owned())
        }
        None => {
            let names: Vec<_> = cell.names().map(|name| format!("`{{{name}}}`")).collect();
            Err(unknown(placeholder, &names.join(" or ")))
        }
    };
    let pieces = pieces(text, read)?.into_iter();
    Ok(pieces
        .map(|(Piece::Text(text) | Piece::Placeholder(text))| text)
        .collect())
}

/// A template with the names of `cell` replaced, which leaves a template with its other placeholders.
pub(super) fn fill_template(text: &str, cell: &Cell, room: &Room) -> Result<String, Error> {
    let pieces = pieces(text, |placeholder| Ok(placeholder.to_owned()))?;
    let literal = |text: &str| text.replace('{', "{{").replace('}', "}}");
    let filled = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => Ok(literal(&text)),
        Piece::Placeholder(name) => match cell.get(&name) {
            Some(choice) => {
                room.spend(choice.len())?;
                Ok(literal(choice))
            }
            None => Ok(format!("{{{name}}}")),
        },
    });
    filled.collect()
}

fn variable(placeholder: &str) -> Result<Variable, Error> {
    let Some(rest) = placeholder.strip_prefix("env:") else {
        return Err(unknown(
            placeholder,
            "`{env:NAME}` or `{env:NAME:-default}`",
        ));
    };
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (rest, None),
    };
    if !is_variable_name(name) {
        return Err(Error::Variable(name.to_owned()));
    }
    Ok(Variable {
        name: name.to_owned(),
        default,
    })
}

fn tag_part(placeholder: &str) -> Result<TagPart, Error> {
    match placeholder.split_once(':') {
        None if placeholder == "fingerprint" => Ok(TagPart::Fingerprint(Fingerprint::DIGITS)),
        Some(("fingerprint", count)) => match count.parse() {
            Ok(count @ 16..=Fingerprint::DIGITS) => Ok(TagPart::Fingerprint(count)),
            _ => Err(Error::Digits(count.to_owned())),
        },
        Some(("arg", name)) => Ok(TagPart::Arg(name.to_owned())),
        _ => Err(unknown(
            placeholder,
            "`{fingerprint}`, `{fingerprint:32}` or `{arg:NAME}`",
        )),
    }
}

fn unknown(placeholder: &str, expected: &str) -> Error {
    Error::Unknown {
        placeholder: placeholder.to_owned(),
        expected: expected.to_owned(),
    }
}

/// Whether `name` is a name that a shell could give to a variable.
pub(super) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn pieces<P>(text: &str, read: impl Fn(&str) -> Result<P, Error>) -> Result<Vec<Piece<P>>, Error> {
    let unbalanced = || Error::Unbalanced(text.to_owned());
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let brace = &rest[at..];
        if let Some(tail) = brace
            .strip_prefix("{{")
            .or_else(|| brace.strip_prefix("}}"))
        {
            literal.push_str(&brace[..1]);
            rest = tail;
            continue;
        }
        let inside = brace.strip_prefix('{').ok_or_else(unbalanced)?;
        let (placeholder, tail) = inside.split_once('}').ok_or_else(unbalanced)?;
        pieces.push(Piece::Text(std::mem::take(&mut literal)));
        pieces.push(Piece::Placeholder(read(placeholder)?));
        rest = tail;
    }
    literal.push_str(rest);
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{EnvironmentTemplate, Error, ExpandError, TagTemplate};
    use crate::environment::Environment;
    use crate::record::Record;

    fn expand(template: &str, variables: &[(&str, &str)]) -> Result<String, ExpandError> {
        let environment: Environment = variables.iter().copied().collect();
        EnvironmentTemplate::parse(template)
            .unwrap()
            .expand(&environment)
    }

    #[test]
    fn variables_and_their_defaults() {
        assert_eq!(expand("a{env:X}b", &[("X", "1")]).unwrap(), "a1b");
        assert_eq!(expand("{env:X:-d/e}", &[]).unwrap(), "d/e");
        assert_eq!(expand("{env:X:-d}", &[("X", "")]).unwrap(), "d");
        assert_eq!(expand("{env:X:-}", &[]).unwrap(), "");
        assert_eq!(
            expand("{env:X}", &[("X", "")]),
            Err(ExpandError::Unset("X".into()))
        );
        assert_eq!(expand("{{{env:X}}}", &[("X", "1")]).unwrap(), "{1}");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        let parse = |text| EnvironmentTemplate::parse(text).unwrap_err();
        assert_eq!(parse("a{env:X"), Error::Unbalanced("a{env:X".into()));
        assert_eq!(parse("a}b"), Error::Unbalanced("a}b".into()));
        assert_eq!(parse("{env:1}"), Error::Variable("1".into()));
        assert!(matches!(parse("{branch}"), Error::Unknown { .. }));
    }

    #[test]
    fn a_tag_names_its_fingerprint() {
        let fingerprint = Record::new([]).fingerprint();
        let digits = fingerprint.to_string();
        let args = BTreeMap::from([("A".to_owned(), "full".to_owned())]);
        let tag = |text: &str| {
            let template = TagTemplate::parse(text)?;
            Ok(template.expand(&fingerprint, &args).unwrap())
        };
        assert_eq!(
            tag("{arg:A}-{fingerprint:16}").unwrap(),
            format!("full-{}", &digits[..16])
        );
        assert_eq!(
            tag("ci-{fingerprint:16}").unwrap(),
            format!("ci-{}", &digits[..16])
        );
        assert_eq!(tag("{fingerprint}").unwrap(), digits);
        assert_eq!(tag("latest"), Err(Error::NoFingerprint("latest".into())));
        assert!(matches!(tag("{arg:A}"), Err(Error::NoFingerprint(_))));
        assert_eq!(tag("{fingerprint:15}"), Err(Error::Digits("15".into())));
        assert_eq!(tag("{fingerprint:65}"), Err(Error::Digits("65".into())));
        assert_eq!(tag("{fingerprint:x}"), Err(Error::Digits("x".into())));
    }
}
