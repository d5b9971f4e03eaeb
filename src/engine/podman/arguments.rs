//! The argument lists for the `podman` program. Pure.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::engine::arguments::{List, secret_variable, ssh_flag};
use crate::engine::{BuildRequest, Error, LocalImage, Secret, SecretValue, Upstream};
use crate::platform::Platform;
use crate::reference::Reference;

/// A build in podman's terms.
pub(super) struct Build<'a> {
    pub(super) request: &'a BuildRequest<'a>,
    /// The value of `--isolation`, if podman is not to choose.
    pub(super) isolation: Option<&'a str>,
    /// Whether layers of earlier builds may be taken.
    pub(super) is_cached: bool,
    /// The file for the image's id.
    pub(super) report: &'a Path,
}

impl Build<'_> {
    /// The arguments. The image gets no name, and no label or history that differs from podman to podman.
    ///
    /// Its form is docker's, since OCI's has no place for HEALTHCHECK, ONBUILD and SHELL, which
    /// podman then drops.
    pub(super) fn arguments(&self) -> Result<Vec<OsString>, Error> {
        let request = self.request;
        let mut list = List::default();
        list.words(&["build", "--format=docker", "--identity-label=false"]);
        list.pair("--iidfile", self.report);
        match self.is_cached {
            true => list.words(&["--layers=true"]),
            // Nor may another build find layers of this one.
            false => list.words(&["--layers=false", "--no-cache"]),
        }
        list.words(&[self.pull()]);
        // Beside the Dockerfile lies an ignore file without rules.
        let mut ignore_file = request.dockerfile.as_os_str().to_owned();
        ignore_file.push(".dockerignore");
        list.pair("--ignorefile", ignore_file);
        if let Some(isolation) = self.isolation {
            list.pair("--isolation", isolation);
        }
        for (name, value) in request.labels {
            list.pair("--label", format!("{name}={value}"));
        }
        for (name, value) in request.arguments.iter().chain(request.hints) {
            list.pair("--build-arg", format!("{name}={value}"));
        }
        for (name, upstream) in request.upstreams {
            let (Upstream::Published(image) | Upstream::Local(image)) = upstream;
            let place = format!("docker-image://{}", self::name(image));
            list.pair("--build-context", format!("{name}={place}"));
        }
        for (index, secret) in request.secrets.iter().enumerate() {
            list.pair("--secret", secret_flag(request.scratch, index, secret)?);
        }
        for key in request.ssh {
            list.pair("--ssh", ssh_flag(key));
        }
        if let Some(platform) = request.platform {
            list.pair("--platform", platform.to_string());
        }
        if let Some(target) = request.target {
            list.pair("--target", target);
        }
        list.pair("--file", request.dockerfile);
        list.0.push(request.context.into());
        Ok(list.0)
    }

    /// When images are pulled. One that only podman has cannot be, and with `always` podman would try.
    fn pull(&self) -> &'static str {
        let mut upstreams = self.request.upstreams.values();
        let has_local = upstreams.any(|upstream| matches!(upstream, Upstream::Local(_)));
        match self.request.pull && !has_local {
            true => "--pull=always",
            false => "--pull=missing",
        }
    }
}

/// A name with its registry: podman has its own ideas about what shorter ones mean.
pub(super) fn name(reference: &Reference) -> String {
    let repository = &reference.repository;
    let mut name = format!("{}/{}", repository.domain(), repository.path());
    if let Some(tag) = &reference.tag {
        name.push_str(&format!(":{tag}"));
    }
    if let Some(digest) = &reference.digest {
        name.push_str(&format!("@{digest}"));
    }
    name
}

/// The arguments that push the image called `name`. The digest goes to the file `report`.
pub(super) fn push(name: &str, report: &Path) -> Vec<OsString> {
    let mut list = List::default();
    list.words(&["push"]);
    list.pair("--digestfile", report);
    list.0.push(name.into());
    list.0
}

