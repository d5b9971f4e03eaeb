//! Why an image cannot be published although it may be: something that it is built on will not be.

use super::Job;
use super::trust::{Denial, Publishing};
use crate::config::ImageName;

/// An image that is not published, so that nothing that is built on it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{image}`, which it is built on, is not ({reason})")]
pub struct Hindrance {
    pub image: ImageName,
    pub reason: Reason,
}

/// Why an image is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("it has no `repository`")]
    NoRepository,
    #[error(transparent)]
    Denied(Denial),
}

impl Hindrance {
    /// That of an image that is not published whatever it is built on.
    pub(super) fn of(job: &Job<'_>) -> Option<Self> {
        let reason = match &job.publishing {
            _ if job.image.repository.is_none() => Reason::NoRepository,
            Publishing::Denied(denial) => Reason::Denied(denial.clone()),
            Publishing::Allowed { .. } => return None,
        };
        let image = job.image.name.clone();
        Some(Hindrance { image, reason })
    }
}
