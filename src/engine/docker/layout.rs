//! Images as folders: what `docker image save` wrote, as an OCI layout that a builder can read.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::Error;
use crate::interrupt::Interrupt;
use crate::reference::Digest;

/// The part of `index.json` that counts (OCI image specification, "Image Layout").
#[derive(Debug, Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    digest: String,
}

/// Unpacks `archive`, which is removed, into the new folder `folder`, and names the one image in it for
/// the builder: `oci-layout://FOLDER@DIGEST`.
///
/// A signal ends it soon, however large the image is. What was unpacked until then is left to whoever removes the
/// folders around it; nothing is written there any more.
pub(super) async fn unpack(
    archive: PathBuf,
    folder: PathBuf,
    interrupt: Interrupt,
) -> Result<OsString, Error> {
    let unpacking = tokio::task::spawn_blocking(move || {
        let digest = unpack_blocking(&archive, &folder, &interrupt)?;
        let mut place = OsString::from("oci-layout://");
        place.push(&folder);
        place.push(format!("@{digest}"));
        Ok(place)
    });
    unpacking.await.expect("unpacking does not panic")
}

fn unpack_blocking(archive: &Path, folder: &Path, interrupt: &Interrupt) -> Result<Digest, Error> {
    let failed = |source: io::Error| match interrupt.check() {
        Ok(()) => Error::Export { source },
        Err(interrupted) => Error::Interrupted(interrupted),
    };
    let file = File::open(archive).map_err(failed)?;
    let file = Heeding { file, interrupt };
    tar::Archive::new(file).unpack(folder).map_err(failed)?;
    interrupt.check().map_err(Error::Interrupted)?;
    fs::remove_file(archive).map_err(failed)?;
    let index = match fs::read(folder.join("index.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoLayout),
        read => read.map_err(failed)?,
    };
    digest(&index).ok_or(Error::NoLayout)
}

/// A file that cannot be read any further once a signal has come.
struct Heeding<'a> {
    file: File,
    interrupt: &'a Interrupt,
}

impl Read for Heeding<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt.check().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

/// The digest of the only image that an index names.
fn digest(index: &[u8]) -> Option<Digest> {
    let index: Index = serde_json::from_slice(index).ok()?;
    match index.manifests.as_slice() {
        [only] => only.digest.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{digest, unpack};
    use crate::engine::Error;
    use crate::interrupt::{Interrupt, Signal};

    /// An archive of two files, and the folder that it lies in.
    fn archive() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
        let index = format!(
            "{{\"manifests\": [{{\"digest\": \"sha256:{}\"}}]}}",
            "a".repeat(64)
        );
        for (name, bytes) in [("index.json", index.as_bytes()), ("blob", &[0; 1 << 20])] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes).unwrap();
        }
        archive.finish().unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn an_archive_becomes_a_place_for_the_builder() {
        let (folder, archive) = archive();
        let unpacked = folder.path().join("image");
        let place = unpack(archive.clone(), unpacked.clone(), Interrupt::never()).await;
        let place = place.unwrap().into_string().unwrap();
        let digest = "a".repeat(64);
        let expected = format!("oci-layout://{}@sha256:{digest}", unpacked.display());
        assert_eq!(place, expected);
        assert!(!archive.exists() && unpacked.join("blob").exists());
    }

    /// It went on to the end of the archive, which can take minutes.
    #[tokio::test]
    async fn a_signal_ends_the_unpacking() {
        let (folder, archive) = archive();
        let (sender, interrupt) = Interrupt::controlled();
        sender.send(Some(Signal::Terminate)).unwrap();
        let unpacked = folder.path().join("image");
        let error = unpack(archive, unpacked.clone(), interrupt)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Interrupted(_)), "{error:?}");
        assert!(!unpacked.join("blob").exists());
    }

    #[test]
    fn a_layout_has_one_image() {
        let one = format!("sha256:{}", "a".repeat(64));
        let index = |digests: &[&str]| {
            let manifests = digests
                .iter()
                .map(|digest| format!("{{\"digest\": \"{digest}\"}}"));
            format!(
                "{{\"manifests\": [{}]}}",
                manifests.collect::<Vec<_>>().join(",")
            )
        };
        let found = digest(index(&[&one]).as_bytes()).unwrap();
        assert_eq!(found.to_string(), one);
        for wrong in [
            index(&[]),
            index(&[&one, &one]),
            index(&["x"]),
            "{}".to_owned(),
        ] {
            assert!(digest(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
