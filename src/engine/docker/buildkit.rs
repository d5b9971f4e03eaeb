//! The way to BuildKit: which of docker's there is, what it cannot do, and how it forgets what it has lost.

use std::time::Duration;

use super::arguments::words;
use super::{Builder, Docker, answers};
use crate::engine::{About, Demand, Error, process};

/// How long all of docker's plugins may take to say what they are.
const PLUGINS_LIMIT: Duration = Duration::from_secs(5);

/// How long a step may take to be forgotten: what it had made is removed with it.
const PRUNING_LIMIT: Duration = Duration::from_secs(30);

impl Docker {
    /// Finds the way to BuildKit, and makes sure that the builder can be used which the user has named.
    pub async fn builder(&self, engine: &About) -> Result<Builder, Error> {
        let find = async || {
            let builder = match self.buildx().await? {
                Some(buildx) => buildx,
                None if answers::has_built_in_buildkit(&engine.client) => Builder::BuiltIn,
                None => {
                    let client = engine.client.clone();
                    return Err(Error::NoBuildKit { client });
                }
            };
            self.check_named_builder(builder).await?;
            Ok(builder)
        };
        self.builder.get_or_try_init(find).await.copied()
    }

    /// Asks now what a build will ask: there will probably be one, and time until then.
    pub async fn expect_build(&self) {
        // Whoever builds asks again.
        let _ = self.buildx().await;
    }

    /// buildx, if the client has it.
    async fn buildx(&self) -> Result<Option<Builder>, Error> {
        let ask = async || {
            if let Some(found) = self.buildx_among_plugins().await? {
                return Ok(found);
            }
            let question = self.invocation(words(&["buildx", "version"])).brief();
            let output = self.capture(&question).await?;
            let version = String::from_utf8_lossy(&output.stdout);
            let is_there = output.status.success();
            Ok(is_there.then(|| answers::buildx_version(&version)))
        };
        self.buildx.get_or_try_init(ask).await.copied()
    }

    /// buildx as the client tells of its plugins, which is quicker than having it run one. `None` if that does not
    /// tell: the client is too old, or one of the plugins, each of which it asks, hangs.
    async fn buildx_among_plugins(&self) -> Result<Option<Option<Builder>>, Error> {
        let question = self
            .invocation(words(&["info", "--format", "{{json .ClientInfo}}"]))
            .brief();
        match process::capture(&question, PLUGINS_LIMIT, &self.interrupt).await {
            Ok(output) if output.status.success() => Ok(answers::buildx(&output.stdout).ok()),
            Err(process::Error::Interrupted(interrupted)) => Err(Error::Interrupted(interrupted)),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Fails if this docker cannot build what is demanded.
    pub async fn check(&self, demand: &Demand) -> Result<(), Error> {
        if demand.contexts && self.builder(&self.engine().await?).await? == Builder::BuiltIn {
            return Err(Error::NoContexts);
        }
        Ok(())
    }

    /// Has the builder forget a step whose snapshot it has lost, and nothing else; whether it did as it was told. Every
    /// build with that step would fail. It was seen after builds that were stopped or failed: BuildKit releases what a
    /// step has made and still takes the step for one that need not be run again (its pull requests 6808 and 6821 tell of
    /// such cases). A step that is in use is kept.
    pub(super) async fn forget_step(&self, builder: Builder, snapshot: &str) -> bool {
        let command = match builder {
            Builder::Buildx { .. } => "buildx",
            Builder::BuiltIn => "builder",
        };
        let id = format!("id={snapshot}");
        // Without `--all` a step that was not exported yet, on an image that the engine has, is taken for a part of that
        // image, and kept.
        let prune = [command, "prune", "--all", "--force", "--filter", &id];
        let prune = self.invocation(words(&prune)).brief();
        let pruned = process::capture(&prune, PRUNING_LIMIT, &self.interrupt).await;
        pruned.is_ok_and(|output| output.status.success())
    }
}
