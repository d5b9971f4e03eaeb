//! How much the tables of a file may become by unrolling.
//!
//! A short file can ask for very much: each image gets what `[defaults]` says, and each cell of a matrix the
//! texts of its table, with long ones in the place of its names. What is made is counted before it is made, so
//! that a mistake ends as one and not as a machine without memory.

use std::cell::Cell;

use toml::de::{DeTable, DeValue};

/// How many bytes all tables of a file may become together.
const MOST: usize = 16 << 20;

/// What a value counts for beside its text: it takes some memory.
const VALUE: usize = 32;

/// More than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tables become more than {} MiB once names are replaced and defaults are added", MOST >> 20)]
pub struct Full;

/// The room that is left.
#[derive(Debug)]
pub(super) struct Room {
    left: Cell<usize>,
}

impl Default for Room {
    fn default() -> Self {
        Room {
            left: Cell::new(MOST),
        }
    }
}

impl Room {
    /// Takes room for so many bytes.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Full> {
        let left = self.left.get().checked_sub(bytes).ok_or(Full)?;
        self.left.set(left);
        Ok(())
    }

    /// Takes room for another copy of a table.
    pub(super) fn spend_copy(&self, table: &DeTable<'_>) -> Result<(), Full> {
        for (key, value) in table {
            self.spend_entry(key.as_ref(), value.as_ref())?;
        }
        Ok(())
    }

    /// Takes room for another copy of a key with its value.
    pub(super) fn spend_entry(&self, key: &str, value: &DeValue<'_>) -> Result<(), Full> {
        self.spend(VALUE + key.len())?;
        self.spend_value(value)
    }

    fn spend_value(&self, value: &DeValue<'_>) -> Result<(), Full> {
        match value {
            DeValue::String(text) => self.spend(text.len()),
            DeValue::Array(values) => values.iter().try_for_each(|value| {
                self.spend(VALUE)?;
                self.spend_value(value.as_ref())
            }),
            DeValue::Table(table) => self.spend_copy(table),
            _ => Ok(()),
        }
    }
}
