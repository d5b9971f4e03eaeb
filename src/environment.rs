//! The environment variables that fp was started with, read once and handed on as a value.
//!
//! Nothing below the command line reads the process's own environment, so that every answer is a
//! function of what it was given.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

/// Names and values of environment variables.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

/// A variable whose value is no UTF-8 and so cannot be used as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not valid UTF-8")]
pub struct NotText(pub String);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Environment(std::env::vars_os().collect())
    }

    /// The value of `name`, whatever its bytes; `None` if it is unset.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value of `name` as text; `None` if it is unset or empty.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotText> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text)),
                None => Err(NotText(name.to_owned())),
            },
        }
    }

    /// The absolute path of the folder for temporary files.
    ///
    /// # Errors
    ///
    /// The variable names a relative one, and the current folder cannot be told.
    pub fn temporary_folder(&self) -> io::Result<PathBuf> {
        match self.get("TMPDIR") {
            Some(folder) if !folder.is_empty() => std::path::absolute(folder),
            _ => Ok(PathBuf::from("/tmp")),
        }
    }

    /// All variables, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Environment(
            variables
                .into_iter()
                .map(|(n, v)| (n.into(), v.into()))
                .collect(),
        )
    }
}
