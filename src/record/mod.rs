//! The record: everything that decides an image, as text, and the fingerprint that is its hash.
//!
//! Pure: items in, bytes out. Which files are inputs is decided in `inputs`; what the items mean
//! for a build is `context`'s business. The format is described in docs/FINGERPRINT.md; a
//! change of it is a new format.

mod encoding;
#[cfg(target_arch = "x86_64")]
mod lanes;

use std::fmt::{self, Debug, Display, Formatter};

use self::encoding::Lines;
use crate::path::RootPath;
use crate::platform::Platform;

/// The format that this program writes, as it stands in the record's first line.
pub const FORMAT: u32 = 1;

/// BLAKE3-256 of some content: 32 bytes, shown as 64 lower-case hex digits, as `b3sum` prints them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest(blake3::Hash);

impl ContentDigest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        ContentDigest(blake3::hash(bytes))
    }

    /// The digest of each of `contents`, in their order: faster than one by one where they are many and small.
    pub fn of_each(contents: &[&[u8]]) -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        if contents.len() > 1
            && let Some(registers) = lanes::Registers::of_processor().next()
        {
            let hashes = lanes::hash_each(contents, registers);
            return hashes.into_iter().map(ContentDigest).collect();
        }
        contents.iter().copied().map(Self::of).collect()
    }
}

impl From<blake3::Hash> for ContentDigest {
    fn from(hash: blake3::Hash) -> Self {
        ContentDigest(hash)
    }
}

impl Display for ContentDigest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl Debug for ContentDigest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// BLAKE3-256 of a record's bytes: the name of an image. Shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(ContentDigest);

impl Fingerprint {
    /// The number of hex digits of a whole fingerprint.
    pub const DIGITS: usize = 64;

    /// The fingerprint that these bytes have as a record.
    pub fn of(record: &[u8]) -> Self {
        Fingerprint(ContentDigest::of(record))
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Debug for Fingerprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// `field` as it stands in a record: every field has one such text, and every text stands for one
/// field.
pub fn escaped(field: &[u8]) -> String {
    encoding::escaped(field)
}

/// What an input outside the sealed context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideKind {
    /// A regular file that its owner may not execute.
    File,
    /// A regular file that its owner may execute.
    Executable,
    /// A symbolic link; the digest is that of its text.
    Link,
}

/// One fact that decides the image: one line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// The folder that is the build context.
    Context(&'a RootPath),
    /// The Dockerfile, by the digest of the part of it that the build gets.
    Dockerfile {
        path: &'a RootPath,
        digest: ContentDigest,
    },
    /// The stage that is built.
    Target(&'a str),
    /// A platform that is built for.
    Platform(&'a Platform),
    /// A regular file of the sealed context.
    File {
        path: &'a RootPath,
        executable: bool,
        digest: ContentDigest,
    },
    /// A symbolic link of the sealed context, with its text.
    Link { path: &'a RootPath, text: &'a [u8] },
    /// An input that counts but is not in the build.
    Outside {
        path: &'a RootPath,
        kind: OutsideKind,
        digest: ContentDigest,
    },
    /// A build argument, by the digest of its value.
    Arg {
        name: &'a str,
        digest: ContentDigest,
    },
    /// Another image of the same file, which stands for this name in the Dockerfile.
    Image {
        name: &'a str,
        fingerprint: Fingerprint,
    },
    /// A text whose only purpose is to ask for a new image.
    Salt(&'a str),
}

/// All facts that decide one image: the text that is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    text: String,
}

impl Record {
    /// Makes a record of `items`, given in any order; of equal ones, one counts.
    pub fn new<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Self {
        let mut lines = Lines::after(&format!("fp-record\t{FORMAT}\n"));
        items.into_iter().for_each(|item| lines.add(&item));
        Record {
            text: lines.sorted(),
        }
    }

    /// Takes bytes for a record that somebody else has written, in this format or another; `None` if they do not
    /// have a record's form, in which ASCII's control characters stand for nothing but themselves escaped.
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(bytes).ok()?;
        let record = Record { text };
        let is_control = |c: char| c.is_ascii_control() && c != '\t' && c != '\n';
        let is_record = record.text.ends_with('\n')
            && !record.text.contains(is_control)
            && record.header().is_some();
        is_record.then_some(record)
    }

    /// The format that the first line names.
    pub fn format(&self) -> u32 {
        self.header().expect("a record has a first line")
    }

    fn header(&self) -> Option<u32> {
        let first = self.text.lines().next()?;
        first.strip_prefix("fp-record\t")?.parse().ok()
    }

    /// The record: the first line names the format, the others are sorted by their bytes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lines after the first as fields, each escaped as in the record.
    pub fn fields(&self) -> impl Iterator<Item = Vec<&str>> {
        let lines = self.text.lines().skip(1);
        lines.map(|line| line.split('\t').collect())
    }

    /// The hash of the record's bytes.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentDigest, Item, OutsideKind, Record};
    use crate::path::RootPath;

    fn path(text: &[u8]) -> RootPath {
        RootPath::parse(text).unwrap()
    }

    #[test]
    fn lines_are_sorted_by_bytes_and_each_stands_once() {
        let record = Record::new(["b", "B", "a", "b", "a b"].map(Item::Salt));
        assert_eq!(
            record.as_str(),
            "fp-record\t1\nsalt\tB\nsalt\ta\nsalt\ta b\nsalt\tb\n"
        );
    }

    #[test]
    fn every_kind_of_item_has_its_line() {
        let digest = ContentDigest::of(b"");
        let [root, dockerfile, script, link, outside] =
            [&b"."[..], b"Dockerfile", b"run.sh", b"sh", b"ver"].map(path);
        let record = Record::new([
            Item::Context(&root),
            Item::Dockerfile {
                path: &dockerfile,
                digest,
            },
            Item::Target("ci"),
            Item::File {
                path: &script,
                executable: true,
                digest,
            },
            Item::Link {
                path: &link,
                text: b"run.sh",
            },
            Item::Outside {
                path: &outside,
                kind: OutsideKind::Link,
                digest,
            },
            Item::Arg { name: "A", digest },
        ]);
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let expected = format!(
            "fp-record\t1\narg\tA\t{empty}\ncontext\t.\ndockerfile\tDockerfile\t{empty}\n\
             file\trun.sh\tx\t{empty}\nlink\tsh\trun.sh\noutside\tver\tl\t{empty}\ntarget\tci\n"
        );
        assert_eq!(record.as_str(), expected);
        assert_eq!(
            record.fingerprint().to_string().len(),
            super::Fingerprint::DIGITS
        );
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_nothing_else_is() {
        let record = Record::new([Item::Salt("\u{1b}[2J\t\u{e9}\u{9b}")]);
        let read = Record::read(record.as_str().into()).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.format(), super::FORMAT);
        assert_eq!(Record::read(b"fp-record\t7\n".into()).unwrap().format(), 7);
        for other in [
            &b""[..],
            b"fp-record\t1",
            b"fp-record\n",
            b"fp-record\tx\n",
            b"record\t1\n",
            b"fp-record\t1\nsalt\t\x1b[2J\n",
            b"fp-record\t1\nsalt\tx\r\n",
            b"fp-record\t1\nsalt\t\xff\n",
        ] {
            assert_eq!(Record::read(other.into()), None, "{other:?}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_hash_of_the_bytes() {
        let record = Record::new([Item::Salt("1")]);
        assert_eq!(
            record.fingerprint().to_string(),
            blake3::hash(b"fp-record\t1\nsalt\t1\n").to_hex().as_str()
        );
    }
}
