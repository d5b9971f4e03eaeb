//! What becomes of `fp ensure` while nobody reads what it says.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::lab::{self, Store};
use crate::support::{Machine, wait_until};

/// More than a pipe and all that waits to be written to it can hold.
const LINES: usize = 20_000;

/// A machine whose build prints the numbers up to [`LINES`], and then does `more`.
fn talkative(more: &str) -> Machine {
    let machine = Machine::new(Store::Containerd);
    let run = format!("RUN : {}; seq {LINES}; {more}", machine.unique);
    let dockerfile = format!("FROM {}\n{run}\n", lab::base());
    machine.tree.file("Dockerfile", dockerfile);
    machine
}

/// Waits until a pipe is full, so that whoever writes to it waits.
fn wait_until_full(pipe: impl AsFd) {
    let is_full = || ioctl_fionread(&pipe).unwrap() > 60_000;
    wait_until("the pipe is full", is_full);
    thread::sleep(Duration::from_millis(500));
}

/// It once waited for the reader, whatever signals came, and its staged files stayed.
#[test]
fn a_signal_ends_it() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let machine = talkative("sleep 600");
        let mut command = machine.command(&["ensure"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        wait_until_full(child.stderr.as_ref().unwrap());
        assert!(!machine.leftovers().is_empty());

        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut status = None;
        wait_until("it has ended", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(128 + signal.as_raw()));
        assert!(sent.elapsed() < Duration::from_secs(8));
        assert!(machine.leftovers().is_empty(), "{:?}", machine.leftovers());
        wait_until("no process of this run is left", || {
            machine.processes().is_empty()
        });
    }
}

#[test]
fn whoever_reads_late_reads_everything_in_its_order() {
    let machine = talkative(":");
    let mut command = machine.command(&["ensure"]);
    let (mut reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    wait_until_full(&reader);

    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    // `… SECONDS NUMBER` is what BuildKit makes of a number.
    let numbers = said.lines().filter_map(|line| {
        let mut words = line.split_whitespace().rev();
        let number = words.next()?.parse().ok()?;
        words.next()?.parse::<f64>().ok().map(|_| number)
    });
    let expected: Vec<usize> = (1..=LINES).collect();
    assert_eq!(numbers.collect::<Vec<usize>>(), expected);
    assert!(said.lines().last().unwrap().contains("@sha256:"), "{said}");
}
