//! What every command starts from: the configuration and the environment.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::failure::Failure;
use crate::config::{self, Image, Project};
use crate::ensure::trust::Publishing;
use crate::ensure::{Job, Options};
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
        Ok(Session {
            environment,
            project,
        })
    }

    /// Reads what goes into `image`.
    pub(super) fn inputs(&self, image: &Image) -> Result<Inputs, Failure> {
        let read = inputs::read(self.project.root(), image, &self.environment);
        read.map_err(|source| Failure::Inputs {
            image: image.name.clone(),
            source,
        })
    }

    /// The record of `image`.
    pub(super) fn record(&self, image: &Image) -> Result<Record, Failure> {
        Ok(self.inputs(image)?.record(image))
    }

    /// What ensure needs to know of `image`.
    pub(super) fn job<'a>(
        &'a self,
        image: &'a Image,
        options: Options,
        publishing: Publishing,
    ) -> Result<Job<'a>, Failure> {
        let inputs = self.inputs(image)?;
        let fingerprint = inputs.record(image).fingerprint();
        Ok(Job {
            root: self.project.root(),
            image,
            inputs: Arc::new(inputs),
            fingerprint,
            repository: image.repository(),
            tag: image.tag(&fingerprint),
            publishing,
            options,
        })
    }

    /// The text that describes the event that started CI, if there is one that can be read.
    pub(super) fn event(&self) -> Option<String> {
        let path = self.environment.get("GITHUB_EVENT_PATH")?;
        fs::read_to_string(path).ok()
    }
}
