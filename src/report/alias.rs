//! What became of aliases, in words.

use std::collections::BTreeMap;

use crate::config::ImageName;
use crate::ensure::alias::{Moved, Named};
use crate::ensure::trust::{Denial, Stay};
use crate::ensure::{Job, Outcome};
use crate::shown::Shown;

/// What became of an alias in one word, which stays the same from version to version.
pub fn alias_state(moved: &Moved) -> &'static str {
    match moved {
        Moved::Moved => "moved",
        Moved::Kept => "kept",
        Moved::Refused(_) | Moved::NoName(_) => "refused",
    }
}

/// What became of each alias, for programs.
pub fn alias_states(aliases: &[Named]) -> BTreeMap<&str, &'static str> {
    let aliases = aliases.iter();
    aliases
        .map(|(alias, moved)| (alias.as_str(), alias_state(moved)))
        .collect()
}

/// The lines that tell of an image's aliases.
pub fn aliases(name: &ImageName, aliases: &[Named]) -> Vec<String> {
    let list = |wanted: &str| {
        let those = aliases
            .iter()
            .filter(|(_, moved)| alias_state(moved) == wanted);
        let names: Vec<_> = those.map(|(alias, _)| alias.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut lines = Vec::new();
    if let Some(moved) = list("moved") {
        lines.push(format!("{name}: aliases moved: {moved}"));
    }
    if let Some(kept) = list("kept") {
        lines.push(format!("{name}: aliases that were right already: {kept}"));
    }
    lines.extend(aliases.iter().filter_map(|(alias, moved)| {
        let why = match moved {
            Moved::Refused(error) => error.to_string(),
            Moved::NoName(error) => error.to_string(),
            Moved::Moved | Moved::Kept => return None,
        };
        let why = Shown::text(&why);
        Some(format!(
            "{name}: warning: the alias {alias} was not moved: {why}"
        ))
    }));
    lines
}

/// Why the aliases of an image stay where they are, if that is worth a line: elsewhere than in CI nobody expects
/// them to move.
pub fn aliases_stay(job: &Job<'_>, outcome: &Outcome) -> Option<String> {
    let name = &job.image.name;
    match &job.aliasing {
        _ if job.image.aliases.is_empty() => None,
        Err(Stay::NoCi | Stay::Denied(Denial::Flag)) => None,
        Err(why) => Some(format!(
            "{name}: aliases stay: {}",
            Shown::text(&why.to_string())
        )),
        Ok(_) if outcome.reference.digest.is_none() => {
            Some(format!("{name}: aliases stay: the image is not published"))
        }
        Ok(_) => None,
    }
}
