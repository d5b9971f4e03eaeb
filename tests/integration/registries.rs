//! Which registries `fp` reaches, and how: what only a process has, its environment, decides that.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::crowd::Crowd;
use crate::support::far_registry::{self, CA, Clients, FarRegistry};
use crate::support::lab;
use crate::support::{Fp, Relay, Reply, ScriptedRegistry, Tree};

const MANIFEST_DIGEST: &str =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A registry where every tag is present.
fn registry() -> ScriptedRegistry {
    ScriptedRegistry::start(|_| Reply::status(200).header("Docker-Content-Digest", MANIFEST_DIGEST))
}

/// A tree whose one image is published in this repository.
fn tree(repository: &str) -> Tree {
    let tree = Tree::new();
    tree.image(&format!("inputs = []\nrepository = \"{repository}\"\n"));
    tree.file("Dockerfile", "FROM scratch\n");
    tree
}

/// Asks for the name of a published image, which takes a registry and no engine.
fn ensure(tree: &Tree) -> Fp {
    tree.fp().args(["ensure", "--no-pull"]).any_stderr()
}

#[test]
fn a_registry_behind_a_proxy_is_trusted_by_the_file_of_certificates_that_the_user_names() {
    let backend = registry();
    let far = FarRegistry::start(&backend.host(), Clients::All);
    let tree = tree("registry.test/acme/app");
    tree.file("ca.pem", CA);
    let run = || ensure(&tree).env("HTTPS_PROXY", far.proxy());
    let named = run().env("SSL_CERT_FILE", tree.path("ca.pem")).run();
    assert!(named.ends_with(&format!("@{MANIFEST_DIGEST}\n")), "{named}");
    assert_eq!(far.asked_for(), ["registry.test:443"]);

    run().code(4).stderr_contains("certificate").run();
    run()
        .env("SSL_CERT_FILE", tree.path("missing.pem"))
        .code(4)
        .stderr_contains("missing.pem")
        .run();
}

/// In a container without any, say.
#[test]
fn a_machine_without_certificates_of_its_own_asks_all_the_same() {
    let backend = registry();
    let far = FarRegistry::start(&backend.host(), Clients::All);
    let tree = tree("registry.test/acme/app");
    tree.folder("empty");
    let home = tree.path("home");
    far_registry::trust(&home.join(".config/containers/certs.d"));
    let run = || {
        ensure(&tree)
            .env("HTTPS_PROXY", far.proxy())
            .env("SSL_CERT_DIR", tree.path("empty"))
    };
    run().env("HOME", &home).run();
    // Then only the certificates count that fp brings along, and this one is not among them.
    run().code(4).stderr_contains("certificate").run();
    fs::remove_dir_all(home).unwrap();
}

/// As podman and docker have them, in the user's own folder.
#[test]
fn a_client_certificate_is_found_in_the_users_folder() {
    let backend = registry();
    let far = FarRegistry::start(&backend.host(), Clients::WithCertificate);
    let tree = tree("registry.test/acme/app");
    let home = tree.path("home");
    let folder = home.join(".config/docker/certs.d");
    far_registry::trust(&folder);
    let run = || {
        ensure(&tree)
            .env("HTTPS_PROXY", far.proxy())
            .env("HOME", &home)
    };
    run().env("FP_REGISTRY_TIMEOUT", "1").code(4).run();
    far_registry::certify(&folder);
    run().run();
}

/// How many requests fp has under way at once, where there are as many to make.
const AT_ONCE: usize = 32;

/// A tree with a hundred images, each in a repository of its own.
fn hundred(host: &str) -> Tree {
    let tree = Tree::new();
    let image = |number: usize| {
        let repository = format!("{host}/acme/app-{number}");
        format!("[images.app-{number}]\ninputs = []\nrepository = \"{repository}\"\n")
    };
    let images: String = (0..100).map(image).collect();
    tree.config(&format!("format = 1\n{images}"));
    tree.file("Dockerfile", "FROM scratch\n");
    tree
}

/// One after the other they took as many round trips. script/bench measures how long they take.
#[test]
fn a_hundred_images_are_looked_up_together() {
    let crowd = Arc::new(Crowd::of(100, AT_ONCE));
    let at_registry = Arc::clone(&crowd);
    let registry = ScriptedRegistry::start(move |_| {
        at_registry.join();
        Reply::status(200).header("Docker-Content-Digest", MANIFEST_DIGEST)
    });
    let tree = hundred(&registry.host());
    let told = ensure(&tree).arg("--dry-run").run();
    assert_eq!(told.lines().count(), 100);
    let names = told.lines().map(|line| line.split(':').next().unwrap());
    assert!(names.is_sorted(), "{told}");
    assert_eq!(registry.requests().len(), 100);
    assert_eq!(crowd.most(), AT_ONCE);
}

/// Two requests for each, since none is there, on about as many connections as there are requests at once.
#[test]
fn connections_serve_more_than_one_request() {
    let relay = Relay::start(&lab::registry().host);
    let tree = hundred(&relay.host());
    let told = tree.fp().args(["status", "--missing"]).run();
    assert_eq!(told.lines().count(), 100);
    assert!(
        (1..100).contains(&relay.connections()),
        "{}",
        relay.connections()
    );
}

#[test]
fn time_outs_can_be_set() {
    let silent = ScriptedRegistry::start(|_| Reply::Silence);
    let tree = tree(&format!("{}/app", silent.host()));
    let begin = Instant::now();
    ensure(&tree)
        .env("FP_REGISTRY_TIMEOUT", "1")
        .code(4)
        .stderr_contains("no answer within 1 s")
        .run();
    assert!(begin.elapsed() < Duration::from_secs(10));
    ensure(&tree)
        .env("FP_REGISTRY_TIMEOUT", "soon")
        .code(2)
        .stderr_contains("FP_REGISTRY_TIMEOUT is soon")
        .run();
}

#[test]
fn without_tls_goes_only_what_the_configuration_names() {
    let plain = registry();
    let tree = tree("registry.test:5000/acme/app");
    let run = || ensure(&tree).env("HTTP_PROXY", format!("http://{}", plain.host()));
    run().env("FP_REGISTRY_TIMEOUT", "1").code(4).run();
    assert!(plain.requests().is_empty());
    let lines = "inputs = []\nrepository = \"registry.test:5000/acme/app\"\n\
        [registry.\"registry.test:5000\"]\nplain_http = true\n";
    tree.image(lines);
    run().run();
    assert_eq!(plain.requests().len(), 1);
}
