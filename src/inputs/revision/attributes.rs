//! What .gitattributes makes of a file when git checks it out.
//!
//! git itself decides and converts, from an index that holds only the files in question and the
//! .gitattributes above them. No filter is configured there, so none is run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::Error;
use super::commit::Commit;
use super::folder::{Entry, Mode};
use super::reading::Wanted;
use crate::inputs::Error as InputError;
use crate::path::RootPath;

/// The attributes by which a checkout can give other bytes than the object has, where no
/// configuration has a say: `text` alone makes no difference on Linux (gitattributes(5)).
const CONVERTING: [&str; 4] = ["filter", "eol", "ident", "working-tree-encoding"];

/// What a checkout does to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Treatment {
    /// Whether git itself converts it.
    pub(super) is_converted: bool,
    /// The name of the filter that it goes through.
    pub(super) filter: Option<Vec<u8>>,
}

/// An index of its own, and a folder to check files out into. Both go when this is dropped.
pub(super) struct Checkout<'a> {
    pub(super) commit: &'a Commit,
    folder: TempDir,
}

impl<'a> Checkout<'a> {
    /// Prepares a checkout of `files`; `None` if no .gitattributes could make a difference to them.
    pub(super) fn prepare(
        commit: &'a Commit,
        files: &[Wanted],
    ) -> Result<Option<Self>, InputError> {
        let attributes = attribute_files(commit, files)?;
        if !mention_conversion(commit, &attributes)? {
            return Ok(None);
        }
        let checkout = Checkout {
            commit,
            folder: commit.hermetic.scratch()?,
        };
        let own = files.iter().map(|file| (&file.path, "100644", &file.id));
        let attributes = attributes
            .iter()
            .map(|(path, entry)| (path, mode(entry.mode), &entry.id));
        let mut lines = Vec::new();
        for (path, mode, id) in attributes.chain(own) {
            lines.extend_from_slice(format!("{mode} {id}\t").as_bytes());
            lines.extend_from_slice(path.relative());
            lines.push(0);
        }
        checkout.output(&["update-index", "-z", "--index-info"], lines)?;
        Ok(Some(checkout))
    }

    /// What a checkout does to `files`, in the same order.
    pub(super) fn treatments(&self, files: &[Wanted]) -> Result<Vec<Treatment>, Error> {
        let arguments = [["check-attr", "--cached", "-z", "--stdin"], CONVERTING].concat();
        let answer = self.output(&arguments, names(files))?;
        // PATH NUL ATTRIBUTE NUL VALUE NUL
        let fields: Vec<_> = answer.split(|&byte| byte == 0).collect();
        let treatments: Vec<_> = fields
            .chunks_exact(3 * CONVERTING.len())
            .map(Treatment::parse)
            .collect();
        match treatments.len() == files.len() {
            true => Ok(treatments),
            false => Err(Error::Git {
                repository: self.commit.place.git_folder.clone(),
                said: "its list of attributes cannot be read".to_owned(),
            }),
        }
    }

    /// Checks out `files`, and gives their paths on disk.
    pub(super) fn check_out(&self, files: &[Wanted]) -> Result<Vec<PathBuf>, Error> {
        let folder = self.folder.path().join("files");
        let mut prefix = OsString::from("--prefix=");
        prefix.push(folder.join(""));
        let arguments = ["checkout-index", "-z", "--stdin"].map(OsStr::new);
        self.output(&[arguments.as_slice(), &[&prefix]].concat(), names(files))?;
        let on_disk = |file: &Wanted| folder.join(OsStr::from_bytes(file.path.relative()));
        Ok(files.iter().map(on_disk).collect())
    }

    fn output<A: AsRef<OsStr>>(&self, arguments: &[A], input: Vec<u8>) -> Result<Vec<u8>, Error> {
        let objects = self.commit.place.objects();
        let mut command: Command = self.commit.hermetic.command(&objects);
        command
            .env("GIT_INDEX_FILE", self.folder.path().join("index"))
            .args(arguments);
        self.commit.hermetic.output(&objects, &mut command, input)
    }
}

impl Treatment {
    /// Reads what git tells about one file, in the order of [`CONVERTING`].
    fn parse(fields: &[&[u8]]) -> Self {
        let is_set = |value: &&[u8]| !matches!(*value, b"unspecified" | b"unset");
        let [filter, eol, ident, encoding] = [fields[2], fields[5], fields[8], fields[11]];
        Treatment {
            is_converted: (is_set(&eol) && eol != b"lf") || is_set(&ident) || is_set(&encoding),
            // A filter needs a name.
            filter: Some(filter)
                .filter(is_set)
                .filter(|value| *value != b"set")
                .map(<[u8]>::to_vec),
        }
    }
}

/// The .gitattributes in the folders above `files`.
fn attribute_files(
    commit: &Commit,
    files: &[Wanted],
) -> Result<BTreeMap<RootPath, Entry>, InputError> {
    let mut seen = BTreeMap::new();
    for file in files {
        let mut above = file.path.parent();
        while let Some(folder) = above {
            let path = folder.join(b".gitattributes");
            if seen.contains_key(&path) {
                break;
            }
            let entry = commit.entry(&path)?;
            seen.insert(path, entry);
            above = folder.parent();
        }
    }
    let is_text = |entry: &Entry| matches!(entry.mode, Mode::File { .. } | Mode::Link);
    let present = |(path, entry): (_, Option<Entry>)| Some((path, entry.filter(is_text)?));
    Ok(seen.into_iter().filter_map(present).collect())
}

/// Whether any of the .gitattributes names an attribute by which bytes can change. The names can
/// only be written as they are.
fn mention_conversion(
    commit: &Commit,
    attributes: &BTreeMap<RootPath, Entry>,
) -> Result<bool, InputError> {
    for (path, entry) in attributes {
        let text = commit.bytes(&entry.id, path)?;
        let mentions = |name: &&str| {
            text.windows(name.len())
                .any(|window| window == name.as_bytes())
        };
        if CONVERTING.iter().any(mentions) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Link => "120000",
        _ => "100644",
    }
}

/// The paths of `files`, each with NUL behind it.
fn names(files: &[Wanted]) -> Vec<u8> {
    let name = |file: &Wanted| [file.path.relative(), b"\0"].concat();
    files.iter().flat_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::Treatment;

    fn treatment(values: [&str; 4]) -> (bool, Option<String>) {
        let fields: Vec<_> = values
            .iter()
            .flat_map(|value| [b"path".as_slice(), b"name", value.as_bytes()])
            .collect();
        let treatment = Treatment::parse(&fields);
        let filter = treatment
            .filter
            .map(|name| String::from_utf8(name).unwrap());
        (treatment.is_converted, filter)
    }

    #[test]
    fn only_what_changes_bytes_counts() {
        let none = "unspecified";
        assert_eq!(treatment([none; 4]), (false, None));
        assert_eq!(treatment(["unset"; 4]), (false, None));
        assert_eq!(treatment(["set", "lf", none, none]), (false, None));
        assert_eq!(treatment([none, "crlf", none, none]), (true, None));
        assert_eq!(treatment([none, none, "set", none]), (true, None));
        assert_eq!(treatment([none, none, none, "UTF-16"]), (true, None));
        let filtered = treatment(["lfs", none, none, none]);
        assert_eq!(filtered, (false, Some("lfs".to_owned())));
    }
}
