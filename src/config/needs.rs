//! Images on images: what each is built on, and that it can be.
//!
//! Pure. What is built first, and how it is handed over, is left to `ensure`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::draft::Entry;
use super::mistake::{Mistake, MistakeKind, at};
use super::{Image, ImageName};

/// The images that an image is built on, by the names that its Dockerfile has for them.
#[derive(Debug, Default)]
pub(super) struct Needs(BTreeMap<String, Need>);

/// An image, and the place of its name.
#[derive(Debug)]
struct Need {
    image: ImageName,
    span: Range<usize>,
}

impl Needs {
    pub(super) fn parse(
        written: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<Self, Mistake> {
        let need = |(name, image): (&Spanned<String>, &Spanned<String>)| {
            if !is_name(name.as_ref()) {
                let kind = MistakeKind::NeedName(name.as_ref().clone());
                return Err(at(name.span(), kind));
            }
            let need = Need {
                image: ImageName::parse(image.as_ref()).map_err(|kind| at(image.span(), kind))?,
                span: image.span(),
            };
            Ok((name.as_ref().clone(), need))
        };
        written
            .iter()
            .map(need)
            .collect::<Result<_, _>>()
            .map(Needs)
    }

    /// The images by the names that the Dockerfile has for them.
    pub(super) fn names(&self) -> BTreeMap<String, ImageName> {
        let needs = self.0.iter();
        needs
            .map(|(name, need)| (name.clone(), need.image.clone()))
            .collect()
    }
}

/// Whether a stage could be called so, in the way that builders compare names.
fn is_name(text: &str) -> bool {
    text != "scratch"
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
}

/// Checks that what images need is there, can be made first, and is for their platforms. The images are
/// sorted by their names.
pub(super) fn check(entries: &[Entry]) -> Result<(), Mistake> {
    for entry in entries {
        for need in entry.needs.0.values() {
            check_need(entry, need, entries)
                .map_err(|kind| at(need.span.clone(), kind).in_table(entry.table.as_ref()))?;
        }
    }
    check_order(entries)
}

fn check_need(entry: &Entry, need: &Need, entries: &[Entry]) -> Result<(), MistakeKind> {
    let Ok(found) = entries.binary_search_by(|other| other.name.cmp(&need.image)) else {
        return Err(MistakeKind::NoSuchNeed {
            name: need.image.to_string(),
            names: entries.iter().map(|entry| entry.name.to_string()).collect(),
        });
    };
    match (&entry.image, &entries[found].image) {
        (Ok(image), Ok(upstream)) => check_platforms(image, upstream),
        // The environment keeps one of them from being made, which is told when it is asked for.
        _ => Ok(()),
    }
}

fn check_platforms(image: &Image, upstream: &Image) -> Result<(), MistakeKind> {
    let mut platforms = image.platforms.iter();
    match platforms.find(|platform| !upstream.platforms.contains(platform)) {
        None => Ok(()),
        Some(platform) => Err(MistakeKind::UncoveredPlatform {
            upstream: upstream.name.to_string(),
            platform: platform.clone(),
        }),
    }
}

/// Takes away, again and again, what needs nothing that is left. What cannot be taken away needs itself
/// in the end.
fn check_order(entries: &[Entry]) -> Result<(), Mistake> {
    let mut left: BTreeMap<&ImageName, &Entry> =
        entries.iter().map(|entry| (&entry.name, entry)).collect();
    loop {
        let is_ready = |entry: &Entry| next(entry, &left).is_none();
        let ready: BTreeSet<_> = left
            .iter()
            .filter(|(_, entry)| is_ready(entry))
            .map(|(name, _)| *name)
            .collect();
        if ready.is_empty() {
            break;
        }
        left.retain(|name, _| !ready.contains(name));
    }
    match left.values().next() {
        None => Ok(()),
        Some(entry) => Err(cycle(entry, &left)),
    }
}

/// What an image needs of what is left.
fn next<'a>(entry: &'a Entry, left: &BTreeMap<&ImageName, &Entry>) -> Option<&'a Need> {
    let mut needs = entry.needs.0.values();
    needs.find(|need| left.contains_key(&need.image))
}

/// The way from `first`, each of whose images needs another one that is left, until it comes around.
fn cycle(first: &Entry, left: &BTreeMap<&ImageName, &Entry>) -> Mistake {
    let mut way: Vec<&Entry> = vec![first];
    loop {
        let last = way[way.len() - 1];
        let need = next(last, left).expect("what is left needs something that is left");
        let upstream = left[&need.image];
        let around = way.iter().position(|entry| entry.name == upstream.name);
        way.push(upstream);
        if let Some(start) = around {
            let names = way[start..].iter().map(|entry| entry.name.to_string());
            let kind = MistakeKind::Cycle(names.collect());
            return at(need.span.clone(), kind).in_table(last.table.as_ref());
        }
    }
}
