//! Which layer caches a build reads and writes.
//!
//! [`caches`] decides and is pure. The rules: no cache changes a result, or keeps an image from being
//! made available; caches are written only from where images are published; and a pull request never
//! writes what others read.

use std::ffi::OsString;
use std::path::Path;

use super::trust::{Publishing, is_in_github_actions};
use super::{Error, Event, Job, Outcome, Step, Tell, World, engine_lines};
use crate::config::{CACHE_TAG, Cache, CacheKind, CachePlace, ImageName};
use crate::engine::docker::cache::Watch;
use crate::engine::{
    self, BuildRequest, Builder, CacheAbility, CacheTrouble, Caches, LocalImage, Upstream,
};
use crate::environment::Environment;
use crate::platform::Platform;
use crate::reference::{Repository, Tag};
use crate::registry::{self, PutOutcome};

/// How long the name of an image, with a platform's, may be in a cache's tag; what is longer ends in a
/// digest that tells it from others.
const LONGEST_NAME: usize = 96;

/// What a job of GitHub Actions knows its cache by. The first is a token.
const ACTIONS: [&str; 4] = [
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_CACHE_URL",
    "ACTIONS_CACHE_SERVICE_V2",
];

/// Something to tell about caches.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A cache is left out.
    Omitted(Omission),
    /// The builder could not use a cache, and went on.
    Trouble(&'a CacheTrouble),
    /// The build failed because of a cache, and is done again without.
    Again(&'a engine::Error),
    /// The image was not made known as the next build's cache.
    Unnoted(&'a registry::Error),
}

/// Why a cache is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    /// The way to BuildKit knows no caches.
    NoBuildx,
    /// The engine cannot write this kind of cache.
    NotWritten,
    /// GitHub's cache, elsewhere.
    OutsideActions,
    /// GitHub's cache, in a step that was given no token for it.
    NoActionsToken,
    /// A cache beside the image, and the image has no repository.
    NoRepository,
    /// The path of a cache has no text, or there is no home folder for it to lie in.
    NoPath,
}

impl Omission {
    /// Whether something that was meant to work here does not.
    pub fn is_warning(self) -> bool {
        !matches!(self, Omission::OutsideActions | Omission::NoRepository)
    }
}

/// What caches depend on, beside the configuration.
struct Circumstances<'a> {
    cache: &'a Cache,
    name: &'a ImageName,
    /// Where the image is published; `None` if it stays in the engine.
    repository: Option<&'a Repository>,
    /// What relative paths start from.
    root: &'a Path,
    is_proposal: bool,
    /// The platform of the build, if the image has several.
    platform: Option<&'a Platform>,
    /// Whether caches may be written.
    may_write: bool,
    ability: CacheAbility,
    environment: &'a Environment,
}

/// The caches of a build, and what is left out. `upstreams` says what is built on: what only the engine
/// has gets into no cache that others read.
pub(super) async fn choose<'a>(
    job: &Job<'_>,
    world: &World<'_>,
    builder: Builder,
    platform: Option<&Platform>,
    upstreams: impl IntoIterator<Item = &'a Upstream>,
    tell: &mut Tell<'_>,
) -> Caches {
    if job.image.cache == Cache::default() {
        return Caches::default();
    }
    let mut upstreams = upstreams.into_iter();
    let mut circumstances = Circumstances {
        cache: &job.image.cache,
        name: &job.image.name,
        repository: job.image.repository.as_ref(),
        root: job.root,
        is_proposal: job.is_proposal,
        platform: platform.filter(|_| job.image.platforms.len() > 1),
        may_write: matches!(job.publishing, Publishing::Allowed { .. })
            && !upstreams.any(|upstream| matches!(upstream, Upstream::Local(_))),
        ability: CacheAbility::All,
        environment: world.environment,
    };
    circumstances.ability = ability(&circumstances, world, builder).await;
    let (caches, omissions) = caches(&circumstances);
    for omission in omissions {
        tell(Event::Cache(Notice::Omitted(omission)));
    }
    caches
}

/// What the builder can write, which is asked only if it matters. If it cannot be told, the build will
/// tell.
async fn ability(
    circumstances: &Circumstances<'_>,
    world: &World<'_>,
    builder: Builder,
) -> CacheAbility {
    let cache = circumstances.cache;
    let is_beside = matches!(cache.kind, CacheKind::Registry | CacheKind::Gha);
    let matters = circumstances.may_write && (is_beside || !cache.to.is_empty());
    if !builder.knows_caches() {
        return CacheAbility::None;
    }
    if !matters {
        return CacheAbility::All;
    }
    let ability = world.engine.cache_ability().await;
    ability.unwrap_or(CacheAbility::All)
}

