use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::{
    built, collided, info, inspected, is_unknown, says_no_such_image, unreachable, unusable,
};
use crate::engine::process::Output;
use crate::engine::{Demand, Error};

const DIGITS: &str = "980ea28b53b5fddc9e5f2aa07fe9320a61baa2b28af307f2bccdf6d553d10746";

fn output(code: i32, stdout: &str, stderr: &[&str]) -> Output {
    Output {
        status: ExitStatus::from_raw(code << 8),
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn info_of(version: &str, buildah: &str) -> super::Info {
    let json = format!(
        r#"{{"host": {{"arch": "amd64", "os": "linux", "buildahVersion": "{buildah}", "serviceIsRemote": false}},
           "version": {{"APIVersion": "{version}", "Version": "{version}", "OsArch": "linux/amd64"}}}}"#
    );
    info(json.as_bytes()).unwrap()
}

#[test]
fn podman_tells_what_it_is() {
    let info = info_of("4.3.1", "1.28.2");
    assert_eq!(info.about.version, "4.3.1");
    assert_eq!(info.about.platform.to_string(), "linux/amd64");
    assert_eq!(info.buildah, Some((1, 28)));
    assert!(super::info(b"{}").is_err());
}

#[test]
fn what_it_cannot_do_is_told_before_a_build() {
    let check = |version: &str, buildah: &str, heredocs| {
        let checked = info_of(version, buildah).check(&Demand {
            heredocs,
            contexts: true,
            ..Demand::default()
        });
        checked.err().map(|error| error.to_string())
    };
    assert_eq!(check("4.3.1", "1.28.2", false), None);
    assert_eq!(check("4.8.0", "1.33.2", true), None);
    assert_eq!(check("6.0.0-dev", "main", true), None);
    assert_eq!(
        check("4.3.1", "1.28.2", true).unwrap(),
        "podman 4.3.1 cannot read the here-documents (`<<`) of the Dockerfile"
    );
    let frontend = Demand {
        frontend: true,
        ..Demand::default()
    };
    assert!(info_of("6.0.0", "1.50.0").check(&frontend).is_err());
    assert_eq!(
        check("3.4.4", "1.23.1", false).unwrap(),
        "podman 3.4.4 cannot build from a sealed context"
    );
}

#[test]
fn an_image_is_known_by_its_configuration() {
    let manifest = "a".repeat(64);
    let json = format!(
        r#"[{{"Id": "{DIGITS}", "Digest": "sha256:{manifest}", "RepoTags": [],
            "RepoDigests": ["127.0.0.1:5999/test/a@sha256:{manifest}"],
            "Labels": {{"fp.fingerprint": "abc"}}, "Architecture": "amd64", "Os": "linux"}}]"#
    );
    let image = inspected(json.as_bytes()).unwrap();
    assert_eq!(image.id.to_string(), format!("sha256:{DIGITS}"));
    assert_eq!(image.fingerprint.as_deref(), Some("abc"));
    let repository = "127.0.0.1:5999/test/a".parse().unwrap();
    assert!(image.has_digest(&repository, &format!("sha256:{manifest}").parse().unwrap()));
    assert_eq!(built(&format!("sha256:{DIGITS}\n")).unwrap(), image.id);
    assert_eq!(built(DIGITS).unwrap(), image.id);
    assert!(built("").is_err());
    assert!(inspected(b"[]").is_err());
    let bare = format!(
        r#"[{{"Id": "{DIGITS}", "Labels": null, "Architecture": "arm64", "Os": "linux"}}]"#
    );
    assert_eq!(inspected(bare.as_bytes()).unwrap().fingerprint, None);
}

#[test]
fn absence_is_podmans_own_word() {
    let missing = "Error: inspecting object: 127.0.0.1:5999/test/nothing:x: image not known";
    assert!(says_no_such_image(&output(125, "[]\n", &[missing])));
    assert!(!says_no_such_image(&output(125, "", &[missing])));
    assert!(!says_no_such_image(&output(1, "[]\n", &[missing])));
    assert!(!says_no_such_image(&output(125, "[]\n", &[])));
    let other = "Error: inspecting object: opening storage: no space left on device";
    assert!(!says_no_such_image(&output(125, "[]\n", &[other])));
    assert!(!says_no_such_image(&output(125, "[]\n", &[missing, other])));
    assert!(is_unknown(
        "Error: 127.0.0.1:5999/test/a:fp-staging: image not known"
    ));
    assert!(!is_unknown("image not known"));
}

#[test]
fn why_it_does_not_work_is_told_with_the_way_out() {
    let stderr = [
        "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system \
         connection list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM",
        "Error: unable to connect to Podman socket: Get \"http://d/v4.3.1/libpod/_ping\": dial unix \
         ///run/podman/podman.sock: connect: no such file or directory",
    ];
    let error = unusable(&output(125, "", &stderr));
    assert!(
        matches!(&error, Error::NoPodmanService { message } if message.ends_with("file or directory"))
    );
    assert!(error.hint().unwrap().contains("podman machine start"));
    assert!(unreachable(stderr[1]).is_some());

    let log =
        "time=\"2026-11-28T20:00:14Z\" level=error msg=\"mkdir /var/lib/x: permission denied\"";
    let error = unusable(&output(1, "", &[log]));
    assert_eq!(
        error.to_string(),
        "podman may not use its storage: mkdir /var/lib/x: permission denied"
    );
    let error = unusable(&output(
        1,
        "",
        &["cannot resolve /home/x: no such file or directory"],
    ));
    assert_eq!(
        error.to_string(),
        "podman cannot be used: cannot resolve /home/x: no such file or directory"
    );
    assert!(matches!(
        unusable(&output(1, "", &[])),
        Error::NoPodman { .. }
    ));
}

#[test]
fn a_build_during_which_a_layer_went_has_collided() {
    for line in [
        "Error: checking if cached image exists from a previous build: getting top layer info: layer not known",
        "Error: committing container for step {Env:[PATH=/bin] Command:run Args:[echo hi] Flags:[] Attrs:map[] \
         Message:RUN echo hi Original:RUN echo hi}: copying layers and metadata for container \"a8d0\": committing the \
         finished image: creating image \"4177\": layer not known",
    ] {
        assert!(collided(line), "{line}");
    }
    for line in [
        "Error: building at STEP \"RUN echo layer not known\": while running runtime: exit status 1",
        "Error: creating build container: reading image \"4177\": layer not known",
    ] {
        assert!(!collided(line), "{line}");
    }
}
