//! What a person sees while `fp ensure` works: on a terminal, in a log, in a job of GitHub Actions.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::lab::{self, Store};
use crate::support::{Machine, Terminal, wait_until};

/// The lines that a build of [`telling`] prints.
const LINES: usize = 9;

/// A machine on a terminal, whose build prints a word with a number in each of [`LINES`] lines and then runs a
/// command.
fn telling(then: &str) -> Machine {
    let mut machine = Machine::new(Store::Containerd);
    machine.set("TERM", "xterm-256color");
    let run = format!(
        "RUN for i in $(seq {LINES}); do echo told-$i | tr a-z A-Z; done; {then}; : {}",
        machine.unique
    );
    let dockerfile = format!("FROM {}\n{run}\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine
}

/// Longer than any test.
const FOR_EVER: &str = "sleep 600";

fn last_line() -> String {
    format!("TOLD-{LINES}")
}

fn ensure(machine: &Machine, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
    // Where there is a choice, a line tells of it.
    let arguments = [&["ensure", "--engine", "docker"], arguments].concat();
    Terminal::run(&machine.command(&arguments), columns, rows)
}

fn headers<'a>(lines: &'a [String], start: &str) -> Vec<&'a String> {
    let is_header = |line: &&String| line.starts_with(start);
    lines.iter().filter(is_header).collect()
}

/// Whether something was drawn: whatever goes up and erases.
fn is_drawn(bytes: &str) -> bool {
    bytes.contains("\u{1b}[J")
}

#[test]
fn a_block_while_it_is_built_and_one_line_when_it_is_done() {
    let machine = telling("sleep 4");
    let terminal = ensure(&machine, &[], 200, 24);
    terminal.wait_for(&last_line());
    let screen = terminal.screen();
    assert!(screen[0].starts_with("ci  building  "), "{screen:?}");
    assert!(screen[0].ends_with(" s"), "{screen:?}");
    assert_eq!(screen.len(), 5, "{screen:?}");
    for (line, number) in screen[1..].iter().zip(LINES - 3..) {
        assert!(line.ends_with(&format!("TOLD-{number}")), "{screen:?}");
    }
    let left = terminal.finish().ended_with(0);
    let [done, reference] = left.lines.as_slice() else {
        panic!("{:?}", left.lines);
    };
    assert!(done.starts_with("ci: built, pushed in "), "{done}");
    assert!(done.ends_with(" MB"), "{done}");
    assert!(reference.contains("@sha256:"), "{reference}");
}

#[test]
fn everything_that_was_told_if_it_fails() {
    let machine = telling("exit 7");
    let left = ensure(&machine, &[], 200, 24).finish().ended_with(1);
    let at = |text: &str| {
        let position = left.lines.iter().position(|line| line.contains(text));
        position.unwrap_or_else(|| panic!("no {text} in {:#?}", left.lines))
    };
    assert!(
        left.lines[0].starts_with("ci: 127.0.0.1:"),
        "{:?}",
        left.lines[0]
    );
    assert_eq!(at("ci: build and publish"), 1);
    let told: Vec<_> = (1..=LINES)
        .map(|line| at(&format!("TOLD-{line}")))
        .collect();
    assert!(told.is_sorted() && told[LINES - 1] < at("error: `ci` is not available"));
    assert!(headers(&left.lines, "ci  ").is_empty(), "{:?}", left.lines);
}

#[test]
fn images_under_way_at_the_same_time() {
    let machine = telling("sleep 4");
    let base = std::fs::read_to_string(machine.tree.path("Dockerfile")).unwrap();
    machine.tree.file("base/Dockerfile", base);
    let registry = lab::registry();
    let image = |name: &str, lines: &str| {
        let repository = format!("{}/{}-{name}", registry.host, machine.repository());
        let salt = machine.salt();
        format!("[images.{name}]\nrepository = \"{repository}\"\ninputs = []\n{salt}{lines}\n")
    };
    let dockerfile = "FROM one\nCOPY --from=two /etc/passwd /passwd\n";
    machine.tree.file("Dockerfile", dockerfile);
    let base = "dockerfile = \"base/Dockerfile\"\nargs = {}\n";
    let needs = "needs = { one = \"one\", two = \"two\" }";
    let images = [image("one", base), image("two", base), image("leaf", needs)];
    machine.tree.file(
        "fingerprint.toml",
        format!("format = 1\n{}", images.concat()),
    );
    let terminal = ensure(&machine, &["leaf"], 200, 24);
    terminal.wait_for("TOLD-");
    wait_until("both are built", || {
        let screen = terminal.screen();
        [
            "one  building",
            "two  building",
            "leaf  waiting for one, two",
        ]
        .iter()
        .all(|start| headers(&screen, start).len() == 1)
    });
    let left = terminal.finish().ended_with(0);
    assert_eq!(left.lines.len(), 4, "{:?}", left.lines);
    for name in ["one", "two", "leaf"] {
        let done = headers(&left.lines, &format!("{name}: built, pushed in "));
        assert_eq!(done.len(), 1, "{:?}", left.lines);
    }
}

