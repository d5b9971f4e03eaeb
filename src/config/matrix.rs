//! Unrolling: one table with a matrix is one image for each choice of what its names stand for.
//!
//! Pure: the files that an `each` matches are handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use toml::Spanned;

use super::mistake::{Mistake, MistakeKind, at};
use super::room::Room;
use super::template::is_variable_name;
use super::written::{Choices, Matrix};
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::shown::Shown;

/// Names that mean something else in the texts of a table, now or in a later version.
const RESERVED: [&str; 5] = ["fingerprint", "arg", "env", "out", "branch"];

/// More images from one table are a mistake, and would take all memory before anybody saw it.
const MOST_CELLS: usize = 1024;

/// One choice for each name of a matrix; without any, what a table without a matrix has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell(BTreeMap<String, String>);

impl Cell {
    /// What `name` stands for.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many bytes its choices have.
    fn length(&self) -> usize {
        self.0.values().map(String::len).sum()
    }

    fn with(&self, name: &str, choice: &str) -> Self {
        let mut cell = self.clone();
        cell.0.insert(name.to_owned(), choice.to_owned());
        cell
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, (name, choice)) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name} = \"{}\"", Shown::text(choice))?;
        }
        Ok(())
    }
}

/// The paths that each glob of an `each` matches or covers, by the glob's text.
pub(super) type Matches = BTreeMap<String, Vec<RootPath>>;

/// All cells of a matrix: the product of its lists.
pub(super) fn cells(
    matrix: &Spanned<Matrix>,
    matches: &Matches,
    room: &Room,
) -> Result<Vec<Cell>, Mistake> {
    if matrix.as_ref().is_empty() {
        return Err(at(matrix.span(), MistakeKind::EmptyMatrix));
    }
    let mut cells = vec![Cell::default()];
    for (name, choices) in matrix.as_ref() {
        check_name(name)?;
        let choices = match choices.as_ref() {
            Choices::List(list) => list.iter().map(|choice| choice.as_ref().clone()).collect(),
            Choices::Each(table) => Each::parse(&table.each)?.choices(&table.each, matches)?,
        };
        if choices.is_empty() {
            return Err(at(
                name.span(),
                MistakeKind::NoChoices(name.as_ref().clone()),
            ));
        }
        if cells.len() * choices.len() > MOST_CELLS {
            return Err(at(matrix.span(), MistakeKind::LargeMatrix(MOST_CELLS)));
        }
        let length: usize = choices.iter().map(String::len).sum();
        let before: usize = cells.iter().map(Cell::length).sum();
        room.spend(cells.len() * length + choices.len() * before)
            .map_err(|full| at(matrix.span(), full))?;
        let with_all = |cell: &Cell| {
            let with = |choice: &String| cell.with(name.as_ref(), choice);
            choices.iter().map(with).collect::<Vec<_>>()
        };
        cells = cells.iter().flat_map(with_all).collect();
    }
    Ok(cells)
}

fn check_name(name: &Spanned<String>) -> Result<(), Mistake> {
    let text = name.as_ref();
    if RESERVED.contains(&text.as_str()) {
        return Err(at(
            name.span(),
            MistakeKind::ReservedMatrixName(text.clone()),
        ));
    }
    match is_variable_name(text) {
        true => Ok(()),
        false => Err(at(name.span(), MistakeKind::MatrixName(text.clone()))),
    }
}

/// The globs of a matrix.
pub(super) fn globs(matrix: &Spanned<Matrix>) -> impl Iterator<Item = Result<Pattern, Mistake>> {
    matrix
        .as_ref()
        .values()
        .filter_map(|choices| match choices.as_ref() {
            Choices::List(_) => None,
            Choices::Each(table) => Some(Each::parse(&table.each).map(|each| each.pattern)),
        })
}

/// A glob with one `*`, and what stands beside that in its part.
struct Each {
    pattern: Pattern,
    /// The number of the part that has the `*`.
    part: usize,
    before: String,
    behind: String,
}

impl Each {
    fn parse(text: &Spanned<String>) -> Result<Self, Mistake> {
        let pattern = Pattern::parse(text.as_ref()).map_err(|error| at(text.span(), error))?;
        let mut parts = text
            .as_ref()
            .split('/')
            .filter(|part| !matches!(*part, "" | "."));
        let starred = parts.clone().position(|part| part.contains('*'));
        let is_one = text.as_ref().matches('*').count() == 1 && !text.as_ref().contains('?');
        let halves = starred.and_then(|part| Some((part, parts.nth(part)?.split_once('*')?)));
        match halves {
            Some((part, (before, behind))) if is_one && !pattern.is_exclusion() => Ok(Each {
                pattern,
                part,
                before: before.to_owned(),
                behind: behind.to_owned(),
            }),
            _ => Err(at(text.span(), MistakeKind::Each(text.as_ref().clone()))),
        }
    }

    /// What the `*` stands for, in the order of the bytes.
    fn choices(&self, text: &Spanned<String>, matches: &Matches) -> Result<Vec<String>, Mistake> {
        let matches = matches.get(self.pattern.text());
        let paths = matches.map(Vec::as_slice).unwrap_or_default();
        let choices: BTreeSet<_> = paths.iter().filter_map(|path| self.choice(path)).collect();
        if choices.is_empty() {
            return Err(at(
                text.span(),
                MistakeKind::EachNothing(text.as_ref().clone()),
            ));
        }
        let text_of = |choice: &[u8]| {
            let not_text = || MistakeKind::EachNotText(Shown(choice).to_string());
            String::from_utf8(choice.to_vec()).map_err(|_| at(text.span(), not_text()))
        };
        choices.into_iter().map(text_of).collect()
    }

    /// What the `*` stands for in a path that the glob matches or covers.
    fn choice<'a>(&self, path: &'a RootPath) -> Option<&'a [u8]> {
        let part = path.parts().nth(self.part)?;
        let rest = part.strip_prefix(self.before.as_bytes())?;
        rest.strip_suffix(self.behind.as_bytes())
    }
}
