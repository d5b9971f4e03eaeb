//! What podman does in its own way, and the choice between it and docker.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::thread;
use std::time::Duration;

use crate::support::lab::{self, Store};
use crate::support::{Machine, Running, wait_until};

/// A machine with both engines.
fn with_both() -> Machine {
    let mut machine = Machine::new(Store::Podman);
    let podman = machine.folder("bin").join("podman");
    let installed = fs::read(&podman).unwrap();
    machine.use_engine(Store::Containerd);
    machine.install("podman", std::str::from_utf8(&installed).unwrap());
    machine
}

/// Adds `[engine]` with this line to the configuration.
fn configure_engine(machine: &Machine, line: &str) {
    machine.configure(&format!("\n[engine]\n{line}\n"));
}

fn has_built(machine: &Machine, program: &str) -> bool {
    let is_build = |deed: &String| match program {
        "docker" => deed.starts_with("buildx build "),
        _ => deed.starts_with("build "),
    };
    machine.deeds().iter().any(is_build)
}

#[test]
fn auto_takes_docker_where_it_answers_and_tells_so() {
    let machine = with_both();
    let told = machine.fp(&["ensure", "--no-push"]).succeeded();
    assert!(
        told.stderr.starts_with("engine: docker\n"),
        "{}",
        told.stderr
    );
    assert!(has_built(&machine, "docker") && !has_built(&machine, "podman"));
    let told = machine.fp(&["status"]).ended_with(3);
    assert_eq!(told.stderr, "engine: docker\n");
}

#[test]
fn auto_takes_podman_where_no_docker_answers_and_tells_why() {
    let mut machine = with_both();
    machine.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let told = machine.fp(&["ensure", "--no-push"]).succeeded();
    let start = "engine: podman, since docker does not answer: the engine cannot be reached: ";
    assert!(told.stderr.starts_with(start), "{}", told.stderr);
    assert_eq!(told.stderr.matches("engine: podman").count(), 1);
    assert!(has_built(&machine, "podman") && !has_built(&machine, "docker"));
}

#[test]
fn what_is_named_is_used_and_the_flag_beats_the_configuration() {
    let machine = with_both();
    let built = machine.fp(&["ensure", "--no-push", "--engine", "podman"]);
    let built = built.succeeded().says_nothing_of("engine: podman\n");
    assert!(has_built(&machine, "podman") && !has_built(&machine, "docker"));
    configure_engine(&machine, "use = \"podman\"");
    let again = machine.fp(&["ensure", "--no-push"]).succeeded();
    assert_eq!(again.stdout, built.stdout);
    machine.clear_docker_log();
    machine
        .fp(&["ensure", "--no-push", "--engine=docker"])
        .succeeded();
    assert!(has_built(&machine, "docker"));
    configure_engine(&machine, "use = \"docker\"");
    machine
        .fp(&["status", "--engine=podman"])
        .ended_with(3)
        .says_nothing_of("docker");
    machine.fp(&["ensure", "--engine=rocket"]).ended_with(2);
}

#[test]
fn no_engine_at_all_is_told_of_both() {
    let mut machine = Machine::new(Store::Podman);
    machine.set("CONTAINERS_STORAGE_CONF", "/nonexistent/storage.conf");
    let answer = machine.fp(&["ensure", "--no-push"]).ended_with(4);
    answer
        .says("no engine answers: docker: the program `docker` was not found; podman: ")
        .says("help: `podman info` has to succeed");
    machine.set("PATH", machine.folder("home"));
    let answer = machine.fp(&["ensure", "--no-push"]).ended_with(4);
    answer
        .says("docker: the program `docker` was not found; podman: the program `podman` was not found")
        .says("help: install Docker Engine")
        .says("or install Podman");
    let answer = machine
        .fp(&["ensure", "--no-push", "--engine=podman"])
        .ended_with(4);
    answer
        .says("the program `podman` was not found")
        .says("help: install Podman")
        .says_nothing_of("Docker");
}

#[test]
fn a_service_elsewhere_that_does_not_answer() {
    let mut machine = Machine::new(Store::Podman);
    // As a podman of a virtual machine, or one that was told of a service, does it.
    let script = "#!/bin/sh\nexec \"$REAL\" --remote \"$@\"\n".replace(
        "\"$REAL\"",
        lab::podman_folder().join("podman").to_str().unwrap(),
    );
    machine.install("podman", &script);
    machine.set("CONTAINER_HOST", "unix:///nonexistent/podman.sock");
    let answer = machine.fp(&["ensure", "--engine=podman"]).ended_with(4);
    answer
        .says("podman's service cannot be reached")
        .says("help: start it (`podman machine start`");
}

