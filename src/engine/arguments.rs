//! What the argument lists for the engines' programs have in common. Pure.

use std::ffi::{OsStr, OsString};

use super::{Secret, SecretValue, SshKey};

/// A list in the making.
#[derive(Default)]
pub(super) struct List(pub(super) Vec<OsString>);

impl List {
    pub(super) fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    pub(super) fn pair(&mut self, flag: &str, value: impl AsRef<OsStr>) {
        self.0.push(flag.into());
        self.0.push(value.as_ref().into());
    }
}

pub(super) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// The variables in which a build's secrets are handed over. They have names of fp's own, so that none
/// of the user's variables reaches the engine's program by being a secret.
pub(super) fn secret_variables(
    secrets: &[Secret],
) -> impl Iterator<Item = (OsString, OsString)> + '_ {
    let variables = secrets.iter().enumerate();
    variables.filter_map(|(index, secret)| match &secret.value {
        SecretValue::File(_) => None,
        SecretValue::Text(text) => Some((secret_variable(index).into(), text.clone())),
    })
}

/// The name of the variable in which the secret at `index` is handed over.
pub(super) fn secret_variable(index: usize) -> String {
    format!("FP_SECRET_{index}")
}

/// The value of `--ssh`, which docker and podman read alike.
pub(super) fn ssh_flag(key: &SshKey) -> OsString {
    let mut flag = OsString::from(&key.id);
    if let Some(file) = &key.file {
        flag.push("=");
        flag.push(file);
    }
    flag
}
