//! What a build of one target reads: the Dockerfile gone through as the builder would.
//!
//! The stages that are reached are gone through in their order, variables are kept as far as they are
//! known, and every source is noted. Where platforms are given, this is done for each of them, and
//! the union is taken.

use std::collections::BTreeSet;

use super::arguments;
use super::effort::Effort;
use super::instruction::Instruction;
use super::mistake::{Mistake, MistakeKind};
use super::reach::{Reach, Start};
use super::source::{Shape, Source, is_address};
use super::variables::{Known, Undecided, Variables};
use super::{Dockerfile, Interpretation, Request, mount, shell, stage, words};
use crate::platform::Platform;

/// What a source counts for beside its bytes: it takes some memory.
const STEPS_OF_SOURCE: usize = 128;

impl Dockerfile {
    /// Interprets the file for `request`.
    ///
    /// # Errors
    ///
    /// What BuildKit would refuse, a FROM that cannot be told to name a stage or an image, and a hint that
    /// decides what is built. What else keeps the sources from being told is part of the answer, since they may not be wanted.
    pub fn interpret(&self, request: &Request<'_>) -> Result<Interpretation, Mistake> {
        let platforms: Vec<_> = match request.platforms {
            [] => vec![None],
            platforms => platforms.iter().map(Some).collect(),
        };
        let readings: Vec<_> = platforms
            .into_iter()
            .map(|platform| Reading::new(self, request, platform))
            .collect::<Result<_, _>>()?;
        let reaches: Vec<_> = readings
            .iter()
            .map(|reading| reading.reach.clone())
            .collect();
        let kept = self.keep(&reaches);
        let slice = match reaches.iter().any(|reach| reach.uses_numbers) {
            true => self.text.clone(),
            false => self.slice(&kept),
        };
        let mut sources: Vec<_> = readings.iter().map(Reading::sources).collect();
        let is_of_hint = |read: &Result<_, Mistake>| {
            read.as_ref()
                .is_err_and(|mistake| mistake.kind.is_of_hint())
        };
        if let Some(of_hint) = sources.iter().position(is_of_hint) {
            sources.swap_remove(of_hint)?;
        }
        Ok(Interpretation {
            slice,
            declared: kept.declared.into_iter().collect(),
            needed: needed(&reaches),
            sources: union(sources.into_iter()),
        })
    }
}

/// The names that are used on any of the platforms.
fn needed(reaches: &[Reach]) -> Vec<String> {
    let needed: BTreeSet<_> = reaches.iter().flat_map(|reach| &reach.needed).collect();
    needed.into_iter().cloned().collect()
}

/// All sources, each once.
fn union(
    readings: impl Iterator<Item = Result<Vec<Source>, Mistake>>,
) -> Result<Vec<Source>, Mistake> {
    let mut all: Vec<Source> = Vec::new();
    for sources in readings {
        all.extend(sources?);
    }
    all.sort_by(|a, b| place(a).cmp(&place(b)));
    // At one place, the same text is the same source: no other part of an instruction is expanded.
    all.dedup_by(|a, b| place(a) == place(b));
    Ok(all)
}

fn place(source: &Source) -> (usize, &str) {
    (source.span.start, &source.text)
}

/// The file as it is read on one platform.
struct Reading<'a> {
    file: &'a Dockerfile,
    request: &'a Request<'a>,
    globals: Variables,
    reach: Reach,
    effort: Effort,
}

impl<'a> Reading<'a> {
    fn new(
        file: &'a Dockerfile,
        request: &'a Request<'a>,
        platform: Option<&Platform>,
    ) -> Result<Self, Mistake> {
        let mut reading = Reading {
            file,
            request,
            globals: Variables::automatic(platform, request.target),
            reach: Reach {
                stages: Vec::new(),
                needed: BTreeSet::new(),
                uses_numbers: false,
            },
            effort: Effort::default(),
        };
        reading.read_globals()?;
        reading.reach = file.reach(request, &reading.globals, &reading.effort)?;
        Ok(reading)
    }

