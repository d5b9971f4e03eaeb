//! The head of a Dockerfile: byte order mark, `#!` line, parser directives.
//!
//! The reference is BuildKit's `parser/directives.go`. It looks at the head twice, with small
//! differences: once for the frontend that reads the file, once for the escape character.

use std::ops::Range;

use super::mistake::{Mistake, MistakeKind};

/// The names that BuildKit knows; any other comment ends the head.
const NAMES: [&str; 3] = ["check", "escape", "syntax"];

/// One parser directive, such as `# escape=\``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    /// In lower case.
    pub(super) name: String,
    pub(super) value: String,
}

/// What the head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Where the head ends, as a byte offset.
    pub(super) end: usize,
    pub(super) directives: Vec<Directive>,
    /// The character that escapes, and that continues a line.
    pub(super) escape: char,
}

impl Head {
    /// Reads the head of `text`.
    pub(super) fn read(text: &str) -> Result<Self, Mistake> {
        let mut head = Head {
            end: after_mark(text),
            directives: Vec::new(),
            escape: '\\',
        };
        let has_interpreter = text[head.end..].starts_with("#!");
        if has_interpreter {
            head.end += first_line(&text[head.end..]).len();
        }
        loop {
            let line = first_line(&text[head.end..]);
            let Some(directive) = directive(line) else {
                return Ok(head);
            };
            head.add(directive, head.end..head.end + line.len(), has_interpreter)?;
        }
    }

    fn add(
        &mut self,
        directive: Directive,
        span: Range<usize>,
        has_interpreter: bool,
    ) -> Result<(), Mistake> {
        let Directive { name, value } = &directive;
        if self.directives.iter().any(|known| known.name == *name) {
            return Err(MistakeKind::RepeatedDirective(name.clone()).at(&span));
        }
        // BuildKit's parser takes a `#!` line for the comment that ends the head.
        if name == "escape" && !has_interpreter {
            self.escape = match value.as_str() {
                "\\" => '\\',
                "`" => '`',
                _ => return Err(MistakeKind::Escape(value.clone()).at(&span)),
            };
        }
        self.end = span.end;
        self.directives.push(directive);
        Ok(())
    }
}

/// The frontend that the file asks for: an image reference.
///
/// Beside `# syntax=` there are `// syntax=` and a JSON object, for files that are no Dockerfiles at
/// all.
pub(super) fn frontend(text: &str) -> Option<String> {
    let text = &text[after_mark(text)..];
    let text = match text.starts_with("#!") {
        true => &text[first_line(text).len()..],
        false => text,
    };
    ["#", "//"]
        .iter()
        .find_map(|mark| frontend_directive(text, mark))
        .or_else(|| frontend_in_json(text))
}

fn frontend_directive(text: &str, mark: &str) -> Option<String> {
    text.split_inclusive('\n')
        .map_while(|line| parse(line.strip_prefix(mark)?))
        .find(|directive| directive.name == "syntax")
        .map(|directive| {
            let reference = directive.value.split(' ').next();
            reference.unwrap_or_default().to_owned()
        })
}

fn frontend_in_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    Some(object.get("syntax")?.as_str()?.to_owned())
}

fn directive(line: &str) -> Option<Directive> {
    parse(line.trim_start().strip_prefix('#')?)
}

/// Reads `NAME=VALUE` with white space around each.
fn parse(comment: &str) -> Option<Directive> {
    let (name, value) = comment.trim_start().split_once('=')?;
    let name = name.trim_end_matches(is_blank).to_ascii_lowercase();
    let value = value
        .trim_start_matches(is_blank)
        .trim_end_matches(is_blank);
    (NAMES.contains(&name.as_str()) && !value.is_empty()).then(|| Directive {
        name,
        value: value.to_owned(),
    })
}

/// What `\s` means in Go's regular expressions.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

fn after_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    }
}

/// The first line, with its line feed.
fn first_line(text: &str) -> &str {
    text.split_inclusive('\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Head, frontend};
    use crate::dockerfile::mistake::MistakeKind;

    #[test]
    fn the_head_ends_where_no_directive_stands() {
        let head = |text: &str| {
            let head = Head::read(text).unwrap();
            (text[..head.end].to_owned(), head.escape)
        };
        assert_eq!(head("FROM a\n"), (String::new(), '\\'));
        let both = "\u{feff}# syntax=a\n#ESCAPE = `  \r\n";
        assert_eq!(head(&format!("{both}# x\nFROM a")), (both.into(), '`'));
        assert_eq!(head("# a comment\n# escape=`\n"), (String::new(), '\\'));
        assert_eq!(head("\n# escape=`\n"), (String::new(), '\\'));
        assert_eq!(head("# other=x\n# escape=`\n"), (String::new(), '\\'));
        assert_eq!(head("# escape=\n"), (String::new(), '\\'));
        assert_eq!(
            head("#!/bin/x\n# escape=`\nFROM a"),
            ("#!/bin/x\n# escape=`\n".into(), '\\')
        );
    }

    #[test]
    fn what_buildkit_refuses_is_refused() {
        let kind = |text| Head::read(text).unwrap_err().kind;
        assert_eq!(
            kind("# escape=`\n# Escape=`\n"),
            MistakeKind::RepeatedDirective("escape".into())
        );
        assert_eq!(kind("# escape=x\n"), MistakeKind::Escape("x".into()));
    }

    #[test]
    fn every_form_of_naming_a_frontend_is_seen() {
        let some = |text: &str| frontend(text).unwrap_or_default();
        assert_eq!(some("# syntax=a/b:1 --x\nFROM a"), "a/b:1");
        assert_eq!(some("#!/x\n#syntax = a/b\r\n"), "a/b");
        assert_eq!(some("# escape=`\n# syntax=a\n"), "a");
        assert_eq!(some("// syntax=a\n"), "a");
        assert_eq!(some("{ \"syntax\": \"a\" }"), "a");
        assert_eq!(some(" # syntax=a\n"), "");
        assert_eq!(some("FROM a\n# syntax=a\n"), "");
        assert_eq!(some("{ \"syntax\": 1 }"), "");
    }
}
