//! The way to the registry, on which something goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cases::Case;
use super::faults::{Ends, Fault, TokenServer, gives};
use super::progress::Progress;
use crate::support::fault_proxy::{Ask, FaultProxy};
use crate::support::{Reply, Request, lab};

/// What goes wrong in a run.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// This, at the first request of a kind or at all of them.
    Fault { fault: &'static Fault, once: bool },
    /// Nobody gets in without a token. The one that fp has expires, and the token server is this one from then on.
    Expiry(&'static TokenServer),
}

impl Trouble {
    /// The limits of time that are waited for. Without them a busy machine has the time that fp gives it.
    pub(super) fn limits(self) -> &'static [(&'static str, &'static str)] {
        const READ: (&str, &str) = ("FP_REGISTRY_READ_TIMEOUT", "3");
        const TOTAL: (&str, &str) = ("FP_REGISTRY_TIMEOUT", "8");
        let (ends, once) = match self {
            Trouble::Fault { fault, once } => (fault.ends, once),
            Trouble::Expiry(server) => (server.ends, false),
        };
        match ends {
            Ends::Silent if once => &[READ],
            Ends::Silent => &[READ, TOTAL],
            Ends::Late if !once => &[TOTAL],
            Ends::Soon | Ends::Late => &[],
        }
    }
}

/// Goes to the lab's registry.
pub(super) struct Way {
    proxy: FaultProxy,
    was_there: Arc<AtomicBool>,
}

impl Way {
    /// A way on which there is trouble at the `place`. `tag` is the image's.
    pub(super) fn new(case: Case, place: &'static str, tag: &str, trouble: Trouble) -> Self {
        let was_there = Arc::<AtomicBool>::default();
        let side = Side {
            case,
            place,
            tag: tag.to_owned(),
            trouble,
            progress: Progress::new(case),
            was_there: Arc::clone(&was_there),
        };
        let proxy = FaultProxy::start(&lab::registry().host, move |request, ask| {
            side.answer(request, ask)
        });
        Way { proxy, was_there }
    }

    /// `HOST:PORT` of fp's end.
    pub(super) fn host(&self) -> String {
        self.proxy.host()
    }

    /// Whether fp has come to the place.
    pub(super) fn was_there(&self) -> bool {
        self.was_there.load(Ordering::SeqCst)
    }
}

/// The registry's side of it.
struct Side {
    case: Case,
    place: &'static str,
    tag: String,
    trouble: Trouble,
    progress: Progress,
    was_there: Arc<AtomicBool>,
}

impl Side {
    fn answer(&self, request: &Request, ask: Ask<'_>) -> Reply {
        if request.target.starts_with("/token") {
            return self.token();
        }
        let found = self.progress.place(request, &self.tag);
        let is_there = found == self.place;
        let is_first = is_there && !self.was_there.swap(true, Ordering::SeqCst);
        match self.trouble {
            Trouble::Fault { fault, once } if is_there && (is_first || !once) => {
                return (fault.reply)(ask);
            }
            Trouble::Expiry(_) if request.header("Authorization") != Some(&self.bearer()) => {
                return self.challenge(request);
            }
            _ => {}
        }
        self.progress.note(found);
        // Somebody writes the tag after the first look.
        let is_overtaken = matches!(self.case, Case::Overtaken | Case::IndexOvertaken);
        if is_overtaken && found.starts_with("look: ") {
            let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#;
            return Reply::status(404).body(body);
        }
        ask()
    }

    fn has_expired(&self) -> bool {
        self.was_there.load(Ordering::SeqCst)
    }

    /// The token that lets in.
    fn good_token(&self) -> &'static str {
        if self.has_expired() {
            "second"
        } else {
            "first"
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.good_token())
    }

    fn challenge(&self, request: &Request) -> Reply {
        let own = request.header("Host").unwrap_or_default();
        // On port 1 of a machine of today there is nobody.
        let host = match self.trouble {
            Trouble::Expiry(TokenServer { reply: None, .. }) if self.has_expired() => "127.0.0.1:1",
            _ => own,
        };
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"registry\"");
        Reply::status(401).header("WWW-Authenticate", &challenge)
    }

    fn token(&self) -> Reply {
        match self.trouble {
            Trouble::Expiry(TokenServer {
                reply: Some(reply), ..
            }) if self.has_expired() => reply(self.good_token()),
            _ => gives(self.good_token()),
        }
    }
}
