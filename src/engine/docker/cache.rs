//! Layer caches, as `docker buildx build` is told of them and tells of them. Pure.
//!
//! The lines that are recognised were recorded from buildx 0.13 and BuildKit 0.12; what is not
//! recognised tells of no trouble with a cache.

use crate::engine::process::Output;
use crate::engine::{CacheTrouble, Error};

/// What keeps the classic image store from writing caches other than into the image itself.
const CONTAINERD_STORE: &str = "io.containerd.snapshotter";

/// Whether `docker info --format '{{json .DriverStatus}}'` tells of the containerd image store.
pub(super) fn is_containerd_store(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(CONTAINERD_STORE)
}

/// Reads what a build prints (`--progress=plain`) for what became of its caches.
#[derive(Debug, Default)]
pub struct Watch {
    /// The steps that read or write a cache, by the numbers that begin their lines.
    steps: Vec<(String, Deed)>,
    troubles: Vec<CacheTrouble>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    /// From this place.
    Read(String),
    Write,
}

impl Watch {
    /// Takes a line. What a command of the Dockerfile prints stands behind a number and a time, so that
    /// it is not taken for the builder's own words.
    pub fn see(&mut self, line: &str) {
        let Some((number, text)) = line.strip_prefix('#').and_then(|line| line.split_once(' '))
        else {
            return;
        };
        // A build that is run again begins anew.
        if text.starts_with("[internal] load build definition from ") {
            *self = Watch::default();
        }
        let step = |(known, _): &&(String, Deed)| known == number;
        let known = self.steps.iter().find(step);
        if known.is_none()
            && let Some(deed) = deed(text)
        {
            self.steps.push((number.to_owned(), deed));
            return;
        }
        let (Some((_, deed)), Some(message)) = (known, text.strip_prefix("ERROR: ")) else {
            return;
        };
        let message = message.to_owned();
        match deed {
            // Nobody has written it yet.
            Deed::Read(place) if message.ends_with(&format!("{place}: not found")) => {}
            Deed::Read(place) => {
                let place = place.clone();
                self.troubles.push(CacheTrouble::Unread { place, message });
            }
            Deed::Write => self.troubles.push(CacheTrouble::Unwritten { message }),
        }
    }

    /// What went wrong with caches, so far.
    pub fn troubles(&self) -> &[CacheTrouble] {
        &self.troubles
    }

    /// Whether it was the caches that made a build fail: one could not be written by a builder that
    /// takes this for a failure, or the builder knows no such cache.
    pub fn explains(&self, error: &Error) -> bool {
        let refused = ["cache exporter", "cache importer", "ache export"];
        let is_refused = |line: &String| {
            // What is quoted may be a command of the Dockerfile.
            let own_words = line.split('"').next().unwrap_or_default();
            refused.iter().any(|words| own_words.contains(words))
        };
        let is_unwritten =
            |trouble: &CacheTrouble| matches!(trouble, CacheTrouble::Unwritten { .. });
        matches!(error, Error::Process(_))
            && (self.troubles.iter().any(is_unwritten) || error.verdict().iter().any(is_refused))
    }
}

