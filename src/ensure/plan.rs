//! What to do about one image, as a pure function of what was observed and what is allowed.
//!
//! [`plan`] is the table of docs/ENSURE.md, row by row. It asks nobody and does nothing; `drive`
//! performs its answer.

use super::hindrance::Hindrance;
use crate::reference::Digest;

/// What the registry says about the image's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryState<'a> {
    /// The tag is there, with this digest.
    Present(&'a Digest),
    /// The registry itself says that the tag is not there.
    Absent,
    /// The registry gave no answer that can be relied on.
    Unknown,
    /// `--offline`
    Offline,
    /// The image has no repository.
    NoRepository,
}

/// What the engine says about `REPOSITORY:TAG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// It has the image: with the full fingerprint as its label, and of the engine's own platform.
    Has {
        /// Whether the registry's digest is among the image's repository digests.
        as_published: bool,
    },
    /// It has no such image.
    HasNot,
    /// What is published runs elsewhere, as the engine has found out: no pull can help.
    PublishedElsewhere,
    /// The engine gave no answer.
    Unknown,
}

/// What the user and the environment allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether a hit is pulled (not `--no-pull`).
    pub pull: bool,
    /// Whether a built image may be published.
    pub publish: bool,
    /// Whether this is a CI system, where an image that only the engine has is not trusted.
    pub ci: bool,
    /// Whether somebody else publishes the image, so that it is waited for instead of built (`--wait`).
    pub wait: bool,
    /// Whether the image is published for several platforms, of which the engine has its own only.
    pub several: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing: the image is where it is wanted.
    Done(Done),
    /// Pull this digest, check its label, give it its tag.
    Pull(Digest),
    /// Publish the image that the engine has.
    Publish,
    /// Build; then publish, or keep the image in the engine.
    Build {
        /// Whether the built image is published.
        publish: bool,
    },
    /// Ask again until somebody else has published the image.
    Wait,
    /// Report that the image is not to be had.
    Absent,
    /// Report that the published image is for another platform.
    OtherPlatform(Digest),
    /// Report that it could not be told what is there.
    CannotTell(Doubt),
    /// Report that the image has to be published and cannot be.
    Unpublishable(Hindrance),
}

impl Plan {
    /// Whether the images that the image is built on have to be available first. That holds for an image
    /// that the engine has as well: what is published names only what is published.
    pub fn takes_upstreams(&self) -> bool {
        matches!(self, Plan::Build { .. } | Plan::Publish)
    }

    /// Whether it ends with a new tag.
    pub fn publishes(&self) -> bool {
        matches!(self, Plan::Build { publish: true } | Plan::Publish)
    }

    /// The same without publishing.
    pub fn unpublished(self) -> Self {
        match self {
            Plan::Build { .. } => Plan::Build { publish: false },
            Plan::Publish => Plan::Done(Done::LocalOnly),
            plan => plan,
        }
    }
}

impl Plan {
    /// The plan for an image that is built on one that will not be published: it is not published, either, and
    /// if it `must` be, nothing is built for it.
    pub fn hindered(self, hindrance: Hindrance, must: bool) -> Self {
        match self.publishes() {
            true if must => Plan::Unpublishable(hindrance),
            _ => self.unpublished(),
        }
    }
}

/// Why nothing is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The engine has exactly what is published.
    UpToDate(Digest),
    /// It is published, and nothing else was asked for.
    Published(Digest),
    /// The engine has it, and it is not to be published.
    LocalOnly,
    /// The engine has it; the registry could not be asked.
    Unconfirmed,
}

/// Who gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The registry.
    Registry,
    /// The engine.
    Engine,
}

/// Decides what to do.
pub fn plan(registry: RegistryState<'_>, engine: EngineState, rules: Rules) -> Plan {
    match registry {
        RegistryState::Present(digest) => present(digest, engine, rules),
        RegistryState::Absent => absent(engine, rules),
        RegistryState::Unknown => match engine {
            EngineState::Has { .. } => Plan::Done(Done::Unconfirmed),
            _ => Plan::CannotTell(Doubt::Registry),
        },
        RegistryState::Offline => match engine {
            EngineState::Has { .. } => Plan::Done(Done::LocalOnly),
            EngineState::HasNot | EngineState::PublishedElsewhere => Plan::Absent,
            EngineState::Unknown => Plan::CannotTell(Doubt::Engine),
        },
        RegistryState::NoRepository => match engine {
            EngineState::Has { .. } => Plan::Done(Done::LocalOnly),
            EngineState::HasNot | EngineState::PublishedElsewhere => Plan::Build { publish: false },
            EngineState::Unknown => Plan::CannotTell(Doubt::Engine),
        },
    }
}

