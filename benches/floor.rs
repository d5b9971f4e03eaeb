//! The least that reading a tree and hashing file after file can take: lists all folders, reads all files and hashes each,
//! on as many threads as are wanted, and nothing else. There are no rules, no order, no errors that anybody could make
//! sense of, and no record.
//!
//! `floor FOLDER THREADS`, for script/bench.

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, OFlags, RawDir, fstat, openat};

/// The folders that nobody has listed yet, and how many are being listed.
#[derive(Default)]
struct Queue {
    folders: VecDeque<PathBuf>,
    busy: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let threads = arguments.next().ok_or("on how many threads?")?;
    let threads: usize = threads.to_str().ok_or("a number of threads")?.parse()?;
    let queue = Queue {
        folders: VecDeque::from([folder.into()]),
        busy: 0,
    };
    let (queue, changed) = (Mutex::new(queue), Condvar::new());
    let work = || work(&queue, &changed);
    let count: usize = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others
            .into_iter()
            .map(|other| other.join().expect("it does not panic"));
        own + others.sum::<usize>()
    });
    Ok(writeln!(io::stdout(), "{count} files")?)
}

/// Hashes files until there are no more folders; how many they were.
fn work(queue: &Mutex<Queue>, changed: &Condvar) -> usize {
    let (mut entries, mut bytes) = (Vec::with_capacity(32 * 1024), vec![0; 128 * 1024]);
    let mut digests = Vec::new();
    while let Some(folder) = next(queue, changed) {
        let below = hash(&folder, &mut entries, &mut bytes, &mut digests);
        let mut queue = queue.lock().expect("nobody panics");
        queue.folders.extend(below);
        queue.busy -= 1;
        drop(queue);
        changed.notify_all();
    }
    digests.len()
}

fn next(queue: &Mutex<Queue>, changed: &Condvar) -> Option<PathBuf> {
    let queue = queue.lock().expect("nobody panics");
    let is_waited_for = |queue: &mut Queue| queue.folders.is_empty() && queue.busy > 0;
    let mut queue = changed
        .wait_while(queue, is_waited_for)
        .expect("nobody panics");
    let folder = queue.folders.pop_back()?;
    queue.busy += 1;
    Some(folder)
}

/// Hashes the files in a folder, and tells which folders are in it.
fn hash(
    folder: &Path,
    entries: &mut Vec<u8>,
    bytes: &mut Vec<u8>,
    digests: &mut Vec<blake3::Hash>,
) -> Vec<PathBuf> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = openat(CWD, folder, flags, Mode::empty()).expect("the folder is there");
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    let mut entries = RawDir::new(&open, entries.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry.expect("the folder is listed");
        let name = entry.file_name();
        match (entry.file_type(), name.to_bytes()) {
            (_, b"." | b"..") => {}
            (FileType::Directory, bytes) => {
                folders.push(folder.join(std::ffi::OsStr::from_bytes(bytes)));
            }
            _ => files.push(name.to_owned()),
        }
    }
    for name in files {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&open, name, flags, Mode::empty()).expect("the file is there");
        let size = fstat(&file).expect("it is open").st_size;
        let size = usize::try_from(size).expect("a size is not negative");
        bytes.resize(bytes.len().max(size), 0);
        let count = rustix::io::read(&file, &mut bytes[..size]).expect("it is readable");
        digests.push(blake3::hash(&bytes[..count]));
    }
    folders
}