    fn read_globals(&mut self) -> Result<(), Mistake> {
        for global in &self.file.globals {
            let span = &self.file.instructions[global.instruction].span;
            for (name, default) in &global.args {
                let value = match (self.request.args.get(name), default) {
                    _ if self.is_hint(name) => Err(Undecided::Hint(name.clone())),
                    (Some(value), _) => Ok(value.as_str().into()),
                    (None, Some(default)) => self.value(name, default, &self.globals),
                    (None, None) => continue,
                };
                let check = self.effort.check();
                check.map_err(|error| MistakeKind::from(error).at(span))?;
                self.globals.set(name, value);
            }
        }
        Ok(())
    }

    fn is_hint(&self, name: &str) -> bool {
        self.request.hints.contains(name)
    }

    /// The sources of all stages that are reached.
    ///
    /// What keeps them from being told is looked for hints behind it, since those matter even where sources do
    /// not.
    fn sources(&self) -> Result<Vec<Source>, Mistake> {
        let mut sources = Vec::new();
        let mut untold = None;
        let mut ends: Vec<Option<Variables>> = Vec::new();
        for (index, start) in self.reach.stages.iter().enumerate() {
            let Some(start) = *start else {
                ends.push(None);
                continue;
            };
            let mut variables = match start {
                Start::Scratch => Variables::of_image(false, index),
                Start::Image => Variables::of_image(true, index),
                Start::Stage(base) => {
                    let end = ends[base].as_ref();
                    end.expect("a stage's base is reached before it")
                        .inherited(index)
                }
            };
            for instruction in self.file.run_by(index, start) {
                match self.step(instruction, &mut variables, &mut sources) {
                    Ok(()) => {}
                    Err(kind) if kind.is_about_sources() => {
                        untold.get_or_insert_with(|| kind.at(&instruction.span));
                    }
                    Err(kind) if kind.is_of_hint() => return Err(kind.at(&instruction.span)),
                    Err(kind) => return Err(untold.unwrap_or_else(|| kind.at(&instruction.span))),
                }
            }
            ends.push(Some(variables));
        }
        match untold {
            Some(mistake) => Err(mistake),
            None => Ok(sources),
        }
    }

    /// Goes through one instruction: what it does to the variables, and what it reads.
    fn step(
        &self,
        instruction: &Instruction,
        variables: &mut Variables,
        sources: &mut Vec<Source>,
    ) -> Result<(), MistakeKind> {
        match instruction.keyword.as_str() {
            "arg" => self.arg(instruction, variables)?,
            "env" => self.env(instruction, variables)?,
            "copy" | "add" => self.copy(instruction, variables, sources)?,
            "run" => self.run(instruction, variables, sources)?,
            // A trigger is pulled in the stages that start from this one.
            "cmd" | "entrypoint" | "expose" | "healthcheck" | "label" | "maintainer"
            | "onbuild" | "shell" | "stopsignal" | "user" | "volume" | "workdir" => {}
            other => return Err(MistakeKind::unknown_instruction(other.to_uppercase())),
        }
        Ok(self.effort.check()?)
    }

    fn arg(&self, instruction: &Instruction, variables: &mut Variables) -> Result<(), MistakeKind> {
        let before = variables.clone();
        for (name, default) in stage::args(instruction, self.file.head.escape) {
            if name.contains(['$', '\'', '"', self.file.head.escape]) {
                // Some versions of BuildKit expand it, others do not.
                let why = Undecided::Builder(name.clone());
                return Err(MistakeKind::UndecidedSource { text: name, why });
            }
            let value = match (self.request.args.get(&name), default) {
                _ if self.is_hint(&name) => Err(Undecided::Hint(name.clone())),
                (Some(value), _) => Ok(value.as_str().into()),
                (None, Some(default)) => self.default(&name, &default, variables, &before),
                (None, None) => match self.globals.get(&name).transpose() {
                    Some(value) => value,
                    None => continue,
                },
            };
            variables.set(&name, value);
        }
        Ok(())
    }

    /// The value that an argument gets by its default. Some versions of BuildKit let it see the
    /// arguments before it in its own instruction, others only what was `before` that.
    fn default(&self, name: &str, text: &str, now: &Variables, before: &Variables) -> Known {
        let value = self.value(name, text, now);
        match value == self.value(name, text, before) {
            true => value,
            false => Err(Undecided::Builder(name.to_owned())),
        }
    }

    fn env(&self, instruction: &Instruction, variables: &mut Variables) -> Result<(), MistakeKind> {
        // All of one instruction see what was before it.
        let before = variables.clone();
        for (name, value) in self.assignments(instruction)? {
            let name = self.decided(&name, &before)?;
            variables.set_in_image(&name, self.value(&name, &value, &before));
        }
        Ok(())
    }

