//! Every fault at every request of every operation: the answer is the right one or none, and
//! docs/RELIABILITY.md has the table of them.

mod attaching;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt as _};

use super::shelf::Shelf;
use super::{
    MANIFEST, MANIFEST_TYPE, Reply, Request, ScriptedRegistry, digest, manifest_reply, refusal,
    repository, settings, tag,
};
use crate::platform::Platform;
use crate::reference::Digest;
use crate::registry::{Client, Lookup, Manifest, PutOutcome, Retries, Settings, TimeLimits};

/// What fp does, and of which requests it consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    LookUp,
    LookUpWithoutDigest,
    LookUpAbsent,
    LookUpWithToken,
    Read,
    Write,
    Move,
    Labels,
    Attach,
    AttachWithoutApi,
    List,
    ReadBlob,
}

/// A request of an operation, by its method and what it is about.
type Place = &'static str;

const PLACES: [(Operation, &str, &[Place]); 12] = [
    (Operation::LookUp, "look up a tag", &["HEAD"]),
    (
        Operation::LookUpWithoutDigest,
        "look up, no digest in the header",
        &["HEAD", "GET"],
    ),
    (
        Operation::LookUpAbsent,
        "look up an absent tag",
        &["HEAD", "GET"],
    ),
    (
        Operation::LookUpWithToken,
        "look up, with a token",
        &["HEAD", "GET token", "HEAD with token"],
    ),
    (Operation::Read, "read a manifest", &["GET"]),
    (Operation::Write, "write a tag", &["PUT"]),
    (Operation::Move, "move an alias", &["PUT"]),
    (
        Operation::Labels,
        "read an image's labels",
        &["GET", "GET blob"],
    ),
    (
        Operation::Attach,
        "store a record",
        &["HEAD blob", "POST", "PUT blob", "PUT manifest"],
    ),
    (
        Operation::AttachWithoutApi,
        "store a record, no referrers API",
        &["GET list", "PUT list"],
    ),
    (Operation::List, "list what is attached", &["GET list"]),
    (Operation::ReadBlob, "read a record", &["GET"]),
];

const CONFIG: &str = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"a":"b"}}}"#;

