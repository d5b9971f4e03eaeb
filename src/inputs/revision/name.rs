//! From what a person wrote to a commit: which repository is meant, and what it calls REV.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::rc::Rc;

use super::Error;
use super::Means;
use super::commit::{Commit, NoCommit};
use super::hermetic::{Hermetic, unanswered};
use super::objects::ObjectId;
use super::place::Place;
use crate::inputs::git::{LIMIT, answer, command, complaint};
use crate::path::{self, RootPath};

/// The folder above `file` that exists, without links, and what comes after it.
pub(super) fn existing(file: &Path) -> (PathBuf, PathBuf) {
    let folders = file.ancestors().skip(1);
    let real = |folder: &Path| {
        let rest = file.strip_prefix(folder).ok()?;
        Some((folder.canonicalize().ok()?, rest.to_path_buf()))
    };
    folders
        .filter_map(real)
        .next()
        .unwrap_or_else(|| (PathBuf::from("/"), file.to_path_buf()))
}

/// What `folder` and `rest` name, as seen from `top`.
pub(super) fn below(top: &Path, folder: &Path, rest: &Path) -> Result<RootPath, path::Error> {
    let folder = folder.strip_prefix(top).unwrap_or(Path::new(""));
    RootPath::parse(folder.join(rest).as_os_str().as_bytes())
}

/// The commit that the repository at `place` calls `name`.
pub(super) fn commit(name: &OsStr, place: Place, means: &Means<'_>) -> Result<Rc<Commit>, Error> {
    let top = place.for_git().0.to_path_buf();
    let is_shallow = place.is_shallow();
    let absent = |said: String| Error::NoRevision {
        revision: name.as_bytes().to_vec(),
        top,
        said,
        is_shallow,
    };
    let answer = ask(name, &place, means)?;
    let said = String::from_utf8_lossy(&answer.stderr);
    let id = match ObjectId::parse(answer.stdout.trim_ascii_end()) {
        Some(id) if answer.status.success() => id,
        _ => return Err(unresolved(name, &said, absent)),
    };
    // Whatever references of that name there are, a whole id is not ambiguous.
    if said.contains("is ambiguous") && ObjectId::parse(name.as_bytes()).is_none() {
        return Err(ambiguous(name, &said));
    }
    let hermetic = Hermetic::new(
        means.temporary,
        id.length() > 20,
        means.environment.clone(),
        means.interrupt.clone(),
    )?;
    match Commit::open(&Rc::new(hermetic), place, &id)? {
        Ok(commit) => Ok(Rc::new(commit)),
        Err(NoCommit::Missing) => Err(absent(String::new())),
        Err(NoCommit::WithoutTree) => Err(Error::Away {
            path: RootPath::root(),
        }),
        Err(NoCommit::Other(kind)) => Err(Error::NoCommit {
            revision: name.as_bytes().to_vec(),
            kind,
        }),
    }
}

/// Asks git, in the repository itself, what `name` means. What replaces objects or parents there is
/// left out of it, since no clone has that.
fn ask(name: &OsStr, place: &Place, means: &Means<'_>) -> Result<Output, Error> {
    let (folder, git_folder) = place.for_git();
    let mut command = command(folder, git_folder, means.environment);
    command
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_GRAFT_FILE", "/dev/null")
        .args([
            "-c",
            "core.warnAmbiguousRefs=true",
            "-c",
            "core.commitGraph=false",
        ])
        .args(["-c", "advice.graftFileDeprecated=false"])
        .args(["rev-parse", "--verify", "--end-of-options"])
        .arg(name);
    let answer = answer(&mut command, Vec::new(), LIMIT, Some(means.interrupt));
    answer.map_err(|error| unanswered(error, folder))
}

/// Why git does not know `name`.
fn unresolved(name: &OsStr, said: &str, absent: impl FnOnce(String) -> Error) -> Error {
    if said.contains("is ambiguous") {
        return ambiguous(name, said);
    }
    // That is what git says when it has nothing to say.
    let complaint = complaint(said.as_bytes()).replace("fatal: Needed a single revision", "");
    absent(complaint.trim_end_matches("; ").to_owned())
}

fn ambiguous(name: &OsStr, said: &str) -> Error {
    let line = said.lines().find(|line| line.contains("is ambiguous"));
    let line = line.unwrap_or_default();
    let said = line
        .trim_start_matches("warning: ")
        .trim_start_matches("error: ");
    Error::Ambiguous {
        revision: name.as_bytes().to_vec(),
        said: said.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{below, existing};

    #[test]
    fn a_path_need_not_exist() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path().canonicalize().unwrap();
        std::fs::create_dir(top.join("a")).unwrap();
        for (file, expected) in [
            ("f", "f"),
            ("a/f", "a/f"),
            ("a/../f", "f"),
            ("a/b/c/f", "a/b/c/f"),
            ("b/../f", "f"),
        ] {
            let (folder, rest) = existing(&top.join(file));
            let path = below(&top, &folder, &rest).unwrap();
            assert_eq!(path.to_string(), expected, "{file}");
        }
        let (folder, rest) = existing(&top.join("b/../../f"));
        assert!(below(&top, &folder, &rest).is_err());
        assert_eq!(existing(Path::new("/")).0, Path::new("/"));
    }
}
