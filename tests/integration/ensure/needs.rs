//! Images on images, with a real engine and a real registry.

use fp::reference::Digest;

use crate::support::lab::{self, Store, on_every_engine};
use crate::support::{Answer, Machine, Reply, Request, ScriptedRegistry, wait_until};

on_every_engine! {
    what_an_image_is_built_on_is_made_first_and_only_then
    what_is_not_published_is_handed_over_and_nothing_on_it_is_published
    a_stage_of_the_name_is_replaced
    an_image_that_the_builder_cannot_get_is_told
    a_step_that_fails_is_not_taken_for_an_image_that_is_not_found
}

/// A leaf on two images, one of which is on a third one.
fn diamond(machine: &Machine) {
    let tree = &machine.tree;
    let base = lab::base();
    tree.file("root/Dockerfile", format!("FROM {base}\nCOPY a /a\n"))
        .file("root/a", "root\n")
        .file("left/Dockerfile", "FROM root\nCOPY b /b\n")
        .file("left/b", "left\n")
        .file("right/Dockerfile", format!("FROM {base}\nCOPY c /c\n"))
        .file("right/c", "right\n")
        .file(
            "Dockerfile",
            "FROM left\nCOPY --from=right /c /c\nRUN cat /a /b /c >/all\n",
        );
    configure(machine, "");
}

fn configure(machine: &Machine, of_root: &str) {
    let salt = machine.salt();
    let repository = format!("{}/{}", lab::registry().host, machine.repository());
    let image = |name: &str, rest: &str| {
        let place = format!("dockerfile = \"{name}/Dockerfile\"\ncontext = \"{name}\"\n");
        let place = if name == "leaf" { "" } else { &place };
        let published = format!("repository = \"{repository}-{name}\"\n");
        let published = if rest.contains("push") {
            ""
        } else {
            &published
        };
        format!("[images.{name}]\n{published}{place}{rest}\n")
    };
    let config = [
        format!("format = 1\n[defaults]\n{salt}"),
        image("leaf", "needs = { left = \"left\", right = \"right\" }"),
        image("left", "needs = { root = \"root\" }"),
        image("right", ""),
        image("root", of_root),
    ];
    machine.tree.file("fingerprint.toml", config.concat());
}

fn what_an_image_is_built_on_is_made_first_and_only_then(store: Store) {
    let machine = Machine::new(store);
    diamond(&machine);
    let foreseen = machine.fp(&["ensure", "--dry-run", "leaf"]).succeeded();
    let decisions: Vec<_> = foreseen
        .stdout
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(decisions, ["leaf:", "left:", "right:", "root:"]);

    let built = machine
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("leaf: built, pushed");
    assert_eq!(
        built.stdout.lines().count(),
        1,
        "only what was asked for is printed"
    );
    assert_eq!(
        machine.in_image(built.line(), "cat /all"),
        "root\nleft\nright\n"
    );
    for name in ["root", "left", "right"] {
        let tags = lab::registry().tags(&format!("{}-{name}", machine.repository()));
        assert_eq!(tags.len(), 2, "{name}: its tag and the staging tag");
    }
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());

    // A hit of the leaf asks for nothing else.
    machine.forget(built.line());
    machine.clear_docker_log();
    machine
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("hit, pulled");
    let log = machine.docker_log();
    assert!(
        log.iter()
            .all(|line| !line.contains("-root") && !line.contains("-left")),
        "{log:?}"
    );

    // Another root is another leaf; what is on neither stays.
    machine.tree.file("root/a", "other root\n");
    let other = machine.fp(&["ensure", "leaf"]).succeeded();
    assert_ne!(other.stdout, built.stdout);
    assert!(!other.stderr.contains("right: build"), "{}", other.stderr);
    assert_eq!(
        machine.in_image(other.line(), "cat /all"),
        "other root\nleft\nright\n"
    );
}

