//! Putting an index together. Pure: the same manifests give the same bytes, whoever does it and when.

use serde::Serialize;

use super::{Content, DOCKER_INDEX, DOCKER_MANIFEST, Manifest, OCI_INDEX};
use crate::platform::Platform;

/// An index that is to be listed in another one: engines pull no platform out of that.
#[derive(Debug, thiserror::Error)]
#[error("what is published for {0} is an index itself, and not one image")]
pub struct NoPart(pub Platform);

/// An image index (OCI image specification, "Image Index Specification"), its keys in the order in which
/// they are written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
    platform: Entry,
}

#[derive(Serialize)]
struct Entry {
    architecture: String,
    os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
}

impl Manifest {
    /// The index of images for several platforms, each with its platform, in whatever order they come.
    ///
    /// Images of docker's own form give docker's own form of an index, a "manifest list"; of any other
    /// mixture an OCI index may consist.
    pub fn index(images: &[(Platform, Manifest)]) -> Result<Self, NoPart> {
        let mut images: Vec<_> = images.iter().collect();
        images.sort_by_key(|(platform, _)| platform);
        let is_docker = |(_, image): &&(Platform, Manifest)| image.media_type == DOCKER_MANIFEST;
        let media_type = match images.iter().all(is_docker) {
            true => DOCKER_INDEX,
            false => OCI_INDEX,
        };
        let manifests = images.into_iter().map(descriptor);
        let index = Index {
            schema_version: 2,
            media_type,
            manifests: manifests.collect::<Result<_, _>>()?,
        };
        let bytes = serde_json::to_vec(&index).expect("texts and numbers are JSON");
        let index = Manifest::parse(Some(media_type), bytes);
        Ok(index.expect("an index of images is a manifest"))
    }
}

fn descriptor((platform, image): &(Platform, Manifest)) -> Result<Descriptor, NoPart> {
    let Content::Image { .. } = image.content else {
        return Err(NoPart(platform.clone()));
    };
    Ok(Descriptor {
        media_type: image.media_type,
        digest: image.digest().to_string(),
        size: image.bytes.len(),
        platform: Entry {
            architecture: platform.architecture().to_owned(),
            os: platform.os().to_owned(),
            variant: platform.variant().map(str::to_owned),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Content, DOCKER_INDEX, DOCKER_MANIFEST, Manifest, OCI_INDEX, OCI_MANIFEST};
    use crate::platform::Platform;

    fn image(media_type: &str, digit: char) -> Manifest {
        let config = format!("sha256:{}", digit.to_string().repeat(64));
        let text = format!(r#"{{"config":{{"digest":"{config}"}},"layers":[]}}"#);
        Manifest::parse(Some(media_type), text.into()).unwrap()
    }

    fn platform(text: &str) -> Platform {
        Platform::parse(text).unwrap()
    }

    #[test]
    fn an_index_is_the_same_whatever_the_order() {
        let amd64 = (platform("linux/amd64"), image(OCI_MANIFEST, 'a'));
        let arm = (platform("linux/arm/v7"), image(OCI_MANIFEST, 'b'));
        let index = Manifest::index(&[arm.clone(), amd64.clone()]).unwrap();
        assert_eq!(
            index,
            Manifest::index(&[amd64.clone(), arm.clone()]).unwrap()
        );
        let (size, first, second) = (amd64.1.bytes.len(), amd64.1.digest(), arm.1.digest());
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{{"mediaType":"{OCI_MANIFEST}","digest":"{first}","size":{size},"platform":{{"architecture":"amd64","os":"linux"}}}},{{"mediaType":"{OCI_MANIFEST}","digest":"{second}","size":{size},"platform":{{"architecture":"arm","os":"linux","variant":"v7"}}}}]}}"#
        );
        assert_eq!(String::from_utf8_lossy(index.bytes()), expected);
        let images = vec![(amd64.0, first), (arm.0, second)];
        assert_eq!(*index.content(), Content::Index { images });
    }

    #[test]
    fn images_of_dockers_form_give_dockers_form_of_an_index() {
        let of = |first, second| {
            let images = [
                (platform("linux/amd64"), image(first, 'a')),
                (platform("linux/arm64"), image(second, 'b')),
            ];
            Manifest::index(&images).unwrap().media_type().to_owned()
        };
        assert_eq!(of(DOCKER_MANIFEST, DOCKER_MANIFEST), DOCKER_INDEX);
        assert_eq!(of(DOCKER_MANIFEST, OCI_MANIFEST), OCI_INDEX);
    }

    #[test]
    fn an_index_lists_no_index() {
        let one = (platform("linux/amd64"), image(OCI_MANIFEST, 'a'));
        let index = Manifest::index(&[one]).unwrap();
        let refused = Manifest::index(&[(platform("linux/arm64"), index)]).unwrap_err();
        assert!(refused.to_string().contains("linux/arm64"), "{refused}");
    }
}
