//! `fp ensure`: the main job with a real engine and a real registry, and each of its flags.

mod aliases;
mod builders;
mod caches;
mod checks;
mod ci;
mod credentials;
mod each_registry;
mod engine_away;
mod environment;
mod faults;
mod lost_step;
mod needs;
mod platforms;
mod podman_alone;
mod publishing;
mod record;
mod refused;
mod sealed;
mod secrets;
mod shown;
mod signals;
mod together;
mod unread;
mod wait;

use serde_json::{Value, json};

use crate::support::Machine;
use crate::support::lab::{self, Store, on_both_stores, on_podman};

on_both_stores! {
    a_miss_is_built_and_pushed_and_a_hit_is_pulled
    an_image_without_repository_stays_local
    an_image_that_only_the_engine_has_is_published
    a_registry_of_another_implementation_does_as_well
    a_push_names_nothing_but_the_staging_tag
    a_published_image_takes_the_place_of_a_local_one
    a_client_with_buildkit_built_in_needs_no_buildx
}

on_podman! {
    a_miss_is_built_and_pushed_and_a_hit_is_pulled
    an_image_without_repository_stays_local
    an_image_that_only_the_engine_has_is_published
    a_registry_of_another_implementation_does_as_well
    a_push_names_nothing_but_the_staging_tag
    a_published_image_takes_the_place_of_a_local_one
}

fn a_miss_is_built_and_pushed_and_a_hit_is_pulled(store: Store) {
    let machine = Machine::new(store);
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let reference = machine.fp(&["ref"]).succeeded().line().to_owned();
    let tag = &fingerprint[..32];
    assert!(reference.ends_with(&format!(":{tag}")), "{reference}");

    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let digest = lab::registry()
        .digest(&machine.repository(), tag)
        .expect("the tag was written");
    assert_eq!(built.line(), format!("{reference}@{digest}"));
    let config = lab::registry().image_config(&machine.repository(), tag);
    assert_eq!(
        config["config"]["Labels"],
        json!({ "fp.fingerprint": fingerprint })
    );
    assert_eq!(
        machine.in_image(&reference, "sh /input/hello.sh"),
        "hello\n"
    );

    machine.clear_docker_log();
    let hit = machine.fp(&["ensure"]).succeeded();
    assert_eq!(hit.stdout, built.stdout);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());

    machine.forget(&reference);
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    assert_eq!(
        machine.in_image(&reference, "sh /input/hello.sh"),
        "hello\n"
    );
    assert!(
        !machine
            .deeds()
            .iter()
            .any(|deed| deed.contains("build") || deed.starts_with("push"))
    );

    machine.tree.file("hello.sh", "#!/bin/sh\necho edited\n");
    let edited = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    assert_ne!(edited.stdout, built.stdout);
    assert_eq!(
        machine.in_image(edited.line(), "sh /input/hello.sh"),
        "edited\n"
    );
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

#[test]
fn another_machine_with_another_store_gets_the_same_image() {
    let mut machine = Machine::new(Store::Containerd);
    let built = machine.fp(&["ensure"]).succeeded();
    machine.use_engine(Store::Classic);
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    let again = machine.fp(&["ensure"]).succeeded();
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
}

fn a_client_with_buildkit_built_in_needs_no_buildx(store: Store) {
    let machine = Machine::new(store);
    machine.replace_docker(&lab::old_docker_program());
    // The legacy builder would leave the platform empty.
    let dockerfile = format!(
        "FROM {}\nCOPY . /input\nARG TARGETARCH\nRUN test -n \"$TARGETARCH\"\n",
        lab::base()
    );
    machine.tree.file("Dockerfile", dockerfile);
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    machine.forget(built.line().split('@').next().unwrap());
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    let output = machine.in_image(built.line(), "sh /input/hello.sh");
    assert_eq!(output, "hello\n");
}

fn a_registry_of_another_implementation_does_as_well(store: Store) {
    let machine = Machine::new(store);
    let registry = lab::second_registry();
    let repository = format!("{}/{}", registry.host, machine.repository());
    machine.configure_for(&repository, "\"hello.sh\"", "");
    machine.fp(&["status"]).ended_with(3);
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let digest = registry.digest(&machine.repository(), &machine.tag());
    assert_eq!(digest.as_deref(), Some(built.digest()));
    machine.forget(machine.fp(&["ref"]).line());
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, built.stdout);
    machine.fp(&["status"]).succeeded();
}