/// The arguments that pull an image by its digest.
pub(super) fn pull(reference: &Reference, platform: Option<&Platform>) -> Vec<OsString> {
    let mut list = List::default();
    list.words(&["pull"]);
    if let Some(platform) = platform {
        list.pair("--platform", platform.to_string());
    }
    list.0.push(name(reference).into());
    list.0
}

/// The arguments that run `command` in `image`. The container's id goes to the file `report`.
pub(super) fn run(image: &LocalImage, command: &[String], report: &Path) -> Vec<OsString> {
    let mut list = List::default();
    list.words(&["run", "--rm", "--pull=never"]);
    list.pair("--platform", image.platform.to_string());
    list.pair("--cidfile", report);
    let (program, rest) = command.split_first().expect("a command has a program");
    // As a JSON list, or podman would take a text in brackets for one.
    list.pair("--entrypoint", serde_json::json!([program]).to_string());
    list.0.push(image.id.to_string().into());
    list.0.extend(rest.iter().map(OsString::from));
    list.0
}

/// The link to the file of a secret, if the flag cannot name the file itself: podman parts it at its commas,
/// and knows no quotes.
pub(super) fn secret_link<'a>(
    scratch: &Path,
    index: usize,
    secret: &'a Secret,
) -> Option<(PathBuf, &'a Path)> {
    match &secret.value {
        SecretValue::File(path) if has_comma(path) => {
            Some((scratch.join(format!("secret-{index}")), path))
        }
        SecretValue::File(_) | SecretValue::Text(_) => None,
    }
}

fn has_comma(path: &Path) -> bool {
    path.as_os_str().as_bytes().contains(&b',')
}

