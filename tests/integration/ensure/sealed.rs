//! The sealed build: what is in the image is what the record lists, whoever builds it and where.

use std::fs::{File, FileTimes};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::lab::{self, Store, on_both_stores};
use crate::support::{Answer, Machine, Running};

on_both_stores! {
    modes_and_umask_do_not_show
    nasty_names_arrive_as_they_are
}

/// Everything below /input with type, mode, owner and link text, and the sums of the files.
pub(super) const LISTING: &str = "cd /input && find . -exec stat -c '%A %u:%g %N' {} + | sort; \
                       find . -type f -exec sha256sum {} + | sort";

/// Builds the image without publishing it.
#[track_caller]
pub(super) fn build(machine: &Machine) -> Answer {
    machine
        .fp(&["ensure", "--no-push"])
        .succeeded()
        .says("built")
}

#[track_caller]
fn listing(machine: &Machine) -> String {
    machine.in_image(build(machine).line(), LISTING)
}

fn modes_and_umask_do_not_show(store: Store) {
    let with_modes = |[file, program, link_target]: [u32; 3]| {
        let machine = Machine::new(store);
        machine
            .tree
            .file("scripts/deep/er/file", "file")
            .mode("scripts/deep/er/file", file);
        machine
            .tree
            .file("scripts/program", "program")
            .mode("scripts/program", program);
        machine
            .tree
            .file("scripts/target", "")
            .mode("scripts/target", link_target);
        machine.tree.link("scripts/link", "target");
        machine.configure_inputs("\"scripts\"", "");
        machine
    };
    let tidy = with_modes([0o644, 0o755, 0o644]);
    let untidy = with_modes([0o600, 0o4755, 0o664]);
    untidy
        .tree
        .mode("scripts/deep", 0o2770)
        .mode("scripts", 0o700);

    let expected = listing(&tidy);
    assert!(
        expected.contains("-rwxr-xr-x 0:0 ./scripts/program\n"),
        "{expected}"
    );
    assert!(
        expected.contains("-rw-r--r-- 0:0 ./scripts/deep/er/file\n"),
        "{expected}"
    );
    assert!(
        expected.contains("drwxr-xr-x 0:0 ./scripts/deep/er\n"),
        "{expected}"
    );
    assert!(
        expected.contains("'./scripts/link' -> 'target'"),
        "{expected}"
    );

    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "umask 077; exec \"$0\" ensure --no-push",
        env!("CARGO_BIN_EXE_fp"),
    ]);
    untidy.prepare(&mut shell);
    let built = Running::spawn(shell, &untidy.folder("log"))
        .finish()
        .succeeded();
    assert_eq!(untidy.in_image(built.line(), LISTING), expected);
}

#[test]
fn a_stray_file_never_reaches_the_image() {
    let machine = Machine::new(Store::Containerd);
    machine
        .tree
        .file("scripts/build.sh", "")
        .file("scripts/stray.log", "");
    machine
        .tree
        .file("stray", "")
        .file(".env", "SECRET=1")
        .folder("empty");
    machine.configure_inputs("\"scripts/*.sh\"", "");
    let listed = machine.in_image(build(&machine).line(), "cd /input && find . | sort");
    assert_eq!(listed, ".\n./scripts\n./scripts/build.sh\n");
}

#[test]
fn the_dockerfile_is_there_only_as_an_input() {
    let machine = Machine::new(Store::Containerd);
    machine.configure_inputs("\"hello.sh\", \"Docker*\"", "");
    let find = "cd /input && find . -type f | sort";
    assert_eq!(
        machine.in_image(build(&machine).line(), find),
        "./Dockerfile\n./hello.sh\n"
    );
    machine.configure("");
    assert_eq!(
        machine.in_image(build(&machine).line(), find),
        "./hello.sh\n"
    );
}

/// fp has applied the rules that hold; the builder must not apply others to what is left.
#[test]
fn an_ignore_file_that_is_an_input_is_an_ordinary_file() {
    let machine = Machine::new(Store::Containerd);
    machine
        .tree
        .file(".dockerignore", "*\n")
        .file("Dockerfile.dockerignore", "*.log\n");
    machine.tree.file("a.log", "").file("b.txt", "");
    machine.configure_inputs("\".dockerignore\", \"*.log\", \"b.txt\"", "");
    let listed = machine.in_image(build(&machine).line(), "cd /input && find . -type f | sort");
    assert_eq!(listed, "./.dockerignore\n./b.txt\n");
}

#[test]
fn what_counts_without_being_in_the_context_stays_outside() {
    let machine = Machine::new(Store::Containerd);
    machine
        .tree
        .file("app/src/main.c", "")
        .file("Makefile", "all:\n");
    let dockerfile = format!("FROM {}\nCOPY . /input\n", lab::base());
    machine.tree.file("docker/ci.Dockerfile", dockerfile);
    let lines = "context = \"app\"\ndockerfile = \"docker/ci.Dockerfile\"";
    machine.configure_inputs("\"app\", \"Makefile\"", lines);
    let listed = machine.in_image(build(&machine).line(), "cd /input && find . -type f");
    assert_eq!(listed, "./src/main.c\n");
}

#[test]
fn a_link_that_an_input_crosses_comes_along() {
    let machine = Machine::new(Store::Containerd);
    machine
        .tree
        .file("v2/run.sh", "echo two\n")
        .file("v1/run.sh", "")
        .link("current", "v2");
    machine.configure_inputs("\"current/run.sh\"", "");
    let said = machine.in_image(
        build(&machine).line(),
        "cd /input && find . | sort; sh current/run.sh",
    );
    assert_eq!(said, ".\n./current\n./v2\n./v2/run.sh\ntwo\n");
}

