//! Where a repository is served: the URLs of the distribution specification.

use std::collections::BTreeSet;
use std::fmt::Display;

use reqwest::Url;

use super::error::Error;
use super::transport::is_loopback;
use crate::reference::{Digest, Repository};

/// docker.io is the name of a registry, but not of the host that serves it.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// A repository on its registry's server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint {
    /// The registry's name, as credentials are kept by it.
    pub(super) domain: String,
    /// The repository's name within the registry.
    pub(super) path: String,
    /// The registry's `/v2/`.
    pub(super) root: Url,
    /// The name of another repository of the registry, which is read in the same breath: what is granted has to
    /// cover that as well.
    pub(super) reads: Option<String>,
}

impl Endpoint {
    /// Registries in `plain_http`, by their names, are spoken to without TLS, as is this machine.
    pub(super) fn of(
        repository: &Repository,
        plain_http: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        let host = match repository.domain() {
            "docker.io" => DOCKER_HUB_HOST,
            domain => domain,
        };
        let is_plain = repository.is_loopback() || plain_http.contains(repository.domain());
        let scheme = if is_plain { "http" } else { "https" };
        let url = format!("{scheme}://{host}/v2/");
        Ok(Endpoint {
            domain: repository.domain().to_owned(),
            path: repository.path().to_owned(),
            root: Url::parse(&url).map_err(|_| Error::Url { url })?,
            reads: None,
        })
    }

    /// The same repository, for requests that read `other` as well.
    pub(super) fn reading(&self, other: &Repository) -> Self {
        Endpoint {
            reads: Some(other.path().to_owned()),
            ..self.clone()
        }
    }

    /// The same repository over TLS.
    pub(super) fn over_tls(mut self) -> Self {
        self.root
            .set_scheme("https")
            .expect("https can take the place of http in every URL");
        self
    }

    /// Whether requests to it go unprotected, as they do to this machine and where configured.
    pub(super) fn is_unprotected(&self) -> bool {
        self.root.scheme() == "http"
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.root)
    }

    /// The manifest that a tag or digest names.
    pub(super) fn manifest(&self, tag_or_digest: &impl Display) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/manifests/{tag_or_digest}", self.path));
        url
    }

    /// Where a blob of the repository `from`, at the same registry, is mounted.
    pub(super) fn mount(&self, blob: &Digest, from: &Repository) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/blobs/uploads/", self.path));
        let blob = blob.to_string();
        url.query_pairs_mut()
            .append_pair("mount", &blob)
            .append_pair("from", from.path());
        url
    }

    /// The blob that a digest names.
    pub(super) fn blob(&self, digest: &Digest) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/blobs/{digest}", self.path));
        url
    }

    /// The upload of a blob with this name; without one, where uploads begin.
    pub(super) fn upload(&self, name: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/blobs/uploads/{name}", self.path));
        url
    }

    /// The list of what is attached to a manifest and of this artifact type.
    pub(super) fn referrers(&self, subject: &Digest, kind: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("/v2/{}/referrers/{subject}", self.path));
        url.query_pairs_mut().append_pair("artifactType", kind);
        url
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Endpoint;
    use crate::reference::Tag;

    #[test]
    fn urls() {
        let tag: Tag = "v1".parse().unwrap();
        for (repository, expected) in [
            (
                "ubuntu",
                "https://registry-1.docker.io/v2/library/ubuntu/manifests/v1",
            ),
            (
                "ghcr.io/acme/app",
                "https://ghcr.io/v2/acme/app/manifests/v1",
            ),
            ("ghcr.io:8443/a", "https://ghcr.io:8443/v2/a/manifests/v1"),
            ("localhost/a", "http://localhost/v2/a/manifests/v1"),
            (
                "127.0.0.1:5000/a",
                "http://127.0.0.1:5000/v2/a/manifests/v1",
            ),
            (
                "[::1]:5000/a__b.c/d",
                "http://[::1]:5000/v2/a__b.c/d/manifests/v1",
            ),
            ("[2001:db8::1]/a", "https://[2001:db8::1]/v2/a/manifests/v1"),
            ("plain:5000/a", "http://plain:5000/v2/a/manifests/v1"),
            ("plain:5001/a", "https://plain:5001/v2/a/manifests/v1"),
        ] {
            let plain_http = BTreeSet::from(["plain:5000".to_owned()]);
            let endpoint = Endpoint::of(&repository.parse().unwrap(), &plain_http).unwrap();
            assert_eq!(endpoint.manifest(&tag).as_str(), expected);
        }
    }

    #[test]
    fn a_name_that_is_nearly_an_address_makes_no_url() {
        let error = Endpoint::of(&"1.2.3.999/a".parse().unwrap(), &BTreeSet::new()).unwrap_err();
        assert!(
            error.to_string().contains("https://1.2.3.999/v2/"),
            "{error}"
        );
    }
}