/// What the first lines of a step say that it does.
fn deed(text: &str) -> Option<Deed> {
    if let Some(place) = text.strip_prefix("importing cache manifest from ") {
        return Some(Deed::Read(place.to_owned()));
    }
    // The second is said in every such step, whose name is each kind of cache's own.
    let begins = ["exporting cache to ", "preparing build cache for export"];
    let is_write = begins.iter().any(|begin| text.starts_with(begin));
    is_write.then_some(Deed::Write)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::Watch;
    use crate::engine::{CacheTrouble, Error, process};

    fn troubles(lines: &[&str]) -> Vec<CacheTrouble> {
        let mut watch = Watch::default();
        lines.iter().for_each(|line| watch.see(line));
        watch.troubles().to_vec()
    }

    #[test]
    fn a_cache_that_is_not_there_yet_is_no_trouble() {
        for error in [
            "#5 ERROR: r/x:fp-cache-ci: not found",
            "#5 ERROR: failed to configure registry cache importer: r/x:fp-cache-ci: not found",
        ] {
            let lines = ["#5 importing cache manifest from r/x:fp-cache-ci", error];
            assert_eq!(troubles(&lines), []);
        }
    }

    #[test]
    fn a_cache_that_cannot_be_read_is_told_with_its_place() {
        let lines = [
            "#4 importing cache manifest from r/x:fp-cache-ci",
            "#4 inferred cache manifest type: application/vnd.oci.image.index.v1+json done",
            "#4 ERROR: failed to authorize: 403",
        ];
        let expected = CacheTrouble::Unread {
            place: "r/x:fp-cache-ci".to_owned(),
            message: "failed to authorize: 403".to_owned(),
        };
        assert_eq!(troubles(&lines), [expected]);
    }

    #[test]
    fn a_build_that_is_run_again_tells_of_itself_alone() {
        let first = [
            "#1 [internal] load build definition from Dockerfile",
            "#4 importing cache manifest from r/x:y",
            "#4 ERROR: connection refused",
            "#9 exporting cache to registry",
            "#9 ERROR: failed to commit",
        ];
        assert_eq!(troubles(&first).len(), 2);
        let second = [
            "#1 [internal] load build definition from Dockerfile",
            "#4 [internal] load metadata for r/z:1",
            "#4 ERROR: no",
        ];
        assert_eq!(troubles(&[&first[..], &second].concat()), []);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_told() {
        let lines = [
            "#9 exporting cache to registry",
            "#9 preparing build cache for export done",
            "#9 ERROR: error writing layer blob: 401 Unauthorized",
        ];
        let expected = CacheTrouble::Unwritten {
            message: "error writing layer blob: 401 Unauthorized".to_owned(),
        };
        assert_eq!(troubles(&lines), [expected]);
    }

    #[test]
    fn a_step_that_writes_a_cache_is_known_whatever_the_cache_is_called() {
        let lines = [
            "#11 exporting to GitHub Actions Cache",
            "#11 preparing build cache for export 0.0s done",
            "#11 ERROR: failed to parse error response 403: : unexpected end of JSON input",
        ];
        assert_eq!(troubles(&lines).len(), 1);
    }

    #[test]
    fn what_a_command_prints_is_not_the_builders() {
        let lines = [
            "#7 [2/2] RUN x",
            "#7 0.1 exporting cache to registry",
            "#7 0.1 ERROR: x",
            "#7 ERROR: process \"/bin/sh -c x\" did not complete successfully: exit code: 1",
            "exporting cache to registry",
        ];
        assert_eq!(troubles(&lines), []);
    }

    fn explains(last_lines: &[&str]) -> bool {
        Watch::default().explains(&Error::Process(process::Error::Failed {
            command: "docker buildx build".to_owned(),
            status: ExitStatus::from_raw(1 << 8),
            last_lines: last_lines.iter().map(|&line| line.to_owned()).collect(),
        }))
    }

    #[test]
    fn a_kind_of_cache_that_the_builder_does_not_know_fails_the_build() {
        assert!(explains(&[
            "ERROR: failed to solve: unknown cache exporter: \"x\""
        ]));
        assert!(explains(&[
            "ERROR: Cache export is not supported for the docker driver.",
            "Switch to a different driver, or turn on the containerd image store, and try again.",
            "Learn more at https://docs.docker.com/go/build-cache-backends/",
        ]));
    }

    /// The build was done again, since the steps end in any order.
    #[test]
    fn a_cache_that_cannot_be_read_fails_no_build() {
        assert!(!explains(&[
            "#4 importing cache manifest from r/x:y",
            "#4 ERROR: failed to configure registry cache importer: connection refused",
            "#6 ERROR: process \"/bin/sh -c x\" did not complete successfully: exit code: 7",
            "ERROR: failed to solve: process \"/bin/sh -c x\" did not complete successfully: exit code: 7",
        ]));
    }

    #[test]
    fn a_command_that_speaks_of_caches_is_not_the_caches() {
        assert!(!explains(&[
            "ERROR: failed to solve: process \"/bin/sh -c ccache export\" did not complete successfully: exit code: 7",
        ]));
    }
}
