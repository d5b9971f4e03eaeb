//! What the documentation shows is true: configurations are accepted, and the README's session is
//! what fp prints.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::schema;
use crate::support::lab::{self, Store};
use crate::support::{Machine, Tree};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let pages = fs::read_dir(project().join("docs")).unwrap();
    let pages = pages.map(|page| page.unwrap().path());
    pages.chain([project().join("README.md")]).collect()
}

/// The fenced blocks of `language` in a document.
fn blocks(document: &Path, language: &str) -> Vec<String> {
    let text = fs::read_to_string(document).unwrap();
    let opening = format!("```{language}\n");
    let after = text.split(&opening).skip(1);
    after
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_configuration_is_accepted() {
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document, "toml") {
            schema::accepts(&document.display().to_string(), &block);
            let tree = Tree::new();
            let dockerfile = "FROM toolchain AS ci\nARG BASE FLAVOR RUST_VERSION DATE\n";
            tree.config(&block)
                .file("Dockerfile", dockerfile)
                .file("Makefile", "all:\n");
            tree.file("install.sh", "")
                .file("scripts/run", "")
                .file("scripts/README.md", "");
            tree.file("rust-version", "1.95\n");
            tree.file("base/Dockerfile", "FROM scratch\n");
            tree.file("docker/tools/Dockerfile", "FROM scratch\n");
            let all = tree.fp().args(["ref", "--all"]).run();
            assert!(all.lines().count() > 0, "{}", document.display());
            count += 1;
        }
    }
    assert!(count >= 2, "the documents show configurations");
}

#[test]
fn the_mistakes_that_the_configurations_page_shows_are_told_so() {
    let sessions = blocks(&project().join("docs/CONFIGURATION.md"), "console");
    assert!(!sessions.is_empty());
    for block in sessions {
        let [shown, asked] = session(&block)
            .try_into()
            .ok()
            .expect("a file and a command");
        assert_eq!(shown.command, "cat fingerprint.toml");
        let tree = Tree::new();
        tree.config(&(shown.printed.join("\n") + "\n"));
        let arguments = asked
            .command
            .strip_prefix("fp ")
            .expect("fp is run")
            .split(' ');
        let said = tree.refusal_of(tree.fp().args(arguments).code(2));
        let said: Vec<_> = said
            .trim_end()
            .lines()
            .map(|line| line.replace("ROOT/", ""))
            .collect();
        assert_eq!(said, asked.printed);
    }
}

#[test]
fn the_configuration_of_the_readme_is_the_one_of_the_example() {
    let [block] = blocks(&project().join("README.md"), "toml")
        .try_into()
        .unwrap();
    let example = fs::read_to_string(project().join("examples/ci-image/fingerprint.toml")).unwrap();
    let without_comments: Vec<_> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(block.lines().collect::<Vec<_>>(), without_comments);
}

#[test]
fn the_workflow_of_the_readme_is_the_one_of_the_example() {
    let [block] = blocks(&project().join("README.md"), "yaml")
        .try_into()
        .unwrap();
    let example = project().join("examples/ci-image/.github/workflows/ci-image.yml");
    assert_eq!(block, fs::read_to_string(example).unwrap());
}

#[test]
fn the_workflow_for_several_platforms_is_the_one_of_the_example() {
    let [block] = blocks(&project().join("docs/PLATFORMS.md"), "yaml")
        .try_into()
        .unwrap();
    let example = project().join("examples/platforms/.github/workflows/image.yml");
    assert_eq!(block, fs::read_to_string(example).unwrap());
}

#[test]
fn the_session_of_the_readme_is_what_fp_prints() {
    let [block] = blocks(&project().join("README.md"), "console")
        .try_into()
        .unwrap();
    let machine = Machine::bare(Store::Containerd);
    let example = project().join("examples/ci-image");
    let copied = Command::new("cp")
        .arg("-R")
        .arg(example.join("."))
        .arg(machine.tree.path(""))
        .status();
    assert!(copied.unwrap().success());
    for exchange in session(&block) {
        let printed = run(&machine, &exchange.command);
        let expected = without_accidents(&exchange.printed);
        assert_eq!(
            without_accidents(&printed),
            expected,
            "{}",
            exchange.command
        );
    }
}

