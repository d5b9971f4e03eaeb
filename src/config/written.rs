//! fingerprint.toml as it is written: which keys there are and of which type.
//!
//! Nothing is interpreted here. Every text keeps its place in the file, so that whoever finds it
//! wrong can point at it.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::cache::CacheKind;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) format: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) defaults: Image,
    #[serde(default)]
    pub(super) images: BTreeMap<Spanned<String>, Image>,
    #[serde(default)]
    pub(super) engine: Engine,
    #[serde(default)]
    pub(super) registry: BTreeMap<Spanned<String>, Registry>,
}

/// `[images.NAME]`, and `[defaults]`, which has some of its keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    pub(super) repository: Option<Spanned<String>>,
    pub(super) dockerfile: Option<Spanned<String>>,
    pub(super) context: Option<Spanned<String>>,
    pub(super) inputs: Option<Vec<Spanned<String>>>,
    pub(super) target: Option<Spanned<String>>,
    pub(super) platforms: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub(super) args: BTreeMap<Spanned<String>, Spanned<Arg>>,
    #[serde(default)]
    pub(super) needs: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub(super) hints: BTreeMap<Spanned<String>, Spanned<Arg>>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<Spanned<String>, Spanned<Secret>>,
    #[serde(default)]
    pub(super) ssh: Vec<Spanned<String>>,
    pub(super) salt: Option<String>,
    pub(super) tag: Option<Spanned<String>>,
    pub(super) aliases: Option<Vec<Spanned<String>>>,
    pub(super) verify: Option<Vec<Spanned<Vec<Spanned<String>>>>>,
    pub(super) retry: Option<u8>,
    #[serde(default)]
    pub(super) cache: CacheKind,
    #[serde(default)]
    pub(super) cache_from: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) cache_to: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) push: Push,
    pub(super) source: Option<Spanned<String>>,
    pub(super) publish_record: Option<bool>,
    pub(super) matrix: Option<Spanned<Matrix>>,
}

/// `matrix = { NAME = ["…"], OTHER = { each = "…" } }`
pub(super) type Matrix = BTreeMap<Spanned<String>, Spanned<Choices>>;

/// What a name of a matrix stands for, in one image after the other.
#[derive(Debug)]
pub(super) enum Choices {
    List(Vec<Spanned<String>>),
    Each(EachTable),
}

/// `{ each = "docker/*/Dockerfile" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EachTable {
    pub(super) each: Spanned<String>,
}

/// `{ file = "~/.npmrc" }` or `{ env = "TOKEN" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) file: Option<String>,
    pub(super) env: Option<String>,
}

/// `[engine]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Engine {
    #[serde(rename = "use", default)]
    pub(super) choice: EngineChoice,
    pub(super) isolation: Option<Spanned<Isolation>>,
}

/// `[registry."HOST"]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    #[serde(default)]
    pub(super) plain_http: bool,
}

/// Which engine builds and holds the images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The first engine that answers.
    #[default]
    Auto,
    /// Docker with BuildKit.
    Docker,
    /// Podman.
    Podman,
}

/// How podman keeps what a build runs apart from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In a container of its OCI runtime, which is podman's default.
    Oci,
    /// In such a container without the rights that only root has.
    Rootless,
    /// Only in a folder of its own, where no container can be made.
    Chroot,
}

impl Isolation {
    /// The name that the configuration and podman have for it.
    pub fn name(self) -> &'static str {
        match self {
            Isolation::Oci => "oci",
            Isolation::Rootless => "rootless",
            Isolation::Chroot => "chroot",
        }
    }
}

/// When a built image is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Push {
    /// On a laptop, and in CI from events that are known to be trusted.
    #[default]
    Auto,
    /// Always; a refused push is an error.
    Always,
    /// Never.
    Never,
}

/// The value of a build argument: a text, or a table that says where the text comes from.
#[derive(Debug)]
pub(super) enum Arg {
    Literal(String),
    Table(ArgTable),
}

/// `{ env = "NAME", default = "…" }` or `{ file = "PATH", key = "a.b" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArgTable {
    pub(super) env: Option<String>,
    pub(super) default: Option<String>,
    pub(super) file: Option<String>,
    pub(super) key: Option<String>,
}

impl<'de> Deserialize<'de> for Arg {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgVisitor)
    }
}

struct ArgVisitor;

impl<'de> Visitor<'de> for ArgVisitor {
    type Value = Arg;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a string, { env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E>(self, text: &str) -> Result<Arg, E> {
        Ok(Arg::Literal(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Arg, A::Error> {
        ArgTable::deserialize(MapAccessDeserializer::new(map)).map(Arg::Table)
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoicesVisitor)
    }
}

struct ChoicesVisitor;

impl<'de> Visitor<'de> for ChoicesVisitor {
    type Value = Choices;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings or { each = \"PATH/*\" }")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Choices, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Choices::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choices, A::Error> {
        EachTable::deserialize(MapAccessDeserializer::new(map)).map(Choices::Each)
    }
}
