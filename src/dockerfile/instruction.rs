//! From the text of a Dockerfile to its instructions, each with its flags, its arguments as text and
//! its here-documents.
//!
//! The reference is BuildKit's `parser` package: how lines are continued, which comments and blank
//! lines lie inside an instruction, where a here-document begins and ends. What the arguments mean is
//! left to others.

use std::ops::Range;

use super::directives::Head;
use super::heredoc::{self, Heredoc};
use super::mistake::{Mistake, MistakeKind};
use super::words;

/// BuildKit reads a file line by line, and no line that is longer than this.
const LINE_LIMIT: usize = 64 * 1024;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// `copy`, `from`, …: in lower case, whether there is such an instruction or not.
    pub(super) keyword: String,
    /// The words that start with `--`, without quotes.
    pub(super) flags: Vec<String>,
    /// What follows the flags, continued lines joined.
    pub(super) arguments: String,
    /// In the order of their bodies.
    pub(super) heredocs: Vec<Heredoc>,
    /// The number of its first line, counted from 1.
    pub(super) line: usize,
    /// The whole lines that it takes up, bodies of here-documents included.
    pub(super) span: Range<usize>,
}

impl Instruction {
    /// Reads the instruction that is ONBUILD's argument.
    ///
    /// BuildKit reads it when the trigger is pulled, and then without the file's directives.
    pub(super) fn trigger(&self) -> Result<Self, Mistake> {
        let line = self.arguments.trim_start();
        let line = continued(line, '\\').unwrap_or(line);
        let trigger = of_line(line, '\\');
        let is_allowed = !matches!(
            trigger.keyword.as_str(),
            "" | "onbuild" | "from" | "maintainer"
        );
        if !is_allowed || line.starts_with('#') {
            return Err(MistakeKind::Onbuild.at(&self.span));
        }
        Ok(Instruction {
            heredocs: self.heredocs.clone(),
            line: self.line,
            span: self.span.clone(),
            ..trigger
        })
    }

    /// What makes two instructions the same, wherever they stand.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.keyword == other.keyword
            && self.flags == other.flags
            && self.arguments == other.arguments
            && self.heredocs == other.heredocs
    }

    /// Whether BuildKit looks for here-documents in it.
    fn may_have_heredocs(&self) -> bool {
        match self.keyword.as_str() {
            "add" | "copy" | "run" => !words::is_json(&self.arguments),
            "onbuild" => {
                let trigger = of_line(&self.arguments, '\\');
                trigger.keyword != "onbuild" && trigger.may_have_heredocs()
            }
            _ => false,
        }
    }
}

/// Reads all instructions behind the head.
pub(super) fn read(text: &str, head: &Head) -> Result<Vec<Instruction>, Mistake> {
    let mut lines = Lines {
        text,
        at: head.end,
        number: text[..head.end].matches('\n').count(),
    };
    let mut instructions = Vec::new();
    while let Some(joined) = lines.joined(head.escape)? {
        let line = joined.text;
        let mut instruction = Instruction {
            line: joined.number,
            span: joined.span,
            ..of_line(&line, head.escape)
        };
        if line.contains("<<") && instruction.may_have_heredocs() {
            lines.bodies(&line, &mut instruction)?;
        }
        instructions.push(instruction);
    }
    Ok(instructions)
}

/// Reads an instruction whose place is not known.
fn of_line(line: &str, escape: char) -> Instruction {
    let (keyword, rest) = words::split_first(line.trim());
    let (flags, arguments) = words::flags(rest, escape);
    Instruction {
        keyword: keyword.to_lowercase(),
        flags,
        arguments: arguments.trim().to_owned(),
        heredocs: Vec::new(),
        line: 0,
        span: 0..0,
    }
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
    /// How many lines have been read.
    number: usize,
}

/// A line joined with those that continue it.
struct Joined {
    text: String,
    number: usize,
    span: Range<usize>,
}

impl<'a> Lines<'a> {
    /// The next line, with its line feed.
    fn next(&mut self) -> Result<Option<&'a str>, Mistake> {
        let Some(line) = self.text[self.at..].split_inclusive('\n').next() else {
            return Ok(None);
        };
        if line.len() >= LINE_LIMIT {
            return Err(MistakeKind::LongLine.at(&(self.at..self.at)));
        }
        self.at += line.len();
        self.number += 1;
        Ok(Some(line))
    }

    /// The next line that is neither blank nor a comment, joined with those that continue it.
    fn joined(&mut self, escape: char) -> Result<Option<Joined>, Mistake> {
        let Some((mut joined, mut is_open)) = self.first(escape)? else {
            return Ok(None);
        };
        while is_open && let Some(line) = self.next()? {
            let line = without_line_end(line);
            // Comments and blank lines between the lines of an instruction are no part of it.
            if line.trim_start().starts_with('#') || line.trim_start().is_empty() {
                continue;
            }
            let more = continued(line, escape);
            joined.text.push_str(more.unwrap_or(line));
            is_open = more.is_some();
        }
        joined.span.end = self.at;
        Ok(Some(joined))
    }

    /// The next line that is neither blank nor a comment, and whether others continue it.
    fn first(&mut self, escape: char) -> Result<Option<(Joined, bool)>, Mistake> {
        loop {
            let start = self.at;
            let Some(line) = self.next()? else {
                return Ok(None);
            };
            let line = without_line_end(line).trim_start();
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let more = continued(line, escape);
            let joined = Joined {
                text: more.unwrap_or(line).to_owned(),
                number: self.number,
                span: start..self.at,
            };
            return Ok(Some((joined, more.is_some())));
        }
    }

    /// Reads the bodies of the here-documents that `line` begins.
    fn bodies(&mut self, line: &str, instruction: &mut Instruction) -> Result<(), Mistake> {
        let opened = heredoc::opened_by(line).map_err(|kind| kind.at(&instruction.span))?;
        for mut heredoc in opened {
            loop {
                let Some(line) = self.next()? else {
                    let kind = MistakeKind::UnendedHeredoc(heredoc.name);
                    return Err(kind.at(&instruction.span));
                };
                if heredoc.is_ended_by(without_line_end(line)) {
                    break;
                }
                heredoc.body.push_str(line);
            }
            instruction.heredocs.push(heredoc);
        }
        instruction.span.end = self.at;
        Ok(())
    }
}