/// Decides.
fn caches(circumstances: &Circumstances<'_>) -> (Caches, Vec<Omission>) {
    if circumstances.ability == CacheAbility::None {
        return (Caches::default(), vec![Omission::NoBuildx]);
    }
    let mut omissions = Vec::new();
    let (mut from, mut to) = places(circumstances, &mut omissions);
    let is_of_actions = |place: &CachePlace| place.kind == "gha";
    let mut variables = Vec::new();
    if from.iter().chain(&to).any(is_of_actions) {
        match of_actions(circumstances.environment) {
            Ok(found) => variables = found,
            Err(omission) => {
                omissions.push(omission);
                from.retain(|place| !is_of_actions(place));
                to.retain(|place| !is_of_actions(place));
            }
        }
    }
    let home = circumstances.environment.get("HOME");
    let mut flags = |places: Vec<CachePlace>| -> Vec<String> {
        let flag = |place: &CachePlace| place.flag(circumstances.root, home);
        let flags: Vec<_> = places.iter().map(flag).collect();
        if flags.contains(&None) {
            omissions.push(Omission::NoPath);
        }
        flags.into_iter().flatten().collect()
    };
    let caches = Caches {
        from: flags(from),
        to: flags(to.into_iter().map(forgiving).collect()),
        variables,
    };
    omissions.dedup();
    (caches, omissions)
}

/// Where caches are read and written, but that GitHub's may not be had.
fn places(circumstances: &Circumstances<'_>, omissions: &mut Vec<Omission>) -> Places {
    let Cache { from, to, .. } = circumstances.cache;
    let (mut from, mut to) = (from.clone(), to.clone());
    if circumstances.is_proposal {
        // Who wrote it down is not known to have thought of pull requests.
        to.clear();
    }
    match own_places(circumstances) {
        Ok((own_from, own_to)) => {
            from.extend(own_from);
            to.extend(own_to);
        }
        Err(omission) => omissions.push(omission),
    }
    if !circumstances.may_write {
        to.clear();
    }
    if circumstances.ability == CacheAbility::Inline && !to.iter().all(is_inline) {
        omissions.push(Omission::NotWritten);
        to.retain(is_inline);
    }
    (from, to)
}

/// Where caches are read, and where they are written.
type Places = (Vec<CachePlace>, Vec<CachePlace>);

/// Where the cache is read and written that fp looks after. The place that a pull request writes is
/// read by pull requests alone, and they look there first.
fn own_places(circumstances: &Circumstances<'_>) -> Result<Places, Omission> {
    let (kind, name) = (circumstances.cache.kind, circumstances.name);
    let tag = |is_proposal| tag(name, circumstances.platform, is_proposal);
    let own = tag(circumstances.is_proposal);
    let mut read = vec![own.clone()];
    if circumstances.is_proposal {
        read.push(tag(false));
    }
    let in_registry = || {
        let repository = circumstances.repository.ok_or(Omission::NoRepository)?;
        Ok(|tag: &Tag| {
            let reference = repository.tagged(tag).to_string();
            CachePlace::of("registry", &[("ref", &reference)])
        })
    };
    Ok(match kind {
        CacheKind::None => Places::default(),
        CacheKind::Inline => {
            let inline = CachePlace::of("inline", &[]);
            (read.iter().map(in_registry()?).collect(), vec![inline])
        }
        CacheKind::Registry => {
            let place = in_registry()?;
            // As an image, not as an index whose parts are no manifests: some registries refuse that, and
            // others take its parts for what nobody needs.
            let written = place(&own).or("mode", "max").or("image-manifest", "true");
            (
                read.iter().map(place).collect(),
                vec![written.or("oci-mediatypes", "true")],
            )
        }
        CacheKind::Gha => {
            let place = |tag: &Tag| CachePlace::of("gha", &[("scope", tag.as_str())]);
            let written = place(&own).or("mode", "max");
            (read.iter().map(place).collect(), vec![written])
        }
    })
}

fn is_inline(place: &CachePlace) -> bool {
    place.kind == "inline"
}

/// The same place, but that it is no failure of the build if it cannot be written.
fn forgiving(place: CachePlace) -> CachePlace {
    match is_inline(&place) {
        true => place,
        false => place.or("ignore-error", "true"),
    }
}

