//! How a build gets the images that its Dockerfile builds on: as named contexts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::arguments::words;
use super::{Builder, Docker, layout};
use crate::engine::{BuildRequest, Error, Image, Upstream};
use crate::reference::Reference;

/// Images by the names that a Dockerfile has for them.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    /// As the builder names their places.
    pub(super) places: BTreeMap<String, OsString>,
    /// Whether one of them is only in the engine, by its name, so that the builder must not look for newer
    /// images in registries.
    pub(super) is_by_name: bool,
}

impl Docker {
    /// Where the builder finds the images that the Dockerfile builds on.
    pub(super) async fn contexts(
        &self,
        builder: Builder,
        request: &BuildRequest<'_>,
    ) -> Result<Contexts, Error> {
        if builder == Builder::BuiltIn && !request.upstreams.is_empty() {
            return Err(Error::NoContexts);
        }
        let mut contexts = Contexts::default();
        for (name, upstream) in request.upstreams {
            let place = match upstream {
                Upstream::Published(reference) => format!("docker-image://{reference}").into(),
                Upstream::Local(reference) if self.shares_names(reference).await? => {
                    contexts.is_by_name = true;
                    format!("docker-image://{reference}").into()
                }
                Upstream::Local(reference) => self.export(name, reference, request.scratch).await?,
            };
            contexts.places.insert(name.clone(), place);
        }
        Ok(contexts)
    }

    /// Whether the builder knows the engine's images by their names and in no other way: it is the
    /// engine's own, and the classic store, which reads no OCI layouts.
    async fn shares_names(&self, reference: &Reference) -> Result<bool, Error> {
        let image = self.inspect(Image::Named(reference)).await?;
        let is_classic = |image: &super::LocalImage| {
            let mut digests = image.repo_digests.iter().flat_map(|known| &known.digest);
            // In the containerd store an image is called by the digest of its manifest.
            digests.all(|digest| digest.to_string() != image.id.to_string())
        };
        if !image.as_ref().is_some_and(is_classic) {
            return Ok(false);
        }
        Ok(self.driver().await?.is_engines_own())
    }

    /// Takes an image out of the engine, for builders that have images of their own.
    async fn export(
        &self,
        name: &str,
        reference: &Reference,
        scratch: &Path,
    ) -> Result<OsString, Error> {
        let folder = scratch.join(format!("upstream-{name}"));
        let archive = scratch.join(format!("upstream-{name}.tar"));
        let mut save = words(&["image", "save", &reference.to_string(), "--output"]);
        save.push(archive.clone().into());
        self.forward(&self.invocation(save), &mut |_| Ok(()))
            .await?;
        layout::unpack(archive, folder, self.interrupt.clone()).await
    }
}
