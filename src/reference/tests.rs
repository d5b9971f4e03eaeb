mod grammar;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Digest, ParseError, Reference, Repository, Tag};

const EMPTY_SHA256: &str =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn repository(text: &str) -> Repository {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    text.parse::<Repository>()
        .map(|r| r.to_string())
        .unwrap_err()
        .to_string()
}

#[test]
fn short_names_belong_to_docker_hub() {
    for (text, domain, path) in [
        ("ubuntu", "docker.io", "library/ubuntu"),
        ("acme/app", "docker.io", "acme/app"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu"),
        ("index.docker.io/ubuntu", "docker.io", "library/ubuntu"),
        ("a/b/c", "docker.io", "a/b/c"),
        ("localhost/x", "localhost", "x"),
        ("localhost:5000/a/b", "localhost:5000", "a/b"),
        ("ghcr.io/acme/app", "ghcr.io", "acme/app"),
        ("host:80/x", "host:80", "x"),
        ("REGISTRY/x", "REGISTRY", "x"),
        ("10.0.0.1/x", "10.0.0.1", "x"),
        ("[::1]:5000/x", "[::1]:5000", "x"),
        ("[2001:db8::1]/x", "[2001:db8::1]", "x"),
        ("a.b-c.d/e.f_g__h---i", "a.b-c.d", "e.f_g__h---i"),
    ] {
        let repository = repository(text);
        assert_eq!(
            (repository.domain(), repository.path()),
            (domain, path),
            "{text}"
        );
        assert_eq!(repository.to_string(), text);
    }
}

#[test]
fn equal_means_the_same_repository() {
    assert_eq!(repository("ubuntu"), repository("docker.io/library/ubuntu"));
    assert_ne!(repository("ubuntu"), repository("ghcr.io/library/ubuntu"));
}

#[test]
fn refusals_say_what_is_wrong() {
    for (text, expected) in [
        ("", "it is empty"),
        ("Ubuntu", r#""Ubuntu" has upper-case letters"#),
        ("ghcr.io/Acme/app", r#""Acme" has upper-case letters"#),
        ("https://ghcr.io/acme/app", "leave out `https://`"),
        ("ghcr.io/acme/app:v1", "without a tag or digest"),
        ("ubuntu:22.04", "without a tag or digest"),
        ("ghcr.io/acme", ""),
        ("ghcr.io/", "is empty"),
        ("a//b", "is empty"),
        ("/a", "is empty"),
        ("a/", "is empty"),
        ("a b", "' ' is not allowed"),
        ("a/bé", "'é' is not allowed"),
        ("a\u{202e}b", r"'\u{202e}' is not allowed"),
        ("-a", "may stand between"),
        ("a.", "may stand between"),
        ("a..b", "may stand between"),
        ("a___b", "may stand between"),
        ("a._b", "may stand between"),
        ("my_host.io/a", r#""my_host.io" is no host name"#),
        ("-a.io/a", r#""-a.io" is no host name"#),
        ("a..io/a", r#""a..io" is no host name"#),
        ("[::1/a", r#""[" is no host name"#),
        ("[:::]/a", r#""[:::]" is no host name"#),
        ("[::ffff:127.0.0.1]/a", "is no host name"),
        ("host:/a", r#""" is no port"#),
        ("host:+1/a", r#""+1" is no port"#),
        ("host:65536/a", r#""65536" is no port"#),
        (&"a".repeat(64), "image id"),
    ] {
        if expected.is_empty() {
            repository(text);
        } else {
            let message = refusal(text);
            assert!(
                message.starts_with(&format!("invalid repository {text:?}: ")),
                "{message}"
            );
            assert!(message.contains(expected), "{message}");
        }
    }
}

#[test]
fn the_length_counts_the_registry() {
    let longest = format!("host.io/{}", "g".repeat(255 - 8));
    assert_eq!(repository(&longest).to_string(), longest);
    assert!(refusal(&format!("{longest}g")).contains("256 characters"));
    // 64 hex digits are refused alone only.
    repository(&format!("host.io/{}", "a".repeat(64)));
}

#[test]
fn loopback_is_told_from_the_name() {
    for text in [
        "localhost/a",
        "localhost:5000/a",
        "LOCALHOST:1/a",
        "127.0.0.1:5000/a",
    ] {
        assert!(repository(text).is_loopback(), "{text}");
    }
    for text in [
        "127.8.9.10/a",
        "[::1]/a",
        "[::1]:5000/a",
        "[0:0:0:0:0:0:0:1]/a",
    ] {
        assert!(repository(text).is_loopback(), "{text}");
    }
    for text in [
        "a",
        "ghcr.io/a",
        "128.0.0.1/a",
        "[::2]:5000/a",
        "localhost.example/a",
    ] {
        assert!(!repository(text).is_loopback(), "{text}");
    }
    // A name that only looks like one belongs to whoever owns it.
    assert!(!repository("127.0.0.1.example.com/a").is_loopback());
}

#[test]
fn tags() {
    for text in ["a", "_", "v1.2-3_4", "0", &"x".repeat(128)] {
        assert_eq!(text.parse::<Tag>().unwrap().to_string(), text);
    }
    for (text, expected) in [
        ("", "it is empty"),
        (".a", "may not begin with '.'"),
        ("-a", "may not begin with '-'"),
        ("a b", "' ' is not allowed"),
        ("a/b", "'/' is not allowed"),
        ("é", "'é' is not allowed"),
        (
            &"x".repeat(129),
            "it has 129 characters, and 128 are allowed",
        ),
    ] {
        let message = text.parse::<Tag>().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn digests() {
    let empty = Digest::sha256_of(b"");
    assert_eq!(empty.to_string(), EMPTY_SHA256);
    assert!(empty.is_of(b"") && !empty.is_of(b"x"));
    let sha512 = format!("sha512:{}", "ab".repeat(64));
    assert_eq!(sha512.parse::<Digest>().unwrap().to_string(), sha512);
    for (text, expected) in [
        ("", "must begin with"),
        ("md5:00", "must begin with"),
        ("sha256", "must begin with"),
        ("sha256:00", "sha256 has 64 hex digits, not 2"),
        (&EMPTY_SHA256.to_uppercase(), "must begin with"),
        (
            &EMPTY_SHA256.replace('e', "E"),
            "'E' is not a lower-case hex digit",
        ),
    ] {
        let message = text.parse::<Digest>().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn sha512_is_computed_too() {
    let digest: Digest = format!(
        "sha512:{}{}",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce",
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
    )
    .parse()
    .unwrap();
    assert!(digest.is_of(b"") && !digest.is_of(b"x"));
}

#[test]
fn references_have_a_tag_a_digest_both_or_neither() {
    let digest: Digest = EMPTY_SHA256.parse().unwrap();
    let tag: Tag = "v1".parse().unwrap();
    let app = repository("host:5000/app");
    for (reference, expected) in [
        (app.tagged(&tag), "host:5000/app:v1".to_owned()),
        (app.at(&digest), format!("host:5000/app@{EMPTY_SHA256}")),
        (
            app.tagged(&tag).at(digest),
            format!("host:5000/app:v1@{EMPTY_SHA256}"),
        ),
    ] {
        assert_eq!(reference.to_string(), expected);
        assert_eq!(expected.parse(), Ok(reference));
    }
    let bare: Reference = "host:5000/app".parse().unwrap();
    assert_eq!((bare.tag, bare.digest), (None, None));
}

#[test]
fn a_reference_blames_the_part_that_is_wrong() {
    let parse = |text: &str| text.parse::<Reference>().unwrap_err();
    assert!(matches!(parse("app:-"), ParseError::Tag { text, .. } if text == "-"));
    assert!(matches!(parse("app@x"), ParseError::Digest { text, .. } if text == "x"));
    assert!(matches!(parse("App:v1"), ParseError::Repository { text, .. } if text == "App"));
    assert!(
        parse("http://host/app")
            .to_string()
            .contains("leave out `http://`")
    );
    assert!(
        parse("http://host:80")
            .to_string()
            .contains("leave out `http://`")
    );
}

const DOMAIN: &str =
    r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,5}[a-zA-Z0-9])?\.){1,3}[a-z]{2,3}(:[1-9][0-9]{0,3})?";
const PATH: &str = r"[a-z0-9]{1,5}(([._]|__|-{1,3})[a-z0-9]{1,5}){0,2}(/[a-z0-9]{1,5}){0,3}";

/// Without dots, since `a.b/c` is on the registry `a.b`.
const SHORT_NAME: &str = r"[a-z0-9]{1,5}((_|__|-{1,3})[a-z0-9]{1,5}){0,2}(/[a-z0-9]{1,5}){0,3}";

proptest! {
    #[test]
    fn what_the_grammar_generates_is_taken_apart_and_put_together(
        domain in DOMAIN,
        path in PATH,
        tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
        bytes: Vec<u8>,
    ) {
        let digest = Digest::sha256_of(&bytes);
        let text = format!("{domain}/{path}:{tag}@{digest}");
        let reference: Reference = text.parse().unwrap();
        prop_assert_eq!(reference.to_string(), text);
        prop_assert_eq!(reference.repository.domain(), &domain);
        prop_assert_eq!(reference.repository.path(), &path);
        prop_assert_eq!(reference.tag, Some(tag.parse().unwrap()));
        prop_assert_eq!(reference.digest.unwrap(), digest);
    }

    #[test]
    fn a_normalised_name_names_the_same_repository(text in SHORT_NAME) {
        let short = repository(&text);
        let long = repository(&format!("{}/{}", short.domain(), short.path()));
        prop_assert_eq!(short, long);
    }

    #[test]
    fn any_text_is_taken_as_written_or_refused_with_its_text(text in r"[a-zA-Z0-9:/@.\[\]_\-é ]{0,24}") {
        match text.parse::<Reference>() {
            Ok(reference) => prop_assert_eq!(reference.to_string(), text),
            Err(error) => prop_assert!(error.to_string().starts_with("invalid ")),
        }
    }
}
