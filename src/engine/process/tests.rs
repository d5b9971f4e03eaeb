//! Everything here runs real processes: `sh` and what every Debian has beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::lines::{KEPT_LINES, LastLines, MAX_LINE};
use super::{Error, Invocation, Output, capture, forward};
use crate::interrupt::{Interrupt, Interrupted, Signal};

const LONG: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Invocation {
    Invocation {
        program: "sh",
        arguments: vec!["-c".into(), script.into()],
        environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        stop: None,
    }
}

async fn captured(script: &str) -> Output {
    capture(&shell(script), LONG, &Interrupt::never())
        .await
        .unwrap()
}

/// Runs a script to its end and returns the lines that reached the sink.
async fn forwarded(script: &str) -> (Vec<String>, Result<(), Error>) {
    let mut lines = Vec::new();
    let mut sink = |line: &str| {
        lines.push(line.to_owned());
        Ok(())
    };
    let result = forward(&shell(script), &mut sink, &Interrupt::never()).await;
    (lines, result)
}

/// A script that leaves two processes of its group running for a minute, deaf to what `deaf_to`
/// says. Its id, which is its group's, is in the file `pid` once they run.
fn lingering(folder: &Path, deaf_to: &str) -> Invocation {
    let folder = folder.display();
    shell(&format!(
        "trap '' {deaf_to}; sleep 60 & echo $$ > {folder}/new && mv {folder}/new {folder}/pid; \
         sleep 60; sleep 60"
    ))
}

