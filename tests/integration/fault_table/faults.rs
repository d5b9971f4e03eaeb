//! What happens to a request, and what a token server does once a token has expired.

use crate::support::Reply;
use crate::support::fault_proxy::Ask;

/// Something that happens to a request on its way to the registry or back.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) reply: fn(Ask<'_>) -> Reply,
    pub(super) ends: Ends,
}

/// What fp waits for before it gives up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// For nothing: it has tried a few times.
    Soon,
    /// For the next byte.
    Silent,
    /// For the end of all the time that it has.
    Late,
}

impl Fault {
    /// Whether it can be seen there: a byte of an answer without a body, or of one that nobody reads, is no byte.
    pub(super) fn is_at(&self, place: &str) -> bool {
        place.ends_with("GET") || ![OTHER_BYTES, CUT_SHORT, DRIP].contains(&self.name)
    }

    /// Whether it leaves time to ask again.
    pub(super) fn leaves_time(&self) -> bool {
        self.name != DRIP
    }
}

const OTHER_BYTES: &str = "other bytes";
const CUT_SHORT: &str = "cut short";
const DRIP: &str = "drip";

const fn fault(name: &'static str, ends: Ends, reply: fn(Ask<'_>) -> Reply) -> Fault {
    Fault { name, reply, ends }
}

pub(super) static FAULTS: [Fault; 13] = [
    fault("reset", Ends::Soon, |_| Reply::Reset),
    fault("silence", Ends::Silent, |_| Reply::Silence),
    fault(CUT_SHORT, Ends::Soon, |ask| ask().cut_short()),
    fault(DRIP, Ends::Late, |_| Reply::Drip),
    fault(OTHER_BYTES, Ends::Soon, |ask| with_another_digit(ask())),
    fault("page, 200", Ends::Soon, |_| page(200)),
    fault("page, 404", Ends::Soon, |_| page(404)),
    fault("401", Ends::Soon, |_| Reply::status(401)),
    fault("403", Ends::Soon, |_| Reply::status(403)),
    fault("429", Ends::Soon, |_| Reply::status(429)),
    fault("429, Retry-After: 1", Ends::Late, |_| too_many("1")),
    fault("429, Retry-After: 3600", Ends::Soon, |_| too_many("3600")),
    fault("503", Ends::Soon, |_| Reply::status(503)),
];

fn with_another_digit(mut reply: Reply) -> Reply {
    if let Reply::Answer { body, .. } = &mut reply
        && let Some(last) = body.iter_mut().rev().find(|byte| byte.is_ascii_digit())
    {
        *last = if *last == b'0' { b'1' } else { b'0' };
    }
    reply
}

fn page(status: u16) -> Reply {
    Reply::status(status)
        .header("Content-Type", "text/html")
        .body("<html>hello</html>")
}

fn too_many(seconds: &str) -> Reply {
    Reply::status(429).header("Retry-After", seconds)
}

/// What comes of it when fp asks for a new token.
pub(super) struct TokenServer {
    pub(super) name: &'static str,
    /// `None` if nobody listens there any more. It is told the token that lets in.
    pub(super) reply: Option<fn(&str) -> Reply>,
    pub(super) ends: Ends,
}

pub(super) static TOKEN_SERVERS: [TokenServer; 8] = [
    server("a new token", Ends::Soon, gives),
    server("a token that does not let in", Ends::Soon, |_| gives("x")),
    server("a page", Ends::Soon, |_| page(200)),
    server("401", Ends::Soon, |_| Reply::status(401)),
    server("503", Ends::Soon, |_| Reply::status(503)),
    server("cut short", Ends::Soon, |token| gives(token).cut_short()),
    server("silence", Ends::Silent, |_| Reply::Silence),
    TokenServer {
        name: "nobody listens",
        reply: None,
        ends: Ends::Soon,
    },
];

const fn server(name: &'static str, ends: Ends, reply: fn(&str) -> Reply) -> TokenServer {
    TokenServer {
        name,
        reply: Some(reply),
        ends,
    }
}

/// The answer of a token server that lives.
pub(super) fn gives(token: &str) -> Reply {
    Reply::status(200).body(format!("{{\"token\":\"{token}\"}}"))
}
