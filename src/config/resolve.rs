//! From the file as written to the images as the rest of fp sees them: every text parsed, every
//! default applied.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::cache;
use super::key::{Key, Notation};
use super::mistake::{Mistake, MistakeKind, at};
use super::needs::Needs;
use super::secret;
use super::template::{EnvironmentTemplate, ExpandError, NoArg, TagTemplate, is_variable_name};
use super::{Alias, AliasError, Arg, ArgValue, Hint, Image, ImageName, written};
use crate::environment::Environment;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::record::{Fingerprint, Record};
use crate::reference::{Repository, Tag};

type Result<T> = std::result::Result<T, Mistake>;

/// An image's table, with all that decides what is meant by it.
pub(super) struct Table<'a> {
    pub(super) name: &'a ImageName,
    /// What [`Mistake::table`] says of its mistakes.
    pub(super) table: Option<&'a String>,
    /// With what `[defaults]` gives it.
    pub(super) written: &'a written::Image,
    /// The arguments that it has from `[defaults]`.
    pub(super) default_args: &'a BTreeSet<String>,
    /// The hints that it has from there.
    pub(super) default_hints: &'a BTreeSet<String>,
    /// Whether it has its aliases from there.
    pub(super) has_default_aliases: bool,
    pub(super) needs: &'a Needs,
}

/// Resolves the table of an image. The first mistake in it is returned.
pub(super) fn image(table: &Table<'_>, environment: &Environment) -> Result<Image> {
    resolve(table, environment).map_err(|mistake| mistake.in_table(table.table))
}

