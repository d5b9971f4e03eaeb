//! Which stages a build of one target reaches.
//!
//! A stage reaches what its FROM names, and what `COPY --from` and `RUN --mount … from=` name in it
//! and in the triggers that its base leaves to it. All of that lies before it in the file.

use std::collections::{BTreeSet, HashMap};

use super::arguments::{self, Naming};
use super::effort::Effort;
use super::instruction::Instruction;
use super::mistake::{Mistake, MistakeKind};
use super::shell;
use super::stage::Stage;
use super::variables::{Undecided, Variables};
use super::{Dockerfile, Request};

/// What an instruction counts for beside its bytes.
const STEPS_OF_INSTRUCTION: usize = 16;

/// The stages that are reached on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// For each stage of the file, whether it is reached, and how it starts.
    pub(super) stages: Vec<Option<Start>>,
    /// The names of images that are handed to the builder, as far as these stages use them.
    pub(super) needed: BTreeSet<String>,
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
        let names = Names::new(&self.stages, request.needs);
        let mut reach = Reach {
            stages: vec![None; self.stages.len()],
            needed: BTreeSet::new(),
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
            let start = match self.start(index, &names, globals, effort)? {
                Named::Stage(base) => {
                    wanted[base] = true;
                    Start::Stage(base)
                }
                Named::Needed(name) => {
                    reach.needed.insert(name);
                    Start::Image
                }
                Named::Scratch => Start::Scratch,
                Named::Image => Start::Image,
            };
            reach.stages[index] = Some(start);
            for instruction in self.run_by(index, start) {
                let spent = effort.spend(instruction.span.len() + STEPS_OF_INSTRUCTION);
                spent.map_err(|error| MistakeKind::from(error).at(&instruction.span))?;
                for naming in arguments::namings(instruction)? {
                    let stage = names.named(&naming, index);
                    let stage = stage.map_err(|kind| kind.at(&instruction.span))?;
                    reach.uses_numbers |= matches!(naming, Naming::Number(_));
                    match stage {
                        Named::Stage(stage) => wanted[stage] = true,
                        Named::Needed(name) => {
                            reach.needed.insert(name);
                        }
                        Named::Scratch | Named::Image => {}
                    }
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

    /// Fails if a text of FROM depends on a hint.
    fn check_hints(
        &self,
        text: &str,
        globals: &Variables,
        effort: &Effort,
    ) -> Result<(), MistakeKind> {
        match globals.expand(text, self.head.escape, effort) {
            Err(shell::Error::Undecided(Undecided::Hint(name))) => {
                let text = text.to_owned();
                Err(MistakeKind::HintInFrom { text, name })
            }
            _ => Ok(()),
        }
    }

    /// What a stage starts from.
    fn start(
        &self,
        index: usize,
        names: &Names<'_>,
        globals: &Variables,
        effort: &Effort,
    ) -> Result<Named, Mistake> {
        let stage = &self.stages[index];
        let from = self.from(stage);
        for text in from.flags.iter().chain([&stage.base]) {
            self.check_hints(text, globals, effort)
                .map_err(|kind| kind.at(&from.span))?;
        }
        let base = match globals.expand(&stage.base, self.head.escape, effort) {
            Ok(base) => base,
            // What cannot name a stage need not be known.
            Err(shell::Error::Undecided(_)) if !names.has_any_before(index) => {
                return Ok(Named::Image);
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
            Some(stage) => Named::Stage(stage),
            None if base == "scratch" => Named::Scratch,
            None => names.image(&base),
        })
    }
}

/// What a name in a Dockerfile stands for.
enum Named {
    /// The stage at this position.
    Stage(usize),
    /// An image that is handed to the builder under this name.
    Needed(String),
    /// Nothing.
    Scratch,
    /// Any other image.
    Image,
}

/// The positions of the stages by name, ascending, but for those in whose place an image is handed to
/// the builder.
struct Names<'a> {
    stages: &'a [Stage],
    needs: &'a BTreeSet<&'a str>,
    by_name: HashMap<&'a str, Vec<usize>>,
    first_named: usize,
}

impl<'a> Names<'a> {
    fn new(stages: &'a [Stage], needs: &'a BTreeSet<&'a str>) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let own_name = |stage: &'a Stage| {
            let name = stage.name.as_deref();
            name.filter(|name| !needs.contains(name))
        };
        for (index, stage) in stages.iter().enumerate() {
            if let Some(name) = own_name(stage) {
                by_name.entry(name).or_default().push(index);
            }
        }
        let first_named = stages.iter().position(|stage| own_name(stage).is_some());
        Names {
            stages,
            needs,
            by_name,
            first_named: first_named.unwrap_or(stages.len()),
        }
    }

    /// What stands for a name that no stage has.
    fn image(&self, name: &str) -> Named {
        let name = name.to_lowercase();
        match self.needs.contains(name.as_str()) {
            true => Named::Needed(name),
            false => Named::Image,
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
        let Some(name) = target else {
            let last = self.stages.len() - 1;
            return match self.replaced(last) {
                Some(name) => Err(MistakeKind::ReplacedTarget(name).nowhere()),
                None => Ok(last),
            };
        };
        let missing = || match self.image(name) {
            Named::Needed(name) => MistakeKind::ReplacedTarget(name),
            _ => MistakeKind::NoSuchStage(name.to_owned()),
        };
        self.last(name).ok_or_else(|| missing().nowhere())
    }

    /// The name by which an image is handed to the builder in the place of the stage at `index`.
    fn replaced(&self, index: usize) -> Option<String> {
        let name = self.stages[index].name.as_ref();
        name.filter(|name| self.needs.contains(name.as_str()))
            .cloned()
    }

    /// What is named in the stage at `index`.
    fn named(&self, naming: &Naming, index: usize) -> Result<Named, MistakeKind> {
        let (stage, text) = match naming {
            Naming::Number(number) => {
                let stage = usize::try_from(*number).ok();
                let stage = stage.filter(|stage| *stage < self.stages.len());
                let missing = MistakeKind::NoSuchStage(number.to_string());
                (stage.ok_or(missing)?, number.to_string())
            }
            Naming::Name(name) => match self.last(name) {
                Some(stage) => (stage, name.clone()),
                None => return Ok(self.image(name)),
            },
        };
        if stage >= index {
            return Err(MistakeKind::StageNotBefore(text));
        }
        Ok(match self.replaced(stage) {
            Some(name) => Named::Needed(name),
            None => Named::Stage(stage),
        })
    }
}
