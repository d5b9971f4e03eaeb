//! What became of layer caches, in words.

use crate::engine::CacheTrouble;
use crate::ensure::{Notice, Omission};
use crate::shown::Shown;

/// A notice, as it stands behind the image's name.
pub(super) fn notice(notice: &Notice<'_>) -> String {
    match notice {
        Notice::Omitted(omission) if !omission.is_warning() => omitted(*omission).to_owned(),
        Notice::Omitted(omission) => warning(omitted(*omission)),
        Notice::Trouble(CacheTrouble::Unread { place, message }) => warning(&format!(
            "the cache {} could not be read: {}",
            Shown::text(place),
            Shown::text(message)
        )),
        Notice::Trouble(CacheTrouble::Unwritten { message }) => warning(&format!(
            "a cache could not be written: {}",
            Shown::text(message)
        )),
        Notice::Again(error) => {
            let error = error.to_string();
            warning(&format!(
                "the build is done again without caches: {}",
                Shown::text(&error)
            ))
        }
        Notice::Unnoted(error) => {
            let error = error.to_string();
            warning(&format!(
                "the next build will not find this image's cache: {}",
                Shown::text(&error)
            ))
        }
    }
}

fn warning(text: &str) -> String {
    format!("warning: {text}")
}

fn omitted(omission: Omission) -> &'static str {
    match omission {
        Omission::NoBuildx => "caches are neither read nor written, which takes docker with buildx",
        Omission::NotWritten => {
            "the cache is read and not written, which this engine cannot do: turn on its containerd image store, or \
             name another builder"
        }
        Omission::OutsideActions => "GitHub's cache is left out, since this is not GitHub Actions",
        Omission::NoActionsToken => {
            "GitHub's cache is left out, since ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL are not set in this step: \
             crazy-max/ghaction-github-runtime hands them on"
        }
        Omission::NoRepository => {
            "the cache is left out, since its place is the image's repository, and the image has none"
        }
        Omission::NoPath => {
            "a cache is left out, since its path is no text, or starts with `~` and HOME is not set"
        }
    }
}
