//! One image of a case: what fp reads in the work tree, and what BuildKit makes of that and of a
//! clean clone.

use std::path::Path;

use fp::config::{self, Project};
use fp::context::StagedContext;
use fp::environment::Environment;
use fp::inputs::{self, Inputs};
use fp::interrupt::Interrupt;
use fp::record;
use tempfile::TempDir;

use super::builder::{self, Builder, Client, Engine, FileTree, differences};
use super::case::{Case, Image};
use crate::support::Tree;

pub(super) struct Comparison<'a> {
    case: &'a Case,
    engine: &'a Engine,
    image: &'a Image,
    clone: &'a Path,
    project: Project,
    name: String,
    home: TempDir,
    staging: TempDir,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        case: &'a Case,
        engine: &'a Engine,
        index: usize,
        planted: &Tree,
        clone: &'a Path,
    ) -> Result<Self, String> {
        let file = planted.path("fingerprint.toml");
        Ok(Comparison {
            case,
            engine,
            image: &case.images[index],
            clone,
            project: Project::read(&file, &environment(), |_, _| {
                Ok::<_, config::Error>(Vec::new())
            })
            .map_err(|error| error.to_string())?,
            name: Image::name(index),
            home: builder::home(),
            staging: tempfile::tempdir().expect("a folder for contexts"),
        })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let inputs = self.inputs()?;
        self.check_inputs(&inputs)?;
        let target = self.image.target.as_deref();
        let full = self
            .full()
            .map_err(|said| format!("the full build: {said}"))?;
        let sealed = self
            .sealed(Client::Buildx, &inputs, target)
            .map_err(|said| format!("the sealed build: {said}"))?;
        same("full build | sealed build", &full, &sealed)?;
        self.check_slice(&inputs, &sealed)?;
        for index in 0..inputs.entries.len() {
            self.check_loss(&inputs, index, &sealed)?;
        }
        Ok(())
    }

    fn inputs(&self) -> Result<Inputs, String> {
        let image = self.image();
        let read = inputs::read(
            self.project.root(),
            image,
            &environment(),
            None,
            &inputs::Known::default(),
        );
        read.map_err(|error| error.to_string())
    }

    fn check_inputs(&self, inputs: &Inputs) -> Result<(), String> {
        let paths = inputs.entries.iter().map(|input| input.path.as_bytes());
        let mut derived: Vec<_> = paths.map(record::escaped).collect();
        let mut expected = self.image.inputs.clone();
        derived.sort_unstable();
        expected.sort_unstable();
        match derived == expected {
            true => Ok(()),
            false => Err(format!("inputs: {derived:?} instead of {expected:?}")),
        }
    }

    /// The slice is the one that the case names; the whole Dockerfile gives the same.
    fn check_slice(&self, inputs: &Inputs, sealed: &FileTree) -> Result<(), String> {
        let whole = &self.case.dockerfile;
        let expected = self.image.slice.as_ref().unwrap_or(whole);
        let slice = String::from_utf8_lossy(&inputs.slice);
        if slice != *expected {
            return Err(format!("the slice is {slice:?} instead of {expected:?}"));
        }
        let mut unsliced = copy(inputs);
        unsliced.slice = whole.clone().into_bytes();
        let target = self.image.target.as_deref();
        let built = self
            .sealed(self.quick_client(), &unsliced, target)
            .map_err(|said| format!("the whole Dockerfile: {said}"))?;
        same("slice | whole Dockerfile", sealed, &built)
    }

    /// Without one of its inputs the build fails, or its tree differs.
    fn check_loss(&self, inputs: &Inputs, index: usize, sealed: &FileTree) -> Result<(), String> {
        let mut fewer = copy(inputs);
        let lost = fewer.entries.remove(index).path;
        if self.image.spare.contains(&record::escaped(lost.as_bytes())) {
            return Ok(());
        }
        let build = |inputs: &Inputs, stage| self.sealed(self.quick_client(), inputs, stage);
        let built = build(&fewer, self.image.target.as_deref());
        if built.is_err() || built.is_ok_and(|built| built != *sealed) {
            return Ok(());
        }
        for stage in &self.image.stages {
            let whole = build(inputs, Some(stage)).map_err(|said| format!("{stage}: {said}"))?;
            if build(&fewer, Some(stage)).map_or(true, |fewer| fewer != whole) {
                return Ok(());
            }
        }
        Err(format!("the same is built without {lost}"))
    }

    /// What BuildKit makes of everything in a clean clone.
    fn full(&self) -> Result<FileTree, String> {
        let [dockerfile, context] =
            [&self.case.path, &self.case.context].map(|path| self.clone.join(path));
        let target = self.image.target.as_deref();
        self.build(Client::Buildx, &dockerfile, &context, target)
    }

    /// What BuildKit makes of the slice and the sealed context.
    fn sealed(
        &self,
        client: Client,
        inputs: &Inputs,
        stage: Option<&str>,
    ) -> Result<FileTree, String> {
        let (root, staging) = (self.project.root(), self.staging.path());
        let interrupt = Interrupt::never();
        let staged = StagedContext::stage(root, self.image(), inputs, staging, &interrupt)
            .map_err(|error| error.to_string())?;
        self.build(client, staged.dockerfile(), &staged.context(), stage)
    }

    fn build(
        &self,
        client: Client,
        dockerfile: &Path,
        context: &Path,
        target: Option<&str>,
    ) -> Result<FileTree, String> {
        let builder = Builder {
            engine: self.engine,
            client,
            image: self.image,
            home: self.home.path(),
        };
        builder.build(dockerfile, context, target)
    }

    /// The client for the many builds that lack an input. It has also to make of the sealed context
    /// what the other makes.
    fn quick_client(&self) -> Client {
        let is_ascii = self.image.inputs.iter().all(|path| path.is_ascii());
        match self.engine.is_any && is_ascii && self.image.platforms.len() < 2 {
            true => Client::BuiltIn,
            false => Client::Buildx,
        }
    }

    fn image(&self) -> &fp::config::Image {
        let image = self.project.one(Some(&self.name));
        image.expect("the configuration was read with this image")
    }
}

fn same(what: &str, one: &FileTree, other: &FileTree) -> Result<(), String> {
    let differences = differences(one, other);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!("{what}:{differences}")),
    }
}

fn copy(inputs: &Inputs) -> Inputs {
    Inputs {
        slice: inputs.slice.clone(),
        hints: inputs.hints.clone(),
        args: inputs.args.clone(),
        entries: inputs.entries.clone(),
    }
}

/// All that fp needs here is to find git.
fn environment() -> Environment {
    let path = std::env::var_os("PATH").unwrap_or_default();
    [("PATH", path)].into_iter().collect()
}
