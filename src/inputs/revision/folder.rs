//! Git's tree objects: the names in a folder (pure).

use std::collections::BTreeMap;

use super::objects::ObjectId;

/// The names in a folder of a revision.
pub(super) type Folder = BTreeMap<Vec<u8>, Entry>;

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// The kinds of entries that git knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    File { executable: bool },
    Link,
    Folder,
    Submodule,
}

/// Reads a tree object whose ids have `id_length` bytes: `MODE NAME NUL ID` for each entry, without
/// anything in between.
///
/// `None` if it is not one that git would check out: a mode is unknown, or a name could lead
/// somewhere else.
pub(super) fn parse(mut bytes: &[u8], id_length: usize) -> Option<Folder> {
    let mut folder = Folder::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&byte| byte == b' ')?;
        let nul = bytes.iter().position(|&byte| byte == 0)?;
        let name = bytes.get(space + 1..nul)?;
        let id = bytes.get(nul + 1..nul + 1 + id_length)?;
        let entry = Entry {
            mode: Mode::parse(&bytes[..space])?,
            id: ObjectId::of_bytes(id),
        };
        if !is_plain(name) || folder.insert(name.to_vec(), entry).is_some() {
            return None;
        }
        bytes = &bytes[nul + 1 + id_length..];
    }
    Some(folder)
}

impl Mode {
    /// Of the bits for permissions git heeds only the owner's `x`, and old versions of git wrote
    /// others.
    fn parse(octal: &[u8]) -> Option<Self> {
        let mode = u32::from_str_radix(std::str::from_utf8(octal).ok()?, 8).ok()?;
        Some(match mode & 0o170000 {
            0o100000 => Mode::File {
                executable: crate::inputs::is_executable(mode),
            },
            0o120000 => Mode::Link,
            0o040000 => Mode::Folder,
            0o160000 => Mode::Submodule,
            _ => return None,
        })
    }
}

fn is_plain(name: &[u8]) -> bool {
    let is_reserved = matches!(name, b"" | b"." | b"..") || name.eq_ignore_ascii_case(b".git");
    !is_reserved && !name.contains(&b'/')
}

#[cfg(test)]
mod tests {
    use super::{Mode, parse};

    fn tree(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let entry = |(mode, name): &(&str, &[u8])| {
            [mode.as_bytes(), b" ", name, b"\0", &[0xab; 20]].concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    #[test]
    fn entries_are_read() {
        let bytes = tree(&[
            ("100644", b"a b"),
            ("100755", b"\xff"),
            ("100664", b"old"),
            ("120000", b"l"),
            ("40000", b"d"),
            ("160000", b"s"),
        ]);
        let folder = parse(&bytes, 20).unwrap();
        let mode = |name: &[u8]| folder[name].mode;
        assert_eq!(mode(b"a b"), Mode::File { executable: false });
        assert_eq!(mode(b"\xff"), Mode::File { executable: true });
        assert_eq!(mode(b"old"), Mode::File { executable: false });
        assert_eq!(mode(b"l"), Mode::Link);
        assert_eq!(mode(b"d"), Mode::Folder);
        assert_eq!(mode(b"s"), Mode::Submodule);
        assert_eq!(folder[b"s".as_slice()].id.as_str(), "ab".repeat(20));
        assert_eq!(parse(b"", 20).unwrap().len(), 0);
    }

    #[test]
    fn what_git_would_not_check_out_is_refused() {
        for name in ["", ".", "..", ".git", ".GIT", "a/b"] {
            assert_eq!(
                parse(&tree(&[("100644", name.as_bytes())]), 20),
                None,
                "{name}"
            );
        }
        assert_eq!(parse(&tree(&[("10644", b"a")]), 20), None);
        assert_eq!(parse(&tree(&[("x", b"a")]), 20), None);
        assert_eq!(parse(&tree(&[("100644", b"a"), ("40000", b"a")]), 20), None);
        let whole = tree(&[("100644", b"a")]);
        for length in 1..whole.len() {
            assert_eq!(parse(&whole[..length], 20), None);
        }
    }
}
