//! What a build needs on this machine, beside its inputs and the images that it is built on: looked for
//! before anything is built, so that what is missing costs nothing.

use std::sync::Arc;

use super::trust::is_in_github_actions;
use super::{Error, Job, World, secrets};
use crate::config::CacheKind;
use crate::context::StagedContext;
use crate::dockerfile;
use crate::engine::{About, Builder, Demand, Secret, SshKey};

/// What the build of an image needs, for all its platforms.
pub(super) struct Means {
    pub(super) engine: About,
    /// The engine's way to build.
    pub(super) builder: Builder,
    pub(super) secrets: Vec<Secret>,
    pub(super) ssh: Vec<SshKey>,
}

/// Looks for all that the build of `job` needs; `publish` says whether the image is to be published.
pub(super) async fn means(job: &Job<'_>, world: &World<'_>, publish: bool) -> Result<Means, Error> {
    let engine = world
        .engine
        .engine()
        .await
        .map_err(Error::of_engine(Error::EngineUnknown))?;
    job.build_platform(&engine.platform, publish)?;
    let builder = world
        .engine
        .builder(&engine)
        .await
        .map_err(Error::of_engine(Error::Build))?;
    let demand = Demand {
        contexts: !job.image.needs.is_empty(),
        heredocs: dockerfile::has_heredocs(&job.inputs.slice),
        writable_mounts: dockerfile::has_writable_mounts(&job.inputs.slice),
        frontend: dockerfile::has_other_frontend(&job.inputs.slice),
        // Elsewhere it is left out, whatever the engine.
        gha: job.image.cache.kind == CacheKind::Gha && is_in_github_actions(world.environment),
    };
    let checked = world.engine.check(&demand).await;
    checked.map_err(Error::of_engine(Error::Build))?;
    Ok(Means {
        secrets: secrets::secrets(job, world.environment)?,
        ssh: secrets::ssh_keys(job, world.environment)?,
        engine,
        builder,
    })
}

/// Stages the sealed context. Copying blocks, and this thread has to act upon signals, so another one
/// copies.
pub(super) async fn stage(job: &Job<'_>, world: &World<'_>) -> Result<StagedContext, Error> {
    let (root, image) = (job.root.to_path_buf(), job.image.clone());
    let (inputs, interrupt) = (Arc::clone(&job.inputs), world.interrupt.clone());
    let temporary = world.temporary.to_path_buf();
    let copying = move || StagedContext::stage(&root, &image, &inputs, &temporary, &interrupt);
    let staged = tokio::task::spawn_blocking(copying).await;
    Ok(staged.expect("staging does not panic")?)
}