/// A command of a session, and the lines that it printed.
struct Exchange {
    command: String,
    printed: Vec<String>,
}

fn session(block: &str) -> Vec<Exchange> {
    let mut session: Vec<Exchange> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => {
                session.push(Exchange {
                    command: command.to_owned(),
                    printed: Vec::new(),
                });
            }
            None => session.last_mut().unwrap().printed.push(line.to_owned()),
        }
    }
    session
}

/// Runs a command in the project as a person would, and returns all that it showed.
fn run(machine: &Machine, line: &str) -> Vec<String> {
    let mut command = Command::new("sh");
    machine.prepare(command.args(["-c", &format!("exec 2>&1; {line}")]));
    let fp = Path::new(env!("CARGO_BIN_EXE_fp"))
        .parent()
        .unwrap()
        .to_path_buf();
    let inherited = env::var_os("PATH").unwrap();
    let path = [machine.folder("bin"), fp]
        .into_iter()
        .chain(env::split_paths(&inherited));
    let output = command
        .env("PATH", env::join_paths(path).unwrap())
        .env("CI_IMAGE_BASE", lab::debian())
        .env(
            "CI_IMAGE_REPOSITORY",
            format!("{}/{}", lab::registry().host, machine.repository()),
        )
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The lines with what differs between two runs taken out: digests, addresses, times; and the
/// builder's own lines as one.
fn without_accidents(lines: &[String]) -> Vec<String> {
    let mut plain: Vec<String> = lines.iter().map(|line| without_accident(line)).collect();
    plain.dedup();
    plain
}

fn without_accident(line: &str) -> String {
    let line = &without_minutes(line);
    let is_fps = |rest: &str| {
        ["registry ", "engine ", "ensure "]
            .iter()
            .any(|w| rest.starts_with(w))
    };
    match line.strip_prefix("  ") {
        // Builders part their steps by empty lines.
        None if line.is_empty() => "  ⋮".to_owned(),
        Some(rest) if !is_fps(rest) => "  ⋮".to_owned(),
        _ => line
            .split_inclusive([' ', '@', ';', ')'])
            .map(without_accident_in_word)
            .collect(),
    }
}

/// On a busy machine a build takes minutes, which are told in other words.
fn without_minutes(line: &str) -> String {
    let minutes = regex::Regex::new("[0-9]+ min [0-9]+ s").unwrap();
    minutes.replace(line, "60.0 s").into_owned()
}

fn without_accident_in_word(word: &str) -> String {
    let text = word.trim_end_matches([' ', '@', ';', ')']);
    let end = &word[text.len()..];
    let last = text.rsplit(':').next().unwrap();
    let plain = if last.len() >= 32 && last.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        match text.strip_suffix(last).unwrap() {
            "" => "DIGEST",
            "sha256:" => "sha256:DIGEST",
            _ => "REPOSITORY:DIGEST",
        }
    } else if text.contains('.') && text.parse::<f64>().is_ok() {
        "TIME"
    } else {
        text
    };
    format!("{plain}{end}")
}

/// build.rs links libgcc into it.
#[test]
#[cfg(target_env = "gnu")]
fn fp_needs_no_library_but_the_c_library() {
    let needed = Command::new("ldd").arg(env!("CARGO_BIN_EXE_fp")).output();
    let needed = String::from_utf8(needed.unwrap().stdout).unwrap();
    let is_expected = |line: &str| {
        let name = line.split_whitespace().next().unwrap();
        name.starts_with("linux-vdso") || name.starts_with("libc.so") || name.contains("/ld-linux")
    };
    assert!(needed.contains("libc.so"), "{needed}");
    assert!(needed.lines().all(is_expected), "{needed}");
}
