//! Asking and filling a registry behind fp's back, by plain HTTP on loopback.

use std::io::{Read, Seek, Write};
use std::net::TcpStream;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A registry and the account with which the tests look into it.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    pub(crate) host: String,
    account: Option<(String, String)>,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

const MANIFEST_TYPES: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

impl Registry {
    pub(crate) fn open(host: &str) -> Self {
        Registry {
            host: host.to_owned(),
            account: None,
        }
    }

    pub(crate) fn guarded(host: &str, user: &str, password: &str) -> Self {
        let account = Some((user.to_owned(), password.to_owned()));
        Registry {
            host: host.to_owned(),
            account,
        }
    }

    /// Whether it takes a password.
    pub(crate) fn is_guarded(&self) -> bool {
        self.account.is_some()
    }

    pub(crate) fn user(&self) -> &str {
        &self.account.as_ref().expect("a guarded registry").0
    }

    pub(crate) fn password(&self) -> &str {
        &self.account.as_ref().expect("a guarded registry").1
    }

    /// The digest that a tag (or digest) names in `repository`, which is without the host.
    pub(crate) fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        let answer = self.ask(
            "HEAD",
            &format!("/v2/{repository}/manifests/{tag}"),
            "",
            b"",
        );
        match answer.status {
            200 => Some(answer.header("docker-content-digest")),
            404 => None,
            status => panic!("the registry answered {status}"),
        }
    }

    /// All tags of a repository, sorted, but for the lists of what is attached to its images.
    pub(crate) fn tags(&self, repository: &str) -> Vec<String> {
        let answer = self.ask("GET", &format!("/v2/{repository}/tags/list"), "", b"");
        if answer.status == 404 {
            return Vec::new();
        }
        let mut tags: Vec<String> = serde_json::from_value(answer.json()["tags"].clone()).unwrap();
        tags.retain(|tag| !tag.starts_with("sha256-"));
        tags.sort();
        tags
    }

    /// The image that a tag names, down to the bytes: its manifest, its configuration and its layers, each
    /// unpacked.
    pub(crate) fn image_bytes(&self, repository: &str, tag: &str) -> Vec<Vec<u8>> {
        let manifest = self.get(&format!("/v2/{repository}/manifests/{tag}"));
        let document = manifest.json();
        let layers = document["layers"].as_array().expect("an image, no index");
        let blobs = [&document["config"]].into_iter().chain(layers);
        let blobs = blobs.map(|blob| {
            let digest = blob["digest"].as_str().expect("a digest");
            unpacked(self.get(&format!("/v2/{repository}/blobs/{digest}")).body)
        });
        [manifest.body.clone()].into_iter().chain(blobs).collect()
    }

    /// The configuration of the image that a tag names.
    pub(crate) fn image_config(&self, repository: &str, tag: &str) -> Value {
        let manifest = self
            .get(&format!("/v2/{repository}/manifests/{tag}"))
            .json();
        let config = manifest["config"]["digest"]
            .as_str()
            .expect("an image, not an index");
        self.get(&format!("/v2/{repository}/blobs/{config}")).json()
    }

    /// The manifest or index that a tag names.
    pub(crate) fn manifest(&self, repository: &str, tag: &str) -> Value {
        self.get(&format!("/v2/{repository}/manifests/{tag}"))
            .json()
    }

    /// Writes the manifest that `from` names under another tag.
    pub(crate) fn copy_tag(&self, repository: &str, from: &str, to: &str) {
        self.copy((repository, from), (repository, to));
    }

    /// Writes an image, a repository's tag, under another one, perhaps in another repository; or an index, whose images
    /// are there.
    pub(crate) fn copy(&self, (repository, from): (&str, &str), (other, to): (&str, &str)) {
        let manifest = self.get(&format!("/v2/{repository}/manifests/{from}"));
        if repository != other {
            let document = manifest.json();
            let layers = document["layers"].as_array().into_iter().flatten();
            let blobs = [&document["config"]].into_iter().chain(layers);
            for digest in blobs.filter_map(|blob| blob["digest"].as_str()) {
                let mount = format!("/v2/{other}/blobs/uploads/?mount={digest}&from={repository}");
                let answer = self.ask("POST", &mount, "", b"");
                assert_eq!(answer.status, 201, "{}", answer.head);
            }
        }
        let target = format!("/v2/{other}/manifests/{to}");
        let answer = self.ask(
            "PUT",
            &target,
            &manifest.header("content-type"),
            &manifest.body,
        );
        assert_eq!(answer.status, 201, "{}", answer.head);
    }

    /// Writes an index under `tag` that has the images of these tags, each for its architecture.
    pub(crate) fn put_index(&self, repository: &str, tag: &str, images: &[(&str, &str)]) {
        let descriptor = |(from, architecture): &(&str, &str)| {
            let manifest = self.get(&format!("/v2/{repository}/manifests/{from}"));
            json!({
                "mediaType": manifest.header("content-type"),
                "digest": manifest.header("docker-content-digest"),
                "size": manifest.body.len(),
                "platform": { "os": "linux", "architecture": architecture },
            })
        };
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": images.iter().map(descriptor).collect::<Vec<_>>(),
        });
        let target = format!("/v2/{repository}/manifests/{tag}");
        let answer = self.ask("PUT", &target, media_type, index.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.head);
    }

    fn get(&self, target: &str) -> Answer {
        let answer = self.ask("GET", target, "", b"");
        assert_eq!(answer.status, 200, "{target}: {}", answer.head);
        answer
    }

    /// Asks with the password, and once more with a token if the registry names a server for that.
    fn ask(&self, method: &str, target: &str, content_type: &str, body: &[u8]) -> Answer {
        let basic = self.account.as_ref().map(|(user, password)| {
            let account = STANDARD.encode(format!("{user}:{password}"));
            format!("Authorization: Basic {account}\r\n")
        });
        let basic = basic.unwrap_or_default();
        let answer = exchange(&self.host, method, target, content_type, &basic, body);
        let Some(server) = answer.token_server() else {
            return answer;
        };
        let (host, path) = server.split_once('/').expect("a path");
        let answer = exchange(host, "GET", &format!("/{path}"), "", &basic, b"").json();
        let token = answer["token"].as_str().expect("a token");
        let bearer = format!("Authorization: Bearer {token}\r\n");
        exchange(&self.host, method, target, content_type, &bearer, body)
    }
}

