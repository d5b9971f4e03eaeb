//! The texts were recorded from the real programs, and long ones shortened. The few that come from
//! public reports instead (docker 29, hosted registries) say so.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::{
    buildx, buildx_version, built, collided, has_built_in_buildkit, inspected, is_gone,
    is_no_such_image, is_nothing_to_push, lost_snapshot, pushed, says_no_such_images, unreachable,
    versions,
};
use crate::engine::docker::Builder;
use crate::engine::process::Output;
use crate::engine::{Error, Refusal};

const BUILDX: Builder = Builder::Buildx {
    has_attestations: true,
};

#[test]
fn versions_of_an_old_client_and_a_newer_engine() {
    let json =
        br#"{"Client":{"Platform":{"Name":""},"Version":"20.10.24+dfsg1","ApiVersion":"1.41",
        "Os":"linux","Arch":"amd64","Context":"default","Experimental":true},"Server":{"Platform":
        {"Name":""},"Components":[{"Name":"Engine","Version":"26.1.5+dfsg1"}],"Version":
        "26.1.5+dfsg1","ApiVersion":"1.45","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64"}}"#;
    let engine = versions(json).unwrap().into_engine().unwrap();
    assert_eq!(engine.client, "20.10.24+dfsg1");
    assert_eq!(engine.version, "26.1.5+dfsg1");
    assert_eq!(engine.platform.to_string(), "linux/amd64");
}

#[test]
fn versions_without_a_server() {
    let json = br#"{"Client":{"Version":"28.2.2","Os":"linux","Arch":"amd64"},"Server":null}"#;
    assert!(versions(json).unwrap().into_engine().is_none());
    let podman = br#"{"Client":{"APIVersion":"4.3.1","Version":"4.3.1","Os":"linux"}}"#;
    assert!(versions(podman).unwrap().into_engine().is_none());
    assert!(versions(b"{}").is_err());
    assert!(versions(b"").is_err());
}

