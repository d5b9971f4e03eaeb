//! Builds that other work in the same engine made fail, though nothing is wrong with them.

use super::Error;

/// Runs a build; again, but at most `times`, if `collided` says of the last line of its failure that other work was in
/// its way: BuildKit joins builds that are alike, and in a containerd store one of them may then fail; podman's build
/// fails if somebody removes an image that it has found. What was made by then is in the cache.
pub(super) async fn despite_collisions(
    times: usize,
    collided: fn(&str) -> bool,
    mut build: impl AsyncFnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..times {
        match build().await {
            Err(Error::Process(failed)) if failed.last_line().is_some_and(collided) => {}
            done => return done,
        }
    }
    build().await
}
