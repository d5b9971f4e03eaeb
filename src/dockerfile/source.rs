//! One thing that a build reads from its context, as COPY, ADD or a bind mount names it.
//!
//! The reference is how BuildKit's `convert_copy.go` hands sources to tonistiigi/fsutil's `copy`.
//! Paths are relative to the context, which is the whole world there: `..` stops at its top. Looking
//! at the file system and following links is left to `inputs`.

use std::ops::Range;
use std::sync::Arc;

use super::dockerignore::Dockerignore;
use super::glob::{Glob, is_wild};
use super::mistake::MistakeKind;
use crate::path::RootPath;

/// A source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The instruction's keyword, such as `COPY`.
    pub keyword: String,
    /// The source as the builder gets it, variables expanded.
    pub text: String,
    /// The number of the instruction's first line, counted from 1.
    pub line: usize,
    /// The bytes of the Dockerfile that the instruction takes up.
    pub span: Range<usize>,
    /// What is read.
    pub shape: Shape,
}

/// Which paths a source names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The part without wildcards. Links on the way are followed.
    pub base: RootPath,
    /// What follows it; without a glob the base itself is meant.
    pub glob: Option<Glob>,
    /// Where `--parents` starts; patterns of `--exclude` are relative to it. It is the base or lies
    /// above it. Without `--parents`, they are relative to whatever is copied.
    pivot: Option<RootPath>,
    /// Of what is copied, only what this matches.
    include: Option<Arc<Dockerignore>>,
    /// Of what is copied, not what this matches. All sources of an instruction share it.
    exclude: Option<Arc<Dockerignore>>,
}

impl Shape {
    /// A path, as a mount names it: wildcards mean nothing.
    pub(super) fn path(text: &str) -> Result<Self, MistakeKind> {
        Ok(Shape {
            base: base(text, text.split('/'))?,
            glob: None,
            pivot: None,
            include: None,
            exclude: None,
        })
    }

    /// A source of COPY or ADD. `exclude` is what [`Shape::excluded`] makes of its flags.
    pub(super) fn copied(
        text: &str,
        parents: bool,
        exclude: Option<Arc<Dockerignore>>,
    ) -> Result<Self, MistakeKind> {
        let shape = match parents {
            true => Shape::with_parents(text)?,
            false => Shape::globbed(text)?,
        };
        Ok(Shape { exclude, ..shape })
    }

    /// What the values of `--exclude` take out of every source of an instruction.
    pub(super) fn excluded(excludes: &[String]) -> Result<Option<Arc<Dockerignore>>, MistakeKind> {
        match excludes {
            [] => Ok(None),
            excludes => patterns(excludes).map(|patterns| Some(patterns.into())),
        }
    }

    fn globbed(text: &str) -> Result<Self, MistakeKind> {
        let path = base(text, text.split('/'))?;
        let cleaned = String::from_utf8_lossy(path.relative()).into_owned();
        let parts: Vec<&str> = cleaned.split('/').collect();
        let wild = parts.iter().position(|part| is_wild(part));
        let plain = wild.unwrap_or(parts.len());
        Ok(Shape {
            glob: wild.map(|at| Glob::parse(&parts[at..].join("/"))),
            ..Shape::path(&parts[..plain].join("/"))?
        })
    }

    /// What stands behind a `/./` keeps its folders; without one, everything does.
    fn with_parents(text: &str) -> Result<Self, MistakeKind> {
        let (pivot, kept) = text.split_once("/./").unwrap_or(("", text));
        let above = Shape::globbed(pivot)?;
        let kept = base(text, kept.split('/'))?;
        if !is_wild(text) {
            let pivot = above.base;
            let mut base = pivot.clone();
            kept.parts().for_each(|part| base.push(part));
            return Ok(Shape {
                pivot: Some(pivot),
                ..Shape::path("")?.at(base)
            });
        }
        let pattern = String::from_utf8_lossy(kept.relative()).into_owned();
        Ok(Shape {
            include: Some(patterns(&[pattern])?.into()),
            ..above
        })
    }

