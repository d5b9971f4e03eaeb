//! What a build may see and an image must not hold: secrets and ssh keys, by where they come from.
//!
//! They are named here and looked at only by a build, so that no other command needs them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::mistake::{Mistake, MistakeKind, at};
use super::template::is_variable_name;
use super::written;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The content of this file.
    File(MachinePath),
    /// The value of this environment variable.
    Environment(String),
}

/// What signs in by ssh while an image is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// As `RUN --mount=type=ssh,id=…` names it.
    pub id: String,
    /// The file of a key; the agent that SSH_AUTH_SOCK leads to if there is none.
    pub key: Option<MachinePath>,
}

/// A path that may lead out of the root, since what it names belongs to a machine: absolute, `~/…`, or
/// relative to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachinePath(String);

impl MachinePath {
    pub(super) fn parse(text: &str) -> Result<Self, MistakeKind> {
        match text {
            "" => Err(MistakeKind::NoSecretFile),
            _ if text.contains('\0') => Err(MistakeKind::Nul),
            _ => Ok(MachinePath(text.to_owned())),
        }
    }

    /// The absolute path; `None` if it lies in the home folder and there is none.
    pub fn resolve(&self, root: &Path, home: Option<&OsStr>) -> Option<PathBuf> {
        match self.0.strip_prefix("~/") {
            Some(inside) => home.map(|home| root.join(home).join(inside)),
            None => Some(root.join(&self.0)),
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Resolves one entry of `secrets`.
pub(super) fn secret(
    (id, secret): (&Spanned<String>, &Spanned<written::Secret>),
) -> Result<(String, SecretSource), Mistake> {
    check_id(id.as_ref()).map_err(|kind| at(id.span(), kind))?;
    let secret_of = |written: &written::Secret| match (&written.env, &written.file) {
        (Some(name), None) if is_variable_name(name) => Ok(SecretSource::Environment(name.clone())),
        (Some(name), None) => Err(MistakeKind::VariableName(name.clone())),
        (None, Some(file)) => MachinePath::parse(file).map(SecretSource::File),
        _ => Err(MistakeKind::SecretTable),
    };
    let source = secret_of(secret.as_ref()).map_err(|kind| at(secret.span(), kind))?;
    Ok((id.as_ref().clone(), source))
}

/// Resolves `ssh`. No two entries may have the same id: builders take one of them, and which is up to them.
pub(super) fn ssh(written: &[Spanned<String>]) -> Result<Vec<Ssh>, Mistake> {
    let mut keys: Vec<Ssh> = Vec::new();
    for text in written {
        let key = ssh_key(text)?;
        if keys.iter().any(|other| other.id == key.id) {
            return Err(at(text.span(), MistakeKind::RepeatedSsh(key.id)));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Resolves one entry: `ID` or `ID=FILE`.
fn ssh_key(text: &Spanned<String>) -> Result<Ssh, Mistake> {
    let (id, key) = match text.as_ref().split_once('=') {
        Some((id, key)) => (id, Some(key)),
        None => (text.as_ref().as_str(), None),
    };
    let parse = || {
        check_id(id)?;
        // docker takes a comma for the end of a path.
        if key.is_some_and(|key| key.contains(',')) {
            return Err(MistakeKind::SshComma);
        }
        let key = key.map(MachinePath::parse).transpose()?;
        let id = id.to_owned();
        Ok(Ssh { id, key })
    };
    parse().map_err(|kind| at(text.span(), kind))
}

fn check_id(id: &str) -> Result<(), MistakeKind> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !id.is_empty() && id.chars().all(is_plain) {
        true => Ok(()),
        false => Err(MistakeKind::SecretId(id.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::{Path, PathBuf};

    use super::MachinePath;

    #[test]
    fn paths_of_a_machine_start_at_its_top_the_home_or_the_root() {
        let resolve = |text: &str, home| {
            let path = MachinePath::parse(text).unwrap();
            path.resolve(Path::new("/root"), home)
        };
        let home = Some(OsStr::new("/home/a"));
        assert_eq!(
            resolve("~/.npmrc", home),
            Some(PathBuf::from("/home/a/.npmrc"))
        );
        assert_eq!(resolve("/etc/key", None), Some(PathBuf::from("/etc/key")));
        assert_eq!(resolve("key", None), Some(PathBuf::from("/root/key")));
        assert_eq!(resolve("~/.npmrc", None), None);
        assert!(MachinePath::parse("").is_err());
    }
}
