//! Which stages a build of one target reaches.
//!
//! A stage reaches what its FROM names, and what `COPY --from` and `RUN --mount … from=` name in it
//! and in the triggers that its base leaves to it. All of that lies before it in the file.

use std::collections::HashMap;

use super::arguments::{self, Naming};
use super::effort::Effort;
use super::instruction::Instruction;
use super::mistake::{Mistake, MistakeKind};
use super::shell;
use super::stage::Stage;
use super::variables::Variables;
use super::{Dockerfile, Request};

/// What an instruction counts for beside its bytes.
const STEPS_OF_INSTRUCTION: usize = 16;

/// The stages that are reached on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// For each stage of the file, whether it is reached, and how it starts.
    pub(super) stages: Vec<Option<Start>>,
    /// Whether any of them is named by its number, which is another one in another file.
    pub(super) uses_numbers: bool,
}

/// What a reached stage starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing.
    Scratch,
    /// An image that the file does not build.
    Image,
    /// The stage at this position.
    Stage(usize),
}

impl Dockerfile {
    /// Finds the stages that `request` reaches, given the global arguments.
    pub(super) fn reach(
        &self,
        request: &Request<'_>,
        globals: &Variables,
        effort: &Effort,
    ) -> Result<Reach, Mistake> {
        let names = Names::new(&self.stages);
        let mut reach = Reach {
            stages: vec![None; self.stages.len()],
            uses_numbers: false,
        };
        let mut wanted = vec![false; self.stages.len()];
        let target = names.target(request.target)?;
        wanted[target] = true;
        // Whatever a stage reaches comes before it.
        for index in (0..=target).rev() {
            if !wanted[index] {
                continue;
            }
            let start = self.start(index, &names, globals, effort)?;
            if let Start::Stage(base) = start {
                wanted[base] = true;
            }
            reach.stages[index] = Some(start);
            for instruction in self.run_by(index, start) {
                let spent = effort.spend(instruction.span.len() + STEPS_OF_INSTRUCTION);
                spent.map_err(|error| MistakeKind::from(error).at(&instruction.span))?;
                for naming in arguments::namings(instruction)? {
                    let stage = names.named(&naming, index);
                    let stage = stage.map_err(|kind| kind.at(&instruction.span))?;
                    reach.uses_numbers |= matches!(naming, Naming::Number(_));
                    stage.into_iter().for_each(|stage| wanted[stage] = true);
                }
            }
        }
        Ok(reach)
    }

    /// The instructions that a stage runs: the triggers of the stage that it starts from, then its own.
    pub(super) fn run_by(&self, index: usize, start: Start) -> impl Iterator<Item = &Instruction> {
        let triggers = match start {
            Start::Stage(base) => self.stages[base].triggers.as_slice(),
            Start::Scratch | Start::Image => &[],
        };
        triggers.iter().chain(self.body(&self.stages[index]))
    }

    /// What a stage starts from.
    fn start(
        &self,
        index: usize,
        names: &Names<'_>,
        globals: &Variables,
        effort: &Effort,
    ) -> Result<Start, Mistake> {
        let stage = &self.stages[index];
        let from = self.from(stage);
        let expanded = shell::expand(&stage.base, self.head.escape, &globals.lookup(), effort);
        let base = match expanded {
            Ok(base) => base,
            // What cannot name a stage need not be known.
            Err(shell::Error::Undecided(_)) if !names.has_any_before(index) => {
                return Ok(Start::Image);
            }
            Err(shell::Error::Undecided(why)) => {
                let text = stage.base.clone();
                return Err(MistakeKind::UndecidedFrom { text, why }.at(&from.span));
            }
            Err(shell::Error::Syntax(error)) => {
                return Err(MistakeKind::Syntax(error).at(&from.span));
            }
        };
        if base.is_empty() {
            return Err(MistakeKind::EmptyImage(stage.base.clone()).at(&from.span));
        }
        Ok(match names.nearest_before(&base, index) {
            Some(stage) => Start::Stage(stage),
            None if base == "scratch" => Start::Scratch,
            None => Start::Image,
        })
    }
}

/// The positions of the stages by name, ascending.
struct Names<'a> {
    by_name: HashMap<&'a str, Vec<usize>>,
    count: usize,
    first_named: usize,
}

impl<'a> Names<'a> {
    fn new(stages: &'a [Stage]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, stage) in stages.iter().enumerate() {
            if let Some(name) = &stage.name {
                by_name.entry(name).or_default().push(index);
            }
        }
        let is_named = |stage: &Stage| stage.name.is_some();
        Names {
            by_name,
            count: stages.len(),
            first_named: stages.iter().position(is_named).unwrap_or(stages.len()),
        }
    }

    fn has_any_before(&self, index: usize) -> bool {
        self.first_named < index
    }

    /// FROM means the nearest stage of that name above it.
    fn nearest_before(&self, name: &str, index: usize) -> Option<usize> {
        let name = name.to_lowercase();
        let positions = self.by_name.get(name.as_str())?;
        let before = positions.partition_point(|stage| *stage < index);
        positions[..before].last().copied()
    }

    /// Everything else means the last stage of that name.
    fn last(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.by_name.get(name.as_str())?.last().copied()
    }

    /// The position of the target. BuildKit knows no targets by number.
    fn target(&self, target: Option<&str>) -> Result<usize, Mistake> {
        match target {
            None => Ok(self.count - 1),
            Some(name) => self
                .last(name)
                .ok_or_else(|| MistakeKind::NoSuchStage(name.to_owned()).nowhere()),
        }
    }

    /// The stage that is named in the stage at `index`; `None` if it is an image.
    fn named(&self, naming: &Naming, index: usize) -> Result<Option<usize>, MistakeKind> {
        let (stage, text) = match naming {
            Naming::Number(number) => {
                let stage = usize::try_from(*number).ok();
                let stage = stage.filter(|stage| *stage < self.count);
                let missing = MistakeKind::NoSuchStage(number.to_string());
                (Some(stage.ok_or(missing)?), number.to_string())
            }
            Naming::Name(name) => (self.last(name), name.clone()),
        };
        match stage {
            Some(stage) if stage >= index => Err(MistakeKind::StageNotBefore(text)),
            stage => Ok(stage),
        }
    }
}
