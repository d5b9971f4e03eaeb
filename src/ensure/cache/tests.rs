use std::path::Path;

use super::{Circumstances, Omission, caches, tag};
use crate::config::{Cache, CacheKind, CachePlace, ImageName};
use crate::engine::{CacheAbility, Caches};
use crate::environment::Environment;
use crate::platform::Platform;
use crate::reference::Repository;

const ACTIONS: [(&str, &str); 3] = [
    ("GITHUB_ACTIONS", "true"),
    ("ACTIONS_RUNTIME_TOKEN", "hush"),
    ("ACTIONS_RESULTS_URL", "https://x/"),
];

/// What is decided for an image `ci`; `change` makes the circumstances special ones.
fn decide(
    kind: CacheKind,
    variables: &[(&str, &str)],
    change: impl FnOnce(&mut Circumstances<'_>),
) -> (Caches, Vec<Omission>) {
    let place = |text: &str| CachePlace::of("registry", &[("ref", text)]);
    let cache = Cache {
        kind,
        from: vec![place("r/more")],
        to: vec![place("r/most")],
    };
    let repository: Repository = "r/ci".parse().unwrap();
    let environment: Environment = variables.iter().copied().collect();
    let mut circumstances = Circumstances {
        cache: &cache,
        name: &ImageName::parse("ci").unwrap(),
        repository: Some(&repository),
        root: Path::new("/root"),
        is_proposal: false,
        platform: None,
        may_write: true,
        ability: CacheAbility::All,
        environment: &environment,
    };
    change(&mut circumstances);
    caches(&circumstances)
}

const MORE: &str = "type=registry,ref=r/more";
const MOST: &str = "type=registry,ref=r/most,ignore-error=true";

fn assert_decided(decided: (Caches, Vec<Omission>), from: &[&str], to: &[&str]) {
    assert_eq!(decided.0.from, from);
    assert_eq!(decided.0.to, to);
}

#[test]
fn a_cache_in_the_registry_has_a_tag_of_its_own() {
    assert_decided(
        decide(CacheKind::Registry, &[], |_| {}),
        &[MORE, "type=registry,ref=r/ci:fp-cache-ci"],
        &[
            MOST,
            "type=registry,ref=r/ci:fp-cache-ci,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true",
        ],
    );
}

#[test]
fn a_pull_request_reads_all_and_writes_what_nobody_else_reads() {
    assert_decided(
        decide(CacheKind::Registry, &[], |c| c.is_proposal = true),
        &[
            MORE,
            "type=registry,ref=r/ci:fp-cache-pr--ci",
            "type=registry,ref=r/ci:fp-cache-ci",
        ],
        &[
            "type=registry,ref=r/ci:fp-cache-pr--ci,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true",
        ],
    );
}

#[test]
fn who_may_not_publish_only_reads() {
    for kind in [CacheKind::Inline, CacheKind::Registry] {
        assert_decided(
            decide(kind, &[], |c| c.may_write = false),
            &[MORE, "type=registry,ref=r/ci:fp-cache-ci"],
            &[],
        );
    }
}

#[test]
fn an_inline_cache_is_found_by_the_tag_of_a_cache() {
    assert_decided(
        decide(CacheKind::Inline, &[], |c| c.ability = CacheAbility::Inline),
        &[MORE, "type=registry,ref=r/ci:fp-cache-ci"],
        &["type=inline"],
    );
}

#[test]
fn githubs_cache_is_there_in_github_actions_alone() {
    let (caches, omissions) = decide(CacheKind::Gha, &ACTIONS, |_| {});
    assert_eq!(caches.from, [MORE, "type=gha,scope=fp-cache-ci"]);
    let to = "type=gha,scope=fp-cache-ci,mode=max,ignore-error=true";
    assert_eq!(caches.to, [MOST, to]);
    assert_eq!(caches.variables.len(), 2);
    assert_eq!(omissions, []);

    let (caches, omissions) = decide(CacheKind::Gha, &[], |_| {});
    assert_eq!(
        (caches.from, caches.to),
        (vec![MORE.into()], vec![MOST.into()])
    );
    assert_eq!(omissions, [Omission::OutsideActions]);
    let (_, omissions) = decide(CacheKind::Gha, &ACTIONS[..1], |_| {});
    assert_eq!(omissions, [Omission::NoActionsToken]);
}

/// The job's token is nobody's business but that of its cache.
#[test]
fn githubs_variables_are_handed_on_to_githubs_cache_alone() {
    for kind in [CacheKind::None, CacheKind::Inline, CacheKind::Registry] {
        let (caches, omissions) = decide(kind, &ACTIONS, |_| {});
        assert_eq!((caches.variables, omissions), (vec![], vec![]));
    }
}

#[test]
fn what_the_builder_cannot_do_is_told() {
    let (caches, omissions) = decide(CacheKind::Registry, &[], |c| {
        c.ability = CacheAbility::Inline
    });
    assert_eq!((caches.from.len(), caches.to.len()), (2, 0));
    assert_eq!(omissions, [Omission::NotWritten]);
    let (caches, omissions) = decide(CacheKind::Registry, &[], |c| c.ability = CacheAbility::None);
    assert_eq!(caches, Caches::default());
    assert_eq!(omissions, [Omission::NoBuildx]);
}

#[test]
fn an_image_without_repository_has_no_cache_beside_it() {
    let (caches, omissions) = decide(CacheKind::Registry, &[], |c| c.repository = None);
    assert_eq!(
        (caches.from, caches.to),
        (vec![MORE.into()], vec![MOST.into()])
    );
    assert_eq!(omissions, [Omission::NoRepository]);
}

/// `fp-cache-pr-x` of an image `pr-x` would be what pull requests write for an image `x`.
#[test]
fn no_two_caches_share_a_tag() {
    let tag =
        |name: &str, proposal| tag(&ImageName::parse(name).unwrap(), None, proposal).to_string();
    assert_eq!(tag("pr-x", false), "fp-cache-pr-x");
    assert_eq!(tag("x", true), "fp-cache-pr--x");
    let long = ["a", "b"].map(|end| tag(&format!("{}{end}", "x".repeat(127)), true));
    assert_ne!(long[0], long[1]);
    let platform = Platform::new("linux", "arm", "v7");
    let name = ImageName::parse("x").unwrap();
    let of_platform = super::tag(&name, Some(&platform), false);
    assert_eq!(of_platform.as_str(), "fp-cache-x--linux-arm-v7");
}