fn without_line_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// The line without its last character, if that is a single escape character and so continues the
/// line; blanks may follow it.
fn continued(line: &str, escape: char) -> Option<&str> {
    let line = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!line.ends_with(escape)).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::{Instruction, read};
    use crate::dockerfile::directives::Head;
    use crate::dockerfile::mistake::MistakeKind;

    fn instructions(text: &str) -> Vec<Instruction> {
        read(text, &Head::read(text).unwrap()).unwrap()
    }

    fn shown(text: &str) -> Vec<String> {
        let show = |i: &Instruction| format!("{} {:?} {}", i.keyword, i.flags, i.arguments);
        instructions(text).iter().map(show).collect()
    }

    #[test]
    fn lines_are_joined_as_the_builder_joins_them() {
        assert_eq!(shown("RUN a \\\n  b"), ["run [] a   b"]);
        assert_eq!(
            shown("RUN a \\ \t\r\n# comment\n\n  # other \\\n b\n"),
            ["run [] a  b"]
        );
        assert_eq!(shown("RUN a \\\\\nRUN b"), ["run [] a \\\\", "run [] b"]);
        assert_eq!(
            shown("# escape=`\nRUN a `\n b\\\n"),
            ["run [] a  b\\"],
            "the other escape character is none"
        );
        assert_eq!(shown("\\\nFROM a"), ["from [] a"]);
        assert_eq!(shown("RUN a \\"), ["run [] a"], "at the end of the file");
        assert_eq!(shown("  \t\n# FROM x\n   from   a \n"), ["from [] a"]);
    }

    #[test]
    fn flags_come_before_the_arguments() {
        let flags = shown("COPY --from=a --chown='x y' --link b --c /d");
        assert_eq!(
            flags,
            ["copy [\"--from=a\", \"--chown=x y\", \"--link\"] b --c /d"]
        );
        assert_eq!(shown("COPY -- --a /b"), ["copy [] --a /b"]);
    }

    #[test]
    fn heredocs_belong_to_their_instruction() {
        let text = "RUN <<A cat - <<-\"B\"\nFROM x\nA\n\tone\n\tB\nFROM y\n";
        let instructions = instructions(text);
        assert_eq!(instructions.len(), 2);
        let bodies: Vec<_> = instructions[0]
            .heredocs
            .iter()
            .map(|heredoc| heredoc.body.as_str())
            .collect();
        assert_eq!(bodies, ["FROM x\n", "\tone\n"]);
        assert_eq!(&text[instructions[1].span.clone()], "FROM y\n");
    }

    #[test]
    fn only_some_instructions_have_heredocs() {
        assert_eq!(shown("ENV a <<B\nRUN x").len(), 2);
        assert_eq!(shown("RUN [\"a\", \"<<B\"]\nRUN x").len(), 2);
        assert_eq!(shown("ONBUILD RUN <<B\nx\nB\nRUN y").len(), 2);
        assert_eq!(shown("RUN echo 1<<2\nRUN y\n2").len(), 1);
        assert_eq!(shown("RUN x <<<y\nRUN y").len(), 2, "a here-string");
        assert_eq!(
            shown("RUN it's <<B\nRUN y").len(),
            2,
            "an open quote hides it"
        );
    }

    #[test]
    fn a_heredoc_without_an_end_is_a_mistake() {
        let text = "FROM a\nRUN <<B\nx\n";
        let mistake = read(text, &Head::read(text).unwrap()).unwrap_err();
        assert_eq!(mistake.kind, MistakeKind::UnendedHeredoc("B".into()));
        assert_eq!(&text[mistake.span.unwrap()], "RUN <<B\n");
    }

    #[test]
    fn a_trigger_is_an_instruction() {
        let trigger = |text: &str| instructions(text).remove(0).trigger();
        let copy = trigger("ONBUILD copy --link a /b").unwrap();
        assert_eq!(
            (copy.keyword.as_str(), copy.arguments.as_str()),
            ("copy", "a /b")
        );
        assert_eq!(copy.flags, ["--link"]);
        let heredoc = trigger("ONBUILD RUN <<B\nx\nB").unwrap();
        assert_eq!(heredoc.heredocs[0].body, "x\n");
        for text in ["ONBUILD", "ONBUILD FROM a", "ONBUILD ONBUILD RUN a"] {
            assert!(trigger(text).is_err(), "{text}");
        }
    }
}
