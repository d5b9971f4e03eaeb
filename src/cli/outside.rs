//! The outside world for the commands that need it: the runtime, the registry, the engine, signals.

use std::path::PathBuf;

use tokio::runtime::{Builder, Runtime};

use super::failure::Failure;
use super::workspace::Workspace;
use crate::config::EngineChoice;
use crate::engine::Engine;
use crate::engine::docker::Docker;
use crate::ensure::{Turns, World};
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::registry;

/// Everything that is needed to ask a registry and an engine.
pub(super) struct Outside<'a> {
    environment: &'a Environment,
    engine: EngineChoice,
    /// Which builder builds, if that was asked for.
    builder: Option<&'a str>,
    pub(super) interrupt: Interrupt,
    runtime: Runtime,
    registry: registry::Client,
    turns: Turns,
    temporary: PathBuf,
}

impl<'a> Outside<'a> {
    /// Starts the runtime. Nothing is asked yet, but from here on SIGINT, SIGTERM and SIGHUP are
    /// noted instead of ending the process.
    pub(super) fn open(workspace: &'a Workspace) -> Result<Self, Failure> {
        let environment = &workspace.environment;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::Runtime)?;
        let settings = registry::Settings {
            plain_http: workspace.project.plain_http().clone(),
            ..registry::Settings::of(environment)?
        };
        let temporary = environment
            .temporary_folder()
            .map_err(Failure::CurrentFolder)?;
        Ok(Outside {
            environment,
            engine: workspace.project.engine,
            builder: None,
            interrupt: Interrupt::listen().map_err(Failure::Runtime)?,
            runtime,
            registry: registry::Client::new(settings),
            turns: Turns::new(environment, &temporary),
            temporary,
        })
    }

    /// The same with another builder than the environment names.
    pub(super) fn with_builder(self, builder: Option<&'a str>) -> Self {
        Outside { builder, ..self }
    }

    /// Runs `work`. Nothing is left running afterwards but what the system's resolver may still be
    /// waiting for.
    pub(super) fn run(
        self,
        work: impl AsyncFnOnce(&World<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let result = self.runtime.block_on(async {
            let variables = self.environment.iter();
            let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let builder = self
                .builder
                .map(|name| ("BUILDX_BUILDER".into(), name.into()));
            let owned = owned.chain(builder);
            let engine = match self.engine {
                EngineChoice::Auto | EngineChoice::Docker => {
                    Engine::Docker(Docker::new(owned, self.interrupt.clone()))
                }
            };
            work(&World {
                registry: &self.registry,
                engine: &engine,
                environment: self.environment,
                interrupt: &self.interrupt,
                turns: &self.turns,
                temporary: &self.temporary,
            })
            .await
        });
        self.runtime.shutdown_background();
        result
    }
}
