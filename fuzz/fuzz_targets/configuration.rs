//! fingerprint.toml: a mistake has its place and can be told, and what is accepted can be used.

#![no_main]

use std::path::{Path, PathBuf};

use fp::config::{Error, Project};
use fp::environment::Environment;
use fp::path::RootPath;
use fp::pattern::Pattern;
use fp::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let environment: Environment = [("A", "a/b"), ("B", "")].into_iter().collect();
    let file = Path::new("fingerprint.toml");
    let find = |_: &Path, _: &Pattern| {
        let paths = ["docker/a/Dockerfile", "docker/b", "x"];
        let parse = |path: &str| RootPath::parse(path.as_bytes()).expect("a path");
        Ok(paths.into_iter().map(parse).collect())
    };
    match Project::of_bytes(file, PathBuf::from("/"), bytes, &environment, find) {
        Ok(project) => check(&project),
        Err(error) => check_error(&error),
    }
});

fn check(project: &Project) {
    let images = match project.several(&[]) {
        Ok(images) => images,
        Err(error) => return check_error(&error),
    };
    let fingerprint = Record::new([]).fingerprint();
    for image in images {
        let values = image.args.keys().map(|name| (name.clone(), "0".to_owned()));
        let tag = match project.tag(image, &fingerprint, &values.collect()) {
            Ok(tag) => tag,
            Err(error) => return check_error(&error),
        };
        let reference = image.repository().tagged(&tag);
        assert_eq!(reference.to_string().parse(), Ok(reference));
    }
}

fn check_error(error: &Error) {
    assert!(!error.to_string().is_empty());
    error.hint();
    if let Error::Invalid(invalid) = error {
        let span = invalid.mistake.span.clone();
        assert!(span.is_none_or(|span| invalid.text.get(span).is_some()));
        assert!(!invalid.mistake.kind.to_string().is_empty());
    }
}
