//! When to try again: pauses that grow and differ from machine to machine, what a registry asks for
//! with `Retry-After`, and the end of the time that an operation has.
//!
//! Whether trying again can help at all is the error's to say.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use reqwest::Url;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::settings::Retries;

/// Each pause is this many times as long as the one before.
const GROWTH: f32 = 3.0;

/// The pauses between the tries of one operation.
pub(super) struct Pauses(ExponentialBackoff);

impl Pauses {
    pub(super) fn new(retries: Retries) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(retries.first_pause)
            .with_factor(GROWTH)
            .with_max_times(retries.times)
            .with_jitter();
        Pauses(pauses.build())
    }

    /// How long to wait before the next try: at least as long as the registry asks for. `None` if
    /// it was tried often enough, or if the time that is `left` is over by then.
    pub(super) fn next(&mut self, asked: Option<Duration>, left: Duration) -> Option<Duration> {
        let pause = self.0.next()?;
        let pause = asked.map_or(pause, |asked| asked.max(pause));
        (pause < left).then_some(pause)
    }
}

/// The registries, by their `/v2/`, that an operation with all its tries got no answer from, and when that was.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<HashMap<Url, Instant>>);

impl Silent {
    pub(super) fn note(&self, registry: &Endpoint) {
        self.locked().insert(registry.root.clone(), Instant::now());
    }

    pub(super) fn forget(&self, registry: &Endpoint) {
        self.locked().remove(&registry.root);
    }

    /// Whether a registry was silent no longer than `lately` ago. What was so before a long build says nothing.
    pub(super) fn has(&self, registry: &Endpoint, lately: Duration) -> bool {
        let when = self.locked().get(&registry.root).copied();
        when.is_some_and(|when| when.elapsed() < lately)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Url, Instant>> {
        // A map of times is whole whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long `Retry-After` (RFC 9110, 10.2.3) asks to wait: a number of seconds, or a date. A date
/// in the past means no time; what is neither means nothing.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // As good as never, if the number is too large for a number.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Pauses, retry_after};
    use crate::registry::settings::Retries;

    const HOUR: Duration = Duration::from_secs(3600);

    fn pauses() -> Pauses {
        Pauses::new(Retries::default())
    }

    #[test]
    fn pauses_grow_and_differ_and_end() {
        let all = |mut pauses: Pauses| -> Vec<Duration> {
            std::iter::from_fn(|| pauses.next(None, HOUR)).collect()
        };
        let (one, other) = (all(pauses()), all(pauses()));
        assert_eq!(one.len(), 3);
        assert!(one.is_sorted(), "{one:?}");
        assert_ne!(one, other);
        assert!(
            one.iter().sum::<Duration>() < Duration::from_secs(10),
            "{one:?}"
        );
    }

    #[test]
    fn what_the_registry_asks_for_is_waited_for_if_there_is_time() {
        let second = Duration::from_secs(1);
        assert_eq!(pauses().next(Some(HOUR), 2 * HOUR), Some(HOUR));
        assert_eq!(pauses().next(Some(HOUR), HOUR), None);
        let at_once = pauses().next(Some(Duration::ZERO), HOUR).unwrap();
        assert!(at_once > Duration::ZERO && at_once < second, "{at_once:?}");
        assert_eq!(pauses().next(None, Duration::ZERO), None);
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let asked = |value| retry_after(value, now).map(|asked| asked.as_secs());
        for (value, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(asked(value), expected, "{value:?}");
        }
    }
}
