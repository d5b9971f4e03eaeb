//! What a `.dockerignore` file keeps out of the build context, exactly as BuildKit decides it.
//!
//! The reference is moby/patternmatcher (`ignorefile.ReadAll`, `MatchesUsingParentResults`) under
//! the walk of tonistiigi/fsutil. The Dockerfile and the ignore file itself are nothing special
//! there: they are in the context unless a pattern says otherwise (BuildKit reads the Dockerfile by
//! another way). The patterns of `COPY --exclude` and `--parents` are of the same language. Finding
//! the file, and `<Dockerfile>.dockerignore` before it, is left to others.

use std::collections::HashMap;
use std::iter;

use thiserror::Error;

pub use self::pattern::Malformed;
use self::pattern::Matcher;
use self::text::Text;

mod lines;
mod pattern;
mod text;

/// Why a `.dockerignore` cannot be used; the builder would refuse it, too, or not do what it says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    #[error("line {line} has {length} bytes; builders accept less than 65536")]
    LongLine { line: usize, length: usize },
    #[error("line {line}, `{text}`, is an exclamation mark without a pattern")]
    NoPattern { line: usize, text: String },
    #[error("line {line}, `{text}`, is not a valid pattern")]
    Pattern {
        line: usize,
        text: String,
        source: Malformed,
    },
}

/// The rules of a `.dockerignore` file, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerignore {
    rules: Vec<Rule>,
    /// The rules that match one path only.
    exact: HashMap<Vec<u8>, Vec<usize>>,
    /// All the others, ascending.
    patterns: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Written with `!`: what matches is in the context after all.
    exception: bool,
    matcher: Matcher,
}

/// What the rules say about one path, and what they need to know of it to decide about the paths
/// below. The default is the context itself, which nothing excludes.
#[derive(Debug, Clone, Default)]
struct Decision {
    excluded: bool,
    /// The rules that matched the path or a parent, ascending.
    matched: Vec<usize>,
}

impl Dockerignore {
    /// Reads the bytes of a file, which need not be UTF-8. The first line that a builder would
    /// refuse is an error.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let mut dockerignore = Self::default();
        for line in lines::read(text)? {
            let matcher = Matcher::parse(&line.pattern).map_err(|source| Error::Pattern {
                line: line.number,
                text: line.text(),
                source,
            })?;
            dockerignore.add(Rule {
                exception: line.exception,
                matcher,
            });
        }
        Ok(dockerignore)
    }

    /// Reads patterns that stand in no file; the first that a builder would refuse is an error.
    pub fn of_patterns<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, (&'a str, Malformed)> {
        let mut dockerignore = Self::default();
        for text in patterns {
            let Some((exception, pattern)) = lines::pattern(text.as_bytes()) else {
                continue;
            };
            let matcher = Matcher::parse(&pattern).map_err(|source| (text, source))?;
            dockerignore.add(Rule { exception, matcher });
        }
        Ok(dockerignore)
    }

    /// Whether any rule is an exception, so that something below an excluded folder could be in the
    /// context after all.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }

    /// Whether a path, relative to the context, is kept out of it. A folder that is kept out is
    /// still made if something below it is not.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.matches(path)
    }

    /// Whether a path matches: the last rule that it or a folder above it matches is no exception.
    pub fn matches(&self, path: &[u8]) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        let ends = (0..path.len())
            .filter(|at| path[*at] == b'/')
            .chain([path.len()]);
        ends.fold(Decision::default(), |parent, end| {
            self.decide(&parent, &path[..end])
        })
        .excluded
    }

    /// The decision about a path, relative to the context, given the one about its parent.
    ///
    /// The last rule that matches the path or a parent wins. But a rule is only tried where it
    /// would change the outcome so far, so that an exception which comes before anything is
    /// excluded is not remembered: after `**/*.log` and `!logs`, `logs/x.log` stays out.
    fn decide(&self, parent: &Decision, path: &[u8]) -> Decision {
        let mut decision = Decision::default();
        let text = Text::new(path);
        for index in self.candidates(parent, path) {
            let rule = &self.rules[index];
            let inherited = parent.matched.binary_search(&index).is_ok();
            let changes = rule.exception == decision.excluded;
            if inherited || changes && rule.matcher.matches(&text) {
                decision.excluded = !rule.exception;
                decision.matched.push(index);
            }
        }
        decision
    }

    /// The rules that could count for a path, ascending: of the exact ones, which can be very many,
    /// only those that do.
    fn candidates(&self, parent: &Decision, path: &[u8]) -> impl Iterator<Item = usize> {
        let exact = self.exact.get(path).map(Vec::as_slice).unwrap_or_default();
        let mut known = [exact, &parent.matched].concat();
        known.sort_unstable();
        known.dedup();
        let mut known = known.into_iter().peekable();
        let mut patterns = self.patterns.iter().copied().peekable();
        iter::from_fn(move || match (known.peek(), patterns.peek()) {
            (Some(left), Some(right)) if left == right => {
                known.next();
                patterns.next()
            }
            (Some(left), Some(right)) if left > right => patterns.next(),
            (None, _) => patterns.next(),
            (Some(_), _) => known.next(),
        })
    }

    fn add(&mut self, rule: Rule) {
        let index = self.rules.len();
        match &rule.matcher {
            Matcher::Exact(path) => self.exact.entry(path.clone()).or_default().push(index),
            _ => self.patterns.push(index),
        }
        self.rules.push(rule);
    }
}

#[cfg(test)]
mod tests;