    /// `NAME=VALUE …`, or in the old form `NAME VALUE`.
    fn assignments(&self, instruction: &Instruction) -> Result<Vec<(String, String)>, MistakeKind> {
        let quoted = words::quoted(&instruction.arguments, self.file.head.escape);
        let is_old = quoted.first().is_some_and(|word| !word.contains('='));
        if is_old {
            let (name, value) = words::split_first(&instruction.arguments);
            return Ok(vec![(name.to_owned(), value.to_owned())]);
        }
        let parted = |word: &String| {
            let parts = word.split_once('=');
            let (name, value) = parts.ok_or_else(|| MistakeKind::NotAssignment(word.clone()))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        quoted.iter().map(parted).collect()
    }

    fn copy(
        &self,
        instruction: &Instruction,
        variables: &Variables,
        sources: &mut Vec<Source>,
    ) -> Result<(), MistakeKind> {
        if !self.request.hints.is_empty() {
            let words = arguments::sources(instruction)?;
            for text in instruction.flags.iter().chain(&words) {
                self.check_hints(text, variables)?;
            }
        }
        let copy = arguments::copy(instruction)?;
        if copy.has_from {
            return Ok(());
        }
        let exclude = Shape::excluded(&copy.excludes)?;
        for word in &copy.sources {
            let text = self.decided(word, variables)?;
            if !is_address(&text) {
                let shape = Shape::copied(&text, copy.parents, exclude.clone())?;
                self.effort.spend(STEPS_OF_SOURCE + text.len())?;
                sources.push(source(instruction, text, shape));
            } else if instruction.keyword == "copy" {
                return Err(MistakeKind::CopyOfAddress(text));
            }
        }
        Ok(())
    }

    fn run(
        &self,
        instruction: &Instruction,
        variables: &Variables,
        sources: &mut Vec<Source>,
    ) -> Result<(), MistakeKind> {
        for text in arguments::mounts(instruction)? {
            let mount = mount::parse(text, &mut |value| self.decided(value, variables))?;
            if mount.kind == "bind" && !mount.has_from {
                let shape = Shape::path(&mount.source)?;
                self.effort.spend(STEPS_OF_SOURCE + mount.source.len())?;
                sources.push(Source {
                    keyword: "RUN --mount".to_owned(),
                    ..source(instruction, mount.source, shape)
                });
            }
        }
        Ok(())
    }

    /// Fails if a text depends on a hint.
    fn check_hints(&self, text: &str, variables: &Variables) -> Result<(), MistakeKind> {
        match self.decided(text, variables) {
            Err(kind) if kind.is_of_hint() => Err(kind),
            _ => Ok(()),
        }
    }

    /// A text that decides what is read.
    fn decided(&self, text: &str, variables: &Variables) -> Result<String, MistakeKind> {
        match self.expand(text, variables) {
            Ok(expanded) => Ok(expanded),
            Err(shell::Error::Syntax(error)) => Err(MistakeKind::Syntax(error)),
            Err(shell::Error::Undecided(Undecided::Hint(name))) => Err(MistakeKind::HintInSource {
                text: text.to_owned(),
                name,
            }),
            Err(shell::Error::Undecided(why)) => Err(MistakeKind::UndecidedSource {
                text: text.to_owned(),
                why,
            }),
        }
    }

    /// The value that a variable gets. What it cannot be told from matters only if it is used.
    fn value(&self, name: &str, text: &str, variables: &Variables) -> Known {
        match self.expand(text, variables) {
            Ok(expanded) => Ok(expanded.into()),
            Err(shell::Error::Syntax(_)) => Err(Undecided::Value(name.to_owned())),
            Err(shell::Error::Undecided(why)) => Err(why),
        }
    }

    fn expand(&self, text: &str, variables: &Variables) -> Result<String, shell::Error<Undecided>> {
        variables.expand(text, self.file.head.escape, &self.effort)
    }
}

fn source(instruction: &Instruction, text: String, shape: Shape) -> Source {
    Source {
        keyword: instruction.keyword.to_uppercase(),
        text,
        line: instruction.line,
        span: instruction.span.clone(),
        shape,
    }
}
