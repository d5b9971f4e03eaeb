//! Secrets and ssh keys reach the build and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::lab::{self, Store, on_every_engine};
use crate::support::{Machine, make_fifo};

on_every_engine! { a_secret_reaches_the_build_and_nothing_else }

/// A machine whose image notes the sums of two secrets, and these secrets' values.
fn machine(store: Store) -> (Machine, [String; 2]) {
    let mut machine = Machine::new(store);
    let values = ["variable", "file"].map(|name| format!("{name}-{}", machine.unique));
    machine.set("TOKEN", &values[0]);
    fs::write(machine.folder("home").join(".npm, \"rc\""), &values[1]).unwrap();
    let mounts = "--mount=type=secret,id=token --mount=type=secret,id=npm.rc";
    // What the builder has in its cache does not depend on secrets.
    let run = format!(": {}; cd /run/secrets && cat token npm.rc", machine.unique);
    let dockerfile = format!(
        "FROM {}\nCOPY . /input\nRUN {mounts} {run} | md5sum >/sum\n",
        lab::base()
    );
    machine.tree.file("Dockerfile", dockerfile);
    machine.configure(
        "secrets = { token = { env = \"TOKEN\" }, \"npm.rc\" = { file = '~/.npm, \"rc\"' } }",
    );
    (machine, values)
}

fn a_secret_reaches_the_build_and_nothing_else(store: Store) {
    let (machine, values) = machine(store);
    let mut said = String::new();
    for command in [
        &["record"][..],
        &["inputs", "--format", "json"],
        &["dockerfile"],
        &["ensure", "--dry-run", "--format", "json"],
    ] {
        let answer = machine.fp(command).succeeded();
        said += &(answer.stdout + &answer.stderr);
    }

    let build = match store {
        Store::Podman => "build",
        Store::Containerd | Store::Classic => "buildx build",
    };
    machine.hold(build);
    let running = machine.start(&["ensure"]);
    machine.wait_until_held(build);
    said += &machine.processes().join("\n");
    said += &contents(&machine.folder("tmp"));
    machine.release(build);
    let built = running.finish().succeeded().says("built, pushed");
    said += &built.stderr;
    said += &machine.docker_log().join("\n");
    let name = built.line().split('@').next().unwrap();
    said += &machine.docker(&["image", "inspect", name]);
    said += &machine.docker(&["image", "history", "--no-trunc", name]);
    assert!(said.contains("env=FP_SECRET_"), "{said}");
    let published = lab::registry().image_bytes(&machine.repository(), &machine.tag());
    let layers = published.iter().filter(|part| holds(part, "echo hello"));
    assert_eq!(layers.count(), 1, "the layers can be read");
    for value in &values {
        assert!(!said.contains(value), "{value} is in {said}");
        assert!(!published.iter().any(|part| holds(part, value)), "{value}");
        let search = format!("find / -xdev -type f -exec grep -l -e {value} {{}} \\;; cat /sum");
        let found = machine.in_image(name, &search);
        assert_eq!(found, sum(&machine, name, &values.concat()));
    }
    assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

fn sum(machine: &Machine, image: &str, text: &str) -> String {
    machine.in_image(image, &format!("printf %s {text} | md5sum"))
}

/// All that the files below a folder hold; links are none.
fn contents(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| !entry.file_type().unwrap().is_symlink())
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => contents(&entry.path()),
            false => String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned(),
        })
        .collect()
}

#[test]
fn a_client_with_buildkit_built_in_hands_secrets_over_too() {
    let (machine, values) = machine(Store::Containerd);
    machine.replace_docker(&lab::old_docker_program());
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    let found = machine.in_image(built.line(), "cat /sum");
    assert_eq!(found, sum(&machine, built.line(), &values.concat()));
    let log = machine.docker_log().join("\n");
    assert!(!values.iter().any(|value| log.contains(value)), "{log}");
}

/// The builder would have gone on without it.
#[test]
fn a_secret_that_is_missing_is_told_before_anything_is_built() {
    let (mut machine, _) = machine(Store::Containerd);
    let file = machine.folder("home").join(".npm, \"rc\"");
    fs::remove_file(&file).unwrap();
    let refused = |machine: &Machine, why: &str| {
        let answer = machine.fp(&["ensure", "--no-push"]).ended_with(1);
        answer.says("is not to be had").says(why);
        assert!(machine.deeds().is_empty(), "{:?}", machine.deeds());
    };
    refused(&machine, "cannot read");
    make_fifo(&file);
    refused(&machine, "it is no regular file");
    machine.configure("secrets = { token = { env = \"NONESUCH\" } }");
    refused(&machine, "NONESUCH is not set");
    machine.configure("ssh = [\"default\"]");
    refused(&machine, "SSH_AUTH_SOCK is not set");
    machine.set("HOME", "");
    machine.configure("ssh = [\"default\", \"default=~/k\"]");
    machine
        .fp(&["hash"])
        .ended_with(2)
        .says("`default` is the id of two ssh keys");
    machine.configure("ssh = [\"default=/nonexistent/key\"]");
    refused(&machine, "cannot read /nonexistent/key");
    machine.fp(&["hash"]).succeeded();
}

