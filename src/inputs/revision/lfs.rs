//! The files that git-lfs keeps beside git's objects (git-lfs specification, "The Pointer").

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Error;
use crate::inputs::content::open_file;
use crate::interrupt::Interrupt;
use crate::path::RootPath;

/// What a pointer tells of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// The SHA-256 of the bytes, in lower-case hex.
    pub(super) id: String,
    pub(super) size: u64,
}

impl Pointer {
    /// Reads a pointer. `None` if it is none, or one whose file git-lfs would have to compute
    /// (extensions).
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(text).ok()?.lines();
        lines.next().filter(|line| line.starts_with("version "))?;
        let id = lines.next()?.strip_prefix("oid sha256:")?;
        let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_whole = id.len() == 64 && id.bytes().all(is_hex) && lines.next().is_none();
        let id = id.to_owned();
        is_whole.then_some(Pointer { id, size })
    }

    /// Hands the bytes of the object in `file`, the file at `path` of the revision, to `read`, and
    /// checks them.
    pub(super) fn read<E: From<Error>>(
        &self,
        file: &Path,
        path: &RootPath,
        interrupt: &Interrupt,
        read: impl FnOnce(&mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let unreadable = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => Error::LfsAway { path: path.clone() },
            _ => Error::Unreadable {
                file: file.to_path_buf(),
                source,
            },
        };
        let open = open_file(file).map_err(unreadable)?;
        let mut bytes = Hashing {
            file: open,
            sha256: Sha256::new(),
            size: 0,
            interrupt,
        };
        read(&mut bytes)?;
        io::copy(&mut bytes, &mut io::sink()).map_err(unreadable)?;
        let id: String = bytes
            .sha256
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if id != self.id || bytes.size != self.size {
            return Err(E::from(Error::LfsDamaged {
                path: path.clone(),
                file: file.to_path_buf(),
            }));
        }
        Ok(())
    }
}

/// A file, whose SHA-256 and size are taken while it is read.
struct Hashing<'a> {
    file: File,
    sha256: Sha256,
    size: u64,
    interrupt: &'a Interrupt,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt.check().map_err(io::Error::other)?;
        let count = self.file.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn pointers_are_read() {
        let head = "version https://git-lfs.github.com/spec/v1\n";
        let id = "ab".repeat(32);
        let good = format!("{head}oid sha256:{id}\nsize 12\n");
        assert_eq!(
            Pointer::parse(good.as_bytes()),
            Some(Pointer {
                id: id.clone(),
                size: 12
            })
        );
        for bad in [
            String::new(),
            "text\n".to_owned(),
            format!("{head}oid sha256:{}\nsize 12\n", &id[1..]),
            format!("{head}oid sha256:{}\nsize 12\n", id.replace('a', "/")),
            format!("{head}oid sha256:{id}\nsize -1\n"),
            format!("{head}ext-0-case sha256:{id}\noid sha256:{id}\nsize 12\n"),
            format!("{good}more\n"),
        ] {
            assert_eq!(Pointer::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
