//! Rate limits, as the headers of an answer tell of them.
//!
//! `RateLimit-Limit` and its kin are those of Docker Hub and of the IETF's early drafts
//! (`100;w=21600`: a hundred within six hours); with `X-` before them, those of GitHub and others.

use std::fmt;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::patience;

/// What an answer tells of how much may be asked, and when again. Displayed with its separator, so
/// that it can be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimit {
    /// How long the registry asks to wait.
    pub retry_after: Option<Duration>,
    limit: Option<u64>,
    window: Option<Duration>,
    remaining: Option<u64>,
}

/// Where a number of seconds ends and a point in time begins, in headers that may hold either.
const LONGEST_RESET: u64 = 100_000_000;

impl RateLimit {
    pub(super) fn of(headers: &HeaderMap, now: SystemTime) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let limit = text("ratelimit-limit").or(text("x-ratelimit-limit"));
        let remaining = text("ratelimit-remaining").or(text("x-ratelimit-remaining"));
        let reset = text("ratelimit-reset").or(text("x-ratelimit-reset"));
        let remaining = remaining.and_then(number);
        let asked = text(RETRY_AFTER.as_str()).and_then(|value| patience::retry_after(value, now));
        let reset = reset
            .filter(|_| remaining == Some(0))
            .and_then(|value| until(number(value)?, now));
        RateLimit {
            retry_after: asked.or(reset),
            limit: limit.and_then(number),
            window: limit.and_then(window),
            remaining,
        }
    }
}

/// The number that a value begins with; parameters may follow.
fn number(value: &str) -> Option<u64> {
    value.split([';', ',']).next()?.trim().parse().ok()
}

fn window(value: &str) -> Option<Duration> {
    let mut parameters = value.split(';').skip(1);
    let seconds = parameters.find_map(|parameter| parameter.trim().strip_prefix("w="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// How long it is until a reset, which some tell as seconds from now and some as a point in time.
fn until(reset: u64, now: SystemTime) -> Option<Duration> {
    if reset < LONGEST_RESET {
        return Some(Duration::from_secs(reset));
    }
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
    Some(at.duration_since(now).unwrap_or_default())
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(limit) = self.limit {
            let window = self.window.map(|window| format!(" in {}", Span(window)));
            parts.push(format!(
                "{limit} requests{} are allowed",
                window.unwrap_or_default()
            ));
        }
        if let Some(remaining) = self.remaining {
            parts.push(format!("{remaining} are left"));
        }
        if let Some(asked) = self.retry_after {
            parts.push(format!("it asks to wait {}", Span(asked)));
        }
        match parts.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", parts.join(", ")),
        }
    }
}

/// A span of time in its largest whole unit.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds if seconds >= 3600 && seconds % 3600 == 0 => write!(f, "{} h", seconds / 3600),
            seconds if seconds >= 60 && seconds % 60 == 0 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::header::{HeaderMap, HeaderName};

    use super::RateLimit;

    fn told(headers: &[(&str, &str)]) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        RateLimit::of(&headers, now).to_string()
    }

    #[test]
    fn headers_of_registries() {
        for (headers, expected) in [
            (&[][..], ""),
            (
                &[
                    ("RateLimit-Limit", "100;w=21600"),
                    ("RateLimit-Remaining", "0;w=21600"),
                ],
                " (100 requests in 6 h are allowed, 0 are left)",
            ),
            (
                &[
                    ("X-RateLimit-Limit", "180"),
                    ("X-RateLimit-Remaining", "0"),
                    ("X-RateLimit-Reset", "1800000090"),
                    ("X-RateLimit-Resource", "packages"),
                ],
                " (180 requests are allowed, 0 are left, it asks to wait 90 s)",
            ),
            (
                &[
                    ("RateLimit-Remaining", "0"),
                    ("RateLimit-Reset", "120"),
                    ("Retry-After", "7"),
                ],
                " (0 are left, it asks to wait 7 s)",
            ),
            // A reset that nobody has to wait for.
            (
                &[("RateLimit-Remaining", "5"), ("RateLimit-Reset", "120")],
                " (5 are left)",
            ),
            (&[("Retry-After", "3600")], " (it asks to wait 1 h)"),
            (&[("RateLimit-Limit", "many"), ("Retry-After", "soon")], ""),
        ] {
            assert_eq!(told(headers), expected);
        }
    }
}
