//! Reading files of all sizes but the largest: many are hashed at once.

use std::io::Read;

use super::content::{self, BUFFER, Regular, Taken};
use super::findings::Found;
use super::nearby::Nearby;
use super::tree::{Tree, WorkTree};
use super::{Content, Error, segments};
use crate::path::RootPath;
use crate::record::ContentDigest;

/// A file of this many bytes fills wide registers by itself, and the crate's own code is faster then.
const ALONE: usize = 32 * 1024;

/// Reads files one after another into one buffer.
pub(super) struct Reader<'a> {
    tree: WorkTree<'a>,
    nearby: Nearby<'a>,
    /// The files in the buffer are hashed when they have this many bytes together.
    batch: usize,
    buffer: Vec<u8>,
    /// They follow each other in the buffer.
    unhashed: Vec<Unhashed>,
}

/// A file in the buffer.
struct Unhashed {
    /// Its position among those that are read.
    number: usize,
    executable: bool,
    /// Where in the buffer it ends.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: WorkTree<'a>, batch: usize) -> Self {
        Reader {
            tree,
            nearby: Nearby::new(tree.root),
            batch,
            buffer: vec![0; BUFFER],
            unhashed: Vec::new(),
        }
    }

    /// What files and links hold; `None` of a large file, which is not read.
    pub(super) fn read(&mut self, run: &[Found]) -> Result<Vec<Option<Content>>, Error> {
        self.unhashed.clear();
        let mut contents = vec![None; run.len()];
        for (number, found) in run.iter().enumerate() {
            let path = &found.path;
            if found.is_link {
                let text = self.tree.link_text(path)?;
                contents[number] = Some(Content::Link { text });
                continue;
            }
            let regular = content::regular(self.nearby.open(path), path)?;
            if regular.size < segments::LARGE {
                self.read_file(number, path, regular, &mut contents)?;
            }
        }
        self.hash(&mut contents);
        Ok(contents)
    }

    /// Reads a file, which is hashed later if there is room for it.
    fn read_file(
        &mut self,
        number: usize,
        path: &RootPath,
        regular: Regular,
        contents: &mut [Option<Content>],
    ) -> Result<(), Error> {
        let Regular {
            file,
            size,
            executable,
        } = regular;
        // A file that does not tell its size gets half of the buffer: it may be long, or a pointer of git-lfs.
        let wanted = match size {
            0 => self.buffer.len() as u64 / 2,
            _ => size,
        };
        let room = (self.buffer.len() - self.end()) as u64;
        if self.end() >= self.batch || wanted >= room {
            self.hash(contents);
        }
        let start = self.end();
        let room = &mut self.buffer[start..];
        // Where the size is known, no further call has to tell that this is the end. Files of some
        // file systems have no size.
        let mut bytes = file.take(if size == 0 { u64::MAX } else { size });
        match content::take(&mut bytes, size, path, room)? {
            Taken::InBuffer(count) if count >= ALONE => {
                let digest = ContentDigest::of(&room[..count]);
                contents[number] = Some(Content::File { executable, digest });
            }
            Taken::InBuffer(count) => self.unhashed.push(Unhashed {
                number,
                executable,
                end: start + count,
            }),
            Taken::Hashed(digest) => {
                contents[number] = Some(Content::File { executable, digest });
            }
        }
        Ok(())
    }

    /// Hashes the files in the buffer, which then is empty.
    fn hash(&mut self, contents: &mut [Option<Content>]) {
        let mut start = 0;
        let bytes = self.unhashed.iter().map(|file| {
            let bytes = &self.buffer[start..file.end];
            start = file.end;
            bytes
        });
        let digests = ContentDigest::of_each(&bytes.collect::<Vec<_>>());
        for (file, digest) in self.unhashed.drain(..).zip(digests) {
            let executable = file.executable;
            contents[file.number] = Some(Content::File { executable, digest });
        }
    }

    /// Where in the buffer the last file ends.
    fn end(&self) -> usize {
        self.unhashed.last().map_or(0, |file| file.end)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::{ALONE, Reader};
    use crate::environment::Environment;
    use crate::inputs::content::BUFFER;
    use crate::inputs::findings::Found;
    use crate::inputs::git::Git;
    use crate::inputs::tree::WorkTree;
    use crate::inputs::{Content, Error};
    use crate::path::RootPath;
    use crate::record::ContentDigest;

    const BATCHES: [usize; 3] = [0, 4096, BUFFER];

    fn read(root: &Path, names: &[&str], batch: usize) -> Result<Vec<Option<Content>>, Error> {
        let environment = Environment::default();
        let git = Git {
            environment: &environment,
            interrupt: None,
        };
        let found = names.iter().map(|name| Found {
            path: RootPath::parse(name.as_bytes()).unwrap(),
            entry: 0,
            is_link: root.join(name).is_symlink(),
        });
        Reader::new(WorkTree { root, git }, batch).read(&found.collect::<Vec<_>>())
    }

    fn file(bytes: &[u8]) -> Option<Content> {
        Some(Content::File {
            executable: false,
            digest: ContentDigest::of(bytes),
        })
    }

    #[test]
    fn each_file_has_its_own_digest() {
        let root = tempfile::tempdir().unwrap();
        let sizes = [
            0,
            1,
            5000,
            ALONE - 1,
            ALONE,
            BUFFER - ALONE - 5001,
            BUFFER - 1,
            BUFFER,
            BUFFER + 1,
            0,
            3 * BUFFER,
            1 << 20,
            7,
        ];
        let names: Vec<_> = (0..sizes.len()).map(|number| number.to_string()).collect();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut expected = Vec::new();
        for (number, (name, size)) in names.iter().zip(sizes).enumerate() {
            let bytes = vec![b'a' + number as u8; size];
            fs::write(root.path().join(name), &bytes).unwrap();
            expected.push(file(&bytes));
        }
        symlink("9", root.path().join("link")).unwrap();
        names.insert(3, "link");
        expected.insert(3, Some(Content::Link { text: b"9".into() }));
        for batch in BATCHES {
            assert_eq!(read(root.path(), &names, batch).unwrap(), expected);
        }
    }

    #[test]
    fn a_file_without_a_size_is_read_to_its_end() {
        let root = Path::new("/proc/sys/kernel");
        let expected = [file(b"Linux\n"), file(b"Linux\n")];
        for batch in BATCHES {
            let contents = read(root, &["ostype", "ostype"], batch);
            assert_eq!(contents.unwrap(), expected);
        }
    }

    #[test]
    fn a_pointer_of_git_lfs_is_seen_wherever_it_comes_to_lie() {
        let root = tempfile::tempdir().unwrap();
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
        fs::write(root.path().join("pointer"), pointer).unwrap();
        for size in [BUFFER - 1000, BUFFER - 10, BUFFER] {
            fs::write(root.path().join("first"), vec![0; size]).unwrap();
            let contents = read(root.path(), &["first", "pointer"], BUFFER);
            assert!(matches!(contents, Err(Error::LfsPointer { .. })), "{size}");
        }
    }

    #[test]
    fn a_run_of_empty_files_is_hashed() {
        let root = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        for batch in BATCHES {
            assert_eq!(
                read(root.path(), &["a", "b"], batch).unwrap(),
                [file(b""), file(b"")]
            );
        }
    }

    #[test]
    fn executables_stay_executable() {
        let root = tempfile::tempdir().unwrap();
        for (name, size) in [("small", 7), ("alone", ALONE), ("large", BUFFER)] {
            let path = root.path().join(name);
            fs::write(&path, vec![0; size]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let contents = read(root.path(), &["small", "alone", "large"], BUFFER).unwrap();
        let is_executable =
            |content: &_| matches!(content, Some(Content::File { executable, .. }) if *executable);
        assert!(contents.iter().all(is_executable), "{contents:?}");
    }

    #[test]
    fn a_pointer_without_a_size_is_seen_at_the_end_of_the_buffer() {
        let root = tempfile::tempdir().unwrap();
        let pointer = root.path().join("pointer");
        fs::write(&pointer, super::content::LFS_HEAD).unwrap();
        let environment = Environment::default();
        let git = Git {
            environment: &environment,
            interrupt: None,
        };
        let mut reader = Reader::new(
            WorkTree {
                root: root.path(),
                git,
            },
            BUFFER,
        );
        reader.unhashed.push(super::Unhashed {
            number: 0,
            executable: false,
            end: BUFFER - 10,
        });
        let regular = super::Regular {
            file: fs::File::open(&pointer).unwrap(),
            size: 0,
            executable: false,
        };
        let path = RootPath::parse(b"pointer").unwrap();
        let result = reader.read_file(1, &path, regular, &mut [None, None]);
        assert!(matches!(result, Err(Error::LfsPointer { .. })));
    }

    #[test]
    fn a_large_text_about_git_lfs_is_no_pointer() {
        let root = tempfile::tempdir().unwrap();
        let text = [super::content::LFS_HEAD, &[b'a'; 1024]].concat();
        fs::write(root.path().join("text"), &text).unwrap();
        assert_eq!(read(root.path(), &["text"], BUFFER).unwrap(), [file(&text)]);
    }
}
