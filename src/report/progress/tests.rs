use std::time::{Duration, Instant};

use super::{Groups, ImageName, Manner, News, Progress};
use crate::ensure::{Error, Outcome, Step};
use crate::interrupt::{Interrupted, Signal};

/// Progress, and the moment in which it began.
struct Told {
    progress: Progress,
    begin: Instant,
}

fn name(text: &str) -> ImageName {
    ImageName::parse(text).unwrap()
}

fn engine(line: &str) -> News {
    News {
        engine: vec![format!("  {line}")],
        ..News::default()
    }
}

fn stage(stage: &str, detail: &str) -> News {
    News {
        stage: Some(stage.to_owned()),
        details: vec![detail.to_owned()],
        ..News::default()
    }
}

fn notice(line: &str) -> News {
    News {
        notices: vec![line.to_owned()],
        ..News::default()
    }
}

fn outcome() -> Outcome {
    Outcome {
        reference: "acme/ci:1".parse().unwrap(),
        hit: false,
        steps: vec![Step::Built, Step::Pushed],
        size: Some(212_449_000),
    }
}

const INTERRUPTED: Error = Error::Interrupted(Interrupted {
    signal: Signal::Terminate,
});

impl Told {
    /// An image `ci` is under way.
    fn of(manner: Manner) -> Self {
        let begin = Instant::now();
        let mut progress = Progress::new(manner);
        progress.begin(&name("ci"), begin);
        Told { progress, begin }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.begin + Duration::from_secs(seconds)
    }

    fn hear(&mut self, news: News) -> Vec<String> {
        self.progress.hear(&name("ci"), news, None)
    }

    fn end(&mut self, ended: Result<&Outcome, &Error>) -> Vec<String> {
        let now = self.at(6);
        self.progress.end(&name("ci"), ended, false, now)
    }

    /// The blocks in short, after so many seconds.
    fn blocks(&self, seconds: u64) -> Vec<String> {
        let blocks = self.progress.blocks(self.at(seconds)).into_iter();
        let short = blocks.map(|block| {
            let elapsed = block.elapsed.as_secs();
            format!(
                "{} {} {elapsed} {}",
                block.name,
                block.stage,
                block.tail.join("|")
            )
        });
        short.collect()
    }
}

#[test]
fn lines_come_as_they_are_told() {
    let mut told = Told::of(Manner::Lines);
    assert_eq!(told.hear(stage("building", "ci: build")), ["ci: build"]);
    assert_eq!(told.hear(engine("#1")), ["  #1"]);
    assert_eq!(told.hear(notice("ci: warning: w")), ["ci: warning: w"]);
    assert_eq!(
        told.end(Ok(&outcome())),
        ["ci: built, pushed in 6.0 s, 212.4 MB"]
    );
    assert_eq!(told.blocks(1), [""; 0]);
}

#[test]
fn a_block_shows_the_stage_and_the_last_lines() {
    let mut told = Told::of(Manner::Blocks);
    assert_eq!(told.blocks(1), ["ci looking up 1 "]);
    assert_eq!(told.hear(stage("building", "ci: build")), [""; 0]);
    for line in ["1", "2", "", "\u{1b}[1m3\u{1b}[0m", "4", "5"] {
        assert_eq!(told.hear(engine(line)), [""; 0]);
    }
    assert_eq!(told.blocks(70), ["ci building 70 2|3|4|5"]);
    assert_eq!(told.hear(notice("ci: warning: w")), ["ci: warning: w"]);
    assert_eq!(
        told.end(Ok(&outcome())),
        ["ci: built, pushed in 6.0 s, 212.4 MB"]
    );
    assert_eq!(told.blocks(71), [""; 0]);
}

#[test]
fn a_block_that_fails_leaves_all_that_was_told() {
    let mut told = Told::of(Manner::Blocks);
    told.hear(stage("building", "ci: build"));
    told.hear(engine("1"));
    told.hear(engine("2"));
    assert_eq!(told.end(Err(&Error::NoParts)), ["ci: build", "  1", "  2"]);
    assert_eq!(told.blocks(1), [""; 0]);
}

