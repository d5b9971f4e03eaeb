//! The bytes of files as a fresh clone has them: those of git's object, converted by git where
//! .gitattributes asks for it, or those that git-lfs keeps.

use std::fs;
use std::io::Read;

use super::Error;
use super::attributes::{Checkout, Treatment};
use super::commit::Commit;
use super::lfs::Pointer;
use super::objects::{Object, ObjectId};
use crate::inputs::Error as InputError;
use crate::inputs::content::is_lfs_pointer;
use crate::path::RootPath;

/// A regular file of a commit.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Where it lies, as seen from the root.
    pub(super) shown: RootPath,
    /// Where it lies, as seen from the top of its repository.
    pub(super) path: RootPath,
    pub(super) id: ObjectId,
}

/// What is done with each file: it gets its position, its size in bytes, and its bytes.
pub(super) type Take<'a> = dyn FnMut(usize, u64, &mut dyn Read) -> Result<(), InputError> + 'a;

/// Hands the bytes of each of `files` to `take`, in any order.
pub(super) fn read(
    commit: &Commit,
    files: &[Wanted],
    take: &mut Take<'_>,
) -> Result<(), InputError> {
    let checkout = Checkout::prepare(commit, files)?;
    let treatments = match &checkout {
        Some(checkout) => checkout.treatments(files)?,
        None => vec![Treatment::default(); files.len()],
    };
    refuse_filters(files, &treatments)?;
    let later = objects(commit, files, &treatments, take)?;
    for (index, pointer) in later.pointers {
        let (shown, file) = (&files[index].shown, commit.place.lfs_object(&pointer.id));
        let interrupt = &commit.hermetic.interrupt;
        pointer.read(&file, shown, interrupt, |bytes| {
            take(index, pointer.size, bytes)
        })?;
    }
    match checkout {
        Some(checkout) if !later.converted.is_empty() => {
            converted(&checkout, files, &later.converted, take)
        }
        _ => Ok(()),
    }
}

/// git-lfs is the one filter whose result can be told without running a program.
fn refuse_filters(files: &[Wanted], treatments: &[Treatment]) -> Result<(), Error> {
    for (file, treatment) in files.iter().zip(treatments) {
        match &treatment.filter {
            Some(filter) if filter != b"lfs" => {
                return Err(Error::Filter {
                    path: file.shown.clone(),
                    filter: filter.clone(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The files whose bytes are not those of their objects, by their positions.
#[derive(Default)]
struct Later {
    converted: Vec<usize>,
    pointers: Vec<(usize, Pointer)>,
}

/// Takes the files that are as their objects are, and tells which are not.
fn objects(
    commit: &Commit,
    files: &[Wanted],
    treatments: &[Treatment],
    take: &mut Take<'_>,
) -> Result<Later, InputError> {
    let is_as_it_is = |index: &usize| {
        let treatment = &treatments[*index];
        !treatment.is_converted || treatment.filter.is_some()
    };
    let (now, converted): (Vec<_>, Vec<_>) = (0..files.len()).partition(is_as_it_is);
    let names: Vec<_> = now
        .iter()
        .map(|&index| files[index].id.to_string())
        .collect();
    let mut later = Later {
        converted,
        pointers: Vec::new(),
    };
    commit.each(&names, &mut |position, object| {
        let index = now[position];
        let (file, treatment) = (&files[index], &treatments[index]);
        let object = object.ok_or_else(|| Error::Away {
            path: file.shown.clone(),
        })?;
        if treatment.filter.is_none() {
            return take(index, object.size, object.bytes);
        }
        match pointer(object, file)? {
            Some(pointer) => later.pointers.push((index, pointer)),
            // git-lfs leaves what is no pointer as git checks it out.
            None => later.converted.push(index),
        }
        Ok(())
    })?;
    Ok(later)
}

/// The pointer that is the whole of `object`; `None` if it is none.
fn pointer(object: Object<'_>, file: &Wanted) -> Result<Option<Pointer>, InputError> {
    let mut head = Vec::new();
    let read = object.bytes.take(1024).read_to_end(&mut head);
    read.map_err(|source| InputError::Unreadable {
        path: file.shown.clone(),
        source,
    })?;
    match is_lfs_pointer(&head, object.size) {
        true => Pointer::parse(&head)
            .map(Some)
            .ok_or_else(|| InputError::LfsPointer {
                path: file.shown.clone(),
            }),
        false => Ok(None),
    }
}

/// Takes the files at the positions `later` as git checks them out.
fn converted(
    checkout: &Checkout<'_>,
    files: &[Wanted],
    later: &[usize],
    take: &mut Take<'_>,
) -> Result<(), InputError> {
    let chosen: Vec<_> = later.iter().map(|&index| files[index].clone()).collect();
    for (&index, path) in later.iter().zip(checkout.check_out(&chosen)?) {
        let unreadable = |source| Error::Unreadable {
            file: path.clone(),
            source,
        };
        checkout.commit.hermetic.interrupt.check()?;
        let mut file = fs::File::open(&path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        take(index, size, &mut file)?;
    }
    Ok(())
}