/// The manifest of an image with labels.
fn labelled() -> String {
    let config = Digest::sha256_of(CONFIG.as_bytes());
    format!(r#"{{"schemaVersion":2,"config":{{"digest":"{config}"}},"layers":[]}}"#)
}

/// What a registry says instead of the right answer.
type Fault = fn(&Request) -> Reply;

const FAULTS: [(&str, Fault); 18] = [
    ("connection reset", |_| Reply::Reset),
    ("answer cut short", |_| Reply::status(200).cut_short()),
    ("silence", |_| Reply::Silence),
    ("a byte every tenth of a second", |_| Reply::Drip),
    ("a body without an end", |_| Reply::Endless),
    ("other bytes than the digest's", |_| {
        manifest_reply().body(MANIFEST.replace("layers", "layerz"))
    }),
    ("a web page, 200", |_| {
        Reply::status(200)
            .header("Content-Type", "text/html")
            .body("<html>welcome</html>")
    }),
    ("a web page, 404", |_| {
        Reply::status(404)
            .header("Content-Type", "text/html")
            .body("<html>not found</html>")
    }),
    ("redirects without an end", |request| {
        Reply::status(307).header("Location", &request.target)
    }),
    ("a redirect to http elsewhere", |_| {
        Reply::status(307).header("Location", "http://192.0.2.1/")
    }),
    ("401", |_| Reply::status(401)),
    ("403", |_| refusal(403, "DENIED", "no")),
    ("408", |_| Reply::status(408)),
    ("429", |_| refusal(429, "TOOMANYREQUESTS", "slowly")),
    ("429, Retry-After: 1", |_| {
        Reply::status(429).header("Retry-After", "1")
    }),
    ("429, Retry-After: 3600", |_| {
        Reply::status(429).header("Retry-After", "3600")
    }),
    ("500", |_| Reply::status(500)),
    ("503", |_| Reply::status(503)),
];

impl Operation {
    fn place(self, request: &Request) -> Place {
        let is_token = request.target.starts_with("/token");
        let has_token = request.header("authorization").is_some();
        if matches!(self, Operation::Attach | Operation::AttachWithoutApi) {
            return attaching::place(request);
        }
        match request.method.as_str() {
            "PUT" => "PUT",
            "GET" if is_token => "GET token",
            "GET" if self == Operation::Labels && request.target.contains("/blobs/") => "GET blob",
            "HEAD" if has_token => "HEAD with token",
            "HEAD" => "HEAD",
            _ if self == Operation::List => "GET list",
            _ => "GET",
        }
    }

    /// What a registry without faults says.
    fn right_answer(self, request: &Request, written: &Mutex<bool>, shelf: &Shelf) -> Reply {
        if self >= Operation::Attach {
            return shelf.answer(request);
        }
        match (self, self.place(request)) {
            (_, "GET token") => Reply::status(200).body(r#"{"token": "t"}"#),
            (Operation::LookUpWithToken, "HEAD") => {
                let realm = format!("http://{}/token", request.header("host").unwrap());
                let challenge = format!(r#"Bearer realm="{realm}""#);
                Reply::status(401).header("WWW-Authenticate", &challenge)
            }
            (Operation::LookUpWithoutDigest, "HEAD") => Reply::status(200),
            (Operation::LookUpWithoutDigest, _) => Reply::status(200)
                .header("Content-Type", MANIFEST_TYPE)
                .header("Docker-Content-Digest", &digest().to_string())
                .body(MANIFEST),
            (Operation::LookUpAbsent, _) => refusal(404, "MANIFEST_UNKNOWN", "unknown"),
            (Operation::Write | Operation::Move, "PUT") => {
                *written.lock().unwrap() = true;
                Reply::status(201)
            }
            (Operation::Write, _) if !*written.lock().unwrap() => {
                refusal(404, "MANIFEST_UNKNOWN", "unknown")
            }
            (Operation::Move, _) if !*written.lock().unwrap() => {
                let other = Digest::sha256_of(b"other").to_string();
                Reply::status(200).header("Docker-Content-Digest", &other)
            }
            (Operation::Labels, "GET blob") => Reply::status(200).body(CONFIG),
            (Operation::Labels, _) => Reply::status(200).body(labelled()),
            _ => manifest_reply(),
        }
    }

    /// A registry that keeps what is attached to the image, and has what the operation is to find.
    fn shelf(self) -> Shelf {
        let shelf = Shelf::new(self != Operation::AttachWithoutApi);
        if self == Operation::ReadBlob {
            attaching::put_record(&shelf);
        }
        if self == Operation::List {
            attaching::put_artifact(&shelf);
        }
        shelf
    }

    /// Does it, and tells what came of it. A wrong answer ends the test.
    async fn outcome(self, client: &Client, registry: &ScriptedRegistry, shelf: &Shelf) -> Outcome {
        let (repository, tag) = (repository(registry), tag());
        match self {
            Operation::Attach | Operation::AttachWithoutApi => {
                return attaching::attach(client, &repository, shelf).await;
            }
            Operation::List => return attaching::list(client, &repository).await,
            Operation::ReadBlob => return attaching::read(client, &repository).await,
            Operation::Read => {
                let read = client.manifest(&repository, &digest()).await;
                return Outcome::of(read.is_ok());
            }
            _ => {}
        }
        if self == Operation::Labels {
            let digest = Digest::sha256_of(labelled().as_bytes());
            let platform = Platform::new("linux", "amd64", "");
            let read = client.configuration_for(&repository, &digest, &platform);
            return match read.await {
                Ok(Some(image)) if image.labels["a"] == "b" => Outcome::Right,
                Ok(wrong) => panic!("{self:?}: {wrong:?}"),
                Err(_) => Outcome::None,
            };
        }
        if self == Operation::Write {
            let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
            let outcome = client.put_manifest(&repository, &tag, &manifest).await;
            if !matches!(outcome, Ok(PutOutcome::Written)) {
                return Outcome::None;
            }
        }
        if self == Operation::Move {
            let manifest = Manifest::parse(None, MANIFEST.into()).unwrap();
            let outcome = client.point(&repository, &tag, &manifest).await;
            if !matches!(outcome, Ok(PutOutcome::Written)) {
                return Outcome::None;
            }
        }
        match (self, client.look_up(&repository, &tag).await) {
            (Operation::LookUpAbsent, Lookup::Absent) => Outcome::Right,
            (Operation::Write, Lookup::Absent) | (_, Lookup::Unknown(_)) => Outcome::None,
            (Operation::LookUpAbsent, wrong) => panic!("{self:?}: {wrong:?}"),
            (_, Lookup::Present { digest: found }) if found == digest() => Outcome::Right,
            (Operation::Move, Lookup::Present { .. }) => Outcome::None,
            (_, wrong) => panic!("{self:?}: {wrong:?}"),
        }
    }
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    /// An error.
    None,
}

impl Outcome {
    fn of(is_right: bool) -> Self {
        match is_right {
            true => Outcome::Right,
            false => Outcome::None,
        }
    }
}

/// One run of an operation with a fault at one of its requests.
async fn run(operation: Operation, place: Place, fault: Fault, once: bool) -> Outcome {
    let (was_there, written) = (AtomicBool::new(false), Mutex::new(false));
    let shelf = operation.shelf();
    let kept = shelf.clone();
    let registry = ScriptedRegistry::start(move |request| {
        let is_meant = operation.place(request) == place;
        if is_meant && !(once && was_there.swap(true, Ordering::SeqCst)) {
            fault(request)
        } else {
            operation.right_answer(request, &written, &kept)
        }
    });
    let client = Client::new(Settings {
        time_limits: TimeLimits {
            connect: Duration::from_secs(2),
            read: Duration::from_secs(2),
            total: Duration::from_secs(12),
        },
        retries: Retries {
            times: 2,
            first_pause: Duration::from_millis(2),
        },
        ..settings()
    });
    operation.outcome(&client, &registry, &shelf).await
}

/// What comes of a fault, in the words of the table.
async fn cell(operation: Operation, place: Place, name: &str, fault: Fault) -> &'static str {
    if name.starts_with("other bytes") && !matches!(place, "GET" | "GET list" | "GET blob") {
        return "";
    }
    let once = run(operation, place, fault, true);
    let always = run(operation, place, fault, false);
    match join(once, always).await {
        (Outcome::Right, Outcome::Right) => "right",
        (Outcome::Right, Outcome::None) => "again",
        (Outcome::None, Outcome::None) => "none",
        outcomes => panic!("{operation:?}, {place}, {name}: {outcomes:?}"),
    }
}

async fn table() -> String {
    let places = || {
        let operations = PLACES.iter();
        operations.flat_map(|(operation, name, places)| {
            places.iter().map(move |place| (*operation, *name, *place))
        })
    };
    let mut table = String::from("| |");
    for (_, name, place) in places() {
        write!(table, " {name}: {place} |").unwrap();
    }
    table.push_str("\n|---|");
    table.extend(places().map(|_| "---|"));
    table.push('\n');
    let rows = FAULTS.map(|(name, fault)| async move {
        let cells = places().map(|(operation, _, place)| cell(operation, place, name, fault));
        (name, join_all(cells).await)
    });
    // Not all at once, so that a busy machine is not what runs out of time.
    let mut rows = stream::iter(rows).buffered(2);
    while let Some((name, cells)) = rows.next().await {
        writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

const BEGIN: &str =
    "<!-- begin of the table that the test `the_table_of_faults_is_what_fp_does` writes -->\n\n";
const END: &str = "\n<!-- end of the table -->\n";

/// With SNAPSHOTS=overwrite the table is written anew.
#[tokio::test]
async fn the_table_of_faults_is_what_fp_does() {
    // Where cargo runs tests, which need not be where it built them.
    let path = Path::new("docs/RELIABILITY.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table().await;
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table);
}
