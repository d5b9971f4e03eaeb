//! Publishing to registries with rules or moods of their own: what they do with the staging tag and
//! the final one is scripted; the engine that pushes to them is real.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use blake3::Hash;
use sha2::{Digest as _, Sha256};

use crate::support::fault_proxy::{FaultProxy, handed_on};
use crate::support::lab::{self, Store, on_both_stores};
use crate::support::{Machine, Reply, Request, ScriptedRegistry, TlsFront};

on_both_stores! {
    a_staging_tag_that_may_not_be_overwritten_is_left_alone
    a_final_tag_that_may_not_be_overwritten_is_taken_as_it_is
    a_registry_on_loopback_may_speak_tls_with_any_certificate
    a_push_that_is_refused_half_way_leaves_no_tag_and_an_image_to_publish
    a_registry_with_odd_habits_serves_as_well
}

/// The manifests of a registry that has every blob already, by tag and by digest.
#[derive(Clone, Default)]
struct Manifests(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Manifests {
    fn put(&self, name: &str, bytes: &[u8]) {
        let mut manifests = self.0.lock().unwrap();
        manifests.insert(digest(bytes), bytes.to_owned());
        manifests.insert(name.to_owned(), bytes.to_owned());
    }

    fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap().contains_key(name)
    }

    /// What an ordinary registry does.
    fn answer(&self, request: &Request) -> Reply {
        if request.target == "/v2/" || request.target.contains("/blobs/") {
            return Reply::status(200);
        }
        let name = request.target.rsplit('/').next().unwrap();
        if request.method == "PUT" {
            self.put(name, &request.body);
            return Reply::status(201).header("Docker-Content-Digest", &digest(&request.body));
        }
        match self.0.lock().unwrap().get(name) {
            None => refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Some(bytes) => {
                let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                Reply::status(200)
                    .header("Content-Type", value["mediaType"].as_str().unwrap())
                    .header("Docker-Content-Digest", &digest(bytes))
                    .body(bytes.clone())
            }
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    format!("sha256:{}", Hash::from(hash).to_hex())
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    Reply::status(status)
        .header("Content-Type", "application/json")
        .body(body)
}

/// A machine that publishes to the registry at `host`, and the tag that its image will have.
fn machine(store: Store, host: &str) -> (Machine, String) {
    let machine = Machine::new(store);
    // The registry here takes no uploads, so the image has only layers that the engine has seen in
    // another one: of those it asks first whether they are there.
    let dockerfile = format!("FROM {}\nCMD [\"true\"]\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    // What is written after the image is not what these tests are about.
    let lines = "publish_record = false\n";
    machine.configure_for(&format!("{host}/app"), "\"hello.sh\"", lines);
    let tag = machine.tag();
    (machine, tag)
}

/// A registry that does as `rule` says, and as usual where that says nothing.
fn registry(
    manifests: &Manifests,
    rule: impl Fn(&Request, &Manifests) -> Option<Reply> + Send + Sync + 'static,
) -> ScriptedRegistry {
    let manifests = manifests.clone();
    ScriptedRegistry::start(move |request| {
        rule(request, &manifests).unwrap_or_else(|| manifests.answer(request))
    })
}

fn is_put_of(request: &Request, tag: impl Fn(&str) -> bool) -> bool {
    request.method == "PUT" && tag(request.target.rsplit('/').next().unwrap())
}

fn puts(registry: &ScriptedRegistry) -> Vec<String> {
    let requests = registry.requests().into_iter();
    requests
        .filter(|request| request.method == "PUT")
        .map(|request| request.target.rsplit('/').next().unwrap().to_owned())
        .collect()
}

fn a_staging_tag_that_may_not_be_overwritten_is_left_alone(store: Store) {
    // As ECR, Harbor and Google's Artifact Registry say it.
    for (status, code, message) in [
        (
            400,
            "TAG_INVALID",
            "the tag already exists and is immutable",
        ),
        (
            412,
            "PRECONDITION",
            "'app:fp-staging' configured as immutable.",
        ),
        (
            400,
            "MANIFEST_INVALID",
            "the repository has enabled tag immutability",
        ),
    ] {
        let manifests = Manifests::default();
        manifests.put(
            "fp-staging",
            br#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
        );
        let registry = registry(&manifests, move |request, manifests| {
            let is_immutable = is_put_of(request, |tag| manifests.has(tag));
            is_immutable.then(|| refusal(status, code, message))
        });
        let (machine, tag) = machine(store, &registry.host());
        machine.fp(&["ensure"]).succeeded().says("built, pushed");
        let puts = puts(&registry);
        let [.., own, last] = puts.as_slice() else {
            panic!("{puts:?}")
        };
        assert_eq!(*last, tag);
        let digits = own
            .strip_prefix("fp-staging-")
            .unwrap_or_else(|| panic!("{puts:?}"));
        assert!(
            digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
            "{own}"
        );
        assert!(!machine.docker(&["image", "ls"]).contains(own.as_str()));
    }
}

/// It names no digests, calls its headers otherwise, and has blobs uploaded that others mount. What docker makes of that
/// is docker's, so only fp sees it.
fn a_registry_with_odd_habits_serves_as_well(store: Store) {
    let backend = lab::registry().host;
    let behind = backend.clone();
    let registry = FaultProxy::start(&backend, move |request, _| {
        let mut asked = request.clone();
        if request.method == "POST" && request.target.contains("mount=") {
            asked.target = request.target.split('?').next().unwrap().to_owned();
        }
        match handed_on(&asked, &behind) {
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let names = headers.into_iter();
                let names = names.map(|(name, value)| (name.to_ascii_uppercase(), value));
                Reply::Answer {
                    status,
                    headers: names
                        .filter(|(name, _)| name != "DOCKER-CONTENT-DIGEST")
                        .collect(),
                    body,
                }
            }
            reply => reply,
        }
    });
    let machine = Machine::new(store);
    let repository = format!("{}/{}", registry.host(), machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", "");
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let built = built.says_nothing_of("warning");
    let published = lab::registry().digest(&machine.repository(), &machine.tag());
    assert_eq!(published.as_deref(), Some(built.digest()));
    machine.forget(machine.fp(&["ref"]).line());
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    let record = machine.fp(&["record"]).succeeded().stdout;
    let read = machine.fp(&["record", "--from", built.line()]).succeeded();
    assert_eq!(read.stdout, record);
    machine.fp(&["alias", "ci", "stable"]).succeeded();
    let other = format!("{repository}-other:stable");
    machine
        .fp(&["alias", "ci", &other])
        .ended_with(1)
        .says("does not share what")
        .says("name an alias in the image's own repository");
}

/// Somebody else's image came under the tag between the look-up and the writing.
fn a_final_tag_that_may_not_be_overwritten_is_taken_as_it_is(store: Store) {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |request, manifests| {
        is_put_of(request, |tag| !tag.starts_with("fp-staging")).then(|| {
            let mut theirs: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            theirs["annotations"] = serde_json::json!({ "made by": "somebody else" });
            let tag = request.target.rsplit('/').next().unwrap();
            manifests.put(tag, theirs.to_string().as_bytes());
            refusal(409, "DENIED", "the tag exists")
        })
    });
    let (machine, tag) = machine(store, &registry.host());
    let answer = machine
        .fp(&["ensure", "--no-pull"])
        .succeeded()
        .says("somebody else published the image first");
    let theirs = manifests.0.lock().unwrap()[&tag].clone();
    assert_eq!(answer.digest(), digest(&theirs));
}

/// docker speaks to it, and fp once did not.
fn a_registry_on_loopback_may_speak_tls_with_any_certificate(store: Store) {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |_, _| None);
    let front = TlsFront::start(&registry.host(), b"");
    let (machine, tag) = machine(store, &front.host());
    machine.fp(&["ensure"]).succeeded().says("built, pushed");
    assert!(manifests.has(&tag));
    assert!(front.plain_requests() > 0, "plain http is tried first");
    machine.fp(&["ensure"]).succeeded().says("nothing to do");
}

#[test]
fn after_a_first_push_the_registry_has_to_answer() {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |request, _| {
        let name = request.target.rsplit('/').next().unwrap();
        let is_look = request.method != "PUT" && request.target.contains("/manifests/");
        let is_of_the_tag = !name.starts_with("fp-staging") && !name.starts_with("sha256:");
        (is_look && is_of_the_tag).then(|| refusal(403, "DENIED", "no"))
    });
    let (machine, tag) = machine(Store::Containerd, &registry.host());
    machine.fp(&["ensure"]).ended_with(4).says("--first-push");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    let answer = machine
        .fp(&["ensure", "--first-push"])
        .ended_with(4)
        .says("403 Forbidden")
        .says("allowed to pull as well");
    assert!(!answer.stderr.contains("--first-push"), "{}", answer.stderr);
    assert_eq!(answer.stdout, "");
    assert!(
        !manifests.has(&tag),
        "nothing is written where nobody could look"
    );
}