fn what_is_not_published_is_handed_over_and_nothing_on_it_is_published(store: Store) {
    let machine = Machine::new(store);
    diamond(&machine);
    configure(&machine, "push = \"never\"");
    let built = machine.fp(&["ensure", "leaf"]).succeeded();
    let built = built
        .says("left: warning: the image stays in the engine and is not published, since `root`");
    assert!(!built.line().contains('@'), "{}", built.line());
    assert_eq!(
        machine.in_image(built.line(), "cat /all"),
        "root\nleft\nright\n"
    );
    let tags = |name: &str| lab::registry().tags(&format!("{}-{name}", machine.repository()));
    assert!(tags("leaf").is_empty() && tags("left").is_empty());
    assert_eq!(tags("right").len(), 2);
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());

    // Nothing is left to do, until what it is built on can be published: then it is built on that.
    machine.clear_docker_log();
    machine
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("leaf: hit");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    configure(&machine, "");
    let published = machine
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("leaf: built, pushed");
    assert_eq!(
        machine.in_image(published.line(), "cat /all"),
        "root\nleft\nright\n"
    );

    // Where it has to be published, that is an error.
    let other = Machine::new(store);
    diamond(&other);
    configure(&other, "push = \"never\"");
    let config = std::fs::read_to_string(other.tree.path("fingerprint.toml")).unwrap();
    other.tree.file(
        "fingerprint.toml",
        config.replace("[defaults]\n", "[defaults]\npush = \"always\"\n"),
    );
    // It was told only after everything that it is built on had been built, and not foreseen.
    other
        .fp(&["ensure", "leaf"])
        .ended_with(1)
        .says("cannot be published, since `root`, which it is built on, is not (it has no `repository`); nothing was built");
    assert!(other.deeds().is_empty(), "{:?}", other.deeds());
    let foreseen = other.fp(&["ensure", "--dry-run", "leaf"]).ended_with(1);
    assert!(
        foreseen.stdout.starts_with("leaf: fail (") && foreseen.stdout.lines().count() == 1,
        "{}",
        foreseen.stdout
    );
    let told = other.fp(&["status", "leaf"]).ended_with(3).stdout;
    let expected = "  ensure    fail (not published: `root`, which it is built on, is not (it has no `repository`))\n";
    assert!(told.contains(expected), "{told}");

    // What is published already may be built on, whoever may publish it.
    configure(&other, "");
    let config = std::fs::read_to_string(other.tree.path("fingerprint.toml")).unwrap();
    let denied = config.replace("[images.root]\n", "[images.root]\npush = \"never\"\n");
    let denied = denied.replace("[images.leaf]\n", "[images.leaf]\npush = \"always\"\n");
    other.tree.file("fingerprint.toml", &denied);
    other
        .fp(&["ensure", "leaf"])
        .ended_with(1)
        .says("since `root`, which it is built on, is not (push = \"never\")");
    other.tree.file("fingerprint.toml", config);
    other.fp(&["ensure", "--no-pull", "root"]).succeeded();
    other.tree.file("fingerprint.toml", denied);
    other
        .fp(&["ensure", "leaf"])
        .succeeded()
        .says("leaf: built, pushed");
}

fn a_stage_of_the_name_is_replaced(store: Store) {
    let machine = Machine::new(store);
    diamond(&machine);
    machine.tree.file(
        "Dockerfile",
        "FROM missing:1 AS Left\nRUN false\nFROM missing:2 AS right\nFROM left\n\
         COPY --from=1 /c /c\nRUN cat /a /b /c >/all\n",
    );
    let built = machine.fp(&["ensure", "leaf"]).succeeded();
    assert_eq!(
        machine.in_image(built.line(), "cat /all"),
        "root\nleft\nright\n"
    );
}

