//! Certificates for single registries, as docker and podman keep them: a folder called as the
//! registry (`HOST` or `HOST:PORT`) with the CA certificates that are trusted there (`*.crt`), and
//! with client certificates and their keys (`NAME.cert` and `NAME.key`), all PEM.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity, Url};

use super::error::Error;
use crate::regular_file;

/// The folder with the certificates for the registry of `url`, if any of `folders` has one.
pub(super) fn folder_for(folders: &[PathBuf], url: &Url) -> Option<PathBuf> {
    let host = url.host_str()?;
    let port = url.port_or_known_default()?;
    // Whoever names the usual port means the same registry as who names none.
    let names = match url.port() {
        None => vec![host.to_owned(), format!("{host}:{port}")],
        Some(port) => vec![format!("{host}:{port}")],
    };
    let candidates = folders
        .iter()
        .flat_map(|folder| names.iter().map(|name| folder.join(name)));
    candidates.into_iter().find(|folder| folder.is_dir())
}

/// Has an HTTP client trust and show the certificates of `folder`.
pub(super) fn apply(mut builder: ClientBuilder, folder: &Path) -> Result<ClientBuilder, Error> {
    for path in files(folder, "cert")? {
        builder = builder.identity(identity(&path)?);
    }
    let authorities = authorities_in(folder)?;
    Ok(match authorities.is_empty() {
        true => builder,
        false => builder.tls_certs_merge(authorities),
    })
}

/// The CA certificates in `folder`.
pub(super) fn authorities_in(folder: &Path) -> Result<Vec<Certificate>, Error> {
    let mut found = Vec::new();
    for path in files(folder, "crt")? {
        found.extend(authorities(&path)?);
    }
    Ok(found)
}

/// The CA certificates in a file, of which there has to be at least one.
pub(super) fn authorities(path: &Path) -> Result<Vec<Certificate>, Error> {
    let certificates = Certificate::from_pem_bundle(&read(path)?);
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Error::NoCertificate {
            path: path.to_owned(),
        }),
    }
}

fn identity(certificate: &Path) -> Result<Identity, Error> {
    let mut pem = read(certificate)?;
    pem.push(b'\n');
    pem.extend(read(&certificate.with_extension("key"))?);
    Identity::from_pem(&pem).map_err(|_| Error::NoCertificate {
        path: certificate.to_owned(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    regular_file::read(path).map_err(unreadable(path))
}

/// The files with an extension, sorted, so that which comes last does not depend on the file system.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(unreadable(folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths
        .collect::<io::Result<_>>()
        .map_err(unreadable(folder))?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    |cause| Error::Certificate { path, cause }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use reqwest::Url;

    use super::{Error, apply, folder_for};

    #[test]
    fn the_first_folder_called_as_the_registry_counts() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["a", "b"].map(|name| root.path().join(name));
        for folder in ["a/host:5000", "b/host:5000", "b/host", "a/other:443"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for (url, expected) in [
            ("https://host:5000/v2/", Some("a/host:5000")),
            ("https://host/v2/", Some("b/host")),
            ("https://other/v2/", Some("a/other:443")),
            ("https://host:5001/v2/", None),
        ] {
            let found = folder_for(&folders, &Url::parse(url).unwrap());
            assert_eq!(found, expected.map(|name| root.path().join(name)), "{url}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_told_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let failure = || apply(reqwest::Client::builder(), folder.path()).unwrap_err();
        fs::write(folder.path().join("ca.crt"), "nonsense").unwrap();
        assert!(matches!(failure(), Error::NoCertificate { path } if path.ends_with("ca.crt")));
        fs::remove_file(folder.path().join("ca.crt")).unwrap();
        fs::write(folder.path().join("client.cert"), "nonsense").unwrap();
        assert!(
            matches!(failure(), Error::Certificate { path, .. } if path.ends_with("client.key"))
        );
        fs::write(folder.path().join("client.key"), "hunter2").unwrap();
        let error = failure();
        assert!(matches!(&error, Error::NoCertificate { path } if path.ends_with("client.cert")));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