fn an_image_without_repository_stays_local(store: Store) {
    let machine = Machine::new(store);
    machine.tree.file(
        "fingerprint.toml",
        format!(
            "format = 1\n[images.ci]\ninputs = [\"hello.sh\"]\n{}",
            machine.salt()
        ),
    );
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let built = machine.fp(&["ensure"]).succeeded();
    let reference = format!("localhost/fp/ci:{}", &fingerprint[..32]);
    assert_eq!(built.line(), reference);
    assert_eq!(
        machine.in_image(&reference, "sh /input/hello.sh"),
        "hello\n"
    );

    machine.clear_docker_log();
    assert_eq!(machine.fp(&["ensure"]).succeeded().stdout, built.stdout);
    assert_eq!(
        machine.fp(&["ensure", "--offline"]).succeeded().stdout,
        built.stdout
    );
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

fn an_image_that_only_the_engine_has_is_published(store: Store) {
    let machine = Machine::new(store);
    let local = machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("not published: --no-push");
    assert!(!local.line().contains('@'), "{}", local.line());
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);

    machine.clear_docker_log();
    assert_eq!(
        machine.fp(&["ensure", "--no-push"]).succeeded().stdout,
        local.stdout
    );
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());

    let published = machine.fp(&["ensure"]).succeeded().says("hit, pushed");
    let tag = machine.tag();
    let digest = lab::registry().digest(&machine.repository(), &tag);
    assert_eq!(digest.as_deref(), Some(published.digest()));
    assert!(
        !machine.deeds().iter().any(|deed| deed.contains("build")),
        "{:?}",
        machine.deeds()
    );
}

fn a_push_names_nothing_but_the_staging_tag(store: Store) {
    let machine = Machine::new(store);
    let reference = machine.fp(&["ensure"]).succeeded().line().to_owned();
    let pushes: Vec<_> = machine
        .deeds()
        .into_iter()
        .filter(|deed| deed.starts_with("push"))
        .collect();
    let (name, _) = reference.split_once('@').unwrap();
    let (repository, _) = name.rsplit_once(':').unwrap();
    let [push] = pushes.as_slice() else {
        panic!("{pushes:?}")
    };
    assert!(
        push.ends_with(&format!(" {repository}:fp-staging")),
        "{push}"
    );
    assert!(
        !machine.has_image(&format!("{repository}:fp-staging")),
        "the engine keeps no staging tag"
    );
    assert!(machine.has_image(name));
}

/// Two people built the same inputs, and one of them was allowed to publish: both get that image.
fn a_published_image_takes_the_place_of_a_local_one(store: Store) {
    let mut machine = Machine::new(store);
    let local = machine.fp(&["ensure", "--no-push"]).succeeded();
    machine.use_engine(store.other());
    let published = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    machine.use_engine(store);
    let pulled = machine.fp(&["ensure"]).succeeded().says("hit, pulled");
    assert_eq!(pulled.stdout, published.stdout);
    let digests = [
        "image",
        "inspect",
        "--format",
        "{{.RepoDigests}}",
        local.line(),
    ];
    assert!(machine.docker(&digests).contains(published.digest()));
    machine.fp(&["ensure"]).succeeded().says("nothing to do");
}

#[test]
fn a_build_that_fails_says_why_and_leaves_nothing() {
    let machine = Machine::new(Store::Containerd);
    let dockerfile = format!(
        "FROM {}\nRUN echo something went wrong; exit 7\n",
        lab::base()
    );
    machine.tree.file("Dockerfile", dockerfile);
    let failed = machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("something went wrong")
        .says("the image could not be built")
        .says("exit code: 7");
    assert_eq!(failed.stdout, "");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
}