/// As an ordinary user, in root's storage.
#[test]
fn a_storage_that_belongs_to_somebody_else() {
    let machine = Machine::new(Store::Podman);
    let closed = machine.folder("home").join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    for folder in ["log", "tmp"] {
        fs::set_permissions(machine.folder(folder), fs::Permissions::from_mode(0o777)).unwrap();
    }
    // The programs may lie where that user may not look.
    let bin = machine.folder("bin");
    fs::copy(env!("CARGO_BIN_EXE_fp"), bin.join("fp")).unwrap();
    machine.install(
        "podman",
        "#!/bin/sh\necho \"Error: mkdir $HOME/closed/x: permission denied\" >&2\nexit 125\n",
    );
    let mut command = std::process::Command::new(bin.join("fp"));
    machine.prepare(command.args(["ensure", "--engine=podman"]));
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    Running::spawn(command, &machine.folder("log"))
        .finish()
        .ended_with(4)
        .says("podman may not use its storage")
        .says("help: let podman keep its images where this user may write");
}

#[test]
fn a_build_that_fails_says_why_and_leaves_nothing() {
    let machine = Machine::new(Store::Podman);
    let run = format!(
        "RUN : {}; echo something went wrong; exit 7",
        machine.unique
    );
    let dockerfile = format!("FROM {}\n{run}\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine.configure("retry = 1");
    let failed = machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("something went wrong")
        .says("is tried again (0 more after this)")
        .says("the image could not be built")
        .says("exit status 7");
    assert_eq!(failed.stdout, "");
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
}

/// The upstream image is not built for nothing.
#[test]
fn what_podman_cannot_do_is_told_before_anything_is_built() {
    let machine = Machine::new(Store::Podman);
    let base = lab::base();
    let salt = machine.salt();
    let cannot = |leaf: String, why: &str| {
        machine.tree.file("leaf/Dockerfile", leaf);
        machine.tree.file(
            "fingerprint.toml",
            format!(
                "format = 1\n[images.base]\ninputs = [\"hello.sh\"]\n{salt}\
                 [images.leaf]\ninputs = [\"hello.sh\"]\ndockerfile = \"leaf/Dockerfile\"\n{salt}\
                 needs = {{ up = \"base\" }}\n"
            ),
        );
        let answer = machine.fp(&["ensure", "leaf"]).ended_with(1);
        answer.says(why).says("use Docker");
        assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    };
    cannot(
        "FROM up\nRUN <<END\necho hello\nEND\n".to_owned(),
        "podman 4.3.1 cannot read the here-documents",
    );
    cannot(
        "FROM up\nRUN --mount=type=bind,target=/c,rw touch /c/new\n".to_owned(),
        "cannot keep what is written to a mount",
    );
    cannot(
        format!("# syntax={base}\nFROM up\n"),
        "cannot have another frontend",
    );
}

#[test]
fn the_environment_changes_nothing_in_the_image() {
    let plain = Machine::new(Store::Podman);
    let dockerfile = format!(
        "FROM {}\nARG NONCE\nARG TARGETARCH\nCOPY . /input\nHEALTHCHECK CMD true\n\
         RUN env | grep -v -e NONCE -e HOSTNAME | sort >/environment; echo $TARGETARCH >>/environment\n",
        lab::base()
    );
    let configured = |machine: &Machine| {
        machine.tree.file("Dockerfile", dockerfile.as_str());
        machine.configure(&format!("args = {{ NONCE = \"{}\" }}", machine.unique));
    };
    let mut hostile = Machine::new(Store::Podman);
    for (name, value) in [
        ("BUILDAH_FORMAT", "oci"),
        ("BUILDAH_LAYERS", "false"),
        ("SOURCE_DATE_EPOCH", "1"),
        ("DOCKER_DEFAULT_PLATFORM", "linux/arm64"),
        ("FP_SOMETHING", "x"),
    ] {
        hostile.set(name, value);
    }
    let [expected, found] = [&plain, &hostile].map(|machine| {
        configured(machine);
        let reference = machine
            .fp(&["ensure", "--no-push"])
            .succeeded()
            .line()
            .to_owned();
        let told = "{{json .Config}} {{.Architecture}} {{.ManifestType}} {{.HealthCheck}}";
        let told = machine.docker(&["image", "inspect", "--format", told, &reference]);
        let fingerprint = machine.fp(&["hash"]).succeeded().line().to_owned();
        let told = told.replace(&fingerprint, "FINGERPRINT");
        (machine.in_image(&reference, "cat /environment"), told)
    });
    assert!(
        expected.1.contains("docker.distribution.manifest.v2"),
        "{expected:?}"
    );
    assert!(expected.1.contains("CMD-SHELL true"), "{expected:?}");
    assert!(
        expected.1.contains(r#"{"fp.fingerprint":"FINGERPRINT"}"#),
        "{expected:?}"
    );
    assert_eq!(found, expected);
}

/// podman's cache takes layers of another platform where nothing is run.
#[test]
fn another_platforms_layers_in_the_cache_are_not_taken() {
    let machine = Machine::new(Store::Podman);
    machine
        .tree
        .file("Dockerfile", "FROM scratch\nCOPY hello.sh /\nENV A=1\n");
    machine
        .tree
        .file("hello.sh", format!("echo {}\n", machine.unique));
    let own = machine.docker(&["info", "--format", "{{.Host.Arch}}"]);
    let other = if own.trim() == "arm64" {
        "amd64"
    } else {
        "arm64"
    };
    let folder = machine.tree.path("");
    let platform = format!("--platform=linux/{other}");
    let label = format!("--label=fp.fingerprint={}", machine.fp(&["hash"]).line());
    machine.docker(&[
        "build",
        "--format=docker",
        &platform,
        &label,
        folder.to_str().unwrap(),
    ]);
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let inspect = [
        "image",
        "inspect",
        "--format",
        "{{.Architecture}}",
        built.line(),
    ];
    assert_eq!(machine.docker(&inspect), own);
}

#[test]
fn isolation_is_as_configured() {
    let machine = Machine::new(Store::Podman);
    let isolations = ["chroot", "rootless", "oci"];
    for isolation in isolations {
        let run = format!("RUN : {} {isolation}; echo hello >/said", machine.unique);
        let dockerfile = format!("FROM {}\n{run}\n", lab::base());
        machine.tree.file("Dockerfile", dockerfile);
        configure_engine(&machine, &format!("isolation = \"{isolation}\""));
        let built = machine.fp(&["ensure", "--no-push"]).succeeded();
        assert_eq!(machine.in_image(built.line(), "cat /said"), "hello\n");
    }
    let deeds = machine.deeds().join("\n");
    for isolation in isolations {
        assert!(
            deeds.contains(&format!("--isolation {isolation} ")),
            "{deeds}"
        );
    }
    configure_engine(&machine, "use = \"docker\"\nisolation = \"chroot\"");
    machine
        .fp(&["hash"])
        .ended_with(2)
        .says("`isolation` is podman's, and docker is to be used");
}

#[test]
fn a_signal_ends_what_a_build_runs_and_its_container() {
    for (isolation, signal) in [
        ("oci", rustix::process::Signal::INT),
        ("chroot", rustix::process::Signal::TERM),
    ] {
        let machine = Machine::new(Store::Podman);
        // An image by which the container is told from those of other tests.
        let base = format!("localhost/base-{}:1", machine.unique);
        let own = format!("FROM {}\nLABEL own={}\n", lab::base(), machine.unique);
        machine.tree.file("base/Dockerfile", own);
        let folder = machine.tree.path("base");
        let tag = format!("--tag={base}");
        machine.docker(&["build", "--quiet", &tag, folder.to_str().unwrap()]);
        let begun = format!("begun-{}", machine.unique);
        let seconds = format!("600.{}", begun.bytes().map(u32::from).sum::<u32>());
        let run = format!("RUN echo {begun} | tr a-z A-Z; sleep {seconds}");
        machine
            .tree
            .file("Dockerfile", format!("FROM {base}\n{run}\n"));
        machine.configure(&format!(
            "push = \"never\"\n[engine]\nisolation = \"{isolation}\"\n"
        ));

        let mut running = machine.start(&["ensure"]);
        running.wait_for_stderr(&begun.to_uppercase());
        // At the very beginning of an instruction podman does not look after it yet: docs/ENGINES.md.
        thread::sleep(Duration::from_secs(1));
        running.send(signal);
        running.finish().ended_with(128 + signal.as_raw());
        wait_until("nothing of the build runs", || !runs(&["sleep", &seconds]));
        let list = ["ps", "--all", "--external", "--format", "{{.Image}}"];
        wait_until("no container is left", || {
            let listed = machine.try_docker(&list);
            // Containers of others may go while podman lists them.
            listed.code == Some(0) && !listed.stdout.contains(&base)
        });
        assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    }
}

/// Whether a process with these words runs on this machine.
fn runs(words: &[&str]) -> bool {
    let words = words.join("\0");
    let mut processes = fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).starts_with(&words)
    })
}

/// Has podman's first `times` builds end as they do when somebody removes an image meanwhile, which it does not
/// often enough by itself.
fn let_builds_collide(machine: &Machine, times: usize) {
    let collisions = machine.folder("tmp").join("collisions");
    let collide = format!(
        "if [ \"$1\" = build ] && [ $(wc -l <{0}) -lt {times} ]; then\n\
         echo >>{0}\n\
         echo 'Error: checking if cached image exists from a previous build: getting top layer info: layer not known' >&2\n\
         exit 125\n\
         fi",
        collisions.display()
    );
    fs::write(&collisions, "").unwrap();
    machine.intercept("podman", &collide);
}

#[test]
fn a_build_is_run_again_if_a_layer_went_meanwhile() {
    let machine = Machine::new(Store::Podman);
    let_builds_collide(&machine, 2);
    machine.fp(&["ensure"]).succeeded().says("built, pushed");

    machine.tree.file("hello.sh", "echo edited\n");
    let_builds_collide(&machine, 100);
    machine
        .fp(&["ensure"])
        .ended_with(1)
        .says("getting top layer info: layer not known");
}