    fn at(self, base: RootPath) -> Self {
        Shape { base, ..self }
    }

    /// Whether it names one path, which is then meant whatever else is said about it.
    pub fn is_literal(&self) -> bool {
        self.glob.is_none() && self.include.is_none()
    }

    /// Whether the whole of what lies at and below `path`, relative to the base, is the source by
    /// itself: a link there is followed.
    pub fn is_match(&self, path: &RootPath) -> bool {
        match &self.glob {
            None => path.is_root(),
            Some(glob) => !path.is_root() && glob.matches(path.relative()),
        }
    }

    /// Whether everything that is covered is taken.
    pub fn takes_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    /// Whether `path`, relative to the base, lies at or below what is copied as a whole.
    pub fn covers(&self, path: &RootPath) -> bool {
        self.copied_above(path).next().is_some()
    }

    /// Whether something strictly below the folder `path`, relative to the base, may be covered.
    pub fn may_cover_below(&self, path: &RootPath) -> bool {
        match &self.glob {
            None => true,
            Some(_) if path.is_root() => true,
            Some(glob) => glob.covers(path.relative()) || glob.may_match_below(path.relative()),
        }
    }

    /// Whether a file or link at `path`, relative to the base, is read: it is covered, and no pattern
    /// says otherwise.
    pub fn takes(&self, path: &RootPath) -> bool {
        let mut copied = self.copied_above(path);
        copied.any(|copied| self.takes_of_copied(path, copied))
    }

    /// Whether `path`, relative to the base, is read with what is copied as a whole, relative to which it
    /// is `copied`.
    fn takes_of_copied(&self, path: &RootPath, copied: RootPath) -> bool {
        let inside = match &self.pivot {
            None => copied,
            Some(pivot) => {
                let mut whole = self.base.clone();
                path.parts().for_each(|part| whole.push(part));
                whole.below(pivot).expect("the base lies below its pivot")
            }
        };
        let matches = |patterns: &Dockerignore| patterns.matches(inside.relative());
        inside.is_root()
            || self.include.as_deref().is_none_or(matches)
                && !self.exclude.as_deref().is_some_and(matches)
    }

    /// The path relative to all that is copied as a whole and holds it. A bracket expression can match a
    /// slash, so that there may be several: a folder, and something in it.
    fn copied_above<'a>(&'a self, path: &'a RootPath) -> impl Iterator<Item = RootPath> + 'a {
        let everything = self.glob.is_none().then(|| path.clone());
        let mut above = RootPath::root();
        let matched = path.parts().filter_map(move |part| {
            above.push(part);
            let glob = self.glob.as_ref()?;
            let is_copied = glob.matches(above.relative());
            is_copied.then(|| path.below(&above)).flatten()
        });
        everything.into_iter().chain(matched)
    }
}

/// The path that the builder makes of a source's parts.
fn base<'a>(text: &str, parts: impl Iterator<Item = &'a str>) -> Result<RootPath, MistakeKind> {
    if text.contains('\0') {
        return Err(MistakeKind::Nul(text.to_owned()));
    }
    let mut path = RootPath::root();
    for part in parts {
        match part {
            "" | "." => {}
            ".." => path.pop(),
            part => path.push(part.as_bytes()),
        }
    }
    Ok(path)
}

fn patterns(texts: &[String]) -> Result<Dockerignore, MistakeKind> {
    Dockerignore::of_patterns(texts.iter().map(String::as_str)).map_err(|(text, problem)| {
        MistakeKind::Pattern {
            text: text.to_owned(),
            problem,
        }
    })
}

/// Whether ADD fetches a source from elsewhere.
///
/// Source: `ParseGitRef` and `isHTTPSource` in BuildKit, and its pattern for addresses like
/// `git@host:path`.
pub(super) fn is_address(text: &str) -> bool {
    if let Some((protocol, _)) = text.split_once("://") {
        let protocol = protocol.to_ascii_lowercase();
        return ["http", "https", "ssh", "git"].contains(&protocol.as_str());
    }
    let is_name = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let relative =
        text.starts_with("./") || text.starts_with("../") || text.starts_with("github.com/");
    !relative
        && text.split_once('@').is_some_and(|(user, rest)| {
            let host = rest.split_once(':').map(|(host, _)| host);
            is_name(user, "-_") && host.is_some_and(|host| is_name(host, "-."))
        })
}