/// The tag of an image's cache: `fp-cache-NAME`, or `fp-cache-pr--NAME` for pull requests. No name has
/// two `-` in a row, so that the one is never the other of another image.
fn tag(name: &ImageName, platform: Option<&Platform>, is_proposal: bool) -> Tag {
    let mut name = name.as_str().to_owned();
    if let Some(platform) = platform {
        name.push_str(&format!("--{platform}").replace('/', "-"));
    }
    if name.len() > LONGEST_NAME {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        name.truncate(LONGEST_NAME);
        name.push_str(&format!("--{}", &digest[..16]));
    }
    let of_proposals = if is_proposal { "-pr-" } else { "" };
    format!("{CACHE_TAG}{of_proposals}-{name}")
        .parse()
        .expect("names of images and platforms are part of a tag")
}

/// The variables by which the cache of GitHub Actions is reached.
fn of_actions(environment: &Environment) -> Result<Vec<(OsString, OsString)>, Omission> {
    let text = |name: &str| environment.text(name).ok().flatten();
    if !is_in_github_actions(environment) {
        return Err(Omission::OutsideActions);
    }
    if text(ACTIONS[0]).is_none() || (text(ACTIONS[1]).is_none() && text(ACTIONS[2]).is_none()) {
        return Err(Omission::NoActionsToken);
    }
    let variables = ACTIONS.into_iter().filter_map(|name| {
        let value = environment.get(name)?;
        Some((name.into(), value.to_owned()))
    });
    Ok(variables.collect())
}

/// Builds; again without caches if they made it fail. What was built by then, the builder still has.
pub(super) async fn build(
    world: &World<'_>,
    builder: Builder,
    request: &BuildRequest<'_>,
    tell: &mut Tell<'_>,
) -> Result<LocalImage, engine::Error> {
    let mut watch = Watch::default();
    let built = {
        let mut show = engine_lines(tell);
        let mut sink = |line: &str| {
            watch.see(line);
            show(line)
        };
        world.engine.build(builder, request, &mut sink).await
    };
    let failed = match built {
        Err(error) if *request.caches != Caches::default() && watch.explains(&error) => error,
        built => {
            for trouble in watch.troubles() {
                tell(Event::Cache(Notice::Trouble(trouble)));
            }
            return built;
        }
    };
    tell(Event::Cache(Notice::Again(&failed)));
    let is_inline = |place: &&String| *place == "type=inline";
    let caches = Caches {
        to: request
            .caches
            .to
            .iter()
            .filter(is_inline)
            .cloned()
            .collect(),
        ..Caches::default()
    };
    let request = BuildRequest {
        caches: &caches,
        ..*request
    };
    let mut show = engine_lines(tell);
    world.engine.build(builder, &request, &mut show).await
}

/// Whether the builder that was used knows caches.
async fn has_caches(world: &World<'_>) -> Result<bool, Error> {
    let engine = world.engine.engine().await;
    let engine = engine.map_err(Error::of_engine(Error::Engine))?;
    let builder = world.engine.builder(&engine).await;
    let builder = builder.map_err(Error::of_engine(Error::Engine))?;
    Ok(builder.knows_caches())
}

/// Makes an image that was built and published, with a cache in itself, the one that the next build
/// looks into: it could not be found by its own tag, which is that of its fingerprint.
pub(super) async fn note(
    job: &Job<'_>,
    world: &World<'_>,
    platform: Option<&Platform>,
    outcome: &Outcome,
    tell: &mut Tell<'_>,
) -> Result<(), Error> {
    let digest = match &outcome.reference.digest {
        Some(digest) if outcome.steps.contains(&Step::Pushed) => digest,
        _ => return Ok(()),
    };
    if job.image.cache.kind != CacheKind::Inline || !has_caches(world).await? {
        return Ok(());
    }
    let platform = platform.filter(|_| job.image.platforms.len() > 1);
    let tag = tag(&job.image.name, platform, job.is_proposal);
    let noting = async {
        let manifest = world.registry.manifest(&job.repository, digest).await?;
        let put = world
            .registry
            .put_manifest(&job.repository, &tag, &manifest);
        match put.await? {
            PutOutcome::Refused(refusal) => Err(refusal),
            PutOutcome::Written | PutOutcome::Overtaken => Ok(()),
        }
    };
    if let Err(error) = world.unless_interrupted(noting).await? {
        tell(Event::Cache(Notice::Unnoted(&error)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
