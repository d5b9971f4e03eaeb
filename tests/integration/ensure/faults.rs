//! Registries that fail: nothing is built, and the user is told which request failed and what to
//! do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::lab::{self, Store};
use crate::support::{Machine, Relay, Reply, Request, Running, ScriptedRegistry};

/// What a registry does wrong, and what has to be told of it.
struct Fault {
    reply: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    told: String,
}

fn fault(told: &str, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Fault {
    Fault {
        reply: Box::new(reply),
        told: told.to_owned(),
    }
}

fn faults() -> Vec<Fault> {
    let closed = unused_address();
    let page = "<!DOCTYPE html><title>Not found</title>";
    vec![
        fault("400 Bad Request", |_| Reply::status(400)),
        fault("401 Unauthorized", |_| {
            Reply::status(401).header("WWW-Authenticate", "Basic realm=\"registry\"")
        }),
        fault("403 Forbidden", |_| Reply::status(403)),
        fault("404 Not Found", move |_| {
            Reply::status(404)
                .header("Content-Type", "text/html")
                .body(page)
        }),
        fault("405 Method Not Allowed", |_| Reply::status(405)),
        fault("429 Too Many Requests", |_| {
            Reply::status(429).header("Retry-After", "3600")
        }),
        fault("500 Internal Server Error", |_| Reply::status(500)),
        fault("503 Service Unavailable", |_| Reply::status(503)),
        fault("no answer within", |_| Reply::Silence),
        fault("no answer within", |request| {
            match request.method.as_str() {
                "HEAD" => Reply::status(200),
                _ => Reply::Drip,
            }
        }),
        fault("more than 4194304 bytes", |request| {
            match request.method.as_str() {
                "HEAD" => Reply::status(200),
                _ => Reply::Endless,
            }
        }),
        fault("Connection reset", |_| Reply::Reset),
        fault("GET", |request| match request.method.as_str() {
            "HEAD" => Reply::status(200),
            _ => Reply::status(200).cut_short(),
        }),
        fault("more than 10 redirects", |request| {
            Reply::status(307).header("Location", &format!("{}x", request.target))
        }),
        fault("more than 10 redirects", |request| {
            Reply::status(307).header("Location", &request.target)
        }),
        fault(&format!("GET http://{closed}/token?"), move |_| {
            let challenge = format!("Bearer realm=\"http://{closed}/token\",service=\"registry\"");
            Reply::status(401).header("WWW-Authenticate", &challenge)
        }),
        fault("Docker-Content-Digest", |_| {
            Reply::status(200).header("Docker-Content-Digest", "sha256:nonsense")
        }),
        fault("no manifest", |_| Reply::status(200).body("ok")),
    ]
}

/// All at once, since some of them take as long as fp's patience.
#[test]
fn whatever_a_registry_does_wrong_starts_no_build() {
    thread::scope(|scope| {
        for fault in faults() {
            scope.spawn(move || nothing_is_built_on(fault));
        }
    });
}

fn nothing_is_built_on(fault: Fault) {
    let registry = ScriptedRegistry::start(fault.reply);
    let machine = Machine::new(Store::Containerd);
    machine.configure_for(&format!("{}/app", registry.host()), "\"hello.sh\"", "");
    let answer = machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("whether ")
        .says("http://")
        .says(&fault.told)
        .says("help: ");
    assert!(answer.time < Duration::from_secs(30), "{:?}", answer.time);
    assert_eq!(answer.stdout, "");
    assert!(!machine.docker_log().is_empty());
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    assert!(
        machine
            .docker_log()
            .iter()
            .all(|line| !line.starts_with("buildx"))
    );
}

#[test]
fn a_registry_that_cannot_be_spoken_to_starts_no_build() {
    let machine = Machine::new(Store::Containerd);
    // Docker's rule makes https of a loopback address only in its full form.
    let without_tls = format!("127.1:{}", speaks_no_tls());
    for (registry, told) in [
        (unused_address().as_str(), "refused"),
        ("registry.invalid", "https://registry.invalid/v2/"),
        (&without_tls, "https://127.0.0.1:"),
    ] {
        machine.configure_for(&format!("{registry}/app"), "\"hello.sh\"", "");
        machine
            .fp(&["ensure"])
            .ended_with(4)
            .says(told)
            .says("help: ");
    }
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn an_image_that_the_engine_has_serves_while_the_registry_is_down() {
    let is_down = Arc::new(AtomicBool::new(false));
    let registry = ScriptedRegistry::start({
        let is_down = Arc::clone(&is_down);
        move |_| match is_down.load(Ordering::SeqCst) {
            true => Reply::status(503),
            false => Reply::status(404).body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        }
    });
    let machine = Machine::new(Store::Containerd);
    machine.configure_for(&format!("{}/app", registry.host()), "\"hello.sh\"", "");
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    is_down.store(true, Ordering::SeqCst);
    machine.clear_docker_log();
    let used = machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the engine's image is used")
        .says("503 Service Unavailable");
    assert_eq!(used.stdout, built.stdout);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    // Where the registry has it is another question.
    let told = machine.fp(&["status"]).ended_with(4);
    assert!(
        told.stdout.contains("  ensure    use the engine's image\n"),
        "{}",
        told.stdout
    );
}

#[test]
fn what_could_not_be_pushed_is_published_later_without_a_build() {
    let machine = Machine::new(Store::Containerd);
    let relay = Relay::start(&lab::registry().host);
    let repository = format!("{}/{}", relay.host(), machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", "");
    machine.hold("push");
    let running = machine.start(&["ensure"]);
    machine.wait_until_held("push");
    relay.cut();
    machine.release("push");
    running
        .finish()
        .ended_with(1)
        .says("could not be pushed")
        .says("it stays in the engine");
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);

    relay.mend();
    machine.clear_docker_log();
    let published = machine.fp(&["ensure"]).succeeded().says("hit, pushed");
    assert!(!machine.deeds().iter().any(|deed| deed.contains("build")));
    let (registry, tag) = (lab::registry(), machine.tag());
    let digest = registry.digest(&machine.repository(), &tag);
    assert_eq!(digest.as_deref(), Some(published.digest()));
}

#[test]
fn an_engine_that_is_gone_in_the_middle_of_a_build_leaves_nothing() {
    let mut machine = Machine::new(Store::Containerd);
    let relay = Relay::start(&Store::Containerd.address());
    machine.set("DOCKER_HOST", format!("tcp://{}", relay.host()));
    let slow = format!(
        "FROM {}\nRUN echo begun | tr a-z A-Z; sleep 60\n",
        lab::base()
    );
    machine.tree.file("Dockerfile", slow);
    let mut running = machine.start(&["ensure"]);
    running.wait_for_stderr("BEGUN");
    relay.cut();
    let answer = running.finish();
    assert!(matches!(answer.code, Some(1 | 4)), "{}", answer.stderr);
    assert_eq!(answer.stdout, "");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);

    relay.mend();
    let quick = format!("FROM {}\nCOPY . /input\n", lab::base());
    machine.tree.file("Dockerfile", quick);
    machine.fp(&["ensure"]).succeeded().says("built, pushed");
}

/// It is published by then.
#[test]
fn a_name_that_cannot_be_taken_away_again_is_a_warning() {
    let machine = Machine::new(Store::Containerd);
    let refuse = "if [ \"$1 $2\" = 'image rm' ]; then\n\
                  echo 'Error response from daemon: not today' >&2\n\
                  exit 1\n\
                  fi";
    machine.intercept("docker", refuse);
    let answer = machine.fp(&["ensure"]).succeeded();
    let name = answer.line().to_owned();
    answer
        .says("warning: the name ")
        .says(":fp-staging stays in the engine, where nothing uses it any more: `docker image rm ");
    assert_eq!(
        machine.fp(&["ensure", "--no-pull"]).succeeded().line(),
        name
    );
}

#[test]
fn a_full_disk_is_told_and_nothing_is_left_on_it() {
    let machine = Machine::new(Store::Containerd);
    machine.tree.file("large", vec![b'x'; 1 << 20]);
    machine.configure_inputs("\"hello.sh\", \"large\"", "");
    let small = machine.folder("tmp").join("small");
    std::fs::create_dir(&small).unwrap();
    // Nobody else sees this mount.
    let script = "mount -t tmpfs -o size=512k none \"$TMPDIR\" && \"$0\" ensure; code=$?; \
                  echo \"left: $(ls \"$TMPDIR\" | grep -v fp-turns)\" >&2; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_fp")]);
    machine.prepare(&mut command);
    command.env("TMPDIR", &small);
    Running::spawn(command, &machine.folder("log"))
        .finish()
        .ended_with(1)
        .says("cannot stage large in")
        .says("No space left on device")
        .says("free space there, or name another folder with TMPDIR")
        .says("left: \n");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

/// An address of this machine where nobody listens.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The port of an address where the first client gets an answer in plain text.
fn speaks_no_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read_exact(&mut [0; 100]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        thread::sleep(Duration::from_secs(1));
    });
    port
}
