//! Which commands, in which situations; and what happens to their requests.

use crate::support::Reply;
use crate::support::fault_proxy::Ask;

/// A command in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    StatusAbsent,
    StatusPresent,
    Hit,
    Miss,
    Publish,
    Overtaken,
    Store,
    RecordFrom,
    Alias,
}

/// What each case is called, and the requests of fp that something happens to.
pub(super) const CASES: [(Case, &str, &[&str]); 9] = [
    (
        Case::StatusAbsent,
        "`fp status`, absent",
        &["look: HEAD", "look: GET"],
    ),
    (Case::StatusPresent, "`fp status`, present", &["look: HEAD"]),
    (Case::Hit, "`fp ensure --no-pull`, a hit", &["look: HEAD"]),
    (
        Case::Miss,
        "`fp ensure`, a miss",
        &["look: HEAD", "look: GET"],
    ),
    (
        Case::Publish,
        "`fp ensure`, publishing",
        &[
            "what was pushed: GET",
            "look again: HEAD",
            "look again: GET",
            "tag: PUT",
            "read back: HEAD",
        ],
    ),
    (
        Case::Overtaken,
        "`fp ensure --no-pull`, somebody is faster",
        &["what was pushed: GET", "look again: HEAD"],
    ),
    (
        Case::Store,
        "`fp ensure`, storing the record",
        &[
            "referrers: GET",
            "list: HEAD",
            "list: GET",
            "manifest: GET",
            "blob: HEAD",
            "upload: POST",
            "blob: PUT",
            "manifest: PUT",
            "list: PUT",
        ],
    ),
    (
        Case::RecordFrom,
        "`fp record --from`",
        &[
            "look: HEAD",
            "referrers: GET",
            "list: HEAD",
            "manifest: GET",
            "blob: GET",
        ],
    ),
    (
        Case::Alias,
        "`fp alias`, in another repository",
        &[
            "look: HEAD",
            "alias: HEAD",
            "alias: GET",
            "manifest: GET",
            "blob: HEAD",
            "mount: POST",
            "alias: PUT",
            "alias, read back: HEAD",
        ],
    ),
];

/// The alias's tag.
pub(super) const ALIAS: &str = "stable";

pub(super) type Fault = fn(Ask<'_>) -> Reply;

pub(super) const FAULTS: [(&str, Fault); 9] = [
    ("reset", |_| Reply::Reset),
    (SILENCE, |_| Reply::Silence),
    (OTHER_BYTES, |ask| match ask() {
        Reply::Answer {
            status,
            headers,
            mut body,
        } => {
            if let Some(last) = body.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
                *last = if *last == b'0' { b'1' } else { b'0' };
            }
            Reply::Answer {
                status,
                headers,
                body,
            }
        }
        reply => reply,
    }),
    ("page, 200", |_| page(200)),
    ("page, 404", |_| page(404)),
    ("401", |_| Reply::status(401)),
    ("403", |_| Reply::status(403)),
    ("429", |_| Reply::status(429)),
    ("503", |_| Reply::status(503)),
];

pub(super) const SILENCE: &str = "silence";
pub(super) const OTHER_BYTES: &str = "other bytes";

fn page(status: u16) -> Reply {
    Reply::status(status)
        .header("Content-Type", "text/html")
        .body("<html>hello</html>")
}
