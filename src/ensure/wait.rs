//! Looking at an image until there is something to do about it: with `--wait`, what is absent is
//! published by somebody else.

use std::time::Duration;

use tokio::time::Instant;

use super::observe::{Observation, observe};
use super::plan::Plan;
use super::{Error, Event, Job, Tell, World};

/// How soon the registry is asked again for the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long a pause becomes. Whoever waits for a build of minutes loses no more than this, and a
/// registry gets four requests a minute from each.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What registry and engine say, and the plan for it: that for `observation`, or, as long as the plan is
/// to wait, for what they say when they are asked again.
///
/// A registry that cannot be asked ends it: the look-ups themselves are patient.
pub(super) async fn settle(
    job: &Job<'_>,
    world: &World<'_>,
    mut observation: Observation,
    tell: &mut Tell<'_>,
) -> Result<(Observation, Plan), Error> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let plan = job.plan(&observation);
        let (Plan::Wait, Some(limit)) = (&plan, job.options.wait) else {
            return Ok((observation, plan));
        };
        let left = limit.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(Error::NotPublished {
                reference: job.reference(),
                limit,
            });
        }
        if pause == FIRST_PAUSE {
            tell(Event::Awaiting(limit));
        }
        world
            .unless_interrupted(tokio::time::sleep(pause.min(left)))
            .await?;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        observation = observe(job, world).await?;
    }
}
