//! Reading the labels of an image.

use std::collections::BTreeMap;

use super::{Error, Reply, ScriptedRegistry, client, repository};
use crate::platform::Platform;
use crate::reference::Digest;

/// The labels of an image, by their names.
type Labels = BTreeMap<String, String>;

const CONFIG: &str = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"a":"b"}}}"#;
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

fn image(config: &str) -> String {
    let config = Digest::sha256_of(config.as_bytes());
    format!(r#"{{"schemaVersion":2,"config":{{"digest":"{config}"}},"layers":[]}}"#)
}

fn index(image: &str, architecture: &str) -> String {
    let image = Digest::sha256_of(image.as_bytes());
    format!(
        r#"{{"schemaVersion":2,"manifests":[{{"digest":"{image}","platform":{{"os":"linux","architecture":"{architecture}"}}}}]}}"#
    )
}

/// The labels of `first`, at a registry that has it, an image with the configuration `config`, and `blob`
/// in the place of that.
async fn labels(first: String, config: &str, blob: Reply) -> Result<Option<Labels>, Error> {
    let (digest, image) = (Digest::sha256_of(first.as_bytes()), image(config));
    let blob = std::sync::Mutex::new(Some(blob));
    let wanted = digest.to_string();
    let registry = ScriptedRegistry::start(move |request| {
        if request.target.contains("/blobs/") {
            return blob.lock().unwrap().take().expect("it is read once");
        }
        match request.target.ends_with(&wanted) {
            true if first.contains("manifests") => Reply::status(200)
                .header("Content-Type", INDEX_TYPE)
                .body(first.as_str()),
            true => Reply::status(200).body(first.as_str()),
            false => Reply::status(200).body(image.as_str()),
        }
    });
    let platform = Platform::new("linux", "amd64", "");
    let configuration = client()
        .configuration_for(&repository(&registry), &digest, &platform)
        .await?;
    Ok(configuration.map(|configuration| configuration.labels))
}

#[tokio::test]
async fn labels_of_an_image_and_of_the_right_one_in_an_index() {
    let expected = Labels::from([("a".to_owned(), "b".to_owned())]);
    let blob = || Reply::status(200).body(CONFIG);
    let found = labels(image(CONFIG), CONFIG, blob()).await.unwrap();
    assert_eq!(found, Some(expected.clone()));
    let listed = index(&image(CONFIG), "amd64");
    let found = labels(listed, CONFIG, blob()).await.unwrap();
    assert_eq!(found, Some(expected));
    let other = index(&image(CONFIG), "arm64");
    assert_eq!(labels(other, CONFIG, blob()).await.unwrap(), None);
    for settings in ["", r#","config":null"#, r#","config":{"Labels":null}"#] {
        let none = &format!(r#"{{"os":"linux","architecture":"amd64"{settings}}}"#);
        let found = labels(image(none), none, Reply::status(200).body(none.as_str())).await;
        assert_eq!(found.unwrap(), Some(Labels::new()), "{none}");
    }
}

#[tokio::test]
async fn a_configuration_that_is_none_is_an_error() {
    let read = async |config: &str, blob| labels(image(config), config, blob).await.unwrap_err();
    let error = read(CONFIG, Reply::status(200).body("{}")).await;
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    let error = read("[", Reply::status(200).body("[")).await;
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    let error = read(CONFIG, Reply::status(200).body(vec![0; 5 << 20])).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let error = read(CONFIG, Reply::status(404)).await;
    assert!(matches!(error, Error::Status { .. }), "{error:?}");
}
