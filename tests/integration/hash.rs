//! `fp hash`

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::ioctl_fionbio;
use snapbox::str;

use crate::support::{Tree, assert_says, wait_until};

/// Two images that need no files but the Dockerfile, and their fingerprints.
fn two_images() -> (Tree, [String; 2]) {
    let tree = Tree::new();
    tree.file("Dockerfile", "FROM scratch\n").config(
        "format = 1\n[images.toolchain]\ninputs = ['Dockerfile']\n[images.base]\ninputs = ['Dockerfile']\nsalt = '1'\n",
    );
    let record = |rest: &str| {
        let dockerfile = blake3::hash(b"FROM scratch\n");
        let record =
            format!("fp-record\t1\ncontext\t.\ndockerfile\tDockerfile\t{dockerfile}\n{rest}");
        blake3::hash(record.as_bytes()).to_string()
    };
    let fingerprints = [record("salt\t1\n"), record("")];
    (tree, fingerprints)
}

#[test]
fn it_prints_the_fingerprint_and_nothing_else() {
    let (tree, [base, toolchain]) = two_images();
    let hash = |image: &str| tree.fp().args(["hash", image]).run();
    assert_eq!(hash("base"), format!("{base}\n"));
    assert_eq!(hash("toolchain"), format!("{toolchain}\n"));
    let record = tree.fp().args(["record", "base"]).run();
    assert_eq!(blake3::hash(record.as_bytes()).to_string(), base);
}

#[test]
fn all_images_have_a_line_each() {
    let (tree, [base, toolchain]) = two_images();
    let all = tree.fp().args(["hash", "--all"]).run();
    assert_eq!(all, format!("{base}  base\n{toolchain}  toolchain\n"));
}

#[test]
fn programs_get_json() {
    let (tree, _) = two_images();
    let json = |argument: &str| tree.fp().args(["hash", "--format", "json", argument]).run();
    assert_says(
        json("base"),
        str![[r#"
{
  "fingerprint": "ff0b2c43e04d452defc48bcc81bf6943355801237ae4cff3ec4cf97f2ea935ca",
  "image": "base"
}

"#]],
    );
    assert_says(
        json("--all"),
        str![[r#"
[
  {
    "fingerprint": "ff0b2c43e04d452defc48bcc81bf6943355801237ae4cff3ec4cf97f2ea935ca",
    "image": "base"
  },
  {
    "fingerprint": "e2c72deb5d52c24f0f5f6ca4a58bb0f5c76e55ab0c55ffed6dde0e302be25426",
    "image": "toolchain"
  }
]

"#]],
    );
}

#[test]
fn misuse_is_explained() {
    let (tree, _) = two_images();
    let run = |arguments: &[&str]| tree.fp().args(arguments).code(2);
    assert_says(
        tree.refusal_of(run(&["hash", "--all", "base"])),
        str![[r#"
error: the argument '--all' cannot be used with '[IMAGE]'

Usage: fp hash --all [IMAGE]

For more information, try '--help'.

"#]],
    );
    assert_says(
        tree.refusal_of(run(&["hash", "--format", "xml", "base"])),
        str![[r#"
error: invalid value 'xml' for '--format <FORMAT>'
  [possible values: text, json]

For more information, try '--help'.

"#]],
    );
    assert_says(
        tree.refusal_of(run(&["hahs"])),
        str![[r#"
error: unrecognized subcommand 'hahs'

  tip: a similar subcommand exists: 'hash'

Usage: fp [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]],
    );
    assert_says(
        tree.refusal_of(run(&["hash", "a", "b"])),
        str![[r#"
error: unexpected argument 'b' found

Usage: fp hash [OPTIONS] [IMAGE]

For more information, try '--help'.

"#]],
    );
    run(&[]).stderr_contains("Usage: fp").run();
}

/// The digest of 1 GiB of zero bytes was computed by another implementation of BLAKE3.
#[test]
fn a_file_of_a_gibibyte_is_hashed() {
    let tree = Tree::with_inputs("'big'");
    let file = File::create(tree.path("big")).expect("a file");
    file.set_len(1 << 30).expect("a sparse file");
    let record = tree
        .fp()
        .arg("record")
        .within(Duration::from_secs(60))
        .run();
    let digest = "94b4ec39d8d42ebda685fbb5429e8ab0086e65245e750142c1eea36a26abc24d";
    assert!(
        record.contains(&format!("\nfile\tbig\t-\t{digest}\n")),
        "{record}"
    );
}

#[test]
fn many_files_are_hashed_in_the_order_of_their_names() {
    let tree = Tree::with_inputs("'d'");
    let mut lines = Vec::new();
    for number in 0..600 {
        let (path, content) = (format!("d/{}/{number}", number % 7), number.to_string());
        tree.file(&path, &content);
        lines.push(format!(
            "file\t{path}\t-\t{}\n",
            blake3::hash(content.as_bytes())
        ));
    }
    lines.sort_unstable();
    assert!(tree.record().ends_with(&lines.concat()));
}

/// What takes longer than the answer itself: a runtime, signals that are listened to, git.
#[test]
fn a_small_tree_takes_no_thread_and_no_other_program() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a", "1").file(".gitignore", "*.o\n").commit();
    let expected = tree.hash();
    let alone = || tree.fp().without_threads_and_children();
    assert_eq!(alone().arg("hash").run().trim_end(), expected);
    // The limit is one: what needs a thread fails.
    let status = alone().arg("status").code(1);
    status
        .stderr_contains("cannot do two things at a time")
        .run();
}

/// Looked at while it is held at the end of its work, with nobody to read the answer: what it closed
/// before is not seen.
#[test]
fn it_holds_no_socket_and_no_event_queue() {
    let tree = Tree::with_inputs("'d'");
    tree.file("d/a", "1");
    let (reader, mut writer) = std::io::pipe().unwrap();
    ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    ioctl_fionbio(&writer, false).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fp"));
    command.arg("hash").env_clear().current_dir(tree.path(""));
    command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);

    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let mut asleep = 0;
    wait_until("fp waits for its reader", || {
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        asleep = if stat.contains(") S ") { asleep + 1 } else { 0 };
        asleep == 20
    });
    let opened = |entry: io::Result<fs::DirEntry>| fs::read_link(entry.unwrap().path()).unwrap();
    let open: Vec<_> = fs::read_dir(process.join("fd"))
        .unwrap()
        .map(opened)
        .collect();
    let threads = fs::read_dir(process.join("task")).unwrap().count();
    drop(reader);
    child.wait().unwrap();
    assert_eq!(threads, 1);
    let is_special = |path: &&PathBuf| {
        let text = path.to_string_lossy();
        text.starts_with("socket:") || text.starts_with("anon_inode:")
    };
    let others: Vec<_> = open.iter().filter(is_special).collect();
    assert!(others.is_empty(), "{others:?}");
}