/// A published image is never built again, whatever the engine has.
fn present(digest: &Digest, engine: EngineState, rules: Rules) -> Plan {
    match engine {
        EngineState::Has { as_published: true } => Plan::Done(Done::UpToDate(digest.clone())),
        _ if !rules.pull => Plan::Done(Done::Published(digest.clone())),
        EngineState::Has {
            as_published: false,
        }
        | EngineState::HasNot => Plan::Pull(digest.clone()),
        EngineState::PublishedElsewhere => Plan::OtherPlatform(digest.clone()),
        EngineState::Unknown => Plan::CannotTell(Doubt::Engine),
    }
}

/// In CI an image that only the engine has is built anew: whatever ran before could have left it
/// there. And what the engine has of an image for several platforms is not all of it.
fn absent(engine: EngineState, rules: Rules) -> Plan {
    match engine {
        EngineState::Unknown => Plan::CannotTell(Doubt::Engine),
        EngineState::Has { .. } if !rules.ci && !rules.publish => Plan::Done(Done::LocalOnly),
        EngineState::Has { .. } if !rules.ci && !rules.several => Plan::Publish,
        EngineState::Has { .. } | EngineState::HasNot | EngineState::PublishedElsewhere => {
            match rules.wait {
                true => Plan::Wait,
                false => Plan::Build {
                    publish: rules.publish,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Done, Doubt, EngineState, Plan, RegistryState, Rules, plan};
    use crate::config::ImageName;
    use crate::ensure::hindrance::{Hindrance, Reason};
    use crate::reference::Digest;

    const PUBLISHED: EngineState = EngineState::Has { as_published: true };
    const OTHER: EngineState = EngineState::Has {
        as_published: false,
    };
    const ENGINES: [EngineState; 5] = [
        PUBLISHED,
        OTHER,
        EngineState::HasNot,
        EngineState::PublishedElsewhere,
        EngineState::Unknown,
    ];

    fn digest() -> Digest {
        Digest::sha256_of(b"manifest")
    }

    fn all_rules() -> impl Iterator<Item = Rules> {
        (0..32).map(|bits| Rules {
            pull: bits & 1 > 0,
            publish: bits & 2 > 0,
            ci: bits & 4 > 0,
            wait: bits & 8 > 0,
            several: bits & 16 > 0,
        })
    }

    fn built_or_waited_for(rules: Rules) -> Plan {
        match rules.wait {
            true => Plan::Wait,
            false => Plan::Build {
                publish: rules.publish,
            },
        }
    }

    /// Checks one row: the plan for every combination of flags.
    fn row(registry: RegistryState<'_>, engine: EngineState, expected: impl Fn(Rules) -> Plan) {
        for rules in all_rules() {
            assert_eq!(
                plan(registry, engine, rules),
                expected(rules),
                "{engine:?} {rules:?}"
            );
        }
    }

    #[test]
    fn present_and_in_the_engine_is_done() {
        let expected = |_| Plan::Done(Done::UpToDate(digest()));
        row(RegistryState::Present(&digest()), PUBLISHED, expected);
    }

    #[test]
    fn present_and_not_in_the_engine_is_pulled_unless_that_is_not_wanted() {
        for engine in [OTHER, EngineState::HasNot] {
            row(
                RegistryState::Present(&digest()),
                engine,
                |rules| match rules.pull {
                    true => Plan::Pull(digest()),
                    false => Plan::Done(Done::Published(digest())),
                },
            );
        }
    }

    #[test]
    fn what_is_published_for_another_platform_is_not_pulled_again_and_again() {
        let elsewhere = EngineState::PublishedElsewhere;
        row(
            RegistryState::Present(&digest()),
            elsewhere,
            |rules| match rules.pull {
                true => Plan::OtherPlatform(digest()),
                false => Plan::Done(Done::Published(digest())),
            },
        );
    }

    #[test]
    fn a_published_image_needs_no_engine_if_it_is_not_pulled() {
        row(
            RegistryState::Present(&digest()),
            EngineState::Unknown,
            |rules| match rules.pull {
                true => Plan::CannotTell(Doubt::Engine),
                false => Plan::Done(Done::Published(digest())),
            },
        );
    }

    #[test]
    fn absent_and_in_the_engine_is_published_but_not_in_ci() {
        for engine in [PUBLISHED, OTHER] {
            row(RegistryState::Absent, engine, |rules| {
                match (rules.ci, rules.publish, rules.several) {
                    (true, ..) | (false, true, true) => built_or_waited_for(rules),
                    (false, true, false) => Plan::Publish,
                    (false, false, _) => Plan::Done(Done::LocalOnly),
                }
            });
        }
    }

    #[test]
    fn absent_everywhere_is_built_or_waited_for() {
        row(
            RegistryState::Absent,
            EngineState::HasNot,
            built_or_waited_for,
        );
        row(RegistryState::Absent, EngineState::Unknown, |_| {
            Plan::CannotTell(Doubt::Engine)
        });
    }

    #[test]
    fn unknown_never_builds() {
        for engine in [PUBLISHED, OTHER] {
            row(RegistryState::Unknown, engine, |_| {
                Plan::Done(Done::Unconfirmed)
            });
        }
        for engine in [EngineState::HasNot, EngineState::Unknown] {
            row(RegistryState::Unknown, engine, |_| {
                Plan::CannotTell(Doubt::Registry)
            });
        }
    }

    #[test]
    fn without_asking_the_registry_the_engine_decides() {
        for registry in [RegistryState::Offline, RegistryState::NoRepository] {
            for engine in [PUBLISHED, OTHER] {
                row(registry, engine, |_| Plan::Done(Done::LocalOnly));
            }
            row(registry, EngineState::Unknown, |_| {
                Plan::CannotTell(Doubt::Engine)
            });
        }
        row(RegistryState::Offline, EngineState::HasNot, |_| {
            Plan::Absent
        });
        row(RegistryState::NoRepository, EngineState::HasNot, |_| {
            Plan::Build { publish: false }
        });
    }

    /// The promises that hold across all rows.
    #[test]
    fn nothing_is_built_on_doubt_and_nothing_published_is_built_again() {
        let digest = digest();
        for engine in ENGINES {
            for rules in all_rules() {
                for registry in [
                    RegistryState::Present(&digest),
                    RegistryState::Unknown,
                    RegistryState::Offline,
                ] {
                    let plan = plan(registry, engine, rules);
                    assert!(
                        !matches!(plan, Plan::Build { .. } | Plan::Publish),
                        "{plan:?}"
                    );
                }
                if rules.wait {
                    let plan = plan(RegistryState::Absent, engine, rules);
                    assert!(!matches!(plan, Plan::Build { .. }));
                }
                if !rules.publish {
                    let plan = plan(RegistryState::Absent, engine, rules);
                    assert!(!matches!(
                        plan,
                        Plan::Build { publish: true } | Plan::Publish
                    ));
                }
            }
        }
    }

    #[test]
    fn what_is_built_on_something_unpublished_stays_or_fails_before_it_is_built() {
        let hindrance = || Hindrance {
            image: ImageName::parse("base").unwrap(),
            reason: Reason::NoRepository,
        };
        let build = Plan::Build { publish: true };
        let hindered = |plan: &Plan, must| plan.clone().hindered(hindrance(), must);
        for plan in [&build, &Plan::Publish] {
            assert_eq!(hindered(plan, true), Plan::Unpublishable(hindrance()));
        }
        assert_eq!(hindered(&build, false), Plan::Build { publish: false });
        let stays = Plan::Done(Done::LocalOnly);
        assert_eq!(hindered(&Plan::Publish, false), stays);
        for plan in [Plan::Build { publish: false }, Plan::Pull(digest())] {
            assert_eq!(hindered(&plan, true), plan);
        }
    }
}
