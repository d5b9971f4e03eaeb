//! The way from the text of fingerprint.toml to its images: read, typed, unrolled, given their
//! defaults, resolved.
//!
//! Pure. What the globs of a matrix match has to be known before the images are.

use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::matrix::{self, Cell, Matches};
use super::mistake::{Mistake, MistakeKind, at};
use super::needs::{self, Needs};
use super::room::Room;
use super::{EngineChoice, Image, ImageName, Isolation, cache, resolve, table, template, written};
use crate::environment::Environment;
use crate::pattern::Pattern;
use crate::record::FORMAT;
use crate::shown::Shown;

/// The file's text, read and typed, and not yet unrolled.
pub(super) struct Draft<'i> {
    tables: DeTable<'i>,
    file: written::File,
    room: Room,
}

/// An image of the file. A mistake that the environment could mend stays with it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: ImageName,
    pub(super) needs: Needs,
    /// What [`Mistake::table`] says of its mistakes.
    pub(super) table: Option<String>,
    pub(super) image: Result<Image, Mistake>,
}

impl<'i> Draft<'i> {
    pub(super) fn parse(text: &'i str) -> Result<Self, Mistake> {
        let tables = DeTable::parse(text)?;
        // Every table is typed before anything is put into it, so that a mistake is told as it stands.
        let file = written::File::deserialize(Deserializer::from(tables.clone()))?;
        check_format(file.format.as_ref())?;
        if file.images.is_empty() {
            return Err(Mistake::nowhere(MistakeKind::NoImages));
        }
        if let Some(matrix) = &file.defaults.matrix {
            return Err(at(matrix.span(), MistakeKind::NoDefault("matrix")));
        }
        if let Some(name) = file.defaults.needs.keys().next() {
            return Err(at(name.span(), MistakeKind::NoDefault("needs")));
        }
        Ok(Draft {
            tables: tables.into_inner(),
            file,
            room: Room::default(),
        })
    }

    /// The globs whose matches have to be known.
    pub(super) fn globs(&self) -> Result<Vec<Pattern>, Mistake> {
        let matrices = self
            .file
            .images
            .values()
            .filter_map(|image| image.matrix.as_ref());
        matrices.flat_map(matrix::globs).collect()
    }

    /// All images, in the order of their names.
    pub(super) fn resolve(
        &self,
        environment: &Environment,
        matches: &Matches,
    ) -> Result<Vec<Entry>, Mistake> {
        self.check_defaults(environment)?;
        let mut entries: BTreeMap<ImageName, (String, Entry)> = BTreeMap::new();
        for (name, written) in &self.file.images {
            let cells = match &written.matrix {
                Some(matrix) => matrix::cells(matrix, matches, &self.room)?
                    .into_iter()
                    .map(Some)
                    .collect(),
                None => vec![None],
            };
            for cell in &cells {
                let table = description(name, cell.as_ref());
                let shown = (cell.is_some() || self.has_defaults()).then_some(&table);
                let entry = self.entry(name, cell.as_ref(), shown, environment);
                let entry = entry.map_err(|mistake| mistake.in_table(shown))?;
                match entries.entry(entry.name.clone()) {
                    btree_map::Entry::Vacant(place) => {
                        place.insert((table, entry));
                    }
                    btree_map::Entry::Occupied(other) => {
                        let kind = MistakeKind::SameName {
                            name: entry.name.to_string(),
                            other: other.get().0.clone(),
                        };
                        return Err(at(name.span(), kind).in_table(shown));
                    }
                }
            }
        }
        let entries: Vec<_> = entries.into_values().map(|(_, entry)| entry).collect();
        needs::check(&entries)?;
        check_aliases(&entries)?;
        let images = entries.iter().filter_map(|entry| entry.image.as_ref().ok());
        cache::check(images).map_err(|error| Mistake::nowhere(error.into()))?;
        Ok(entries)
    }

    /// The registries that are spoken to without TLS.
    pub(super) fn plain_http(&self) -> Result<BTreeSet<String>, Mistake> {
        resolve::plain_http(&self.file.registry)
    }

    pub(super) fn engine(&self) -> EngineChoice {
        self.file.engine.choice
    }

    /// How podman is to build.
    pub(super) fn isolation(&self) -> Result<Option<Isolation>, Mistake> {
        match &self.file.engine.isolation {
            Some(isolation) if self.engine() == EngineChoice::Docker => {
                Err(at(isolation.span(), MistakeKind::IsolationOfDocker))
            }
            isolation => Ok(isolation.as_ref().map(|isolation| *isolation.get_ref())),
        }
    }

    fn has_defaults(&self) -> bool {
        self.tables.contains_key("defaults")
    }

