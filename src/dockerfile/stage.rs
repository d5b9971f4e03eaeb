//! Stages and global arguments: how a Dockerfile's instructions are grouped.

use std::ops::Range;

use super::directives::Head;
use super::instruction::{self, Instruction};
use super::mistake::{Mistake, MistakeKind};
use super::{Dockerfile, words};

/// An ARG instruction before the first FROM.
#[derive(Debug)]
pub(super) struct Global {
    /// The position of the instruction.
    pub(super) instruction: usize,
    /// The names that it declares, with their defaults as they are written.
    pub(super) args: Vec<(String, Option<String>)>,
}

/// A FROM and what follows it.
#[derive(Debug)]
pub(super) struct Stage {
    /// In lower case.
    pub(super) name: Option<String>,
    /// The image or stage that it starts from, as it is written.
    pub(super) base: String,
    /// The position of FROM.
    pub(super) from: usize,
    /// The positions of the instructions behind it.
    pub(super) body: Range<usize>,
    /// What it leaves to the stages that start from it.
    pub(super) triggers: Vec<Instruction>,
}

impl Dockerfile {
    /// Reads a file that BuildKit's own frontend reads.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let head = Head::read(text)?;
        let instructions = instruction::read(text, &head)?;
        let mut globals = Vec::new();
        let mut stages: Vec<Stage> = Vec::new();
        for (index, instruction) in instructions.iter().enumerate() {
            match (instruction.keyword.as_str(), stages.last_mut()) {
                ("from", _) => stages.push(Stage::parse(instruction, index)?),
                (keyword, Some(stage)) => {
                    stage.body.end = index + 1;
                    if keyword == "onbuild" {
                        stage.triggers.push(instruction.trigger()?);
                    }
                }
                ("arg", None) => globals.push(Global {
                    instruction: index,
                    args: args(instruction, head.escape),
                }),
                (keyword, None) => {
                    let keyword = keyword.to_uppercase();
                    return Err(MistakeKind::BeforeFrom(keyword).at(&instruction.span));
                }
            }
        }
        if stages.is_empty() {
            return Err(MistakeKind::NoStages.nowhere());
        }
        Ok(Dockerfile {
            text: text.to_owned(),
            head,
            instructions,
            globals,
            stages,
        })
    }

    /// The instructions of a stage, without its FROM.
    pub(super) fn body(&self, stage: &Stage) -> &[Instruction] {
        &self.instructions[stage.body.clone()]
    }

    /// The FROM of a stage.
    pub(super) fn from(&self, stage: &Stage) -> &Instruction {
        &self.instructions[stage.from]
    }
}

impl Stage {
    fn parse(from: &Instruction, index: usize) -> Result<Self, Mistake> {
        let words = words::plain(&from.arguments);
        let (base, name) = match words.as_slice() {
            [base] => (base, None),
            [base, keyword, name] if keyword.eq_ignore_ascii_case("as") => (base, Some(name)),
            _ => return Err(MistakeKind::From(from.arguments.clone()).at(&from.span)),
        };
        let name = name
            .map(|name| stage_name(name))
            .transpose()
            .map_err(|kind| kind.at(&from.span))?;
        Ok(Stage {
            name,
            base: base.clone(),
            from: index,
            body: index + 1..index + 1,
            triggers: Vec::new(),
        })
    }
}

fn stage_name(text: &str) -> Result<String, MistakeKind> {
    let name = text.to_lowercase();
    let is_valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
    match is_valid {
        true => Ok(name),
        false => Err(MistakeKind::StageName(text.to_owned())),
    }
}

/// The names and defaults of an ARG instruction.
pub(super) fn args(instruction: &Instruction, escape: char) -> Vec<(String, Option<String>)> {
    words::quoted(&instruction.arguments, escape)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (word, None),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Dockerfile, MistakeKind};

    fn mistake(text: &str) -> MistakeKind {
        Dockerfile::parse(text).unwrap_err().kind
    }

    #[test]
    fn stages_have_names_bases_and_instructions() {
        let text = "ARG A=1 B\nFROM a AS Build\nRUN x\nRUN y\nfrom $A\n";
        let file = Dockerfile::parse(text).unwrap();
        let args = &file.globals[0].args;
        assert_eq!(*args, [("A".into(), Some("1".into())), ("B".into(), None)]);
        let [first, second] = file.stages.as_slice() else {
            panic!("two stages");
        };
        assert_eq!(
            (first.name.as_deref(), first.base.as_str()),
            (Some("build"), "a")
        );
        assert_eq!(file.body(first).len(), 2);
        assert_eq!((second.name.as_deref(), second.base.as_str()), (None, "$A"));
        assert!(file.body(second).is_empty());
    }

    #[test]
    fn what_buildkit_refuses_is_refused() {
        assert_eq!(mistake(""), MistakeKind::NoStages);
        assert_eq!(mistake("ARG A\n"), MistakeKind::NoStages);
        assert_eq!(
            mistake("run a\nFROM a"),
            MistakeKind::BeforeFrom("RUN".into())
        );
        assert_eq!(mistake("FROM a b"), MistakeKind::From("a b".into()));
        assert_eq!(mistake("FROM"), MistakeKind::From(String::new()));
        assert_eq!(mistake("FROM a AS 1"), MistakeKind::StageName("1".into()));
        assert_eq!(
            mistake("FROM a AS b/c"),
            MistakeKind::StageName("b/c".into())
        );
    }
}
