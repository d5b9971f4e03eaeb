//! References held against the grammar of distribution's reference package, written down here once
//! more as regular expressions, and its rule for what a domain is.
//!
//! fp takes less in four places, where what the grammar takes cannot be meant: ports beyond 65535,
//! brackets without an IPv6 address in them, digests that nobody can check, and names that with
//! their registry have more than 255 characters, which older engines refuse.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proptest::prop_oneof;
use regex::Regex;

use super::{EMPTY_SHA256, Reference, Repository};

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).unwrap()
}

static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    whole(&format!(
        r"(?<host>{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::(?<port>[0-9]+))?"
    ))
});

static REST: LazyLock<Regex> = LazyLock::new(|| {
    let component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    whole(&format!(
        "(?<path>{component}(?:/{component})*)(?::(?<tag>{tag}))?(?:@(?<digest>{digest}))?"
    ))
});

static CHECKABLE: LazyLock<Regex> =
    LazyLock::new(|| whole("sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"));

/// The parts of a reference: domain, path, tag and digest.
type Parts = (String, String, Option<String>, Option<String>);

/// The reference that the grammar sees in a text, if fp can mean it.
fn by_grammar(text: &str) -> Option<Parts> {
    if whole("[a-f0-9]{64}").is_match(text) {
        return None;
    }
    let (domain, rest) = match text.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.to_lowercase() != first =>
        {
            (first, rest)
        }
        _ => ("docker.io", text),
    };
    let domain = if domain == "index.docker.io" {
        "docker.io"
    } else {
        domain
    };
    let parts = REST.captures(rest)?;
    let host = DOMAIN.captures(domain)?;
    let mut path = parts["path"].to_owned();
    if domain == "docker.io" && !path.contains('/') {
        path.insert_str(0, "library/");
    }
    let part = |name| parts.name(name).map(|part| part.as_str().to_owned());
    let is_port = host
        .name("port")
        .is_none_or(|p| p.as_str().parse::<u16>().is_ok());
    let inside = host["host"]
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'));
    let is_address = inside.is_none_or(|inside| inside.parse::<Ipv6Addr>().is_ok());
    let is_checkable = part("digest").is_none_or(|digest| CHECKABLE.is_match(&digest));
    let is_short = domain.len() + 1 + path.len() <= 255;
    let can_be_meant = is_port && is_address && is_checkable && is_short;
    can_be_meant.then(|| (domain.to_owned(), path, part("tag"), part("digest")))
}

fn by_fp(text: &str) -> Option<Parts> {
    let reference: Reference = text.parse().ok()?;
    Some((
        reference.repository.domain().to_owned(),
        reference.repository.path().to_owned(),
        reference.tag.map(|tag| tag.to_string()),
        reference.digest.map(|digest| digest.to_string()),
    ))
}

#[test]
fn what_the_grammar_says_of_names_that_are_seen_in_practice() {
    let with_digest = format!("ghcr.io/acme/app:v1@{EMPTY_SHA256}");
    let with_port = format!("[2001:db8::1]:5000/app@{EMPTY_SHA256}");
    for text in [
        "app",
        "app:v1",
        "acme/app:V1.0-rc_1",
        "foo_bar.com:8080",
        "foo.com/foo_bar.com:8080",
        "localhost/app",
        "localhost:5000/app",
        "local/app",
        "Uppercase.io/app",
        "UPPER/app",
        "upper/App",
        "a--b/c---d/e__f:x",
        "a___b",
        "xn--7o8h.com/app:xn--7o8h.com",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app",
        "europe-docker.pkg.dev/project/repository/app:v1",
        "harbor.example.com/project/sub/app",
        "quay.io/org/app",
        "example.jfrog.io/docker-local/app",
        "host:0/app",
        "host:65535/app",
        "host:65536/app",
        "host:/app",
        "[::1]/app",
        "[::1%eth0]/app",
        "[::ffff:1.2.3.4]:80/app",
        "[:]/app",
        &with_digest,
        &with_port,
        "app@sha256:00",
        "app@md5:00000000000000000000000000000000",
        ":v1",
        "@",
        "app@",
        "app:",
        "/app",
        "app/",
        "a//b",
    ] {
        assert_eq!(by_fp(text), by_grammar(text), "{text}");
    }
}

#[test]
fn lengths_count_the_registry() {
    for length in [254, 255, 256, 300] {
        for domain in ["docker.io/library/", "ghcr.io/"] {
            let text = format!("{domain}{}", "a".repeat(length - domain.len()));
            assert_eq!(text.parse::<Repository>().is_ok(), length <= 255, "{text}");
            assert_eq!(by_fp(&text), by_grammar(&text));
        }
    }
}

/// Texts that are nearly references, and some that are.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z0-9]{1,4}",
        "[a-zA-Z0-9._-]{1,6}",
        "[.:_/@-]{1,2}",
        "(localhost|docker\\.io|index\\.docker\\.io|library|\\[::1\\]|\\[[0-9a-f:]{0,5}\\])",
        ":[0-9]{1,6}",
        "@(sha256|sha512|md5|sha256\\+b64):[0-9a-f]{32,33}",
        "@sha256:[0-9a-fA-F]{63,65}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..7).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn fp_reads_what_the_grammar_reads(text in texts()) {
        prop_assert_eq!(by_fp(&text), by_grammar(&text));
    }

    #[test]
    fn what_was_read_is_written_as_it_was_and_read_alike(text in texts()) {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text.clone());
            prop_assert_eq!(text.parse(), Ok(reference));
        }
    }
}