async fn group_of(folder: &Path) -> String {
    loop {
        match fs::read_to_string(folder.join("pid")) {
            Ok(id) => return id.trim().to_owned(),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// The processes of a group that still run. One that was killed may stay as a zombie until whoever
/// inherited it reaps it.
fn living(group: &str) -> Vec<String> {
    let of_group = |stat: &String| {
        let fields: Vec<_> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[2] == group && fields[0] != "Z"
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("stat")).ok())
        .filter(of_group)
        .collect()
}

async fn assert_dies(group: &str) {
    let since = Instant::now();
    while !living(group).is_empty() {
        assert!(
            since.elapsed() < Duration::from_secs(2),
            "{:?}",
            living(group)
        );
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn any_exit_status_is_an_answer() {
    let output = captured("echo out; echo err >&2; exit 3").await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, ["err"]);
}

#[tokio::test]
async fn the_environment_is_the_given_one_and_stdin_is_empty() {
    let invocation = Invocation {
        program: "env",
        arguments: Vec::new(),
        environment: BTreeMap::from([
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("A".into(), "b".into()),
        ]),
        stop: None,
    };
    let output = capture(&invocation, LONG, &Interrupt::never())
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut variables: Vec<_> = stdout.lines().collect();
    variables.sort_unstable();
    assert_eq!(variables, ["A=b", "PATH=/usr/bin:/bin"]);
    assert_eq!(captured("cat").await.stdout, b"");
}

#[tokio::test]
async fn a_missing_program_is_told_apart() {
    let mut invocation = shell("");
    invocation.environment = BTreeMap::from([("PATH".into(), "/nowhere".into())]);
    let error = capture(&invocation, LONG, &Interrupt::never())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::NotFound { program: "sh" }),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "the program `sh` was not found");
}

#[tokio::test]
async fn both_streams_reach_the_sink_line_by_line() {
    let (mut lines, result) = forwarded("echo one; printf 'two\\r\\n\\nthree' >&2").await;
    lines.sort_unstable();
    assert_eq!(lines, ["", "one", "three", "two"]);
    result.unwrap();
}

#[tokio::test]
async fn a_failure_keeps_the_last_lines_escaped() {
    let (lines, result) =
        forwarded("exec >&2; seq 100; printf 'no \\033[31mway\\n\\n'; exit 7").await;
    assert_eq!(lines.len(), 102);
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sh` ended with exit status: 7: no \\u{1b}[31mway"
    );
    let Error::Failed { last_lines, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(last_lines.len(), KEPT_LINES);
    assert_eq!(last_lines[0], "83");
}

/// `docker push` shows its progress on stdout, and it may be read after the error.
#[tokio::test]
async fn stderr_says_why_whatever_stdout_says_later() {
    let (_, result) = forwarded("echo why >&2; sleep 0.1; echo progress; false").await;
    assert_eq!(result.unwrap_err().last_line(), Some("why"));
    let (_, result) = forwarded("echo progress; false").await;
    assert_eq!(result.unwrap_err().last_line(), Some("progress"));
}

#[tokio::test]
async fn an_endless_line_comes_in_pieces() {
    let (lines, result) = forwarded("head -c 200000 /dev/zero | tr '\\0' x").await;
    result.unwrap();
    assert_eq!(lines.len(), 200_000_usize.div_ceil(MAX_LINE));
    assert_eq!(lines.concat(), "x".repeat(200_000));
}

#[tokio::test]
async fn more_output_than_an_answer_has_is_refused() {
    let invocation = shell("head -c 17000000 /dev/zero");
    let error = capture(&invocation, LONG, &Interrupt::never())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooMuchOutput { .. }), "{error:?}");
}

#[tokio::test]
async fn a_broken_sink_neither_hangs_nor_fails_the_program() {
    let mut calls = 0;
    let mut sink = |_: &str| {
        calls += 1;
        Err(io::ErrorKind::BrokenPipe.into())
    };
    let interrupt = Interrupt::never();
    forward(&shell("seq 200000"), &mut sink, &interrupt)
        .await
        .unwrap();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn the_limit_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let limit = Duration::from_millis(300);
    let invocation = lingering(folder.path(), "HUP");
    let error = capture(&invocation, limit, &Interrupt::never())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "`sh` did not answer within 0.3 s");
    assert_dies(&group_of(folder.path()).await).await;
}

#[tokio::test]
async fn an_interrupt_is_passed_on_as_the_same_signal() {
    let (signal, interrupt) = Interrupt::controlled();
    let mut lines = Vec::new();
    let mut sink = |line: &str| {
        lines.push(line.to_owned());
        signal.send(Some(Signal::Terminate)).unwrap();
        Ok(())
    };
    let script = "trap 'echo INT; exit' INT; trap 'echo TERM; exit' TERM; echo up; sleep 60 & wait";
    let error = forward(&shell(script), &mut sink, &interrupt)
        .await
        .unwrap_err();
    let interrupted = Interrupted {
        signal: Signal::Terminate,
    };
    assert!(
        matches!(error, Error::Interrupted(i) if i == interrupted),
        "{error:?}"
    );
    assert_eq!(lines, ["up", "TERM"]);
}

#[tokio::test]
async fn a_deaf_group_is_killed_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (signal, interrupt) = Interrupt::controlled();
    let invocation = lingering(folder.path(), "INT TERM");
    let raise = async {
        let group = group_of(folder.path()).await;
        signal.send(Some(Signal::Interrupt)).unwrap();
        group
    };
    let (result, group) = tokio::join!(capture(&invocation, LONG, &interrupt), raise);
    assert!(matches!(result.unwrap_err(), Error::Interrupted(_)));
    assert_dies(&group).await;
}

#[tokio::test]
async fn after_an_interrupt_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let (signal, interrupt) = Interrupt::controlled();
    signal.send(Some(Signal::Interrupt)).unwrap();
    let file = folder.path().join("started");
    let invocation = shell(&format!("touch {}", file.display()));
    let error = capture(&invocation, LONG, &interrupt).await.unwrap_err();
    assert_eq!(error.to_string(), "interrupted by SIGINT");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_dropped_future_takes_the_group_along() {
    let folder = tempfile::tempdir().unwrap();
    let invocation = lingering(folder.path(), "INT TERM HUP");
    let interrupt = Interrupt::never();
    let group = tokio::select! {
        result = capture(&invocation, LONG, &interrupt) => panic!("{result:?}"),
        group = group_of(folder.path()) => group,
    };
    assert_dies(&group).await;
}

#[tokio::test]
async fn what_the_leader_leaves_behind_is_ended() {
    let since = Instant::now();
    let output = captured("sleep 60 & echo $$").await;
    assert!(since.elapsed() < Duration::from_secs(30));
    assert!(output.status.success());
    assert_dies(String::from_utf8(output.stdout).unwrap().trim()).await;
}

/// An ssh master or a gpg-agent leaves the group, and may keep the pipe open for hours.
#[tokio::test]
async fn a_daemon_that_keeps_the_pipe_is_not_waited_for() {
    let since = Instant::now();
    let output = captured("setsid sleep 10 & echo done").await;
    assert!(since.elapsed() < Duration::from_secs(8));
    assert_eq!(output.stdout, b"done\n");
}

#[test]
fn what_could_fool_a_terminal_is_escaped() {
    let mut lines = LastLines::default();
    lines.push("\ta\tb é ");
    lines.push("a\r\u{9b}\u{202e}\u{200b}\u{ad}\u{fe0f}\u{e0041}");
    assert_eq!(
        Vec::from(lines),
        [
            r"a\u{9}b é",
            r"a\u{d}\u{9b}\u{202e}\u{200b}\u{ad}\u{fe0f}\u{e0041}"
        ]
    );
}

#[test]
fn messages_show_no_argument_values() {
    let invocation = Invocation {
        program: "docker",
        arguments: ["buildx", "build", "--build-arg", "K=V", "."]
            .map(Into::into)
            .into(),
        environment: BTreeMap::new(),
        stop: None,
    };
    assert_eq!(invocation.command(), "docker buildx build");
}

fn failed(last_lines: &[&str]) -> Error {
    Error::Failed {
        command: "docker buildx build".to_owned(),
        status: ExitStatus::from_raw(1 << 8),
        last_lines: last_lines.iter().map(|&line| line.to_owned()).collect(),
    }
}

#[test]
fn what_a_build_tells_of_its_steps_is_not_why_it_failed() {
    let step = "#4 ERROR: failed to configure registry cache importer: connection refused";
    for conclusion in [
        ["ERROR: no", "see there"].as_slice(),
        &["error: no"],
        &["Error: 2 errors occurred:", "\t* one", "\t* two"],
    ] {
        let lines = [&["ERROR: an earlier one", step], conclusion].concat();
        assert_eq!(failed(&lines).verdict(), conclusion);
    }
    assert_eq!(failed(&[step, "no"]).verdict(), [step, "no"]);
    assert_eq!(failed(&[]).verdict(), [""; 0]);
}

/// buildx adds it where Docker Desktop has shown a build.
#[test]
fn an_address_at_the_end_says_not_why() {
    let address = "View build details: docker-desktop://dashboard/build/x";
    let error = failed(&["ERROR: no", "", address]);
    assert_eq!(error.last_line(), Some("ERROR: no"));
}
