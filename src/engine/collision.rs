//! Builds that fail though nothing is wrong with them, because of other work in the same engine.

use super::Error;

/// Runs a build; and again, at most `times`, as long as `may_help` says of the last line of its failure that this may
/// help. What was made by then is in the cache.
///
/// BuildKit joins builds that are identical, and in a containerd store one of them may then fail; podman's build fails if
/// somebody removes an image that it has found. Where an earlier build left its builder damaged, `may_help` mends that
/// first.
pub(super) async fn despite_collisions(
    times: usize,
    may_help: impl AsyncFn(&str) -> bool,
    mut build: impl AsyncFnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..times {
        let done = build().await;
        let Err(Error::Process(failed)) = &done else {
            return done;
        };
        let Some(line) = failed.last_line() else {
            return done;
        };
        if !may_help(line).await {
            return done;
        }
    }
    build().await
}