    /// What is wrong with a default is told once, and whether or not an image takes it.
    fn check_defaults(&self, environment: &Environment) -> Result<(), Mistake> {
        let name = ImageName::parse("defaults").expect("it is a name");
        let defaults = resolve::Table {
            name: &name,
            table: None,
            written: &self.file.defaults,
            default_args: &BTreeSet::new(),
            default_hints: &BTreeSet::new(),
            has_default_aliases: true,
            needs: &Needs::default(),
        };
        match resolve::image(&defaults, environment) {
            // A tag may name an argument that only some images have.
            Err(Mistake {
                kind: MistakeKind::TagArg(_),
                ..
            })
            | Ok(_) => Ok(()),
            Err(mistake) if mistake.kind.is_environment() => Ok(()),
            Err(mistake) => Err(mistake),
        }
    }

    fn entry(
        &self,
        name: &Spanned<String>,
        cell: Option<&Cell>,
        table: Option<&String>,
        environment: &Environment,
    ) -> Result<Entry, Mistake> {
        let text = match cell {
            Some(cell) => template::fill(name.as_ref(), cell, &self.room)
                .map_err(|error| at(name.span(), error))?,
            None => name.as_ref().clone(),
        };
        let image_name = ImageName::parse(&text).map_err(|kind| at(name.span(), kind))?;
        let (written, of_defaults) = self.written(name, cell)?;
        let needs = Needs::parse(&written.needs)?;
        let image = resolve::image(
            &resolve::Table {
                name: &image_name,
                table,
                written: &written,
                default_args: &of_defaults.args,
                default_hints: &of_defaults.hints,
                has_default_aliases: of_defaults.has_aliases,
                needs: &needs,
            },
            environment,
        );
        match image {
            Err(mistake) if !mistake.kind.is_environment() => Err(mistake),
            image => Ok(Entry {
                name: image_name,
                needs,
                table: table.cloned(),
                image,
            }),
        }
    }

    /// The table of an image as it is meant: the names of its matrix replaced, and then, so that these
    /// mean nothing there, with what it has from `[defaults]`; and which arguments that is.
    fn written(
        &self,
        name: &Spanned<String>,
        cell: Option<&Cell>,
    ) -> Result<(written::Image, OfDefaults), Mistake> {
        let images = table::named(&self.tables, "images").expect("there are images");
        let own = table::named(images, name.as_ref()).expect("the image was read");
        let own = match cell {
            Some(cell) => table::of_cell(own, cell, &self.room)?,
            None => own.clone(),
        };
        let none = DeTable::new();
        let defaults = table::named(&self.tables, "defaults").unwrap_or(&none);
        let names = |table: &DeTable<'_>, key| -> BTreeSet<String> {
            let named = table::named(table, key).into_iter().flatten();
            named.map(|(name, _)| name.as_ref().to_string()).collect()
        };
        let inherited = |key| &names(defaults, key) - &names(&own, key);
        let of_defaults = OfDefaults {
            args: inherited("args"),
            hints: inherited("hints"),
            has_aliases: !own.contains_key("aliases"),
        };
        self.room
            .spend_copy(defaults)
            .map_err(|full| at(name.span(), full))?;
        let meant = table::with_defaults(own, defaults);
        let written = table::typed(Spanned::new(name.span(), meant))?;
        Ok((written, of_defaults))
    }
}

/// What an image has from `[defaults]`.
struct OfDefaults {
    args: BTreeSet<String>,
    hints: BTreeSet<String>,
    /// Whether its aliases are those of `[defaults]`.
    has_aliases: bool,
}

/// No two images may have an alias in common: it would go from one to the other and back.
fn check_aliases(entries: &[Entry]) -> Result<(), Mistake> {
    let mut known = BTreeMap::new();
    for image in entries.iter().filter_map(|entry| entry.image.as_ref().ok()) {
        for alias in &image.aliases {
            // Some branch that no alias names in full.
            let reference = alias.reference(&image.repository(), Some("branch-of-ci"));
            let Ok(reference) = reference else { continue };
            match known.insert(reference.clone(), &image.name) {
                Some(other) if *other != image.name => {
                    return Err(Mistake::nowhere(MistakeKind::SameAlias {
                        one: other.to_string(),
                        other: image.name.to_string(),
                        alias: reference.to_string(),
                    }));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The table of an image, and the cell of its matrix.
fn description(name: &Spanned<String>, cell: Option<&Cell>) -> String {
    let name = Shown::text(name.as_ref());
    match cell {
        Some(cell) => format!("[images.\"{name}\"] with {cell}"),
        None => format!("[images.{name}]"),
    }
}

fn check_format(format: Option<&Spanned<i64>>) -> Result<(), Mistake> {
    match format {
        None => Err(Mistake::nowhere(MistakeKind::NoFormat)),
        Some(format) if *format.as_ref() != i64::from(FORMAT) => {
            Err(at(format.span(), MistakeKind::Format(*format.as_ref())))
        }
        Some(_) => Ok(()),
    }
}
