//! The images under way: what is told of them, and in which manner.
//!
//! Events come in, each with the moment in which it came, and lines to be printed go out; for a terminal there
//! are blocks besides, which are drawn over and over. What an event means is left to `ensure`, how blocks look
//! to `block`.

use std::collections::VecDeque;
use std::time::Instant;

use super::block::{self, Block, plain};
use super::ensure::{News, news, outcome};
use super::groups::Groups;
use super::log::Log;
use super::quantity;
use crate::config::ImageName;
use crate::ensure::{Error, Event, Job, Outcome};

/// How a run is shown.
#[derive(Debug)]
pub enum Manner {
    /// Every line as it comes.
    Lines,
    /// The same, with what engines print in groups.
    Groups(Groups),
    /// A block for each image under way; what was told of it only if it fails.
    Blocks,
}

/// What is under way, and what was told of it.
#[derive(Debug)]
pub struct Progress {
    manner: Manner,
    looking_up: Option<(String, Instant)>,
    images: Vec<Image>,
}

/// An image under way.
#[derive(Debug)]
struct Image {
    name: ImageName,
    since: Instant,
    stage: String,
    /// The engine's last lines, for the block.
    tail: VecDeque<String>,
    /// Everything that was not printed.
    log: Log,
}

impl Progress {
    /// Nothing is under way yet.
    pub fn new(manner: Manner) -> Self {
        Progress {
            manner,
            looking_up: None,
            images: Vec::new(),
        }
    }

    /// All that is asked for is looked up at once, before anything is under way.
    pub fn look_up(&mut self, names: &[&ImageName], now: Instant) {
        let what = match names {
            [name] => name.to_string(),
            names => format!("{} images", names.len()),
        };
        self.looking_up = Some((what, now));
    }

    /// Everything has been looked up.
    pub fn looked_up(&mut self) {
        self.looking_up = None;
    }

    /// Takes note of an event, and returns the lines to print. `asked` is the image that is made because it was
    /// asked for; others are made aside, because that one is built on them.
    pub fn tell(
        &mut self,
        job: &Job<'_>,
        event: &Event<'_>,
        asked: Option<&ImageName>,
        now: Instant,
    ) -> Vec<String> {
        let name = &job.image.name;
        let aside = asked != Some(name);
        match event {
            Event::Begun => self.begin(name, now),
            Event::Ended(ended) => return self.end(name, *ended, aside, now),
            _ => {}
        }
        // In its block, every line is an image's own.
        let with_name = aside && !matches!(self.manner, Manner::Blocks);
        self.hear(name, news(job, event, with_name), asked.filter(|_| aside))
    }

    /// What there is to see, if it is shown in blocks.
    pub fn blocks(&self, now: Instant) -> Vec<Block> {
        if !matches!(self.manner, Manner::Blocks) {
            return Vec::new();
        }
        let elapsed = |since| now.saturating_duration_since(since);
        let looking_up = self.looking_up.iter().map(|(what, since)| Block {
            name: what.clone(),
            stage: "looking up".to_owned(),
            elapsed: elapsed(*since),
            tail: Vec::new(),
        });
        let images = self.images.iter().map(|image| Block {
            name: image.name.to_string(),
            stage: image.stage.clone(),
            elapsed: elapsed(image.since),
            tail: image.tail.iter().cloned().collect(),
        });
        looking_up.chain(images).collect()
    }

    fn begin(&mut self, name: &ImageName, now: Instant) {
        self.images.push(Image {
            name: name.clone(),
            since: now,
            stage: "looking up".to_owned(),
            tail: VecDeque::new(),
            log: Log::default(),
        });
    }

    /// `built_on_it` is the image for which another one is made.
    fn hear(
        &mut self,
        name: &ImageName,
        news: News,
        built_on_it: Option<&ImageName>,
    ) -> Vec<String> {
        let Some(image) = self.images.iter_mut().find(|image| image.name == *name) else {
            return [news.engine, news.details, news.notices].concat();
        };
        if let Some(stage) = news.stage {
            image.stage = stage;
        }
        match &mut self.manner {
            Manner::Lines => [news.engine, news.details, news.notices].concat(),
            Manner::Groups(groups) if !news.engine.is_empty() => {
                // Several may be made for one at the same time, and print in turns.
                let title = match built_on_it {
                    Some(asked) => format!("{asked}: what it is built on"),
                    None => format!("{name}: {}", image.stage),
                };
                groups.fold(title, news.engine)
            }
            Manner::Groups(groups) => {
                let lines = [news.details, news.notices].concat();
                groups.interrupt(&lines)
            }
            Manner::Blocks => {
                image.remember(news.engine, news.details);
                news.notices
            }
        }
    }

    /// An image that was asked for ends with its error; one that was made aside says at once that it failed,
    /// since others may go on for a while.
    fn end(
        &mut self,
        name: &ImageName,
        ended: Result<&Outcome, &Error>,
        aside: bool,
        now: Instant,
    ) -> Vec<String> {
        let Some(at) = self.images.iter().position(|image| image.name == *name) else {
            return Vec::new();
        };
        let image = self.images.remove(at);
        let time = now.saturating_duration_since(image.since);
        let group = match &mut self.manner {
            Manner::Groups(groups) => groups.close(),
            Manner::Lines | Manner::Blocks => Vec::new(),
        };
        let (log, line) = match ended {
            Ok(made) => (Log::default(), Some(outcome(name, made, time))),
            // A signal ends everything, and that is told once.
            Err(Error::Interrupted(_)) => (Log::default(), None),
            Err(_) => {
                let line = format!("{name}: failed after {}", quantity::time(time));
                (image.log, aside.then_some(line))
            }
        };
        group
            .into_iter()
            .chain(log.into_lines())
            .chain(line)
            .collect()
    }
}

impl Image {
    fn remember(&mut self, engine: Vec<String>, details: Vec<String>) {
        for line in &engine {
            let line = plain(line.strip_prefix("  ").unwrap_or(line));
            if line.trim().is_empty() {
                continue;
            }
            if self.tail.len() == block::TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(line);
        }
        for line in engine.into_iter().chain(details) {
            self.log.push(line);
        }
    }
}

#[cfg(test)]
mod tests;
