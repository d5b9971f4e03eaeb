//! Turns among the fp of one user on one machine, so that of many that start at once one builds.
//!
//! A turn is a lock on a file, which the kernel gives back whatever happens to its holder. Turns
//! save work and close the one round trip in which two could write the same tag; they are no part
//! of what keeps answers right, so where no lock can be had, fp goes on without. Whoever ends a turn removes
//! its file, or the folder would get one more for each image that was ever built.

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
    _lock: Option<Lock>,
}

/// A locked file, which goes with its lock.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked nobody else removes it or puts another in its place. Whoever waits for it
        // sees that it is no longer the one of that name.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
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
        let path = self.folder.as_deref().map(|folder| lock_path(folder, name));
        let mut on_wait = Some(on_wait);
        let mut had_to_wait = false;
        let lock = loop {
            match path.as_deref().map(try_lock) {
                Some(Attempt::Locked(lock)) => break Some(lock),
                Some(Attempt::Impossible) | None => break None,
                Some(Attempt::Replaced) => {
                    had_to_wait = true;
                    continue;
                }
                Some(Attempt::Taken) => had_to_wait = true,
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            tokio::select! {
                interrupted = interrupt.raised() => return Err(interrupted),
                () = tokio::time::sleep(PAUSE) => {}
            }
        };
        Ok(Turn {
            had_to_wait,
            _lock: lock,
        })
    }
}

/// What came of trying to lock a file.
enum Attempt {
    Locked(Lock),
    /// Somebody else has it.
    Taken,
    /// Somebody else had it until now, and has removed it.
    Replaced,
    /// Files cannot be locked there.
    Impossible,
}

fn try_lock(path: &Path) -> Attempt {
    let mut options = File::options();
    let Ok(file) = options.create(true).truncate(false).write(true).open(path) else {
        return Attempt::Impossible;
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, path) => Attempt::Locked(Lock {
            path: path.to_path_buf(),
            file,
        }),
        Ok(()) => Attempt::Replaced,
        Err(fs::TryLockError::WouldBlock) => Attempt::Taken,
        Err(fs::TryLockError::Error(_)) => Attempt::Impossible,
    }
}

/// Whether `path` still names `file`.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(named)) => identity(file) == identity(named),
        _ => false,
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
fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(blake3::hash(name.as_bytes()).to_hex().as_str())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
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

    /// One was left for each image that was ever built.
    #[tokio::test]
    async fn a_turn_that_has_ended_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let turns = Turns::new(&Environment::default(), folder.path());
        let files = || std::fs::read_dir(turns.folder.as_deref().unwrap()).unwrap();
        let never = Interrupt::never();
        let turn = turns.take("a", &never, || {}).await.unwrap();
        assert_eq!(files().count(), 1);
        drop(turn);
        assert_eq!(files().count(), 0);
    }

    /// A file that is removed with its lock must not let two have the turn at a time.
    #[test]
    fn many_who_come_and_go_have_it_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let busy = AtomicBool::new(false);
        let come_and_go = || {
            let turns = Turns::new(&Environment::default(), folder.path());
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            for _ in 0..50 {
                let turn = runtime.block_on(turns.take("a", &Interrupt::never(), || {}));
                assert!(!busy.swap(true, Ordering::SeqCst), "two have the turn");
                std::thread::yield_now();
                busy.store(false, Ordering::SeqCst);
                drop(turn);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(come_and_go);
            }
        });
    }

    #[tokio::test]
    async fn without_a_folder_nobody_waits() {
        let turns = Turns::new(&Environment::default(), "/nonexistent".as_ref());
        let never = Interrupt::never();
        let _first = turns.take("a", &never, || {}).await.unwrap();
        assert!(!turns.take("a", &never, || {}).await.unwrap().had_to_wait);
    }
}
