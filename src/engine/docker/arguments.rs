//! The argument lists for the `docker` program. Pure.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::Builder;
use super::contexts::Contexts;
use crate::engine::arguments::{List, secret_variable, ssh_flag};
use crate::engine::{BuildRequest, LocalImage, Secret, SecretValue};
use crate::platform::Platform;
use crate::reference::Reference;

pub(super) use crate::engine::arguments::{secret_variables, words};

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
    for (name, value) in request.arguments.iter().chain(request.hints) {
        arguments.pair("--build-arg", format!("{name}={value}"));
    }
    for (name, place) in &contexts.places {
        let mut context = OsString::from(format!("{name}="));
        context.push(place);
        arguments.pair("--build-context", context);
    }
    for (index, secret) in request.secrets.iter().enumerate() {
        arguments.pair("--secret", secret_flag(index, secret));
    }
    for key in request.ssh {
        arguments.pair("--ssh", ssh_flag(key));
    }
    for place in &request.caches.from {
        arguments.pair("--cache-from", place);
    }
    for place in &request.caches.to {
        arguments.pair("--cache-to", place);
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

/// The arguments that pull an image by its digest.
pub(super) fn pull(reference: &Reference, platform: Option<&Platform>) -> Vec<OsString> {
    let mut arguments = List::default();
    arguments.words(&["pull"]);
    if let Some(platform) = platform {
        arguments.pair("--platform", platform.to_string());
    }
    arguments.0.push(reference.to_string().into());
    arguments.0
}

/// The arguments that run `command` in `image`. The container's id goes to the file `report`.
pub(super) fn run(image: &LocalImage, command: &[String], report: &Path) -> Vec<OsString> {
    let mut arguments = List::default();
    arguments.words(&["run", "--rm", "--pull=never"]);
    arguments.pair("--platform", image.platform.to_string());
    arguments.pair("--cidfile", report);
    let (program, rest) = command.split_first().expect("a command has a program");
    arguments.pair("--entrypoint", program);
    arguments.0.push(image.id.to_string().into());
    arguments.0.extend(rest.iter().map(OsString::from));
    arguments.0
}

/// docker reads the flag as a line of comma-separated values.
fn secret_flag(index: usize, secret: &Secret) -> OsString {
    let id = &secret.id;
    let path = match &secret.value {
        SecretValue::Text(_) => return format!("id={id},env={}", secret_variable(index)).into(),
        SecretValue::File(path) => path.as_os_str().as_bytes(),
    };
    let mut flag = format!("id={id},\"src=").into_bytes();
    for &byte in path {
        match byte {
            b'"' => flag.extend(b"\"\""),
            byte => flag.push(byte),
        }
    }
    flag.push(b'"');
    OsString::from_vec(flag)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Builder, Contexts, build, secret_flag, secret_variables, ssh_flag};
    use crate::engine::{BuildRequest, Caches, Secret, SecretValue, SshKey};

    fn arguments(builder: Builder, target: Option<&str>, pull: bool) -> String {
        let arguments = BTreeMap::from([
            ("FLAVOR".to_owned(), "a b=c,d".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let hints = BTreeMap::from([("no_proxy".to_owned(), "*".to_owned())]);
        let labels = BTreeMap::from([("fp.fingerprint".to_owned(), "00ff".to_owned())]);
        let caches = match builder {
            Builder::Buildx { .. } => Caches {
                from: vec!["type=gha,scope=x".to_owned()],
                to: vec!["type=inline".to_owned()],
                variables: vec![("TOKEN".into(), "hush".into())],
            },
            Builder::BuiltIn => Caches::default(),
        };
        let request = BuildRequest {
            context: Path::new("/s/context"),
            dockerfile: Path::new("/s/Dockerfile"),
            scratch: Path::new("/s"),
            target,
            platform: None,
            arguments: &arguments,
            hints: &hints,
            labels: &labels,
            upstreams: &BTreeMap::new(),
            secrets: &[],
            ssh: &[],
            caches: &caches,
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

    #[test]
    fn a_secret_is_named_and_its_value_is_in_no_argument() {
        let secret = |value| Secret {
            id: "token".to_owned(),
            value,
        };
        let secrets = [
            secret(SecretValue::File("/a \"b\",c".into())),
            secret(SecretValue::Text("hush".into())),
        ];
        assert_eq!(secret_flag(0, &secrets[0]), r#"id=token,"src=/a ""b"",c""#);
        assert_eq!(secret_flag(1, &secrets[1]), "id=token,env=FP_SECRET_1");
        let variables: Vec<_> = secret_variables(&secrets).collect();
        assert_eq!(variables, [("FP_SECRET_1".into(), "hush".into())]);
        assert!(!format!("{secrets:?}").contains("hush"));
    }

    #[test]
    fn an_ssh_key_is_a_file_or_the_agents() {
        let flag = |file: Option<&str>| {
            ssh_flag(&SshKey {
                id: "default".to_owned(),
                file: file.map(Into::into),
            })
        };
        assert_eq!(flag(None), "default");
        assert_eq!(flag(Some("/k")), "default=/k");
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
             |--build-arg|FLAVOR=a b=c,d|--build-arg|no_proxy=*\
             |--build-context|base=docker-image://r/x@sha256:0|--cache-from|type=gha,scope=x|--cache-to|type=inline|--target|ci|--file|/s/Dockerfile|/s/context"
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
             |--build-arg|EMPTY=|--build-arg|FLAVOR=a b=c,d|--build-arg|no_proxy=*|--file|/s/Dockerfile|/s/context"
        );
    }
}