#[test]
fn an_ssh_agent_reaches_the_build_and_no_fingerprint() {
    let mut machine = Machine::new(Store::Containerd);
    let run = "--mount=type=ssh,id=work,required=true test -S $SSH_AUTH_SOCK && touch /reached";
    let dockerfile = format!(
        "FROM {}\nRUN : {}\nRUN {run}\n",
        lab::base(),
        machine.unique
    );
    machine.tree.file("Dockerfile", dockerfile);
    let before = machine.fp(&["hash"]).succeeded().stdout;
    machine.configure("ssh = [\"work\"]");
    assert_eq!(machine.fp(&["hash"]).succeeded().stdout, before);
    let socket = machine.folder("home").join("agent");
    let _agent = UnixListener::bind(&socket).unwrap();
    machine.set("SSH_AUTH_SOCK", socket);
    let built = machine.fp(&["ensure", "--no-push"]).succeeded();
    assert_eq!(machine.in_image(built.line(), "ls /reached"), "/reached\n");
}

/// The builder is an agent for the key, and hands out no more than that.
#[test]
fn a_private_key_signs_in_from_a_build_and_stays_where_it_is() {
    let machine = Machine::new(Store::Containerd);
    let key = Key::new(&machine.unique);
    let file = machine.folder("home").join("id");
    fs::write(&file, key.file()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    // The question of a client for the public keys, as the agent protocol has it (RFC 9987, 3.2).
    let ask = "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ[\"SSH_AUTH_SOCK\"]); \
               s.sendall(bytes([0, 0, 0, 1, 11])); f = s.makefile(\"rb\"); print(f.read(int.from_bytes(f.read(4), \"big\")).hex())";
    let dockerfile = format!(
        "FROM {}\nCOPY . /input\nRUN : {}\nRUN --mount=type=ssh python3 -c '{ask}' >/keys\n",
        lab::debian(),
        machine.unique
    );
    machine.tree.file("Dockerfile", dockerfile);
    machine.configure("ssh = [\"default=~/id\"]");
    let built = machine.fp(&["ensure"]).succeeded().says("built, pushed");
    let keys = machine.in_image(built.line(), "cat /keys");
    assert!(keys.contains(&hex(&key.public())), "{keys}");
    let published = lab::registry().image_bytes(&machine.repository(), &machine.tag());
    let secret = &key.secret()[..];
    let is_in = |part: &Vec<u8>| part.windows(secret.len()).any(|bytes| bytes == secret);
    assert!(!published.iter().any(is_in));
    assert!(!machine.docker_log().join("\n").contains(&hex(secret)));
}

/// A key of the form that ssh-keygen writes (OpenSSH's PROTOCOL.key), of random bytes: nobody checks what
/// it signs.
struct Key([u8; 64]);

impl Key {
    fn new(seed: &str) -> Self {
        let mut bytes = [0; 64];
        let mut hash = blake3::Hasher::new();
        hash.update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
        Key(bytes)
    }

    /// The public key as it travels.
    fn public(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(&self.0[..32])].concat()
    }

    /// The half of the private key that nobody else may know.
    fn secret(&self) -> Vec<u8> {
        self.0[32..64].to_vec()
    }

    fn file(&self) -> String {
        let pair = [&self.secret(), &self.0[..32]].concat();
        let check = [1, 2, 3, 4, 1, 2, 3, 4];
        let private = [&check[..], &self.public(), &string(&pair), &string(b"")].concat();
        let padding: Vec<u8> = (1..=8 - (private.len() % 8) as u8).collect();
        let private = [private, padding].concat();
        let none = string(b"none");
        let file = [
            b"openssh-key-v1\0".to_vec(),
            none.clone(),
            none,
            string(b""),
            1_u32.to_be_bytes().to_vec(),
            string(&self.public()),
            string(&private),
        ];
        let text = STANDARD.encode(file.concat());
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n")
    }
}

/// Bytes behind their number (RFC 4251, 5).
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length, bytes].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