/// What it printed once reached the terminal as it was.
#[test]
fn a_build_colours_its_words_and_steers_no_terminal() {
    let mut machine = Machine::new(Store::Containerd);
    let words = r"\033[31mred\033[2J\033]0;owned\007 \342\200\256rtl\rback\n";
    let run = format!("RUN : {}; printf '{words}'", machine.unique);
    let dockerfile = format!("FROM {}\n{run}\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine.set("CLICOLOR_FORCE", "1");
    machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("\u{1b}[31mred\\u{1b}[2J\\u{1b}]0;owned\\u{7} \\u{202e}rtl\u{1b}[0m\n  back\n");
}

#[test]
fn no_pull_needs_only_the_name() {
    let machine = Machine::new(Store::Containerd);
    let built = machine.fp(&["ensure"]).succeeded();
    machine.forget(built.line());
    machine.clear_docker_log();
    assert_eq!(
        machine.fp(&["ensure", "--no-pull"]).succeeded().stdout,
        built.stdout
    );
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn offline_asks_only_the_engine() {
    let machine = Machine::new(Store::Containerd);
    let absent = machine
        .fp(&["ensure", "--offline"])
        .ended_with(3)
        .says("without --offline");
    assert_eq!(absent.stdout, "");
    machine.fp(&["ensure"]).succeeded();
    let name = machine.fp(&["ref"]).line().to_owned();
    machine.clear_docker_log();
    assert_eq!(
        machine.fp(&["ensure", "--offline"]).succeeded().line(),
        name
    );
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn dry_run_tells_and_does_nothing() {
    let machine = Machine::new(Store::Containerd);
    let told = machine.fp(&["ensure", "--dry-run"]).succeeded();
    assert_eq!(
        told.line(),
        "ci: build and publish (registry: absent; engine: absent)"
    );
    let told = machine
        .fp(&["ensure", "--dry-run", "--no-push"])
        .succeeded();
    assert_eq!(
        told.line(),
        "ci: build (registry: absent; engine: absent; not published: --no-push)"
    );
    machine
        .fp(&["ensure", "--dry-run", "--offline"])
        .ended_with(3);
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());

    let digest = machine.fp(&["ensure"]).succeeded().digest().to_owned();
    let told = machine.fp(&["ensure", "--dry-run"]).succeeded();
    assert_eq!(
        told.line(),
        format!("ci: nothing to do (registry: present, {digest}; engine: present)")
    );
    machine.forget(machine.fp(&["ref"]).line());
    machine.clear_docker_log();
    let told = machine.fp(&["ensure", "--dry-run"]).succeeded();
    assert_eq!(
        told.line(),
        format!("ci: pull (registry: present, {digest}; engine: absent)")
    );
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

#[test]
fn first_push_changes_nothing_where_the_registry_answers() {
    let machine = Machine::new(Store::Containerd);
    let built = machine
        .fp(&["ensure", "--first-push"])
        .succeeded()
        .says("built, pushed");
    let again = machine
        .fp(&["ensure", "--first-push"])
        .succeeded()
        .says("nothing to do");
    assert_eq!(again.stdout, built.stdout);
}

#[test]
fn json_tells_all_of_it() {
    let machine = Machine::new(Store::Containerd);
    let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let tag = &fingerprint[..32];
    // What differs from run to run is there, and taken out.
    let json = |arguments: &[&str]| -> Value {
        let printed = machine.fp(arguments).succeeded().stdout;
        let mut answer: Value = serde_json::from_str(&printed).unwrap();
        let image = answer[0].as_object_mut().unwrap();
        assert!(image.remove("size").unwrap().as_u64() > Some(1_000_000));
        assert!(image.remove("seconds").unwrap().as_f64() < Some(60.0));
        answer
    };
    let built = json(&["ensure", "--format", "json"]);
    let digest = lab::registry().digest(&machine.repository(), tag).unwrap();
    let expected = |hit: bool, steps: &[&str]| {
        json!([{
            "image": "ci",
            "fingerprint": fingerprint,
            "reference": format!("{repository}:{tag}@{digest}"),
            "repository": repository,
            "tag": tag,
            "digest": digest,
            "hit": hit,
            "aliases": {},
            "hints": [],
            "steps": steps,
        }])
    };
    assert_eq!(built, expected(false, &["built", "pushed"]));
    assert_eq!(json(&["ensure", "--format", "json"]), expected(true, &[]));
    machine.forget(machine.fp(&["ref"]).line());
    assert_eq!(
        json(&["ensure", "--format", "json"]),
        expected(true, &["pulled"])
    );
}

#[test]
fn several_images_each_get_their_line_and_one_that_fails_keeps_no_other_back() {
    let machine = Machine::new(Store::Containerd);
    let salt = machine.salt();
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    machine
        .tree
        .file("bad/Dockerfile", "FROM scratch\nCOPY missing /\n");
    machine.tree.file(
        "fingerprint.toml",
        format!(
            "format = 1\n\
             [images.a]\nrepository = \"{repository}-a\"\ninputs = [\"hello.sh\"]\n{salt}\
             [images.b]\nrepository = \"{repository}-b\"\ninputs = [\"hello.sh\"]\n{salt}\
             dockerfile = \"bad/Dockerfile\"\n\
             [images.c]\nrepository = \"{repository}-c\"\ninputs = [\"hello.sh\"]\n{salt}"
        ),
    );
    let all = machine.fp(&["ensure"]).ended_with(1).says("b: ");
    let lines: Vec<_> = all.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with(&format!("{repository}-a:")),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with(&format!("{repository}-c:")),
        "{lines:?}"
    );

    let some = machine.fp(&["ensure", "c", "a"]).succeeded();
    assert_eq!(some.stdout.lines().count(), 2);
    machine.fp(&["ensure", "d"]).ended_with(2).says("d");
}