#[cfg(test)]
mod tests {
    use super::{Shape, is_address};
    use crate::path::RootPath;

    fn path(text: &str) -> RootPath {
        RootPath::parse(text.as_bytes()).unwrap()
    }

    fn copied(text: &str, parents: bool, excludes: &[&str]) -> Shape {
        let excludes: Vec<_> = excludes.iter().map(|text| (*text).to_owned()).collect();
        Shape::copied(text, parents, Shape::excluded(&excludes).unwrap()).unwrap()
    }

    #[test]
    fn the_context_is_the_whole_world() {
        for (text, base) in [
            ("a", "a"),
            ("/a", "a"),
            ("../../a", "a"),
            ("./a/../b//c/", "b/c"),
            (".", "."),
            ("", "."),
            ("a\\*b", "a\\*b"),
        ] {
            let shape = copied(text, false, &[]);
            assert_eq!(shape.base, path(base), "{text}");
            assert!(shape.is_literal());
        }
    }

    #[test]
    fn wildcards_begin_a_glob() {
        let shape = copied("a/b/*.c/d", false, &[]);
        assert_eq!(shape.base, path("a/b"));
        assert!(!shape.is_literal());
        assert!(shape.takes(&path("x.c/d")) && shape.takes(&path("x.c/d/e/f")));
        assert!(!shape.takes(&path("x.c")) && !shape.takes(&path("x/d")));
        assert!(shape.is_match(&path("x.c/d")) && !shape.is_match(&path("x.c/d/e")));
        assert!(shape.may_cover_below(&path("x.c")) && !shape.may_cover_below(&path("x")));
        assert!(shape.may_cover_below(&path("x.c/d")));
    }

    #[test]
    fn exclusions_are_relative_to_what_is_copied() {
        let shape = copied("src", false, &["*.md", "!keep.md", "sub/x"]);
        assert!(shape.takes(&path("a")) && shape.takes(&path("keep.md")));
        assert!(!shape.takes(&path("a.md")) && !shape.takes(&path("sub/x/y")));
        let shape = copied("s*", false, &["a"]);
        assert!(!shape.takes(&path("src/a")) && shape.takes(&path("src/b/a")));
        assert!(copied("a.md", false, &["*.md"]).takes(&RootPath::root()));
        let shape = copied("*[^x]c", false, &["c"]);
        assert!(shape.takes(&path("abc/c")), "it is matched itself");
    }

    #[test]
    fn parents_keep_folders_from_their_pivot_on() {
        let shape = copied("a/./b/c", true, &["b/c/d"]);
        assert_eq!(shape.base, path("a/b/c"));
        assert!(shape.is_literal());
        assert!(shape.takes(&path("x")) && !shape.takes(&path("d/e")));
        let shape = copied("a/./**/*.c", true, &[]);
        assert_eq!(shape.base, path("a"));
        assert!(shape.takes(&path("x.c")) && shape.takes(&path("y/z/x.c")));
        assert!(!shape.takes(&path("y/x.h")) && !shape.is_literal());
        let shape = copied("*/b", true, &[]);
        assert_eq!(shape.base, path("."));
        assert!(shape.takes(&path("x/b/c")) && !shape.takes(&path("x/c")));
    }

    #[test]
    fn addresses_are_no_files() {
        for address in [
            "https://example.com/x",
            "HTTP://x",
            "git://x/y",
            "ssh://x",
            "git@github.com:a/b.git#main",
        ] {
            assert!(is_address(address), "{address}");
        }
        for file in [
            "a",
            "./a@b:c",
            "ftp://x",
            "a@b",
            "github.com/a/b",
            "a b@c:d",
        ] {
            assert!(!is_address(file), "{file}");
        }
    }
}
