//! The builder that `docker buildx` uses: the engine's own, or another one that the user has named.

use std::ffi::OsStr;

use super::arguments::words;
use super::{Builder, Docker, cache};
use crate::engine::{CacheAbility, Error};

/// What `docker buildx inspect` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Driver {
    /// `docker` for the engine's own, or `docker-container`, `kubernetes`, `remote`.
    kind: String,
    /// Whether one of its nodes can be reached now.
    is_running: bool,
}

impl Docker {
    /// Asks which builder is used. It is asked until it has answered.
    pub(super) async fn driver(&self) -> Result<&Driver, Error> {
        self.driver.get_or_try_init(|| self.ask_for_driver()).await
    }

    async fn ask_for_driver(&self) -> Result<Driver, Error> {
        let question = self.invocation(words(&["buildx", "inspect"]));
        let output = self.ask_successfully(&question).await?;
        Ok(driver(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Makes sure that the builder which the user has named can be used. One that buildx can start is
    /// started by the build.
    pub(super) async fn check_named_builder(&self, builder: Builder) -> Result<(), Error> {
        let Some(name) = self.named_builder() else {
            return Ok(());
        };
        if builder == Builder::BuiltIn {
            return Err(Error::BuilderWithoutBuildx { name });
        }
        let driver = self.driver().await?;
        match driver.kind == "remote" && !driver.is_running {
            true => Err(Error::BuilderAway { name }),
            false => Ok(()),
        }
    }

    /// The builder that BUILDX_BUILDER names.
    fn named_builder(&self) -> Option<String> {
        let name = self.environment.get(OsStr::new("BUILDX_BUILDER"))?;
        let name = name.to_string_lossy().into_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Which caches a build with buildx can write.
    pub async fn cache_ability(&self) -> Result<CacheAbility, Error> {
        if !self.driver().await?.is_engines_own() {
            return Ok(CacheAbility::All);
        }
        let question = self
            .invocation(words(&["info", "--format", "{{json .DriverStatus}}"]))
            .brief();
        let output = self.ask_successfully(&question).await?;
        Ok(match cache::is_containerd_store(&output) {
            true => CacheAbility::All,
            false => CacheAbility::Inline,
        })
    }
}

impl Driver {
    /// Whether it is the builder that is part of the engine.
    pub(super) fn is_engines_own(&self) -> bool {
        self.kind == "docker"
    }
}

/// Reads `docker buildx inspect`: the builder, and then its nodes.
fn driver(answer: &str) -> Driver {
    let value = |key: &str| {
        let mut lines = answer.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.unwrap_or_default().trim().to_owned()
    };
    let mut nodes = answer
        .lines()
        .filter_map(|line| line.strip_prefix("Status:"));
    Driver {
        kind: value("Driver"),
        is_running: nodes.any(|status| status.trim() == "running"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Driver, driver};

    #[test]
    fn the_builder_comes_before_its_nodes() {
        let answer = "Name:          far\nDriver:        remote\nLast Activity: 2026-11-28 19:43:12 +0000 UTC\n\n\
                      Nodes:\nName:             far0\nEndpoint:         tcp://127.0.0.1:1\nStatus:           running\n\
                      Labels:\n Driver: docker\n";
        let expected = Driver {
            kind: "remote".to_owned(),
            is_running: true,
        };
        assert_eq!(driver(answer), expected);
        assert!(!driver(&answer.replace("running", "inactive")).is_running);
        assert!(!driver(answer).is_engines_own());
        assert!(driver(&answer.replace("remote", "docker")).is_engines_own());
        assert!(!driver("Name: x\n").is_engines_own());
    }
}
