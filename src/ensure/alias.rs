//! Moving an alias: the manifest that a digest names is written under a moving tag, in the image's own
//! repository or in another one of its registry.

use super::{Error, Job, World};
use crate::config::AliasError;
use crate::reference::{Digest, Reference};
use crate::registry::{self, Lookup, PutOutcome};

/// What became of an alias.
#[derive(Debug)]
pub enum Moved {
    /// It stands for the image now.
    Moved,
    /// It did already; nothing was written.
    Kept,
    /// The registry does not let it be moved, as it said.
    Refused(registry::Error),
    /// The branch makes no alias.
    NoName(AliasError),
}

/// An alias, by its name, and what became of it.
pub type Named = (String, Moved);

/// Has the job's aliases stand for `digest`, its image, one after the other; `None` if they stay where they
/// are. They never stand for a part of an image.
pub async fn all(
    job: &Job<'_>,
    world: &World<'_>,
    digest: &Digest,
) -> Result<Option<Vec<Named>>, Error> {
    let branch = match &job.aliasing {
        Ok(branch) if job.whole.is_none() && !job.image.aliases.is_empty() => branch,
        _ => return Ok(None),
    };
    let mut done = Vec::new();
    for alias in &job.image.aliases {
        let moved = match alias.reference(&job.repository, Some(branch)) {
            Ok(reference) => {
                let moved = one(job, world, &reference, digest).await?;
                (shown(job, &reference), moved)
            }
            Err(error) => (alias.as_str().to_owned(), Moved::NoName(error)),
        };
        done.push(moved);
    }
    Ok(Some(done))
}

/// An alias in the image's own repository is named by its tag alone.
fn shown(job: &Job<'_>, reference: &Reference) -> String {
    match &reference.tag {
        Some(tag) if reference.repository == job.repository => tag.to_string(),
        _ => reference.to_string(),
    }
}

/// The digest of the job's image, as the registry has it.
pub async fn published(job: &Job<'_>, world: &World<'_>) -> Result<Digest, Error> {
    let reference = job.reference();
    let look_up = world.registry.look_up(&job.repository, &job.tag);
    match world.unless_interrupted(look_up).await? {
        Lookup::Present { digest } => Ok(digest),
        Lookup::Absent => Err(Error::Unpublished(reference)),
        Lookup::Unknown(source) => Err(Error::RegistryUnknown { reference, source }),
    }
}

/// Has `alias` stand for `digest`, the job's published image.
pub async fn one(
    job: &Job<'_>,
    world: &World<'_>,
    alias: &Reference,
    digest: &Digest,
) -> Result<Moved, Error> {
    let failed = |source| Error::Alias {
        alias: alias.clone(),
        source,
    };
    let tag = alias.tag.as_ref().expect("an alias has a tag");
    let look_up = async || {
        let look_up = world.registry.look_up(&alias.repository, tag);
        world.unless_interrupted(look_up).await
    };
    let before = match look_up().await? {
        Lookup::Present { digest: found } if found == *digest => return Ok(Moved::Kept),
        Lookup::Present { digest } => Some(digest),
        Lookup::Absent => None,
        // Perhaps its repository does not exist yet. An alias is overwritten anyway, and the write tells whether it may.
        Lookup::Unknown(error) if error.is_denied() => None,
        Lookup::Unknown(source) => return Err(failed(source)),
    };
    match world
        .unless_interrupted(write(job, world, alias, digest))
        .await?
        .map_err(failed)?
    {
        PutOutcome::Written | PutOutcome::Overtaken => {}
        PutOutcome::Refused(refusal) => return Ok(Moved::Refused(refusal)),
    }
    match look_up().await? {
        // If it is another one than before, somebody has moved it since.
        Lookup::Present { digest: found }
            if found == *digest || before.is_some_and(|before| before != found) =>
        {
            Ok(Moved::Moved)
        }
        Lookup::Present { .. } | Lookup::Absent => Err(Error::AliasNotWritten(alias.clone())),
        Lookup::Unknown(source) => Err(failed(source)),
    }
}

/// Writes the manifest that `digest` names under the alias. In another repository, what it names comes first.
async fn write(
    job: &Job<'_>,
    world: &World<'_>,
    alias: &Reference,
    digest: &Digest,
) -> Result<PutOutcome, registry::Error> {
    let tag = alias.tag.as_ref().expect("an alias has a tag");
    let (from, to) = (&job.repository, &alias.repository);
    if from != to {
        world.registry.mount(from, to, digest).await?;
    }
    let manifest = world.registry.manifest(from, digest).await?;
    world.registry.point(to, tag, &manifest).await
}
