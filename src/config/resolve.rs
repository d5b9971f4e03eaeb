//! From the file as written to the images as the rest of fp sees them: every text parsed, every
//! default applied.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::mistake::{Mistake, MistakeKind};
use super::template::{EnvironmentTemplate, ExpandError, TagTemplate, is_variable_name};
use super::{ArgValue, Image, ImageName, written};
use crate::environment::Environment;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::record::Record;
use crate::reference::{Repository, Tag};

type Result<T> = std::result::Result<T, Mistake>;

/// Resolves `[images.NAME]`. The first mistake in it is returned.
pub(super) fn image(
    name: &Spanned<String>,
    written: &written::Image,
    environment: &Environment,
) -> Result<Image> {
    let image_name = ImageName::parse(name.as_ref()).map_err(|kind| at(name.span(), kind))?;
    let args = written
        .args
        .iter()
        .map(|(name, arg)| Ok((arg_name(name)?, arg_value(arg, environment)?)))
        .collect::<Result<_>>()?;
    Ok(Image {
        dockerfile: path(written.dockerfile.as_ref(), "Dockerfile")?,
        context: path(written.context.as_ref(), ".")?,
        inputs: written.inputs.as_deref().map(inputs).transpose()?,
        platforms: platforms(written.platforms.as_ref())?,
        target: written.target.as_ref().map(target).transpose()?,
        args,
        salt: written.salt.clone(),
        tag: tag(written.tag.as_ref())?,
        push: written.push,
        source: written.source.as_ref().map(source).transpose()?,
        repository: written
            .repository
            .as_ref()
            .map(|r| repository(r, environment))
            .transpose()?,
        name: image_name,
    })
}

/// Resolves `[registry]`: the names of the registries that are spoken to without TLS.
pub(super) fn plain_http(
    registries: &BTreeMap<Spanned<String>, written::Registry>,
) -> Result<BTreeSet<String>> {
    let mut plain = BTreeSet::new();
    for (name, registry) in registries {
        let text = name.as_ref();
        let parsed = format!("{text}/x").parse::<Repository>();
        if !parsed.is_ok_and(|repository| repository.domain() == text) {
            return Err(at(name.span(), MistakeKind::Registry(text.clone())));
        }
        if registry.plain_http {
            plain.insert(text.clone());
        }
    }
    Ok(plain)
}

fn at(span: Range<usize>, kind: impl Into<MistakeKind>) -> Mistake {
    Mistake {
        span: Some(span),
        kind: kind.into(),
    }
}

fn path(written: Option<&Spanned<String>>, default: &str) -> Result<RootPath> {
    match written {
        Some(text) => {
            RootPath::parse(text.as_ref().as_bytes()).map_err(|error| at(text.span(), error))
        }
        None => Ok(RootPath::parse(default.as_bytes()).expect("the defaults are paths")),
    }
}

fn inputs(entries: &[Spanned<String>]) -> Result<Vec<Pattern>> {
    let parse = |entry: &Spanned<String>| {
        Pattern::parse(entry.as_ref()).map_err(|error| at(entry.span(), error))
    };
    entries.iter().map(parse).collect()
}

/// In the order in which they compare, whatever the order in the file.
fn platforms(written: Option<&Spanned<Vec<Spanned<String>>>>) -> Result<Vec<Platform>> {
    let Some(written) = written else {
        return Ok(Vec::new());
    };
    let mut platforms = BTreeSet::new();
    for text in written.as_ref() {
        let platform = Platform::parse(text.as_ref()).map_err(|error| at(text.span(), error))?;
        if !platforms.insert(platform.clone()) {
            return Err(at(text.span(), MistakeKind::RepeatedPlatform(platform)));
        }
    }
    match platforms.is_empty() {
        true => Err(at(written.span(), MistakeKind::NoPlatforms)),
        false => Ok(platforms.into_iter().collect()),
    }
}

fn target(text: &Spanned<String>) -> Result<String> {
    match text.as_ref().as_str() {
        "" => Err(at(text.span(), MistakeKind::EmptyTarget)),
        name if name.contains('\0') => Err(at(text.span(), MistakeKind::Nul)),
        name => Ok(name.to_owned()),
    }
}

