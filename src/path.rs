//! Paths relative to the root, the folder of fingerprint.toml.
//!
//! Every path that fp records, compares or stages is a [`RootPath`]: text has been parsed once,
//! `.`, `..` and doubled slashes are gone, and it cannot leave the root by its spelling. Links are
//! not this module's business.

use std::ffi::OsStr;
use std::fmt::{self, Debug, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::shown::Shown;

/// A path below the root, or the root itself: parts joined by `/`, none of them empty, `.` or `..`.
///
/// The bytes are the file system's own and need not be UTF-8. Ordering is by bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootPath(Vec<u8>);

/// A text that is no path below the root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty.
    #[error("the path is empty")]
    Empty,
    /// The path starts with `/`.
    #[error("`{}` is absolute, and paths are relative to the folder of fingerprint.toml", Shown(.0))]
    Absolute(Vec<u8>),
    /// The path leads out of the root.
    #[error("`{}` leads out of the folder of fingerprint.toml", Shown(.0))]
    Leaves(Vec<u8>),
    /// The path holds a NUL byte, which no file system can store.
    #[error("`{}` holds a NUL byte", Shown(.0))]
    Nul(Vec<u8>),
}

impl RootPath {
    /// The root itself.
    pub fn root() -> Self {
        RootPath(Vec::new())
    }

    /// Parses a path as a person writes it: `./a//b/` is `a/b`, and `a/../b` is `b`.
    ///
    /// `..` is taken lexically, which is what a person reading the configuration does; a path that
    /// would leave the root on its way is refused.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        if text.contains(&0) {
            return Err(Error::Nul(text.to_vec()));
        }
        if text.starts_with(b"/") {
            return Err(Error::Absolute(text.to_vec()));
        }
        let mut path = RootPath::root();
        for part in text.split(|&byte| byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." if path.is_root() => return Err(Error::Leaves(text.to_vec())),
                b".." => path.pop(),
                _ => path.push(part),
            }
        }
        Ok(path)
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes below the root: empty for the root.
    pub fn relative(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as they are recorded: `.` for the root.
    pub fn as_bytes(&self) -> &[u8] {
        if self.is_root() { b"." } else { &self.0 }
    }

    /// The path of the entry `name` in this folder. `name` is one part, as a directory listing
    /// gives it.
    pub fn join(&self, name: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        let mut path = RootPath(bytes);
        path.push(name);
        path
    }

    /// Goes down to the entry `name`, as [`RootPath::join`] does.
    pub fn push(&mut self, name: &[u8]) {
        debug_assert!(!name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..");
        if !self.is_root() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name);
    }

    /// Goes up to the folder that holds this path; the root stays where it is.
    pub fn pop(&mut self) {
        let end = self.0.iter().rposition(|&byte| byte == b'/');
        self.0.truncate(end.unwrap_or(0));
    }

    /// The folder that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        Some(RootPath(self.0[..end].to_vec()))
    }

    /// The last part; empty for the root.
    pub fn name(&self) -> &[u8] {
        self.0
            .rsplit(|&byte| byte == b'/')
            .next()
            .unwrap_or_default()
    }

    /// The parts, outermost first; none for the root.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
    }

    /// This path as seen from `folder`; `None` if it does not lie in it. A folder lies in itself,
    /// as the root path.
    pub fn below(&self, folder: &RootPath) -> Option<RootPath> {
        self.relative_to(folder).map(|rest| RootPath(rest.to_vec()))
    }

    /// The bytes of this path as seen from `folder`: those of [`RootPath::below`].
    pub fn relative_to(&self, folder: &RootPath) -> Option<&[u8]> {
        if folder.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(folder.0.as_slice())?;
        match rest.split_first() {
            None => Some(rest),
            Some((b'/', rest)) => Some(rest),
            Some(_) => None,
        }
    }

    /// The path in the file system, given the root's.
    pub fn in_root(&self, root: &Path) -> PathBuf {
        if self.is_root() {
            root.to_path_buf()
        } else {
            root.join(OsStr::from_bytes(&self.0))
        }
    }
}

impl Display for RootPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&Shown(self.as_bytes()), f)
    }
}

impl Debug for RootPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "RootPath({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, RootPath};

    fn path(text: &str) -> RootPath {
        RootPath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn spellings_of_one_path_are_one_path() {
        for text in ["a/b", "./a/b", "a//b", "a/b/", "a/./b", "a/x/../b"] {
            assert_eq!(path(text).as_bytes(), b"a/b", "{text}");
        }
        assert_eq!(path(".").as_bytes(), b".");
        assert_eq!(path("a/.."), RootPath::root());
    }

    #[test]
    fn a_path_cannot_leave_the_root() {
        assert!(matches!(RootPath::parse(b"../a"), Err(Error::Leaves(_))));
        assert!(matches!(
            RootPath::parse(b"a/../../b"),
            Err(Error::Leaves(_))
        ));
        assert!(matches!(RootPath::parse(b"/etc"), Err(Error::Absolute(_))));
        assert!(matches!(RootPath::parse(b"a\0"), Err(Error::Nul(_))));
        assert!(matches!(RootPath::parse(b""), Err(Error::Empty)));
    }

    #[test]
    fn folders_hold_what_is_below_them() {
        assert_eq!(path("a/b/c").below(&path("a")), Some(path("b/c")));
        assert_eq!(path("a").below(&path("a")), Some(RootPath::root()));
        assert_eq!(path("ab").below(&path("a")), None);
        assert_eq!(path("a").below(&RootPath::root()), Some(path("a")));
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), Some(RootPath::root()));
        assert_eq!(RootPath::root().parent(), None);
        assert_eq!(path("a/b").name(), b"b");
    }

    #[test]
    fn a_path_of_very_many_parts_is_not_copied_for_each_of_them() {
        let deep = "a/".repeat(500_000);
        assert_eq!(path(&deep).parts().count(), 500_000);
        assert!(path(&format!("{deep}{}", "../".repeat(500_000))).is_root());
    }
}