#[test]
fn a_tag_that_cannot_be_written_fails_and_keeps_the_image() {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |request, _| {
        is_put_of(request, |tag| !tag.starts_with("fp-staging")).then(|| Reply::status(500))
    });
    let (machine, _) = machine(Store::Containerd, &registry.host());
    let answer = machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("could not be published; the image stays in the engine")
        .says("PUT http://")
        .says("500 Internal Server Error")
        .says("help: ");
    assert_eq!(answer.stdout, "");
    machine.fp(&["ensure", "--offline"]).succeeded();
}

#[test]
fn a_tag_that_is_not_there_after_it_was_written_is_told() {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |request, _| {
        is_put_of(request, |tag| !tag.starts_with("fp-staging")).then(|| Reply::status(201))
    });
    let (machine, _) = machine(Store::Containerd, &registry.host());
    machine
        .fp(&["ensure"])
        .ended_with(4)
        .says("is not there after it was written");
}

/// Protected tags: such a user may push whatever is called otherwise. It once was an error.
#[test]
fn a_final_tag_that_this_user_may_not_write_leaves_a_laptop_with_a_local_image() {
    let manifests = Manifests::default();
    let registry = registry(&manifests, |request, _| {
        let is_final = is_put_of(request, |tag| !tag.starts_with("fp-staging"));
        is_final.then(|| refusal(403, "DENIED", "the tag is protected"))
    });
    let (mut machine, tag) = machine(Store::Containerd, &registry.host());
    let local = machine
        .fp(&["ensure"])
        .succeeded()
        .says("warning: the image stays in the engine and is not published: PUT http://")
        .says("the tag is protected");
    assert!(
        local.line().ends_with(&format!(":{tag}")),
        "{}",
        local.line()
    );
    assert!(machine.has_image(local.line()));

    machine.set("CI", "true");
    machine.set("GITHUB_ACTIONS", "true");
    machine.set("GITHUB_EVENT_NAME", "push");
    let event = machine.folder("home").join("event.json");
    std::fs::write(&event, include_str!("events/push.json")).unwrap();
    machine.set("GITHUB_EVENT_PATH", event);
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("could not be published; the image stays in the engine")
        .says("the tag is protected");
}

