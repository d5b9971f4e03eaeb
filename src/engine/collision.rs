//! Builds that other work in the same engine made fail, though nothing is wrong with them.

use super::Error;

/// How often a build is run again because something else got in its way.
const MAX_COLLISIONS: usize = 5;

/// Runs a build; again if `collided` says of the last line of its failure that other work was in its way. What was
/// made by then is in the cache.
pub(super) async fn despite_collisions(
    mut build: impl AsyncFnMut() -> Result<(), Error>,
    collided: fn(&str) -> bool,
) -> Result<(), Error> {
    for _ in 0..MAX_COLLISIONS {
        match build().await {
            Err(Error::Process(failed)) if failed.last_line().is_some_and(collided) => {}
            done => return done,
        }
    }
    build().await
}