#[test]
fn signals_take_the_block_away() {
    let machine = telling(FOR_EVER);
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let terminal = ensure(&machine, &[], 100, 10);
        terminal.wait_for(&last_line());
        match signal {
            Signal::INT => terminal.type_in("\u{3}"),
            _ => terminal.send(signal),
        }
        let left = terminal.finish().ended_with(128 + signal.as_raw());
        assert_eq!(left.lines, [format!("error: interrupted by {name}")]);
    }
}

/// Ctrl-S: the terminal takes no more.
#[test]
fn a_terminal_that_stalls_does_not_keep_a_signal_from_ending_it() {
    let machine = telling("while :; do echo more; sleep 0.1; done");
    let terminal = ensure(&machine, &[], 200, 50);
    terminal.wait_for("more");
    terminal.type_in("\u{13}");
    std::thread::sleep(Duration::from_secs(3));
    let sent = Instant::now();
    terminal.send(Signal::TERM);
    terminal.finish().ended_with(143);
    assert!(
        sent.elapsed() < Duration::from_secs(8),
        "{:?}",
        sent.elapsed()
    );
}

#[test]
fn another_size_leaves_nothing_of_the_last_one() {
    let machine = telling("sleep 6");
    let terminal = ensure(&machine, &[], 160, 24);
    terminal.wait_for(&last_line());
    for (columns, rows) in [(30, 24), (100, 24), (30, 4), (50, 2), (200, 24)] {
        terminal.resize(columns, rows);
        wait_until("the block fits", || {
            let screen = terminal.screen();
            let expected = usize::from(rows - 1).min(5);
            screen.len() == expected
                && headers(&screen, "ci  build").len() == 1
                && screen
                    .iter()
                    .all(|line| line.chars().count() < columns.into())
        });
    }
    let left = terminal.finish().ended_with(0);
    assert_eq!(left.lines.len(), 2, "{:?}", left.lines);
}