#[test]
fn a_signal_leaves_nothing() {
    let mut told = Told::of(Manner::Blocks);
    told.hear(engine("1"));
    assert_eq!(told.end(Err(&INTERRUPTED)), [""; 0]);
    assert_eq!(told.blocks(1), [""; 0]);
}

#[test]
fn what_is_made_aside_has_a_block_and_an_end_of_its_own() {
    let mut told = Told::of(Manner::Blocks);
    told.hear(stage("waiting for base", "ci: build"));
    let (base, later) = (name("base"), told.at(2));
    told.progress.begin(&base, later);
    told.progress.hear(&base, engine("1"), Some(&name("ci")));
    assert_eq!(
        told.blocks(3),
        ["ci waiting for base 3 ", "base looking up 1 1"]
    );
    let end = told.at(5);
    let failed = told.progress.end(&base, Err(&Error::NoParts), true, end);
    assert_eq!(failed, ["  1", "base: failed after 3.0 s"]);
    assert_eq!(told.blocks(5), ["ci waiting for base 5 "]);
}

#[test]
fn look_ups_are_shown_as_long_as_they_take() {
    let mut told = Told::of(Manner::Blocks);
    let (a, b, begin) = (name("a"), name("b"), told.begin);
    told.progress.images.clear();
    told.progress.look_up(&[&a, &b], begin);
    assert_eq!(told.blocks(2), ["2 images looking up 2 "]);
    told.progress.look_up(&[&a], begin);
    assert_eq!(told.blocks(2), ["a looking up 2 "]);
    told.progress.looked_up();
    assert_eq!(told.blocks(3), [""; 0]);
}

fn in_groups() -> Told {
    Told::of(Manner::Groups(Groups::new("token".to_owned())))
}

const OPEN: [&str; 2] = ["::group::ci: building", "::stop-commands::token"];
const CLOSE: [&str; 2] = ["::token::", "::endgroup::"];

#[test]
fn a_group_is_closed_before_all_that_is_not_the_engines() {
    let mut told = in_groups();
    assert_eq!(told.hear(stage("building", "ci: build")), ["ci: build"]);
    assert_eq!(told.hear(engine("1")), [OPEN[0], OPEN[1], "  1"]);
    let stage_only = News {
        stage: Some("building".to_owned()),
        ..News::default()
    };
    assert_eq!(told.hear(stage_only), [""; 0]);
    assert_eq!(told.hear(engine("2")), ["  2"]);
    let warning = told.hear(notice("ci: w ##[group]"));
    assert_eq!(warning, [CLOSE[0], CLOSE[1], "ci: w ## [group]"]);
    assert_eq!(told.hear(engine("3")), [OPEN[0], OPEN[1], "  3"]);
    let line = "ci: built, pushed in 6.0 s, 212.4 MB";
    assert_eq!(told.end(Ok(&outcome())), [CLOSE[0], CLOSE[1], line]);
}

#[test]
fn a_group_is_closed_by_failures_and_signals() {
    for error in [Error::NoParts, INTERRUPTED] {
        let mut told = in_groups();
        told.hear(engine("1"));
        assert_eq!(told.end(Err(&error)), CLOSE);
    }
}

/// Their lines come in turns, and each would have opened a group.
#[test]
fn images_that_are_made_at_the_same_time_share_a_group() {
    let mut told = in_groups();
    let (a, b, ci) = (name("a"), name("b"), name("ci"));
    for image in [&a, &b] {
        let now = told.begin;
        told.progress.begin(image, now);
    }
    let mut hear = |image, line| told.progress.hear(image, engine(line), Some(&ci));
    let lines = [hear(&a, "a: 1"), hear(&b, "b: 1"), hear(&a, "a: 2")].concat();
    let title = "::group::ci: what it is built on";
    assert_eq!(lines, [title, OPEN[1], "  a: 1", "  b: 1", "  a: 2"]);
}
