//! Images as folders: what `docker image save` wrote, as an OCI layout that a builder can read.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::Error;
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
pub(super) async fn unpack(archive: PathBuf, folder: PathBuf) -> Result<OsString, Error> {
    let unpacking = tokio::task::spawn_blocking(move || {
        let digest = unpack_blocking(&archive, &folder)?;
        let mut place = OsString::from("oci-layout://");
        place.push(&folder);
        place.push(format!("@{digest}"));
        Ok(place)
    });
    unpacking.await.expect("unpacking does not panic")
}

fn unpack_blocking(archive: &Path, folder: &Path) -> Result<Digest, Error> {
    let failed = |source: io::Error| Error::Export { source };
    let file = File::open(archive).map_err(failed)?;
    tar::Archive::new(file).unpack(folder).map_err(failed)?;
    fs::remove_file(archive).map_err(failed)?;
    let index = match fs::read(folder.join("index.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoLayout),
        read => read.map_err(failed)?,
    };
    digest(&index).ok_or(Error::NoLayout)
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
    use super::digest;

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
