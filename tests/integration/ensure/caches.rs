//! Layer caches and cache mounts, with real builders and a real registry.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::ci::on_github;
use crate::support::lab::{self, Store, on_both_stores};
use crate::support::{FarBuilder, Machine, Reply, ScriptedRegistry};

on_both_stores! {
    a_cache_in_the_image_is_found_by_the_next_build_elsewhere
    a_cache_that_cannot_be_used_keeps_nobody_from_the_image
}

/// A project whose first layer tells which build made it.
fn project(store: Store, lines: &str) -> Machine {
    let machine = Machine::new(store);
    layered(&machine, lines);
    machine
}

fn layered(machine: &Machine, lines: &str) {
    let run = format!(
        "RUN : {}; cat /proc/sys/kernel/random/uuid >/layer",
        machine.unique
    );
    let dockerfile = format!("FROM {}\n{run}\nCOPY hello.sh /\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine.configure(lines);
}

/// Which build made the first layer of what `fp ensure` makes now.
#[track_caller]
fn layer(machine: &Machine) -> String {
    let made = machine.fp(&["ensure"]).succeeded();
    machine.in_image(made.line(), "cat /layer")
}

/// Changes what comes after the first layer.
fn edit(machine: &Machine, text: &str) {
    machine.tree.file("hello.sh", format!("echo {text}\n"));
}

fn tags(machine: &Machine) -> Vec<String> {
    let mut tags = lab::registry().tags(&machine.repository());
    tags.retain(|tag| tag.starts_with("fp-"));
    tags
}

fn digest(machine: &Machine, tag: &str) -> Option<String> {
    lab::registry().digest(&machine.repository(), tag)
}

#[test]
fn a_cache_in_the_registry_is_read_by_the_next_build_elsewhere() {
    let mut machine = project(Store::Containerd, "cache = \"registry\"");
    // That there is none yet is not worth a word.
    let made = machine.fp(&["ensure"]).succeeded();
    let made = made.says_nothing_of("warning");
    let first = machine.in_image(made.line(), "cat /layer");
    assert_eq!(tags(&machine), ["fp-cache-ci", "fp-staging"]);
    let cache = digest(&machine, "fp-cache-ci");
    // It is an image, as far as registries can tell.
    lab::registry().image_config(&machine.repository(), "fp-cache-ci");

    // This engine has none of it, and cannot write such a cache.
    machine.use_engine(Store::Classic);
    edit(&machine, "other");
    let made = machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the cache is read and not written, which this engine cannot do");
    assert_eq!(machine.in_image(made.line(), "cat /layer"), first);
    assert_eq!(digest(&machine, "fp-cache-ci"), cache);

    // A builder of another kind can.
    let builder = FarBuilder::start();
    builder.introduce(&machine, "far");
    machine.set("BUILDX_BUILDER", "far");
    edit(&machine, "yet another");
    let made = machine.fp(&["ensure"]).succeeded();
    let made = made.says_nothing_of("warning");
    assert_eq!(machine.in_image(made.line(), "cat /layer"), first);
    assert_ne!(digest(&machine, "fp-cache-ci"), cache);
}

/// A cache of two stages, of which the image has but one, comes whole with `mode=max`.
#[test]
fn a_cache_in_the_registry_holds_all_stages() {
    let mut machine = project(Store::Containerd, "cache = \"registry\"");
    let run = format!(
        "RUN : {}; cat /proc/sys/kernel/random/uuid >/layer",
        machine.unique
    );
    let base = lab::base();
    machine.tree.file(
        "Dockerfile",
        format!("FROM {base} AS first\n{run}\nFROM {base}\nCOPY hello.sh /\nCOPY --from=first /layer /\n"),
    );
    let first = layer(&machine);
    machine.use_engine(Store::Classic);
    edit(&machine, "other");
    assert_eq!(layer(&machine), first);
}

fn a_cache_in_the_image_is_found_by_the_next_build_elsewhere(store: Store) {
    let mut machine = project(store, "cache = \"inline\"");
    let first = layer(&machine);
    assert_eq!(tags(&machine), ["fp-cache-ci", "fp-staging"]);
    assert_eq!(
        digest(&machine, "fp-cache-ci"),
        digest(&machine, &machine.tag())
    );
    machine.use_engine(store.other());
    edit(&machine, "other");
    assert_eq!(layer(&machine), first);
    assert_eq!(
        digest(&machine, "fp-cache-ci"),
        digest(&machine, &machine.tag())
    );
}

#[test]
fn a_pull_request_writes_what_only_pull_requests_read() {
    let payload = include_str!("events/push.json");
    let mut machine = on_github("push", "octocat", payload);
    layered(&machine, "cache = \"registry\"");
    let first = layer(&machine);
    let cache = digest(&machine, "fp-cache-ci");

    let payload = include_str!("events/pull_request.json");
    let path = machine.folder("home").join("event.json");
    std::fs::write(path, payload).unwrap();
    machine.set("GITHUB_EVENT_NAME", "pull_request");
    machine.use_engine(Store::Classic);
    let builder = FarBuilder::start();
    builder.introduce(&machine, "far");
    machine.set("BUILDX_BUILDER", "far");
    edit(&machine, "other");
    assert_eq!(layer(&machine), first);
    assert_eq!(
        tags(&machine),
        ["fp-cache-ci", "fp-cache-pr--ci", "fp-staging"]
    );
    assert_eq!(digest(&machine, "fp-cache-ci"), cache);
    let builds = machine.docker_log();
    let build = builds.iter().rfind(|line| line.starts_with("buildx build"));
    let build = build.expect("it was built");
    let of_pull_requests = build.find(":fp-cache-pr--ci").expect("it is read");
    assert!(of_pull_requests < build.find(":fp-cache-ci").expect("it is read"));
}

#[test]
fn who_does_not_publish_writes_no_cache() {
    for kind in ["registry", "inline"] {
        let machine = project(Store::Containerd, &format!("cache = \"{kind}\""));
        machine.fp(&["ensure", "--no-push"]).succeeded();
        let log = machine.docker_log().join("\n");
        assert!(!log.contains("--cache-to"), "{log}");
        assert!(log.contains("--cache-from"), "{log}");
        assert_eq!(tags(&machine), [""; 0]);
    }
}

/// What only the engine has may be secret, and a cache of the image would hold it.
#[test]
fn what_is_built_on_an_unpublished_image_gets_into_no_cache() {
    let machine = project(Store::Containerd, "");
    let (salt, host) = (machine.salt(), lab::registry().host);
    let repository = machine.repository();
    machine.tree.file("leaf/Dockerfile", "FROM base\n").file(
        "fingerprint.toml",
        format!(
            "format = 1\n[defaults]\n{salt}cache = \"registry\"\n[images.base]\n[images.leaf]\n\
             repository = \"{host}/{repository}\"\ncontext = \"leaf\"\ndockerfile = \"leaf/Dockerfile\"\n\
             needs = {{ base = \"base\" }}\n"
        ),
    );
    machine
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("base: the cache is left out, since its place is the image's repository");
    assert_eq!(tags(&machine), [""; 0]);
}

fn a_cache_that_cannot_be_used_keeps_nobody_from_the_image(store: Store) {
    let guarded = lab::guarded_registry().host;
    let lines = |more: &str| {
        format!(
            "cache_from = [\"{guarded}/x/y:z\", \"type=registry,ref=127.0.0.1:1/x\"]\n\
             cache_to = [\"type=registry,ref={guarded}/x/y:z{more}\"]"
        )
    };
    let mut machine = project(store, &lines(""));
    let builder = FarBuilder::start();
    builder.introduce(&machine, "far");
    machine.set("BUILDX_BUILDER", "far");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the cache 127.0.0.1:1/x could not be read: ")
        .says(&format!(
            "warning: the cache {guarded}/x/y:z could not be read: "
        ))
        .says("warning: a cache could not be written: ")
        .says("built, pushed");

    // Builders before BuildKit 0.12 take it for a failure.
    layered(&machine, &lines(",ignore-error=false"));
    edit(&machine, "other");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the build is done again without caches: ")
        .says("built, pushed");
}

#[test]
fn a_build_that_fails_by_itself_is_not_done_again() {
    let machine = project(Store::Containerd, "cache_from = [\"127.0.0.1:1/x\"]");
    let dockerfile = format!("FROM {}\nRUN exit 7\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine.fp(&["ensure"]).ended_with(1).says("exit code: 7");
    assert_eq!(machine.builds(), 1);
}

#[test]
fn an_old_client_builds_without_caches() {
    let machine = project(Store::Containerd, "cache = \"inline\"");
    machine.replace_docker(&lab::old_docker_program());
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: caches are neither read nor written, which takes docker with buildx");
    assert_eq!(tags(&machine), ["fp-staging"]);
}

#[test]
fn a_folder_of_a_cache_lies_in_the_root() {
    let machine = project(
        Store::Containerd,
        "cache_to = [\"type=local,dest=../cache\"]",
    );
    machine.fp(&["ensure"]).succeeded();
    assert!(machine.tree.path("../cache/index.json").exists());
}

#[test]
fn githubs_cache_is_left_out_elsewhere() {
    let machine = project(Store::Containerd, "cache = \"gha\"");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("ci: GitHub's cache is left out, since this is not GitHub Actions");
    let payload = include_str!("events/push.json");
    let machine = on_github("push", "octocat", payload);
    layered(&machine, "cache = \"gha\"");
    machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: GitHub's cache is left out, since ACTIONS_RUNTIME_TOKEN");
}

/// What a job's token says that its cache may do.
const SCOPES: &str = r#"[{"Scope":"refs/heads/main","Permission":3}]"#;

/// Not GitHub's service, which cannot be had here: what is seen is that it would be asked, with the job's
/// token, and that a service that fails keeps nobody from the image.
#[test]
fn githubs_cache_is_asked_with_the_jobs_token() {
    let service = ScriptedRegistry::start(|_| Reply::status(403));
    let claims =
        json!({ "nbf": 1_700_000_000, "exp": 4_102_444_800_u64, "ac": SCOPES }).to_string();
    let parts = ["{\"alg\":\"none\"}", &claims, "hush"];
    let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let mut machine = on_github("push", "octocat", include_str!("events/push.json"));
    layered(&machine, "cache = \"gha\"");
    machine.set("ACTIONS_RUNTIME_TOKEN", &token);
    machine.set("ACTIONS_CACHE_URL", format!("http://{}/", service.host()));
    let made = machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the cache gha:")
        .says("warning: a cache could not be written: ")
        .says("built, pushed");
    let authorization = format!("Bearer {token}");
    let requests = service.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(
            request.header("authorization"),
            Some(authorization.as_str())
        );
    }
    assert!(!made.stderr.contains(&token));
    assert!(!machine.docker_log().join("\n").contains(&token));

    // Nobody else gets it.
    machine.install(
        "docker",
        "#!/bin/sh\nenv | grep -q ACTIONS_ && echo leaked >&2\nexit 1\n",
    );
    layered(&machine, "cache = \"registry\"");
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says_nothing_of("leaked");
}

/// Files keep their own times in the sealed build: by them cargo knows what it has compiled already.
#[test]
fn cargo_compiles_what_was_edited_and_nothing_else() {
    let machine = Machine::new(Store::Containerd);
    let tree = &machine.tree;
    let package = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
    };
    // Files that the builder has in a layer already come with the times that they had there.
    let unique = &machine.unique;
    let lib = format!("pub fn word() -> &'static str {{ \"hello\" }} // {unique}\n");
    let app = |text: &str| {
        format!("fn main() {{ println!(\"{{}}{text}\", lib::word()); }} // {unique}\n")
    };
    let workspace = "[workspace]\nmembers = [\"app\", \"lib\"]\nresolver = \"3\"\n";
    tree.file("Cargo.toml", workspace)
        .file("Cargo.lock", LOCK)
        .file("lib/Cargo.toml", package("lib"))
        .file("lib/src/lib.rs", lib)
        .file(
            "app/Cargo.toml",
            package("app") + "[dependencies]\nlib = { path = \"../lib\" }\n",
        )
        .file("app/src/main.rs", app(""));
    let mount = format!("--mount=type=cache,id={unique},target=/work/target");
    let (rust, debian) = (lab::rust(), lab::debian());
    tree.file(
        "Dockerfile",
        format!(
            "FROM {rust} AS build\nWORKDIR /work\nCOPY . .\n\
             RUN {mount} cargo build --offline --locked && cp target/debug/app /app\n\
             FROM {debian}\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n"
        ),
    );
    let inputs = "\"Cargo.toml\", \"Cargo.lock\", \"app\", \"lib\"";
    machine.configure_inputs(inputs, "verify = [[\"/app\"]]");
    machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("Compiling lib ")
        .says("Compiling app ")
        .says("hello");
    tree.file("app/src/main.rs", app(" again"));
    machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("Compiling app ")
        .says_nothing_of("Compiling lib ")
        .says("hello again");
}

const LOCK: &str = r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["lib"]

[[package]]
name = "lib"
version = "0.1.0"
"#;
