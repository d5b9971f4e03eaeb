//! Image references, platforms and paths: what is accepted is displayed as a text that means the same.

#![no_main]

use fp::path::RootPath;
use fp::platform::Platform;
use fp::reference::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Reference>() {
        Ok(reference) => assert_eq!(reference.to_string().parse(), Ok(reference)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(platform) = Platform::parse(text) {
        assert_eq!(Platform::parse(&platform.to_string()), Ok(platform));
    }
    if let Ok(path) = RootPath::parse(text.as_bytes()) {
        assert_eq!(RootPath::parse(path.as_bytes()), Ok(path.clone()));
        let joined = path
            .parts()
            .fold(RootPath::root(), |path, part| path.join(part));
        assert_eq!(joined, path);
    }
});
