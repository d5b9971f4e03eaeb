//! The outside world for the commands that need it: the runtime, the registry, the engine, signals.

use std::path::PathBuf;

use tokio::runtime::{Builder, Runtime};

use super::failure::Failure;
use super::workspace::Workspace;
use crate::config::{EngineChoice, Isolation};
use crate::engine::docker::Docker;
use crate::engine::podman::Podman;
use crate::engine::{Engine, Program};
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
    isolation: Option<Isolation>,
    pub(super) interrupt: Interrupt,
    runtime: Runtime,
    registry: registry::Client,
    turns: Turns,
    temporary: PathBuf,
}

impl<'a> Outside<'a> {
    /// Starts the runtime. Nothing is asked yet, but from here on SIGINT, SIGTERM and SIGHUP are
    /// noted instead of ending the process. `engine` is what the user asked for, whatever is configured.
    pub(super) fn open(
        workspace: &'a Workspace,
        engine: Option<EngineChoice>,
    ) -> Result<Self, Failure> {
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
            engine: engine.unwrap_or(workspace.project.engine),
            isolation: workspace.project.isolation,
            builder: None,
            interrupt: Interrupt::listen().map_err(Failure::Runtime)?,
            runtime,
            registry: registry::Client::new(settings),
            turns: Turns::new(environment, &temporary),
            temporary,
        })
    }

    /// The same with another builder than the environment names.
    ///
    /// Only docker knows builders by their names, so that no other engine is asked.
    pub(super) fn with_builder(self, builder: Option<&'a str>) -> Result<Self, Failure> {
        let engine = match (builder, self.engine) {
            (Some(_), EngineChoice::Podman) => return Err(Failure::BuilderOfPodman),
            (Some(_), EngineChoice::Auto) => EngineChoice::Docker,
            (_, engine) => engine,
        };
        Ok(Outside {
            engine,
            builder,
            ..self
        })
    }

    /// Runs `work`. Nothing is left running afterwards but what the system's resolver may still be
    /// waiting for.
    pub(super) fn run(
        self,
        work: impl AsyncFnOnce(&World<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let result = self.runtime.block_on(async {
            work(&World {
                registry: &self.registry,
                engine: &self.engine(),
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

    fn engine(&self) -> Engine {
        let variables = || {
            let variables = self.environment.iter();
            variables.map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let builder = || {
            let builder = self.builder.iter();
            builder.map(|name| ("BUILDX_BUILDER".into(), name.into()))
        };
        let docker = || {
            let variables = variables().chain(builder());
            Program::Docker(Docker::new(variables, self.interrupt.clone()))
        };
        let podman = || {
            Program::Podman(Podman::new(
                variables(),
                self.isolation.map(Isolation::name),
                self.temporary.clone(),
                self.interrupt.clone(),
            ))
        };
        match self.engine {
            EngineChoice::Auto => Engine::first_of(vec![docker(), podman()]),
            EngineChoice::Docker => Engine::only(docker()),
            EngineChoice::Podman => Engine::only(podman()),
        }
    }
}