fn secret_flag(scratch: &Path, index: usize, secret: &Secret) -> Result<OsString, Error> {
    let id = &secret.id;
    let path = match &secret.value {
        SecretValue::Text(_) => {
            let variable = secret_variable(index);
            return Ok(format!("id={id},type=env,env={variable}").into());
        }
        SecretValue::File(path) => path,
    };
    let link = secret_link(scratch, index, secret);
    let path = link.map_or(path.clone(), |(link, _)| link);
    if has_comma(&path) {
        return Err(Error::Comma { path });
    }
    let mut flag = OsString::from(format!("id={id},type=file,src="));
    flag.push(path);
    Ok(flag)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::path::Path;

    use super::{Build, name, push, run, secret_flag};
    use crate::engine::{
        BuildRequest, Caches, Error, ImageId, LocalImage, Secret, SecretValue, Upstream,
    };
    use crate::platform::Platform;

    const NO_STRINGS: &BTreeMap<String, String> = &BTreeMap::new();
    const NO_CACHES: &Caches = &Caches {
        from: Vec::new(),
        to: Vec::new(),
        variables: Vec::new(),
    };

    fn shown(list: &[OsString]) -> String {
        let words: Vec<_> = list.iter().map(|word| word.to_str().unwrap()).collect();
        words.join("|")
    }

    fn request<'a>(upstreams: &'a BTreeMap<String, Upstream>) -> BuildRequest<'a> {
        BuildRequest {
            context: Path::new("/s/context"),
            dockerfile: Path::new("/s/Dockerfile"),
            scratch: Path::new("/s"),
            target: None,
            platform: None,
            arguments: NO_STRINGS,
            hints: NO_STRINGS,
            labels: NO_STRINGS,
            upstreams,
            secrets: &[],
            ssh: &[],
            caches: NO_CACHES,
            pull: true,
        }
    }

    fn build(request: &BuildRequest<'_>, isolation: Option<&str>, is_cached: bool) -> String {
        let build = Build {
            request,
            isolation,
            is_cached,
            report: Path::new("/s/id"),
        };
        shown(&build.arguments().unwrap())
    }

    #[test]
    fn a_build_has_all_that_it_was_asked_for() {
        let arguments = BTreeMap::from([("FLAVOR".to_owned(), "a b=c,d".to_owned())]);
        let hints = BTreeMap::from([("MIRROR".to_owned(), "m".to_owned())]);
        let labels = BTreeMap::from([("fp.fingerprint".to_owned(), "00ff".to_owned())]);
        let platform = Platform::new("linux", "arm64", "");
        let none = BTreeMap::new();
        let request = BuildRequest {
            target: Some("ci"),
            platform: Some(&platform),
            arguments: &arguments,
            hints: &hints,
            labels: &labels,
            ..request(&none)
        };
        assert_eq!(
            build(&request, Some("chroot"), false),
            "build|--format=docker|--identity-label=false|--iidfile|/s/id|--layers=false|--no-cache\
             |--pull=always|--ignorefile|/s/Dockerfile.dockerignore|--isolation|chroot\
             |--label|fp.fingerprint=00ff|--build-arg|FLAVOR=a b=c,d|--build-arg|MIRROR=m\
             |--platform|linux/arm64|--target|ci|--file|/s/Dockerfile|/s/context"
        );
    }

    #[test]
    fn what_only_podman_has_is_not_pulled() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let published = format!("acme/base@{digest}").parse().unwrap();
        let mut upstreams = BTreeMap::from([("base".to_owned(), Upstream::Published(published))]);
        let arguments = build(&request(&upstreams), None, true);
        let place = format!("base=docker-image://docker.io/acme/base@{digest}");
        assert!(
            arguments.contains(&format!("|--build-context|{place}|")),
            "{arguments}"
        );
        assert!(
            arguments.contains("|--layers=true|--pull=always|"),
            "{arguments}"
        );

        let local = "localhost/fp/tools:1".parse().unwrap();
        upstreams.insert("tools".to_owned(), Upstream::Local(local));
        let arguments = build(&request(&upstreams), None, true);
        assert!(arguments.contains("|--pull=missing|"), "{arguments}");
        assert!(
            arguments.contains("|tools=docker-image://localhost/fp/tools:1|"),
            "{arguments}"
        );
    }

    #[test]
    fn a_secret_is_named_and_its_value_is_in_no_argument() {
        let secret = |value| Secret {
            id: "token".to_owned(),
            value,
        };
        let flag = |value| secret_flag(Path::new("/s"), 1, &secret(value));
        let text = flag(SecretValue::Text("hush".into())).unwrap();
        assert_eq!(text, "id=token,type=env,env=FP_SECRET_1");
        let file = flag(SecretValue::File("/a \"b\"".into())).unwrap();
        assert_eq!(file, "id=token,type=file,src=/a \"b\"");
        let linked = flag(SecretValue::File("/a,b".into())).unwrap();
        assert_eq!(linked, "id=token,type=file,src=/s/secret-1");
        let secret = secret(SecretValue::File("/a,b".into()));
        let refused = secret_flag(Path::new("/s,s"), 1, &secret);
        assert!(matches!(refused, Err(Error::Comma { .. })));
    }

    #[test]
    fn names_are_whole() {
        let whole = |text: &str| name(&text.parse().unwrap());
        assert_eq!(whole("debian:12"), "docker.io/library/debian:12");
        assert_eq!(whole("localhost/fp/ci:1"), "localhost/fp/ci:1");
        let list = push("docker.io/acme/ci:fp-staging", Path::new("/s/digest"));
        assert_eq!(
            shown(&list),
            "push|--digestfile|/s/digest|docker.io/acme/ci:fp-staging"
        );
    }

    #[test]
    fn a_program_is_run_and_no_list_of_programs() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let command = [
            "[".to_owned(),
            "-e".to_owned(),
            "/x".to_owned(),
            "]".to_owned(),
        ];
        let image = LocalImage {
            id: ImageId::new(digest.parse().unwrap()),
            repo_digests: Vec::new(),
            fingerprint: None,
            platform: Platform::new("linux", "amd64", ""),
            size: None,
        };
        let list = run(&image, &command, Path::new("/s/container"));
        assert_eq!(
            shown(&list),
            format!(
                "run|--rm|--pull=never|--platform|linux/amd64|--cidfile|/s/container|--entrypoint|[\"[\"]|{digest}|-e|/x|]"
            )
        );
    }
}
