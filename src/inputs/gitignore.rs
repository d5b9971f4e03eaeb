//! The rules of `.gitignore` files, exactly as git reads and applies them.
//!
//! The reference is git's own behaviour (gitignore(5), `dir.c`, `wildmatch.c`), which the tests ask
//! for. Bytes count, not characters, and case matters. Finding and reading the files is left to the
//! walker, and so is the rule that nothing below an ignored directory can be included again: it
//! does not go there. A link counts as a file, whatever it points to.

use std::collections::HashMap;
use std::sync::Arc;

use self::glob::{Glob, Part};

mod glob;

/// What the last matching rule says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The path is passed by.
    Ignored,
    /// A rule with `!` takes the path in again.
    Included,
}

/// The rule that decided, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    /// The rule's line in its file, counted from 1.
    pub line: usize,
}

/// The rules of one `.gitignore` file.
///
/// Rules without wildcards, most of any long file, are looked up by name; only the others are tried
/// one after the other.
#[derive(Debug, Clone, Default)]
pub struct Gitignore {
    rules: Vec<Rule>,
    names: HashMap<Vec<u8>, Latest>,
    paths: HashMap<Vec<u8>, Latest>,
    globs: Vec<(usize, Matcher)>,
}

#[derive(Debug, Clone)]
struct Rule {
    decision: Decision,
    directories_only: bool,
}

/// The last rule for one name, among those for anything and among those for directories only.
#[derive(Debug, Clone, Copy, Default)]
struct Latest {
    any: Option<usize>,
    directory: Option<usize>,
}

#[derive(Debug, Clone)]
enum Matcher {
    /// About the last part of a path, at any depth: the rule has no slash inside, or is `**/x`.
    Name(Part),
    Path(Glob),
}

impl Gitignore {
    /// Reads a file. It cannot fail: as for git, a line that makes no sense matches nothing.
    pub fn parse(text: &[u8]) -> Self {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut gitignore = Self::default();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if !line.is_empty() && line[0] != b'#' {
                gitignore.add(rule_text(line), index + 1);
            }
        }
        gitignore
    }

    /// Whether no line of the file can match anything.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the file decides about a path, given relative to the file's own folder.
    pub fn decide(&self, path: &[u8], is_dir: bool) -> Option<Decision> {
        let name = last_part(path);
        let literal = [self.names.get(name), self.paths.get(path)]
            .into_iter()
            .flatten()
            .filter_map(|latest| latest.for_kind(is_dir))
            .max();
        let glob = self
            .globs
            .iter()
            .rev()
            .take_while(|(index, _)| literal.is_none_or(|literal| *index > literal))
            .find(|(index, matcher)| {
                (is_dir || !self.rules[*index].directories_only)
                    && match matcher {
                        Matcher::Name(part) => part.matches(name),
                        Matcher::Path(glob) => glob.matches(path),
                    }
            })
            .map(|(index, _)| *index);
        glob.or(literal).map(|index| self.rules[index].decision)
    }

    fn add(&mut self, text: &[u8], line: usize) {
        let (text, verdict) = match text.strip_prefix(b"!") {
            Some(text) => (text, Verdict::Included),
            None => (text, Verdict::Ignored),
        };
        let (text, directories_only) = match text.strip_suffix(b"/") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let is_path = text.contains(&b'/');
        let Some(glob) = Glob::parse(text.strip_prefix(b"/").unwrap_or(text), is_path) else {
            return;
        };
        let index = self.rules.len();
        self.rules.push(Rule {
            decision: Decision { verdict, line },
            directories_only,
        });
        match glob.name(is_path).map(|name| (name.literal(), name)) {
            Some((Some(literal), _)) => {
                self.names
                    .entry(literal.to_vec())
                    .or_default()
                    .set(index, directories_only);
            }
            Some((None, name)) => self.globs.push((index, Matcher::Name(name.clone()))),
            None => match glob.literal() {
                Some(path) => self
                    .paths
                    .entry(path)
                    .or_default()
                    .set(index, directories_only),
                None => self.globs.push((index, Matcher::Path(glob))),
            },
        }
    }
}

impl Latest {
    fn set(&mut self, index: usize, directories_only: bool) {
        *(if directories_only {
            &mut self.directory
        } else {
            &mut self.any
        }) = Some(index);
    }

    fn for_kind(self, is_dir: bool) -> Option<usize> {
        if is_dir {
            self.any.max(self.directory)
        } else {
            self.any
        }
    }
}

/// What is left of a line: git drops one CR before the LF, stops at a NUL, and takes spaces (no
/// other white space) off the end unless a backslash is before them.
fn rule_text(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut end = 0;
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b' ' => at += 1,
            b'\\' => {
                at = line.len().min(at + 2);
                end = at;
            }
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    &line[..end]
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The ignore files that apply in a folder: its own and those of its parents, from the git top
/// level down. Going down makes a new stack and leaves the old one for the folder's siblings.
#[derive(Debug, Clone, Default)]
pub struct IgnoreStack {
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    dir: Arc<[u8]>,
    rules: Arc<Gitignore>,
}

impl IgnoreStack {
    /// The stack for a folder that has an ignore file of its own; `dir` is relative to the git top
    /// level (empty for that level itself) and lies below every folder that is already here.
    pub fn below(&self, dir: &[u8], rules: Gitignore) -> Self {
        let mut levels = self.levels.clone();
        levels.push(Level {
            dir: dir.into(),
            rules: rules.into(),
        });
        Self { levels }
    }

    /// What the ignore files say about a path, relative to the git top level, in or below the
    /// innermost folder: the nearest file that has a matching rule decides. With the decision comes
    /// the folder of that file.
    pub fn decide(&self, path: &[u8], is_dir: bool) -> Option<(&[u8], Decision)> {
        self.levels.iter().rev().find_map(|level| {
            let relative = relative_to(&level.dir, path)?;
            Some((&*level.dir, level.rules.decide(relative, is_dir)?))
        })
    }
}

fn relative_to<'a>(dir: &[u8], path: &'a [u8]) -> Option<&'a [u8]> {
    if dir.is_empty() {
        Some(path)
    } else {
        path.strip_prefix(dir)?.strip_prefix(b"/")
    }
}

#[cfg(test)]
mod tests;
