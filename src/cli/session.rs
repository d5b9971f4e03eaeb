//! What every command starts from: the configuration and the environment.

use std::path::PathBuf;

use super::failure::Failure;
use crate::config::{self, Image, Project};
use crate::environment::Environment;
use crate::inputs::{self, Inputs};
use crate::record::Record;

/// One run of `fp`.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) environment: Environment,
    pub(super) project: Project,
}

impl Session {
    /// Reads the configuration: `file` if it is given, else the nearest one.
    pub(super) fn open(file: Option<PathBuf>, environment: Environment) -> Result<Self, Failure> {
        let file = match file {
            Some(file) => file,
            None => {
                let folder = std::env::current_dir().map_err(Failure::CurrentFolder)?;
                config::locate(&folder)?
            }
        };
        let project = Project::read(&file, &environment)?;
        Ok(Session { environment, project })
    }

    /// Reads what goes into `image`.
    pub(super) fn inputs(&self, image: &Image) -> Result<Inputs, Failure> {
        let read = inputs::read(self.project.root(), image, &self.environment);
        read.map_err(|source| Failure::Inputs { image: image.name.clone(), source })
    }

    /// The record of `image`.
    pub(super) fn record(&self, image: &Image) -> Result<Record, Failure> {
        Ok(self.inputs(image)?.record(image))
    }
}