/// Some of the image's layers are in the registry already when it says no to the next.
fn a_push_that_is_refused_half_way_leaves_no_tag_and_an_image_to_publish(store: Store) {
    let backend = lab::registry().host;
    let uploads = Arc::new(AtomicUsize::new(0));
    let is_full = Arc::new(AtomicBool::new(true));
    let (counted, full) = (Arc::clone(&uploads), Arc::clone(&is_full));
    let registry = ScriptedRegistry::start(move |request| {
        let ends_upload = request.method == "PUT" && request.target.contains("/blobs/uploads/");
        let is_late = ends_upload && counted.fetch_add(1, Ordering::SeqCst) > 0;
        match is_late && full.load(Ordering::SeqCst) {
            true => refusal(403, "DENIED", "the quota of the project is used up"),
            false => handed_on(request, &backend),
        }
    });
    let machine = Machine::new(store);
    let repository = format!("{}/{}", registry.host(), machine.repository());
    // Of a layer that another test has pushed, the registry would be told where it lies.
    machine.tree.file("hello.sh", &machine.unique);
    machine.configure_for(&repository, "\"hello.sh\"", "");
    let (name, tag) = (machine.fp(&["ref"]).line().to_owned(), machine.tag());

    // On a laptop that is a warning, in CI a failure; in both the image stays.
    let kept = machine.fp(&["ensure"]).succeeded();
    assert_eq!(kept.line(), name);
    kept.says("the image stays in the engine and is not published");
    assert!(uploads.load(Ordering::SeqCst) > 1, "something was uploaded");
    machine.configure_for(&repository, "\"hello.sh\"", "push = \"always\"\n");
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("it stays in the engine");
    assert!(machine.has_image(&name));
    assert_eq!(lab::registry().digest(&machine.repository(), &tag), None);

    is_full.store(false, Ordering::SeqCst);
    machine.clear_docker_log();
    machine.fp(&["ensure"]).succeeded().says("hit, pushed");
    let deeds = machine.deeds();
    assert!(
        !deeds.iter().any(|deed| deed.contains("build ")),
        "{deeds:?}"
    );
    assert!(
        lab::registry()
            .digest(&machine.repository(), &tag)
            .is_some()
    );
}
