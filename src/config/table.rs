//! Tables before they get a type: what they leave to `[defaults]`, and the names of a matrix in their
//! texts.
//!
//! Every value keeps its place in the file. Working on TOML instead of on the types means that a new
//! key can be a default, and have names in it, from its first day.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::matrix::Cell;
use super::mistake::{Mistake, at};
use super::room::Room;
use super::{template, written};

/// Keys whose texts are templates with placeholders of their own.
const TEMPLATES: [&str; 3] = ["repository", "tag", "aliases"];

/// `[images.NAME]`, or another table of that shape, with its place.
pub(super) type Table<'i> = Spanned<DeTable<'i>>;

/// The table called `key`; none if there is no such table.
pub(super) fn named<'a, 'i>(outer: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    outer.get(key)?.as_ref().as_table()
}

/// The table with the type of an image's.
pub(super) fn typed(table: Table<'_>) -> Result<written::Image, Mistake> {
    let span = table.span();
    let value = Spanned::new(span, DeValue::Table(table.into_inner()));
    written::Image::deserialize(value.into_deserializer()).map_err(Mistake::from)
}

/// `own`, with what it leaves to `defaults`. A table in it gets the names that it lacks; anything else
/// that it has takes the place of the default.
pub(super) fn with_defaults<'i>(mut own: DeTable<'i>, defaults: &DeTable<'i>) -> DeTable<'i> {
    for (key, default) in defaults {
        let key_text: &str = key.as_ref();
        match (own.get_mut(key_text).map(Spanned::as_mut), default.as_ref()) {
            (None, _) => {
                own.insert(key.clone(), default.clone());
            }
            (Some(DeValue::Table(own)), DeValue::Table(default)) => {
                for (name, value) in default {
                    if !own.contains_key::<str>(name.as_ref()) {
                        own.insert(name.clone(), value.clone());
                    }
                }
            }
            (Some(_), _) => {}
        }
    }
    own
}

/// The table with the names of `cell` replaced in all texts but those of its matrix.
pub(super) fn of_cell<'i>(
    table: &DeTable<'i>,
    cell: &Cell,
    room: &Room,
) -> Result<DeTable<'i>, Mistake> {
    // The matrix itself can be as large as all that is made by it.
    let rest = table.iter().filter(|(key, _)| key.as_ref() != "matrix");
    let mut table = DeTable::new();
    for (key, value) in rest {
        room.spend_entry(key.as_ref(), value.as_ref())
            .map_err(|full| at(key.span(), full))?;
        table.insert(key.clone(), value.clone());
    }
    for (key, value) in &mut table {
        let fill = match TEMPLATES.contains(&key.as_ref().as_ref()) {
            true => template::fill_template,
            false => template::fill,
        };
        replace(value, &|text| fill(text, cell, room))?;
    }
    Ok(table)
}

fn replace(
    value: &mut Spanned<DeValue<'_>>,
    fill: &dyn Fn(&str) -> Result<String, template::Error>,
) -> Result<(), Mistake> {
    let span = value.span();
    match value.as_mut() {
        DeValue::String(text) => {
            let filled = fill(text).map_err(|error| at(span, error))?;
            *text = Cow::Owned(filled);
        }
        DeValue::Array(values) => {
            for value in values.iter_mut() {
                replace(value, fill)?;
            }
        }
        DeValue::Table(table) => {
            for (_, value) in table {
                replace(value, fill)?;
            }
        }
        _ => {}
    }
    Ok(())
}
