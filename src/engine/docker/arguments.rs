//! The argument lists for the `docker` program. Pure.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::Builder;
use super::contexts::Contexts;
use crate::engine::{BuildRequest, ImageId};

/// The arguments of a build, whose report goes to the file `report`. `contexts` are what the
/// Dockerfile builds on.
///
/// The image gets no name: it gets one only after its label was looked at. Attestations are off, so
/// that what is pushed is one manifest that differs in nothing from one build to the next.
pub(super) fn build(
    builder: Builder,
    request: &BuildRequest<'_>,
    contexts: &Contexts,
    report: &Path,
) -> Vec<OsString> {
    let mut arguments = List::default();
    match builder {
        Builder::Buildx { has_attestations } => {
            arguments.words(&["buildx", "build", "--load"]);
            if has_attestations {
                arguments.words(&["--provenance=false", "--sbom=false"]);
            }
            // Not --iidfile: with the containerd store it names the configuration, which is no id
            // there.
            arguments.pair("--metadata-file", report);
        }
        Builder::BuiltIn => {
            arguments.words(&["build"]);
            arguments.pair("--iidfile", report);
        }
    }
    arguments.words(&["--progress=plain"]);
    if request.pull && !contexts.is_by_name {
        arguments.words(&["--pull"]);
    }
    for (name, value) in request.labels {
        arguments.pair("--label", format!("{name}={value}"));
    }
    for (name, value) in request.arguments {
        arguments.pair("--build-arg", format!("{name}={value}"));
    }
    for (name, place) in &contexts.places {
        let mut context = OsString::from(format!("{name}="));
        context.push(place);
        arguments.pair("--build-context", context);
    }
    if let Some(platform) = request.platform {
        arguments.pair("--platform", platform.to_string());
    }
    if let Some(target) = request.target {
        arguments.pair("--target", target);
    }
    arguments.pair("--file", request.dockerfile);
    arguments.0.push(request.context.into());
    arguments.0
}

/// The arguments that run `command` in `image`. The container's id goes to the file `report`.
pub(super) fn run(image: &ImageId, command: &[String], report: &Path) -> Vec<OsString> {
    let mut arguments = List::default();
    arguments.words(&["run", "--rm"]);
    arguments.pair("--cidfile", report);
    let (program, rest) = command.split_first().expect("a command has a program");
    arguments.pair("--entrypoint", program);
    arguments.0.push(image.to_string().into());
    arguments.0.extend(rest.iter().map(OsString::from));
    arguments.0
}

pub(super) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[derive(Default)]
struct List(Vec<OsString>);

impl List {
    fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn pair(&mut self, flag: &str, value: impl AsRef<OsStr>) {
        self.0.push(flag.into());
        self.0.push(value.as_ref().into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Builder, Contexts, build};
    use crate::engine::BuildRequest;

    fn arguments(builder: Builder, target: Option<&str>, pull: bool) -> String {
        let arguments = BTreeMap::from([
            ("FLAVOR".to_owned(), "a b=c,d".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let labels = BTreeMap::from([("fp.fingerprint".to_owned(), "00ff".to_owned())]);
        let request = BuildRequest {
            context: Path::new("/s/context"),
            dockerfile: Path::new("/s/Dockerfile"),
            scratch: Path::new("/s"),
            target,
            platform: None,
            arguments: &arguments,
            labels: &labels,
            upstreams: &BTreeMap::new(),
            pull,
        };
        let place = ("base".to_owned(), "docker-image://r/x@sha256:0".into());
        let contexts = match builder {
            Builder::Buildx { .. } => Contexts {
                places: BTreeMap::from([place]),
                is_by_name: false,
            },
            Builder::BuiltIn => Contexts::default(),
        };
        let list = build(builder, &request, &contexts, Path::new("/s/report"));
        let words: Vec<_> = list.iter().map(|word| word.to_str().unwrap()).collect();
        words.join("|")
    }

    const BUILDX: Builder = Builder::Buildx {
        has_attestations: true,
    };

    #[test]
    fn buildx_loads_one_bare_image() {
        assert_eq!(
            arguments(BUILDX, Some("ci"), true),
            "buildx|build|--load|--provenance=false|--sbom=false|--metadata-file|/s/report\
             |--progress=plain|--pull|--label|fp.fingerprint=00ff|--build-arg|EMPTY=\
             |--build-arg|FLAVOR=a b=c,d|--build-context|base=docker-image://r/x@sha256:0\
             |--target|ci|--file|/s/Dockerfile|/s/context"
        );
    }

    #[test]
    fn an_old_buildx_is_not_asked_about_attestations() {
        let old = Builder::Buildx {
            has_attestations: false,
        };
        assert_eq!(
            arguments(old, None, false),
            arguments(BUILDX, None, false).replace("--provenance=false|--sbom=false|", "")
        );
    }

    #[test]
    fn the_built_in_way_knows_fewer_flags() {
        assert_eq!(
            arguments(Builder::BuiltIn, None, false),
            "build|--iidfile|/s/report|--progress=plain|--label|fp.fingerprint=00ff\
             |--build-arg|EMPTY=|--build-arg|FLAVOR=a b=c,d|--file|/s/Dockerfile|/s/context"
        );
    }
}