/// The environment is looked at after the grammar, and repositories are lower-cased, since GitHub's
/// variables that name an owner are not.
fn repository(text: &Spanned<String>, environment: &Environment) -> Result<Repository> {
    let template =
        EnvironmentTemplate::parse(text.as_ref()).map_err(|error| at(text.span(), error))?;
    let expanded = template.expand(environment).map_err(|error| match error {
        ExpandError::Unset(name) => at(text.span(), MistakeKind::Unset(name)),
        ExpandError::NotText(error) => at(text.span(), error),
    })?;
    let lower = expanded.to_ascii_lowercase();
    let is_expanded = template.has_variables();
    let invalid = |source| {
        let text = lower.clone();
        MistakeKind::Repository {
            text,
            is_expanded,
            source,
        }
    };
    lower
        .parse()
        .map_err(|source| at(text.span(), invalid(source)))
}

fn tag(written: Option<&Spanned<String>>) -> Result<TagTemplate> {
    let Some(text) = written else {
        return Ok(TagTemplate::parse("{fingerprint:32}").expect("the default is a template"));
    };
    let template = TagTemplate::parse(text.as_ref()).map_err(|error| at(text.span(), error))?;
    // A template gives a valid tag for every fingerprint or for none, since all digits are alike to
    // the grammar.
    let sample = template.expand(&Record::new([]).fingerprint());
    if sample.starts_with("fp-staging") {
        return Err(at(
            text.span(),
            MistakeKind::StagingTag(text.as_ref().clone()),
        ));
    }
    match sample.parse::<Tag>() {
        Ok(_) => Ok(template),
        Err(source) => Err(at(
            text.span(),
            MistakeKind::Tag {
                text: text.as_ref().clone(),
                source,
            },
        )),
    }
}

fn source(text: &Spanned<String>) -> Result<String> {
    let rest = text
        .as_ref()
        .strip_prefix("https://")
        .or(text.as_ref().strip_prefix("http://"));
    match rest {
        Some(rest)
            if !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && c != '@') =>
        {
            Ok(text.as_ref().clone())
        }
        _ => Err(at(text.span(), MistakeKind::Source)),
    }
}

fn arg_name(name: &Spanned<String>) -> Result<String> {
    let text = name.as_ref();
    if !is_variable_name(text) {
        return Err(at(name.span(), MistakeKind::ArgName(text.clone())));
    }
    if is_reserved(text) {
        return Err(at(name.span(), MistakeKind::ReservedArg(text.clone())));
    }
    Ok(text.clone())
}

/// Arguments that BuildKit predefines, or interprets without a Dockerfile that declares them.
///
/// Source: the Dockerfile reference of BuildKit, "Predefined ARGs", "Automatic platform ARGs in the
/// global scope" and "BuildKit built-in build args".
fn is_reserved(name: &str) -> bool {
    const PROXIES: [&str; 5] = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ];
    const PLATFORM: [&str; 5] = ["PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"];
    let automatic = ["TARGET", "BUILD"]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|rest| PLATFORM.contains(&rest));
    automatic
        || PROXIES.contains(&name.to_ascii_uppercase().as_str())
        || name.starts_with("BUILDKIT_")
        || ["SOURCE_DATE_EPOCH", "TARGETSTAGE"].contains(&name)
}

fn arg_value(arg: &Spanned<written::Arg>, environment: &Environment) -> Result<ArgValue> {
    let table = match arg.as_ref() {
        written::Arg::Literal(text) if text.contains('\0') => {
            return Err(at(arg.span(), MistakeKind::Nul));
        }
        written::Arg::Literal(text) => return Ok(ArgValue::Text(text.clone())),
        written::Arg::Table(table) => table,
    };
    match (&table.env, &table.default, &table.file) {
        (Some(name), default, None) => environment_value(name, default.as_deref(), environment)
            .map(ArgValue::Text)
            .map_err(|kind| at(arg.span(), kind)),
        (None, None, Some(file)) => RootPath::parse(file.as_bytes())
            .map(ArgValue::File)
            .map_err(|error| at(arg.span(), error)),
        _ => Err(at(arg.span(), MistakeKind::ArgTable)),
    }
}

fn environment_value(
    name: &str,
    default: Option<&str>,
    environment: &Environment,
) -> std::result::Result<String, MistakeKind> {
    if !is_variable_name(name) {
        return Err(MistakeKind::VariableName(name.to_owned()));
    }
    match (environment.text(name)?, default) {
        (Some(value), _) | (None, Some(value)) if value.contains('\0') => Err(MistakeKind::Nul),
        (Some(value), _) | (None, Some(value)) => Ok(value.to_owned()),
        // Set and empty is a value where nothing else is offered.
        (None, None) if environment.get(name).is_some() => Ok(String::new()),
        (None, None) => Err(MistakeKind::Unset(name.to_owned())),
    }
}
