//! Telling the requests of a command from each other.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Case;
use super::cases::ALIAS;
use crate::support::Request;

/// How far a command has come, which tells one look from the next.
pub(super) struct Progress {
    /// Nothing is pushed.
    reads_only: bool,
    read_pushed: AtomicBool,
    wrote_tag: AtomicBool,
}

impl Progress {
    pub(super) fn new(case: Case) -> Self {
        Progress {
            reads_only: matches!(case, Case::RecordFrom | Case::Alias),
            read_pushed: AtomicBool::new(false),
            wrote_tag: AtomicBool::new(false),
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
        let has_read = self.read_pushed.load(Ordering::SeqCst);
        let has_written = self.wrote_tag.load(Ordering::SeqCst);
        if path.contains("/referrers/") {
            return "referrers: GET";
        }
        if path.contains("/blobs/") {
            return match method {
                "HEAD" => "blob: HEAD",
                "POST" if query.starts_with("mount=") => "mount: POST",
                "POST" => "upload: POST",
                "PUT" => "blob: PUT",
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
        match (method, name == tag, name.starts_with("sha256-")) {
            ("PUT", true, _) => "tag: PUT",
            ("HEAD", true, _) if has_written => "read back: HEAD",
            ("GET", true, _) if has_written => "read back: GET",
            ("HEAD", true, _) if has_read && !self.reads_only => "look again: HEAD",
            ("GET", true, _) if has_read && !self.reads_only => "look again: GET",
            ("HEAD", true, _) => "look: HEAD",
            ("GET", true, _) => "look: GET",
            ("HEAD", _, true) => "list: HEAD",
            ("GET", _, true) => "list: GET",
            ("PUT", _, true) => "list: PUT",
            ("PUT", ..) => "manifest: PUT",
            ("GET", ..) if !self.reads_only && !has_read && !has_written => "what was pushed: GET",
            _ => "manifest: GET",
        }
    }

    /// Notes what is about to be answered.
    pub(super) fn note(&self, place: &str) {
        match place {
            "what was pushed: GET" => self.read_pushed.store(true, Ordering::SeqCst),
            "tag: PUT" | "alias: PUT" => self.wrote_tag.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}