fn resolve(table: &Table<'_>, environment: &Environment) -> Result<Image> {
    let written = table.written;
    let arg = |(name, arg): (&Spanned<String>, &Spanned<written::Arg>)| {
        let arg = Arg {
            value: arg_value(arg, environment)?,
            is_default: table.default_args.contains(name.as_ref()),
        };
        Ok((arg_name(name)?, arg))
    };
    let repository = written.repository.as_ref();
    let repository = repository
        .map(|text| self::repository(text, environment))
        .transpose()?;
    Ok(Image {
        aliases: aliases(table, repository.as_ref())?,
        dockerfile: path(written.dockerfile.as_ref(), "Dockerfile")?,
        context: path(written.context.as_ref(), ".")?,
        inputs: written.inputs.as_deref().map(inputs).transpose()?,
        platforms: platforms(written.platforms.as_ref())?,
        target: written.target.as_ref().map(target).transpose()?,
        args: written.args.iter().map(arg).collect::<Result<_>>()?,
        needs: table.needs.names(),
        hints: hints(table, environment)?,
        secrets: written
            .secrets
            .iter()
            .map(secret::secret)
            .collect::<Result<_>>()?,
        ssh: secret::ssh(&written.ssh)?,
        salt: written.salt.clone(),
        tag: tag(written.tag.as_ref(), &written.args)?,
        verify: verify(written.verify.as_deref().unwrap_or_default())?,
        retry: written.retry.unwrap_or(0),
        push: written.push,
        source: written.source.as_ref().map(source).transpose()?,
        cache: cache::cache(written, repository.as_ref())?,
        publish_record: written.publish_record.unwrap_or(true),
        repository,
        name: table.name.clone(),
        table: table.table.cloned(),
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

fn verify(commands: &[Spanned<Vec<Spanned<String>>>]) -> Result<Vec<Vec<String>>> {
    let word = |word: &Spanned<String>| match word.as_ref().contains('\0') {
        true => Err(at(word.span(), MistakeKind::Nul)),
        false => Ok(word.as_ref().clone()),
    };
    let command = |command: &Spanned<Vec<Spanned<String>>>| {
        let words: Vec<_> = command.as_ref().iter().map(word).collect::<Result<_>>()?;
        match words.first().is_none_or(String::is_empty) {
            true => Err(at(command.span(), MistakeKind::EmptyCommand)),
            false => Ok(words),
        }
    };
    commands.iter().map(command).collect()
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

/// Aliases of `[defaults]` are for images that have a repository.
fn aliases(table: &Table<'_>, repository: Option<&Repository>) -> Result<Vec<Alias>> {
    let written = table.written.aliases.as_deref().unwrap_or_default();
    let Some(repository) = repository else {
        return match written.first() {
            Some(alias) if !table.has_default_aliases => {
                Err(at(alias.span(), AliasError::NoRepository))
            }
            _ => Ok(Vec::new()),
        };
    };
    let parse = |text: &Spanned<String>| {
        Alias::parse(text.as_ref(), repository).map_err(|error| at(text.span(), error))
    };
    written.iter().map(parse).collect()
}

type Args = BTreeMap<Spanned<String>, Spanned<written::Arg>>;

fn tag(written: Option<&Spanned<String>>, args: &Args) -> Result<Spanned<TagTemplate>> {
    let Some(text) = written else {
        let template = TagTemplate::parse("{fingerprint:32}").expect("the default is a template");
        return Ok(Spanned::new(0..0, template));
    };
    let template = TagTemplate::parse(text.as_ref()).map_err(|error| at(text.span(), error))?;
    let values = template
        .args()
        .map(|name| Ok((name.to_owned(), tag_value(name, args)?)))
        .collect::<std::result::Result<_, _>>()
        .map_err(|kind: MistakeKind| at(text.span(), kind))?;
    // A template gives a valid tag for every fingerprint or for none, since all digits are alike to
    // the grammar.
    let sample = Record::new([]).fingerprint();
    let written = || text.as_ref().clone();
    match expand_tag(&template, &sample, &values) {
        Ok(_) => Ok(Spanned::new(text.span(), template)),
        Err(MistakeKind::OwnTag { prefix, .. }) => {
            let tag = written();
            Err(at(text.span(), MistakeKind::OwnTag { tag, prefix }))
        }
        Err(MistakeKind::Tag { source, .. }) => {
            let text_of = MistakeKind::Tag {
                text: written(),
                source,
            };
            Err(at(text.span(), text_of))
        }
        Err(kind) => Err(at(text.span(), kind)),
    }
}

/// The value of an argument in a tag, or an example of one that is only known once its file is read.
/// The environment has no say in tags: what it holds may be a secret.
fn tag_value(name: &str, args: &Args) -> std::result::Result<String, MistakeKind> {
    match args.get(name).map(Spanned::as_ref) {
        None => Err(MistakeKind::TagArg(name.to_owned())),
        Some(written::Arg::Literal(text)) => Ok(text.clone()),
        Some(written::Arg::Table(table)) if table.env.is_some() => {
            Err(MistakeKind::TagEnvArg(name.to_owned()))
        }
        Some(written::Arg::Table(_)) => Ok("0".to_owned()),
    }
}

/// The tag that a template gives.
pub(super) fn expand_tag(
    template: &TagTemplate,
    fingerprint: &Fingerprint,
    args: &BTreeMap<String, String>,
) -> std::result::Result<Tag, MistakeKind> {
    let text = template
        .expand(fingerprint, args)
        .map_err(|NoArg(name)| MistakeKind::TagArgLeftOut(name))?;
    let mut own = cache::OWN_TAGS.into_iter();
    if let Some(prefix) = own.find(|prefix| text.starts_with(prefix)) {
        return Err(MistakeKind::OwnTag { tag: text, prefix });
    }
    text.parse()
        .map_err(|source| MistakeKind::Tag { text, source })
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

/// An unset variable gives no hint: what must not change the result need not be there.
fn hints(table: &Table<'_>, environment: &Environment) -> Result<BTreeMap<String, Hint>> {
    let mut hints = BTreeMap::new();
    for (name, hint) in &table.written.hints {
        let text = name.as_ref();
        if table.written.args.contains_key(text.as_str()) {
            return Err(at(name.span(), MistakeKind::HintIsArg(text.clone())));
        }
        if !is_proxy(text) {
            arg_name(name)?;
        }
        let value = match arg_value(hint, environment) {
            Ok(ArgValue::Text(value)) => Some(value),
            Ok(ArgValue::File(_) | ArgValue::Key { .. }) => {
                return Err(at(hint.span(), MistakeKind::HintFile));
            }
            Err(Mistake {
                kind: MistakeKind::Unset(_),
                ..
            }) => None,
            Err(mistake) => return Err(mistake),
        };
        let hint = Hint {
            value,
            is_default: table.default_hints.contains(text),
            is_proxy: is_proxy(text),
        };
        hints.insert(text.clone(), hint);
    }
    Ok(hints)
}

/// Arguments that reach every command of a build without a declaration.
fn is_proxy(name: &str) -> bool {
    const PROXIES: [&str; 5] = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ];
    PROXIES.contains(&name.to_ascii_uppercase().as_str())
}

/// Arguments that BuildKit predefines, or interprets without a Dockerfile that declares them.
///
/// Source: the Dockerfile reference of BuildKit, "Predefined ARGs", "Automatic platform ARGs in the
/// global scope" and "BuildKit built-in build args".
fn is_reserved(name: &str) -> bool {
    const PLATFORM: [&str; 5] = ["PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"];
    let automatic = ["TARGET", "BUILD"]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|rest| PLATFORM.contains(&rest));
    automatic
        || is_proxy(name)
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
    match (&table.env, &table.default, &table.file, &table.key) {
        (Some(name), default, None, None) => {
            environment_value(name, default.as_deref(), environment).map(ArgValue::Text)
        }
        (None, None, Some(file), key) => file_value(file, key.as_deref()),
        _ => Err(MistakeKind::ArgTable),
    }
    .map_err(|kind| at(arg.span(), kind))
}

fn file_value(file: &str, key: Option<&str>) -> std::result::Result<ArgValue, MistakeKind> {
    let path = RootPath::parse(file.as_bytes())?;
    let Some(key) = key else {
        return Ok(ArgValue::File(path));
    };
    let notation = Notation::of(&path).ok_or_else(|| MistakeKind::KeyedFile(file.to_owned()))?;
    let key = Key::parse(key)?;
    Ok(ArgValue::Key {
        path,
        notation,
        key,
    })
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