/// Sends a request with one more header, and reads the answer.
fn exchange(
    host: &str,
    method: &str,
    target: &str,
    content_type: &str,
    header: &str,
    body: &[u8],
) -> Answer {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: {MANIFEST_TYPES}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n{header}",
        host,
        body.len()
    );
    let mut stream = TcpStream::connect(host).expect("the lab's server runs");
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&answer)
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head
            .split(' ')
            .nth(1)
            .expect("a status line")
            .parse()
            .unwrap();
        Answer {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// `HOST:PORT/PATH?QUERY` where the token is to be had that the registry asks for.
    fn token_server(&self) -> Option<String> {
        let (_, challenge) = self
            .head
            .split_once("Bearer ")
            .filter(|_| self.status == 401)?;
        let challenge = challenge.lines().next()?;
        let value = |key: &str| -> Option<String> {
            let (_, rest) = challenge.split_once(&format!("{key}=\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        let realm = value("realm")?;
        let server = realm.strip_prefix("http://")?;
        Some(format!(
            "{server}?service={}&scope={}",
            value("service")?,
            value("scope")?
        ))
    }

    fn header(&self, name: &str) -> String {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What gzip has packed, and anything else as it is.
fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut packed = tempfile::tempfile().expect("a file");
    packed.write_all(&bytes).expect("it can be written");
    packed.rewind().expect("it can be read");
    let mut gzip = Command::new("gzip");
    let output = gzip.arg("-dc").stdin(packed).output();
    let output = output.expect("there is gzip");
    assert!(output.status.success(), "gzip: {:?}", output.status);
    output.stdout
}
