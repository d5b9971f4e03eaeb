//! The secrets of a build, looked up when it starts. That one is missing is an error here: the builder
//! would go on without it.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::Job;
use crate::config::{MachinePath, SecretSource};
use crate::engine::{Secret, SecretValue, SshKey};
use crate::environment::Environment;

/// Why there is no secret or key. Its value is in no message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the environment variable {0} is not set")]
    Unset(String),
    #[error("cannot read {}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{0} lies in the home folder, and HOME is not set")]
    NoHome(String),
    #[error("no ssh agent is known: SSH_AUTH_SOCK is not set")]
    NoAgent,
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            Error::Unset(name) => format!("set {name}; it may be empty"),
            Error::Unreadable { .. } => {
                "put the file there, or name another one in the configuration".to_owned()
            }
            Error::NoHome(_) => "set HOME".to_owned(),
            Error::NoAgent => {
                "start one (`eval \"$(ssh-agent)\"; ssh-add`), or name a key: `ssh = [\"default=~/.ssh/id_ed25519\"]`"
                    .to_owned()
            }
        }
    }
}

/// The secrets of the job's image.
pub(super) fn secrets(
    job: &Job<'_>,
    environment: &Environment,
) -> Result<Vec<Secret>, super::Error> {
    let secrets = job.image.secrets.iter();
    secrets
        .map(|(id, source)| {
            let value = match source {
                SecretSource::Environment(name) => text(name, environment),
                SecretSource::File(path) => readable(job, path, environment).map(SecretValue::File),
            };
            let value = value.map_err(of(id))?;
            let id = id.clone();
            Ok(Secret { id, value })
        })
        .collect()
}

/// What signs in by ssh while the job's image is built.
pub(super) fn ssh_keys(
    job: &Job<'_>,
    environment: &Environment,
) -> Result<Vec<SshKey>, super::Error> {
    let keys = job.image.ssh.iter();
    keys.map(|ssh| {
        let file = match &ssh.key {
            Some(path) => readable(job, path, environment).map(Some),
            None => agent(environment).map(|()| None),
        };
        let file = file.map_err(of(&ssh.id))?;
        let id = ssh.id.clone();
        Ok(SshKey { id, file })
    })
    .collect()
}

fn of(id: &str) -> impl FnOnce(Error) -> super::Error {
    let id = id.to_owned();
    |source| super::Error::Secret { id, source }
}

fn text(name: &str, environment: &Environment) -> Result<SecretValue, Error> {
    let value = environment.get(name);
    let value = value.ok_or_else(|| Error::Unset(name.to_owned()))?;
    Ok(SecretValue::Text(value.to_owned()))
}

fn readable(
    job: &Job<'_>,
    path: &MachinePath,
    environment: &Environment,
) -> Result<PathBuf, Error> {
    let home = environment.get("HOME");
    let resolved = path.resolve(job.root, home);
    let path = resolved.ok_or_else(|| Error::NoHome(path.as_str().to_owned()))?;
    let is_file = path.metadata().map(|metadata| metadata.is_file());
    match is_file.and_then(|is_file| match is_file {
        // A FIFO would be waited for.
        true => File::open(&path).map(drop),
        false => Err(io::Error::other("it is no regular file")),
    }) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::Unreadable { path, source }),
    }
}

fn agent(environment: &Environment) -> Result<(), Error> {
    match environment.get("SSH_AUTH_SOCK") {
        Some(socket) if !socket.is_empty() => Ok(()),
        _ => Err(Error::NoAgent),
    }
}
