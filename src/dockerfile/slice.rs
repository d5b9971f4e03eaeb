//! The slice: the part of a Dockerfile that decides one image.
//!
//! The file is cut into pieces of whole lines, and the pieces that count are kept byte for byte: the
//! head, the reached stages, and the global arguments that those use. What else stands in the file
//! can change without a new image.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::instruction::Instruction;
use super::reach::{Reach, Start};
use super::{Dockerfile, directives, shell, stage};

/// Which pieces are kept.
#[derive(Debug)]
pub(super) struct Kept {
    globals: Vec<bool>,
    stages: Vec<bool>,
    /// The names that kept pieces declare as arguments.
    pub(super) declared: BTreeSet<String>,
}

impl Dockerfile {
    /// Decides which pieces are kept for stages that are reached on any of the platforms.
    pub(super) fn keep(&self, reaches: &[Reach]) -> Kept {
        let mut kept = Kept {
            globals: vec![false; self.globals.len()],
            stages: vec![false; self.stages.len()],
            declared: BTreeSet::new(),
        };
        let mut wanted = Vec::new();
        for reach in reaches {
            for (index, start) in reach.stages.iter().enumerate() {
                let Some(start) = start else { continue };
                if !kept.stages[index] {
                    wanted.extend(self.mentioned_by_from(index));
                }
                kept.stages[index] = true;
                kept.declared.extend(self.declared_in(index, *start));
            }
        }
        wanted.extend(kept.declared.iter().cloned());
        self.keep_globals(wanted, &mut kept);
        kept
    }

    /// Keeps the global arguments that are wanted, and those that the defaults of those mention.
    fn keep_globals(&self, mut wanted: Vec<String>, kept: &mut Kept) {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, global) in self.globals.iter().enumerate() {
            for (name, _) in &global.args {
                by_name.entry(name).or_default().push(index);
            }
        }
        while let Some(name) = wanted.pop() {
            for index in by_name.remove(name.as_str()).unwrap_or_default() {
                if std::mem::replace(&mut kept.globals[index], true) {
                    continue;
                }
                for (name, default) in &self.globals[index].args {
                    kept.declared.insert(name.clone());
                    let default = default.iter();
                    wanted.extend(default.flat_map(|text| self.mentions(text)));
                }
            }
        }
    }

    fn mentioned_by_from(&self, index: usize) -> Vec<String> {
        let stage = &self.stages[index];
        let flags = &self.from(stage).flags;
        let texts = flags.iter().chain([&stage.base]);
        texts.flat_map(|text| self.mentions(text)).collect()
    }

    fn mentions(&self, text: &str) -> Vec<String> {
        shell::mentions(text, self.head.escape)
    }

    /// The arguments that a stage declares, its base's triggers included.
    fn declared_in(&self, index: usize, start: Start) -> impl Iterator<Item = String> {
        self.run_by(index, start)
            .filter(|instruction| instruction.keyword == "arg")
            .flat_map(|instruction| stage::args(instruction, self.head.escape))
            .map(|(name, _)| name)
    }

    /// The slice that consists of the kept pieces; the whole file if they mean something else when
    /// they stand alone.
    pub(super) fn slice(&self, kept: &Kept) -> String {
        let mut slice = self.text[..self.head.end].to_owned();
        let mut instructions = Vec::new();
        for piece in self.pieces(kept).filter(|piece| piece.is_kept) {
            slice.push_str(&self.text[piece.span]);
            instructions.extend(&self.instructions[piece.instructions]);
        }
        match self.is_read_alike(&slice, &instructions) {
            true => slice,
            false => self.text.clone(),
        }
    }

    /// The pieces behind the head, in their order. Comments and blank lines belong to what follows
    /// them, the last ones to the last piece.
    fn pieces<'a>(&'a self, kept: &'a Kept) -> impl Iterator<Item = Piece> + 'a {
        let globals = self.globals.iter().zip(&kept.globals);
        let globals = globals.map(|(global, kept)| (global.instruction + 1, *kept));
        let stages = self.stages.iter().zip(&kept.stages);
        let stages = stages.map(|(stage, kept)| (stage.body.end, *kept));
        let mut start = self.head.end;
        let mut first = 0;
        globals
            .chain(stages)
            .map(move |(end_instruction, is_kept)| {
                let is_last = end_instruction == self.instructions.len();
                let end = match is_last {
                    true => self.text.len(),
                    false => self.instructions[end_instruction - 1].span.end,
                };
                let piece = Piece {
                    span: start..end,
                    instructions: first..end_instruction,
                    is_kept,
                };
                (start, first) = (end, end_instruction);
                piece
            })
    }

    fn is_read_alike(&self, slice: &str, instructions: &[&Instruction]) -> bool {
        slice == self.text
            || directives::frontend(slice) == directives::frontend(&self.text)
                && Dockerfile::parse(slice).is_ok_and(|read| {
                    let pairs = read.instructions.iter().zip(instructions);
                    read.head.directives == self.head.directives
                        && read.instructions.len() == instructions.len()
                        && pairs.into_iter().all(|(a, b)| a.is_same(b))
                })
    }
}

/// Whole lines of the file.
struct Piece {
    span: Range<usize>,
    /// The positions of its instructions.
    instructions: Range<usize>,
    is_kept: bool,
}