#[test]
fn an_image_may_need_nothing_but_its_dockerfile() {
    let machine = Machine::new(Store::Containerd);
    machine.configure_inputs("\"Dockerfile\"", "");
    machine.tree.file(
        "Dockerfile",
        format!(
            "FROM {}\nRUN --mount=target=/in ls -A /in >/listing\n",
            lab::base()
        ),
    );
    assert_eq!(machine.in_image(build(&machine).line(), "cat /listing"), "");
}

#[test]
fn files_keep_their_times() {
    let machine = Machine::new(Store::Containerd);
    // A file of its own, since the builder's cache does not look at times.
    machine.tree.file("hello.sh", &machine.unique);
    let time = UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    let file = File::options()
        .write(true)
        .open(machine.tree.path("hello.sh"))
        .unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    let seconds = machine.in_image(build(&machine).line(), "stat -c %Y /input/hello.sh");
    assert_eq!(seconds, "1234567890\n");
}

#[test]
fn arguments_and_target_arrive() {
    let machine = Machine::new(Store::Containerd);
    machine.tree.file(
        "Dockerfile",
        "ARG BASE\nFROM $BASE AS wanted\nARG FLAVOR\nARG VERSION\n\
         RUN printf '%s|' \"$FLAVOR\" \"$VERSION\" >/arguments\n\
         FROM wanted AS last\nRUN false\n",
    );
    machine.tree.file("version", "1.2\n");
    let base = lab::base();
    machine.configure(&format!(
        "target = \"wanted\"\n\
         args = {{ BASE = \"{base}\", FLAVOR = \"a, \\\"b\\\" = $c\\n'd'\", VERSION = {{ file = \"version\" }} }}"
    ));
    let said = machine.in_image(build(&machine).line(), "cat /arguments");
    assert_eq!(said, "a, \"b\" = $c\n'd'|1.2|");
}

fn nasty_names_arrive_as_they_are(store: Store) {
    let names = [
        "a b",
        "tab\there",
        "new\nline",
        "quo'te",
        "quo\"te",
        "back\\slash",
        "-dash",
        "--help",
        "#hash",
        "!bang",
        "$HOME",
        "*",
        "[a]",
        "~",
        "bidi\u{202e}txt",
        "zero\u{200b}width",
        "emoji\u{1f980}",
        ".hidden",
        "a=b,c",
    ];
    let machine = Machine::new(store);
    for name in names {
        machine.tree.file(format!("files/{name}"), name);
    }
    machine.tree.file("files/empty", "");
    machine.tree.file(b"files/latin-\xe9", "latin-\u{fffd}");
    machine
        .tree
        .link("files/dangling", "nowhere")
        .link("files/absolute", "/etc/passwd");
    machine.tree.link("files/loop", "loop");
    machine.configure_inputs("\"files\"", "");
    let script = "cd /input/files && for f in * .hidden; do printf '%s\\000' \"$f\"; [ -L \"$f\" ] && readlink -n \"$f\" \
                  || cat \"./$f\"; printf '\\000'; done";
    let said = machine.in_image(build(&machine).line(), script);
    let mut fields = said.split_terminator('\0');
    let mut found = 0;
    while let (Some(name), Some(content)) = (fields.next(), fields.next()) {
        found += 1;
        let expected = match name {
            "empty" => "",
            "dangling" => "nowhere",
            "absolute" => "/etc/passwd",
            "loop" => "loop",
            _ => name,
        };
        assert_eq!(content, expected, "{name:?}");
    }
    assert_eq!(found, names.len() + 5, "{said:?}");
}

#[test]
fn a_big_file_arrives() {
    let machine = Machine::new(Store::Containerd);
    let big = File::create(machine.tree.path("big")).unwrap();
    big.set_len(1 << 30).unwrap();
    machine.configure_inputs("\"big\"", "");
    machine.tree.file(
        "Dockerfile",
        format!(
            "FROM {}\nRUN --mount=target=/in stat -c %s /in/big >/size\n",
            lab::base()
        ),
    );
    assert_eq!(
        machine.in_image(build(&machine).line(), "cat /size"),
        "1073741824\n"
    );
}

#[test]
fn an_input_that_is_edited_after_it_was_hashed_is_not_built() {
    let machine = Machine::new(Store::Containerd);
    machine.hold("version");
    let running = machine.start(&["ensure"]);
    machine.wait_until_held("version");
    machine.tree.file("hello.sh", "#!/bin/sh\necho HELLO\n");
    machine.release("version");
    running
        .finish()
        .ended_with(1)
        .says("hello.sh changed after it was hashed")
        .says("help: run fp again");
    assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
    assert_eq!(lab::registry().tags(&machine.repository()), [""; 0]);
    machine.fp(&["ensure"]).succeeded();
}

/// The name of its ignore file would be too long for the file system.
#[test]
fn a_dockerfile_with_a_long_name_is_built() {
    let machine = Machine::new(Store::Containerd);
    let name = "D".repeat(250);
    let dockerfile = format!("FROM {}\nCOPY . /input\n", lab::base());
    machine.tree.file(&name, dockerfile);
    machine.configure(&format!("dockerfile = \"{name}\""));
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let said = machine.in_image(built.line(), "ls /input");
    assert_eq!(said, "hello.sh\n");
}
