//! What every command starts from: the configuration and the environment.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::failure::Failure;
use crate::config::{self, Image, Project};
use crate::ensure::trust::{is_ci, publishing};
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

    /// What ensure needs to know of the images called `names`, or of all. Their inputs are read before
    /// anything is asked or done.
    pub(super) fn jobs(&self, names: &[String], options: Options) -> Result<Vec<Job<'_>>, Failure> {
        let event = self.event();
        let images = self.project.several(names)?;
        images
            .into_iter()
            .map(|image| self.job(image, options, event.as_deref()))
            .collect()
    }

    fn job<'a>(
        &'a self,
        image: &'a Image,
        options: Options,
        event: Option<&str>,
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
            publishing: publishing(image.push, options.no_push, &self.environment, event),
            is_ci: is_ci(&self.environment),
            options,
        })
    }

    /// The text that describes the event that started CI, if there is one that can be read.
    fn event(&self) -> Option<String> {
        let path = self.environment.get("GITHUB_EVENT_PATH")?;
        fs::read_to_string(path).ok()
    }
}