#[test]
fn an_image_that_fails_is_told_with_what_is_built_on_it() {
    let machine = Machine::new(Store::Containerd);
    diamond(&machine);
    machine.tree.file(
        "root/Dockerfile",
        format!("FROM {}\nCOPY a /a\nRUN exit 7\n", lab::base()),
    );
    machine
        .fp(&["ensure", "leaf"])
        .ended_with(1)
        .says("`left`, which it is built on, is not available")
        .says("`root`, which it is built on, is not available")
        .says("exit code: 7");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

/// The engines tell of the image's digest shortly before.
fn a_step_that_fails_is_not_taken_for_an_image_that_is_not_found(store: Store) {
    let machine = Machine::new(store);
    diamond(&machine);
    machine.fp(&["ensure", "left"]).succeeded();
    machine.tree.file(
        "Dockerfile",
        "FROM left\nCOPY --from=right /c /c\nRUN exit 7\n",
    );
    machine
        .fp(&["ensure", "leaf"])
        .ended_with(1)
        .says("the image could not be built")
        .says_nothing_of("the builder cannot get");
}

#[test]
fn images_that_do_not_need_each_other_are_built_at_the_same_time() {
    let machine = Machine::new(Store::Containerd);
    diamond(&machine);
    machine.hold("buildx build");
    let running = machine.start(&["ensure", "leaf"]);
    wait_until("two builds are under way", || machine.builds() == 2);
    machine.release("buildx build");
    let built = running
        .finish()
        .succeeded()
        .says("  right: #")
        .says("  root: #");
    assert_eq!(
        machine.in_image(built.line(), "cat /all"),
        "root\nleft\nright\n"
    );
}

/// What bears the tag of an image that others are built on may be something else: a shortened tag that
/// two fingerprints share, or an accident. It was built on without a look at its label.
#[test]
fn nothing_is_built_on_an_image_that_is_not_what_its_tag_says() {
    let machine = Machine::new(Store::Containerd);
    diamond(&machine);
    let tag_of_root = || {
        let reference = machine.fp(&["ref", "root"]).succeeded();
        let (_, tag) = reference.line().rsplit_once(':').unwrap();
        tag.to_owned()
    };
    let wanted = tag_of_root();
    machine.tree.file("root/a", "other root\n");
    let other = tag_of_root();
    machine.fp(&["ensure", "root"]).succeeded();
    machine.tree.file("root/a", "root\n");
    let root = format!("{}-root", machine.repository());
    let is_refused = |answer: Answer| {
        answer
            .ended_with(1)
            .says("`root`, which it is built on, is not available")
            .says(&format!(
                "is refused: its label names the fingerprint {other}"
            ))
            .says("remove the tag or change `salt`")
    };

    // Somebody else writes the tag while the image is pushed.
    machine.hold("push");
    let running = machine.start(&["ensure", "left"]);
    machine.wait_until_held("push");
    lab::registry().copy_tag(&root, &other, &wanted);
    machine.release("push");
    is_refused(running.finish()).says("somebody else published the image first");

    machine.clear_docker_log();
    is_refused(machine.fp(&["ensure", "left"]));
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}

/// A registry that tells of an image, and does not hand it out to the builder.
fn an_image_that_the_builder_cannot_get_is_told(store: Store) {
    let machine = Machine::new(store);
    machine
        .tree
        .file("Dockerfile", "FROM tools\n")
        .file("base/Dockerfile", "FROM scratch\n");
    let salt = machine.salt();
    let configure = |host: &str| {
        let text = format!(
            "format = 1\n[defaults]\n{salt}[images.ci]\nneeds = {{ tools = \"base\" }}\n\
             [images.base]\nrepository = \"{host}/base\"\ndockerfile = \"base/Dockerfile\"\n"
        );
        machine.tree.file("fingerprint.toml", text);
    };
    configure("localhost");
    let fingerprint = machine.fp(&["hash", "base"]).succeeded();
    let labels = serde_json::json!({ "fp.fingerprint": fingerprint.line() });
    let config = serde_json::json!({
        "os": "linux",
        "architecture": "amd64",
        "config": { "Labels": labels },
    });
    let config = config.to_string();
    let named = |text: &str| Digest::sha256_of(text.as_bytes()).to_string();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": { "digest": named(&config) },
        "layers": [],
    });
    let manifest = manifest.to_string();
    let digest = named(&manifest);
    let broken = ScriptedRegistry::start({
        let digest = digest.clone();
        let has_agent = |request: &Request| {
            let agent = request.header("user-agent");
            agent.is_some_and(|agent| agent.starts_with("fp/"))
        };
        move |request| match has_agent(request) {
            false => Reply::status(403),
            true if request.target.contains("/blobs/") => Reply::status(200).body(config.as_str()),
            true => Reply::status(200)
                .header("Docker-Content-Digest", &digest)
                .header("Content-Type", media_type)
                .body(manifest.as_str()),
        }
    });
    let host = broken.host();
    configure(&host);
    machine
        .fp(&["ensure", "ci"])
        .ended_with(1)
        .says(&format!("the builder cannot get {host}/base@{digest}, which stands for `tools` in the Dockerfile"))
        .says("403");
}

/// A missing secret was told only after everything that the image is built on had been built.
#[test]
fn what_a_build_lacks_is_told_before_what_it_is_built_on_is_made() {
    let machine = Machine::new(Store::Containerd);
    diamond(&machine);
    let config = std::fs::read_to_string(machine.tree.path("fingerprint.toml")).unwrap();
    for (key, code, told) in [
        (
            "secrets = { token = { env = \"TOKEN\" } }",
            1,
            "`token` is not to be had",
        ),
        (
            "platforms = [\"linux/s390x\"]",
            2,
            "the image is configured for linux/s390x",
        ),
    ] {
        let leaf = format!("[images.leaf]\n{key}\n");
        let config = config.replace("[images.leaf]\n", &leaf);
        let config = match key.starts_with("platforms") {
            true => config.replace("[defaults]\n", &format!("[defaults]\n{key}\n")),
            false => config,
        };
        machine.tree.file("fingerprint.toml", config);
        machine.fp(&["ensure", "leaf"]).ended_with(code).says(told);
        assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    }
    machine.replace_docker(&lab::old_docker_program());
    configure(&machine, "");
    machine
        .fp(&["ensure", "leaf"])
        .ended_with(1)
        .says("cannot build an image on another one");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
}
