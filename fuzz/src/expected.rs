//! What has to hold of every Dockerfile that is read at all, for the targets that make one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::dockerfile::{self, Dockerfile, Interpretation, Mistake, Read, Request, Source};
use crate::platform::Platform;

/// The file, if its meaning is known; a mistake in it has its place.
pub fn dockerfile(text: &str) -> Option<Dockerfile> {
    match dockerfile::read(text.as_bytes()) {
        Ok(Read::Dockerfile(file)) => Some(file),
        Ok(Read::Opaque(_)) => None,
        Err(mistake) => {
            check_mistake(text, &mistake);
            None
        }
    }
}

/// Interprets the file for `target`, with and without platforms and arguments, and checks the answers.
pub fn of_target(text: &str, file: &Dockerfile, target: Option<&str>) {
    let platforms = ["linux/amd64", "linux/arm/v7"]
        .map(|text| Platform::parse(text).expect("it is a platform"));
    let given = BTreeMap::from([("A".to_owned(), "a/*".to_owned())]);
    let handed = BTreeSet::from(["a", "base"]);
    let hints = BTreeSet::from(["B"]);
    for (platforms, args, needs, hints) in [
        (&platforms[..], &given, &BTreeSet::new(), &BTreeSet::new()),
        (&[][..], &BTreeMap::new(), &handed, &hints),
    ] {
        let request = Request {
            target,
            args,
            platforms,
            needs,
            hints,
        };
        match file.interpret(&request) {
            Ok(interpretation) => check_interpretation(text, &interpretation, &request),
            Err(mistake) => check_mistake(text, &mistake),
        }
    }
}

fn check_interpretation(text: &str, whole: &Interpretation, request: &Request<'_>) {
    match &whole.sources {
        Ok(sources) => sources
            .iter()
            .for_each(|source| check_span(text, &source.span)),
        Err(mistake) => check_mistake(text, mistake),
    }
    let slice = &whole.slice;
    assert!(slice.len() <= text.len(), "a slice is a part of the file");
    let file = dockerfile(slice).expect("a slice is read as the file is");
    let again = file
        .interpret(request)
        .expect("a slice means what the file means");
    assert_eq!(again.slice, *slice, "a slice is its own slice");
    assert_eq!(again.declared, whole.declared);
    assert_eq!(again.needed, whole.needed);
    assert_eq!(placeless(&again.sources), placeless(&whole.sources));
}

/// Sources and mistakes without their places, which are others in a slice.
fn placeless(sources: &Result<Vec<Source>, Mistake>) -> Result<Vec<Source>, String> {
    let placeless = |source: &Source| Source {
        line: 0,
        span: 0..0,
        ..source.clone()
    };
    match sources {
        Ok(sources) => Ok(sources.iter().map(placeless).collect()),
        Err(mistake) => Err(mistake.to_string()),
    }
}

fn check_mistake(text: &str, mistake: &Mistake) {
    mistake.span.iter().for_each(|span| check_span(text, span));
    assert!(!mistake.to_string().is_empty());
    mistake.kind.hint();
}

fn check_span(text: &str, span: &Range<usize>) {
    assert!(
        text.get(span.clone()).is_some(),
        "{span:?} is a place in the text"
    );
}
