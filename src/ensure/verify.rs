//! The user's own checks of a built image: commands that have to succeed in it before it gets a name.

use tempfile::TempDir;

use super::{Error, Event, Job, Tell, World, engine_lines};
use crate::context;
use crate::engine::LocalImage;

/// Runs the commands of `verify` in `image`, one after the other, up to the first that fails.
pub(super) async fn verify(
    job: &Job<'_>,
    world: &World<'_>,
    image: &LocalImage,
    tell: &mut Tell<'_>,
) -> Result<(), Error> {
    if job.image.verify.is_empty() {
        return Ok(());
    }
    let scratch = scratch(world)?;
    for command in &job.image.verify {
        tell(Event::Verifying(command));
        let mut show = engine_lines(tell);
        let run = world.engine.run(image, command, scratch.path(), &mut show);
        run.await.map_err(Error::of_engine(|source| Error::Verify {
            command: command.clone(),
            source,
        }))?;
    }
    Ok(())
}

fn scratch(world: &World<'_>) -> Result<TempDir, Error> {
    let mut folder = tempfile::Builder::new();
    let folder = folder.prefix("fp-").tempdir_in(world.temporary);
    folder.map_err(|source| {
        Error::Context(context::Error::Folder {
            folder: world.temporary.to_path_buf(),
            source,
        })
    })
}