#[test]
fn buildx_is_a_plugin_that_works() {
    let plugin = |fields: &str| {
        let json = format!(
            r#"{{"Debug":false,"Context":"default","Plugins":[{{"Name":"compose","Version":"2.3"}},{{{fields}}}]}}"#
        );
        buildx(json.as_bytes()).unwrap()
    };
    let buildx_of = |version: &str| plugin(&format!(r#""Name":"buildx","Version":"{version}""#));
    for version in ["0.13.1+ds1", "v0.10.0", "v1.0.0", "master-af75d0b", ""] {
        assert_eq!(buildx_of(version), Some(BUILDX), "{version}");
    }
    let old = Builder::Buildx {
        has_attestations: false,
    };
    assert_eq!(buildx_of("v0.9.1"), Some(old));
    let asked =
        |version: &str| buildx_version(&format!("github.com/docker/buildx {version} ed00243a\n"));
    assert_eq!((asked("v0.9.1"), asked("0.13.1+ds1")), (old, BUILDX));
    assert_eq!(buildx_version(""), BUILDX);
    assert_eq!(plugin(r#""Name":"buildx""#), Some(BUILDX));
    let broken = r#""Name":"buildx","Err":"failed to fetch metadata: exit status 1""#;
    assert_eq!(plugin(broken), None);
    assert_eq!(plugin(r#""Name":"scan","Version":"v1""#), None);
    let nameless = r#""Path":"/usr/libexec/docker/cli-plugins/docker-","Err":"it has no name""#;
    assert_eq!(plugin(nameless), None);
    for json in [r#"{"Plugins":null}"#, "{}"] {
        assert_eq!(buildx(json.as_bytes()).unwrap(), None);
    }
    assert!(buildx(b"").is_err());
}

#[test]
fn clients_that_need_no_buildx() {
    assert!(has_built_in_buildkit("20.10.24+dfsg1"));
    assert!(has_built_in_buildkit("18.09.1"));
    assert!(!has_built_in_buildkit("18.06.3-ce"));
    assert!(!has_built_in_buildkit("23.0.0"));
    assert!(!has_built_in_buildkit("28.2.2"));
    assert!(!has_built_in_buildkit("dev"));
}

const INSPECTED: &str = r#"[
    {
        "Id": "sha256:dae9d9f262afc05e190f537c654f8fc189f8906c591674b97f72b8475a0c4664",
        "RepoTags": ["127.0.0.1:5117/acme/ci:x"],
        "RepoDigests": [
            "127.0.0.1:5117/acme/ci@sha256:dcdfc027f60f190a15074446f939e0a94fdd0b25f85a18178132ee3be78195f1",
            "<none>@<none>"
        ],
        "Comment": "buildkit.dockerfile.v0",
        "Config": { "Cmd": null, "Labels": { "fp.fingerprint": "abc", "other": "x" } },
        "Architecture": "arm64",
        "Variant": "v8",
        "Os": "linux"
    }
]"#;

#[test]
fn an_inspected_image() {
    let image = inspected(INSPECTED.as_bytes(), 1).unwrap().remove(0);
    assert!(image.id.to_string().starts_with("sha256:dae9d9f2"));
    assert_eq!(image.fingerprint.as_deref(), Some("abc"));
    assert_eq!(image.platform.to_string(), "linux/arm64");
    let repository = "127.0.0.1:5117/acme/ci".parse().unwrap();
    let digest = "sha256:dcdfc027f60f190a15074446f939e0a94fdd0b25f85a18178132ee3be78195f1";
    assert!(image.has_digest(&repository, &digest.parse().unwrap()));
    assert_eq!(image.repo_digests.len(), 1);
}

#[test]
fn an_image_without_labels_digests_or_configuration() {
    let bare = |config: &str| {
        let json = format!(
            r#"[{{"Id": "sha256:{}", "Os": "linux", "Architecture": "amd64"{config}}}]"#,
            "0".repeat(64)
        );
        inspected(json.as_bytes(), 1).unwrap().remove(0).fingerprint
    };
    assert_eq!(bare(""), None);
    assert_eq!(bare(r#", "RepoDigests": [], "Config": null"#), None);
    assert_eq!(
        bare(r#", "RepoDigests": null, "Config": {"Labels": null}"#),
        None
    );
    assert!(inspected(b"[]", 1).is_err());
    assert!(inspected(INSPECTED.as_bytes(), 2).is_err());
}

fn answer(code: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        status: ExitStatus::from_raw(code << 8),
        stdout: stdout.into(),
        stderr: stderr.lines().map(str::to_owned).collect(),
    }
}

#[test]
fn absence_is_told_in_three_ways() {
    for stderr in [
        // Client 20.10.
        "Error: No such image: 127.0.0.1:5117/acme/ci:x",
        // Clients 26 and 28; the name is docker.io/library/nope:y as they were given it.
        "Error response from daemon: No such image: nope:y",
        // The same of engine 20.10.
        "Error response from daemon: no such image: docker.io/library/nope:y: No such image: nope:y",
        "WARNING: Error loading config file\nError response from daemon: No such image: nope:y",
    ] {
        assert!(
            says_no_such_images(&answer(1, "[]\n", stderr), 1),
            "{stderr}"
        );
    }
}

#[test]
fn several_are_absent_only_if_each_is_said_to_be() {
    let absent = "Error response from daemon: No such image: nope:y";
    let both = format!("{absent}\n{absent}");
    assert!(says_no_such_images(&answer(1, "[]\n", &both), 2));
    let other = format!("{both}\nError response from daemon: open /x: permission denied");
    for (stderr, count) in [
        (absent, 2),
        (&both, 3),
        (&both, 1),
        (&other, 2),
        (&other, 3),
    ] {
        assert!(
            !says_no_such_images(&answer(1, "[]\n", stderr), count),
            "{stderr}"
        );
    }
}

#[test]
fn no_other_failure_is_absence() {
    let absent = "Error response from daemon: No such image: nope:y";
    for output in [
        answer(0, "[]\n", absent),
        answer(125, "[]\n", absent),
        answer(1, "", absent),
        answer(1, "[{}]\n", absent),
        answer(1, "[]\n", ""),
        answer(
            1,
            "[]\n",
            "Cannot connect to the Docker daemon at unix:///gone.sock. Is the docker daemon running?",
        ),
        answer(
            1,
            "[]\n",
            "Error response from daemon: blob sha256:00 expected at /x: not found",
        ),
        answer(
            1,
            "[]\n",
            "Error response from daemon: open /No such image: permission denied",
        ),
        answer(1, "[]\n", "Error: invalid reference format"),
    ] {
        assert!(!says_no_such_images(&output, 1), "{output:?}");
    }
    assert!(!is_no_such_image("the image says: Error: No such image: x"));
}

/// Of several identical builds at once one failed, though all of them had made the image.
#[test]
fn a_build_that_another_was_faster_with_has_collided() {
    let digest = "sha256:bc9fe782b6b82b83258436339373b9b6ec58ac7fa9bb1db156b6efd8b45fb361";
    let line = format!("image \"moby-dangling@{digest}\": already exists");
    // A client with BuildKit built in says no `ERROR`.
    assert!(collided(&line));
    assert!(collided(&format!("ERROR: failed to solve: {line}")));
    assert!(!collided(
        "ERROR: failed to solve: process \"/bin/sh -c mkdir /x: already exists\""
    ));
}

#[test]
fn a_snapshot_that_is_lost_is_a_steps() {
    let line = "failed to commit xv3fr0u1r8ops32k17zhyxfoc to tpasygngkjr0sxdryg7o1p8xb during finalize: failed to stat \
                active key during commit: snapshot xv3fr0u1r8ops32k17zhyxfoc does not exist: not found";
    let snapshot = Some("xv3fr0u1r8ops32k17zhyxfoc");
    assert_eq!(lost_snapshot(line), snapshot);
    let line = format!("ERROR: failed to solve: {line}");
    assert_eq!(lost_snapshot(&line), snapshot);
    for other in [
        "process \"/bin/sh -c snapshot xv3fr0u1r8ops32k17zhyxfoc does not exist: not found\" did not complete \
         successfully: exit code: 1",
        "docker.io/library/snapshot: not found",
        "parent snapshot sha256:bc9fe782b6b8 does not exist: not found",
        "snapshot  does not exist: not found",
        "snapshot x does not exist: not found",
        "snapshot XV3FR0U1R8OPS32K17ZHYXFOC does not exist: not found",
        "snapshot xv3fr0u1r8ops32k17zhy.foc does not exist: not found",
    ] {
        let line = format!("ERROR: failed to solve: {other}");
        assert_eq!(lost_snapshot(&line), None, "{other}");
    }
}

/// Two that took away one name at once: the second was told that the name is not there, in words of
/// its own, and failed.
#[test]
fn a_name_that_another_took_away_is_gone() {
    for line in [
        "Error: No such image: 127.0.0.1:5117/acme/ci:fp-staging",
        "Error response from daemon: No such image: 127.0.0.1:5117/acme/ci:fp-staging",
        "Error response from daemon: reference does not exist",
        "Error response from daemon: image \"127.0.0.1:5117/acme/ci:fp-staging\": not found",
    ] {
        assert!(is_gone(line), "{line}");
    }
    for line in [
        "Error response from daemon: conflict: unable to remove repository reference \"x\" (must force)",
        "Error response from daemon: content digest sha256:00: not found",
        "reference does not exist",
    ] {
        assert!(!is_gone(line), "{line}");
    }
}

const ID: &str = "sha256:1072669cb48638d9d1aed32f4b2243766bfb5d40d93c6452a044e74853b598c7";
const CONFIG: &str = "sha256:02d9eabc059a70b0571cf3afb50f1997645165a5bef307fcadec8d2f7a635400";

fn candidates(builder: Builder, report: &str) -> Vec<String> {
    let ids = built(builder, report).unwrap();
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn what_builders_report() {
    let classic = format!(
        r#"{{"buildx.build.ref": "default/default/ssjmn9fdp3gxr9v7ud4jj7tvg",
        "containerimage.config.digest": "{ID}", "containerimage.digest": "{ID}"}}"#
    );
    assert_eq!(candidates(BUILDX, &classic), [ID]);
    let engine_20 = format!(r#"{{"containerimage.digest": "{ID}"}}"#);
    assert_eq!(candidates(BUILDX, &engine_20), [ID]);
    let containerd = format!(
        r#"{{"containerimage.config.digest": "{CONFIG}", "containerimage.descriptor": {{"digest":
        "{ID}", "size": 890}}, "containerimage.digest": "{ID}",
        "image.name": "moby-dangling@{ID}"}}"#
    );
    assert_eq!(candidates(BUILDX, &containerd), [ID, CONFIG]);
    assert_eq!(candidates(Builder::BuiltIn, ID), [ID]);
    assert!(built(BUILDX, "{}").is_err());
    assert!(built(BUILDX, ID).is_err());
    assert!(built(Builder::BuiltIn, "").is_err());
}

#[test]
fn the_line_that_ends_a_push() {
    let tag = "fp-staging".parse().unwrap();
    let digest = |line: &str| pushed(line, &tag).map(|digest| digest.to_string());
    assert_eq!(
        digest(&format!("fp-staging: digest: {ID} size: 890")).unwrap(),
        ID
    );
    for line in [
        "The push refers to repository [127.0.0.1:5117/acme/ci]",
        "20d6c01141f8: Layer already exists",
        "fp-staging: digest: sha256:12 size: 890",
        &format!("other: digest: {ID} size: 890"),
        &format!("fp-staging-2: digest: {ID} size: 890"),
        &format!("fp-staging: digest: {ID} size: "),
    ] {
        assert_eq!(digest(line), None, "{line}");
    }
}

#[test]
fn an_engine_that_does_not_answer() {
    for line in [
        "Cannot connect to the Docker daemon at unix:///tmp/gone.sock. Is the docker daemon running?",
        "ERROR: Cannot connect to the Docker daemon at unix:///tmp/gone.sock. Is the docker daemon running?",
        // Docker 29, reported.
        "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct",
        "error during connect: Get \"http://docker.example.com/v1.45/version\": command [ssh -- nowhere]",
    ] {
        let error = unreachable(line).unwrap();
        assert!(matches!(error, Error::NotRunning { .. }), "{line}");
        assert!(error.hint().is_some());
    }
}

/// They were once told to start the engine.
#[test]
fn contexts_and_builders_that_do_not_exist() {
    for (line, word) in [
        (
            "unable to resolve docker endpoint: context \"nonesuch\" does not exist",
            "docker context ls",
        ),
        (
            "Failed to initialize: unable to resolve docker endpoint: context \"nonesuch\": context not found",
            "docker context ls",
        ),
        ("ERROR: no builder \"nonesuch\" found", "docker buildx ls"),
    ] {
        let hint = unreachable(line).unwrap().hint().unwrap();
        assert!(hint.contains(word), "{line}: {hint}");
    }
}

#[test]
fn an_engine_that_may_not_be_asked() {
    for line in [
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
         Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.45/version\": dial unix: connect: permission denied",
        // Docker 20.10 as reported, and docker 29.
        "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
    ] {
        assert!(
            matches!(unreachable(line), Some(Error::PermissionDenied { .. })),
            "{line}"
        );
    }
    assert!(unreachable("Error response from daemon: No such image: x").is_none());
    assert!(unreachable("denied: requested access to the resource is denied").is_none());
}

#[test]
fn pushes_that_were_refused() {
    for line in [
        "no basic auth credentials",
        "unauthorized: authentication required",
        "authorization failed: no basic auth credentials",
        "push access denied, repository does not exist or may require authorization: authorization failed",
        "unexpected status from HEAD request to http://127.0.0.1:5118/v2/acme/ci/blobs/sha256:02: 401 Unauthorized",
        // Docker Hub, reported.
        "denied: requested access to the resource is denied",
    ] {
        assert_eq!(
            Refusal::told_by(line),
            Some(Refusal::Authorization),
            "{line}"
        );
    }
    // As reported of Amazon ECR, Harbor, Google's Artifact Registry and Nexus.
    for line in [
        "tag invalid: The image tag 'x' already exists in the 'ci' repository and cannot be overwritten because the tag is immutable.",
        "unknown: Failed to process request due to 'ci:x' configured as immutable.",
        "manifest invalid: cannot update tag x. The repository has enabled tag immutability",
        "unknown: Repository does not allow updating assets: docker-hosted",
    ] {
        assert_eq!(
            Refusal::told_by(line),
            Some(Refusal::ImmutableTag),
            "{line}"
        );
    }
    for line in [
        "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
        "failed to do request: Head \"https://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
        "received unexpected HTTP status: 500 Internal Server Error",
    ] {
        assert_eq!(Refusal::told_by(line), None, "{line}");
    }
}

#[test]
fn a_tag_that_somebody_took_away() {
    for line in [
        "An image does not exist locally with the tag: 127.0.0.1:5117/acme/nothere",
        "tag does not exist: 127.0.0.1:5117/acme/nothere:x",
    ] {
        assert!(is_nothing_to_push(line), "{line}");
        assert_eq!(Refusal::told_by(line), None, "{line}");
    }
}
