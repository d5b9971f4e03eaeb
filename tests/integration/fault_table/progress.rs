//! Telling the requests of a command from each other.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Case;
use super::cases::ALIAS;
use crate::support::Request;

/// How far a command has come, which tells one look from the next.
pub(super) struct Progress {
    task: Task,
    has_looked_again: AtomicBool,
    /// What was pushed, or a part.
    has_read: AtomicBool,
    has_written: AtomicBool,
}

/// What a command does with manifests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Reads,
    /// The engine pushes an image, and what arrived is read.
    Publishes,
    /// Parts are read, and joined.
    Joins,
}

impl Progress {
    pub(super) fn new(case: Case) -> Self {
        Progress {
            task: match case {
                Case::RecordFrom | Case::Alias | Case::HitAlias | Case::IndexHit => Task::Reads,
                Case::Index | Case::IndexOvertaken | Case::IndexStore => Task::Joins,
                _ => Task::Publishes,
            },
            has_looked_again: AtomicBool::new(false),
            has_read: AtomicBool::new(false),
            has_written: AtomicBool::new(false),
        }
    }

    /// Which of a command's requests this is, as the table calls it.
    pub(super) fn place(&self, request: &Request, tag: &str) -> &'static str {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let name = path.rsplit('/').next().unwrap();
        let method = request.method.as_str();
        let has_written = self.has_written.load(Ordering::SeqCst);
        let has_looked_again = self.has_looked_again.load(Ordering::SeqCst);
        let reads_parts = self.task == Task::Joins && !has_looked_again && !has_written;
        if path.contains("/referrers/") {
            return "referrers: GET";
        }
        if path.contains("/blobs/") {
            return match method {
                "HEAD" => "blob: HEAD",
                "POST" if query.starts_with("mount=") => "mount: POST",
                "POST" => "upload: POST",
                "PUT" => "blob: PUT",
                _ if reads_parts => "part's configuration: GET",
                _ => "blob: GET",
            };
        }
        if name == ALIAS {
            return match (method, has_written) {
                ("PUT", _) => "alias: PUT",
                ("HEAD", true) => "alias, read back: HEAD",
                (_, true) => "alias, read back: GET",
                ("HEAD", _) => "alias: HEAD",
                _ => "alias: GET",
            };
        }
        if name == tag {
            return self.of_tag(method, has_written);
        }
        if name.starts_with(tag) {
            return if method == "HEAD" {
                "part: HEAD"
            } else {
                "part: GET"
            };
        }
        match (method, name.starts_with("sha256-")) {
            ("GET", true) => "list: GET",
            ("PUT", true) => "list: PUT",
            ("PUT", false) => "manifest: PUT",
            _ if reads_parts => "part's manifest: GET",
            _ if self.task == Task::Publishes && !has_looked_again && !has_written => {
                "what was pushed: GET"
            }
            _ => "manifest: GET",
        }
    }

    fn of_tag(&self, method: &str, has_written: bool) -> &'static str {
        let has_read = self.task != Task::Reads && self.has_read.load(Ordering::SeqCst);
        match method {
            "PUT" => "tag: PUT",
            "HEAD" if has_written => "read back: HEAD",
            "HEAD" if has_read => "look again: HEAD",
            "HEAD" => "look: HEAD",
            _ if has_written => "read back: GET",
            _ if has_read => "look again: GET",
            _ => "look: GET",
        }
    }

    /// Notes what is about to be answered.
    pub(super) fn note(&self, place: &str) {
        match place {
            "what was pushed: GET" | "part's manifest: GET" => {
                self.has_read.store(true, Ordering::SeqCst);
            }
            "look again: HEAD" | "look again: GET" => {
                self.has_looked_again.store(true, Ordering::SeqCst);
            }
            "tag: PUT" | "alias: PUT" => self.has_written.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}