#[test]
fn without_colours_where_nobody_wants_them() {
    let mut machine = telling("sleep 2");
    let coloured = ensure(&machine, &[], 100, 24).finish().ended_with(0).bytes;
    assert!(
        is_drawn(&coloured) && coloured.contains("\u{1b}[1mci\u{1b}[0m"),
        "{coloured:?}"
    );
    machine.set("NO_COLOR", "1");
    let plain = ensure(&machine, &["--no-push"], 100, 24);
    let plain = plain.finish().ended_with(0).bytes;
    assert!(
        !plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[2m"),
        "{plain:?}"
    );
}

#[test]
fn every_line_where_nothing_can_or_shall_be_drawn() {
    let variables = [("TERM", "dumb"), ("TERM", ""), ("CI", "true"), ("X", "y")];
    for (name, value) in variables {
        let mut machine = telling("true");
        machine.set(name, value);
        let flags: &[&str] = if name == "X" { &["--verbose"] } else { &[] };
        let left = ensure(&machine, flags, 200, 24).finish().ended_with(0);
        assert!(!is_drawn(&left.bytes), "{name}={value}: {:?}", left.bytes);
        let told = (1..=LINES).all(|line| left.bytes.contains(&format!("TOLD-{line}")));
        assert!(told, "{name}={value}: {:#?}", left.lines);
    }
    let machine = telling("true");
    let left = ensure(&machine, &[], 19, 24).finish().ended_with(0);
    assert!(!is_drawn(&left.bytes), "too narrow: {:?}", left.bytes);
}

/// It would draw over what its user types meanwhile.
#[test]
fn a_job_in_the_background_draws_nothing() {
    let machine = telling("sleep 2");
    let mut shell = Command::new("sh");
    let script = "set -m; \"$0\" ensure & wait $!";
    machine.prepare(shell.args(["-c", script, env!("CARGO_BIN_EXE_fp")]));
    let left = Terminal::run(&shell, 200, 24).finish().ended_with(0);
    assert!(!is_drawn(&left.bytes), "{:?}", left.bytes);
    let done = headers(&left.lines, "ci: built, pushed in ");
    assert_eq!(done.len(), 1, "{:?}", left.lines);
}

/// Neither in a pipe nor in a file, whatever TERM says.
#[test]
fn a_log_gets_lines_and_nothing_else() {
    let machine = telling("printf 'half\\rwhole\\n'");
    let built = machine.fp(&["ensure"]).succeeded().says(&last_line());
    let hit = machine.fp(&["ensure"]).succeeded().says("ci: hit in 0.");
    for stderr in [built.stderr, hit.stderr] {
        assert!(!stderr.contains(['\u{1b}', '\r']), "{stderr:?}");
        assert!(!stderr.contains("::"), "{stderr}");
    }
}

/// What GitHub's runner does with a log: the commands that it acts upon, as actions/runner finds them
/// (`ActionCommand.cs`, `ActionCommandManager.cs`).
fn commands(log: &str) -> Vec<String> {
    let mut stopped_until: Option<String> = None;
    let mut commands = Vec::new();
    for line in log.lines() {
        let first = line.trim_start().strip_prefix("::");
        let first = first.and_then(|rest| rest.split_once("::"));
        let anywhere = || line.split_once("##[")?.1.split_once(']');
        let Some((command, data)) = first.or_else(anywhere) else {
            continue;
        };
        match &stopped_until {
            Some(token) if command == token => stopped_until = None,
            Some(_) => {}
            None if command == "stop-commands" => {
                assert!(data.len() >= 32, "{data} can be guessed");
                stopped_until = Some(data.to_owned());
            }
            None => commands.push(format!("{command} {data}").trim().to_owned()),
        }
    }
    assert_eq!(stopped_until, None, "commands are obeyed again:\n{log}");
    commands
}

fn on_github(then: &str) -> Machine {
    let mut machine = telling(then);
    machine.set("GITHUB_ACTIONS", "true");
    machine
}

/// What a build says that wants to be obeyed.
const ORDERS: &str =
    "echo ::error::a; echo '  ::add-mask::e'; echo 'b ##[add-mask]e'; echo ::endgroup::";

#[test]
fn github_folds_what_an_engine_prints_and_obeys_nothing_of_it() {
    let machine = on_github(ORDERS);
    let built = machine.fp(&["ensure"]).succeeded().says("##[add-mask]e");
    let expected = ["group ci: building", "endgroup"];
    assert_eq!(commands(&built.stderr), expected, "{}", built.stderr);
    let lines: Vec<_> = built.stderr.lines().collect();
    let [.., end, done] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(*end, "::endgroup::");
    assert!(done.starts_with("ci: built in "), "{done}");
    assert!(!built.stdout.contains("::"), "{}", built.stdout);
}

#[test]
fn github_sees_a_failure_outside_of_the_group() {
    let machine = on_github(&format!("{ORDERS}; echo 'last ##[add-mask]e' >&2; exit 1"));
    let failed = machine.fp(&["ensure"]).ended_with(1);
    let expected = ["group ci: building", "endgroup"];
    assert_eq!(commands(&failed.stderr), expected, "{}", failed.stderr);
    let (_, outside) = failed.stderr.rsplit_once("\n::endgroup::\n").unwrap();
    assert!(
        outside.starts_with("error: `ci` is not available"),
        "{outside}"
    );
}

#[test]
fn github_sees_the_end_of_a_group_that_a_signal_ends() {
    let machine = on_github(FOR_EVER);
    let mut running = machine.start(&["ensure"]);
    running.wait_for_stderr(&last_line());
    running.send(Signal::TERM);
    let ended = running.finish().ended_with(143);
    let expected = ["group ci: building", "endgroup"];
    assert_eq!(commands(&ended.stderr), expected, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .ends_with("::endgroup::\nerror: interrupted by SIGTERM\n")
    );
}
