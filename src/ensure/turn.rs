//! Turns among the fp of one user on one machine, so that of many that start at once one builds.
//!
//! A turn is a lock on a file, which the kernel gives back whatever happens to its holder. Turns
//! save work and close the one round trip in which two could write the same tag; they are no part
//! of what keeps answers right, so where no lock can be had, fp goes on without.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::environment::Environment;
use crate::interrupt::{Interrupt, Interrupted};

/// How often a waiting fp tries again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the locks are kept.
#[derive(Debug)]
pub struct Turns {
    folder: Option<PathBuf>,
}

/// A turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    /// Whether somebody else had it, so that the world may have changed.
    pub(super) had_to_wait: bool,
    _lock: Option<File>,
}

impl Turns {
    /// Keeps locks in the user's runtime folder, or in a folder of the user's in `temporary`.
    pub fn new(environment: &Environment, temporary: &Path) -> Self {
        let user = rustix::process::geteuid().as_raw();
        let runtime = environment.get("XDG_RUNTIME_DIR").map(Path::new);
        let parent = runtime
            .filter(|folder| folder.is_absolute())
            .unwrap_or(temporary);
        Turns {
            folder: private_folder(parent.join(format!("fp-turns-{user}")), user),
        }
    }

    /// Waits for the turn called `name`. `on_wait` is called once if somebody else has it.
    pub(super) async fn take(
        &self,
        name: &str,
        interrupt: &Interrupt,
        on_wait: impl FnOnce(),
    ) -> Result<Turn, Interrupted> {
        let Some(file) = self
            .folder
            .as_deref()
            .and_then(|folder| lock_file(folder, name))
        else {
            return Ok(Turn {
                had_to_wait: false,
                _lock: None,
            });
        };
        let mut on_wait = Some(on_wait);
        while let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            tokio::select! {
                interrupted = interrupt.raised() => return Err(interrupted),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(Turn {
            had_to_wait: on_wait.is_none(),
            _lock: Some(file),
        })
    }
}

/// A folder that only the user can write to. One that somebody else has put there is not used.
fn private_folder(folder: PathBuf, user: u32) -> Option<PathBuf> {
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    let metadata = fs::symlink_metadata(&folder).ok()?;
    let is_private = metadata.is_dir() && metadata.uid() == user && metadata.mode() & 0o022 == 0;
    is_private.then_some(folder)
}

/// The file behind a name; names can hold slashes and be long, so it is called by their hash.
fn lock_file(folder: &Path, name: &str) -> Option<File> {
    let path = folder.join(blake3::hash(name.as_bytes()).to_hex().as_str());
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Turns;
    use crate::environment::Environment;
    use crate::interrupt::Interrupt;

    #[tokio::test]
    async fn one_at_a_time_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let turns = Turns::new(&Environment::default(), folder.path());
        let never = Interrupt::never();
        let first = turns
            .take("a", &never, || panic!("nobody has it"))
            .await
            .unwrap();
        assert!(!first.had_to_wait);
        let other = turns
            .take("b", &never, || panic!("another name"))
            .await
            .unwrap();
        assert!(!other.had_to_wait);
        let second = turns.take("a", &never, || {});
        let waited = tokio::time::timeout(Duration::from_millis(300), second).await;
        assert!(waited.is_err(), "the turn is taken");
        drop(first);
        assert!(!turns.take("a", &never, || {}).await.unwrap().had_to_wait);
    }

    #[tokio::test]
    async fn without_a_folder_nobody_waits() {
        let turns = Turns::new(&Environment::default(), "/nonexistent".as_ref());
        let never = Interrupt::never();
        let _first = turns.take("a", &never, || {}).await.unwrap();
        assert!(!turns.take("a", &never, || {}).await.unwrap().had_to_wait);
    }
}
