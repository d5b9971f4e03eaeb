//! fingerprint.toml: a mistake has its place and can be told, and what is accepted can be used.

#![no_main]

use std::path::{Path, PathBuf};

use fp::config::{Error, Project};
use fp::environment::Environment;
use fp::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let environment: Environment = [("A", "a/b"), ("B", "")].into_iter().collect();
    let file = Path::new("fingerprint.toml");
    match Project::of_bytes(file, PathBuf::from("/"), bytes, &environment) {
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
        let reference = image.repository().tagged(&image.tag(&fingerprint));
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
