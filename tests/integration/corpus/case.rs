//! A case of the corpus as its file describes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::builder::Engine;
use crate::support::Tree;
use crate::support::entry::{self, Entry, Order};
use crate::support::lab::{self, Store};

/// What stands in the value of an argument for the base image with a shell.
const BASE: &str = "<busybox>";

/// A Dockerfile with its folder, and the images that are built from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) about: String,
    /// Where the Dockerfile lies.
    #[serde(default = "dockerfile")]
    pub(super) path: String,
    /// Its text.
    pub(super) dockerfile: String,
    #[serde(default = "context")]
    pub(super) context: String,
    /// What a builder has to know for it.
    #[serde(default)]
    pub(super) needs: Need,
    #[serde(default)]
    tree: Vec<Entry>,
    pub(super) images: Vec<Image>,
}

/// The builders that know what a case holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Need {
    /// All.
    #[default]
    Nothing,
    /// Those that know `--exclude`.
    Exclude,
    /// Those that know `--parents` as well.
    Parents,
}

/// One image, and what must be derived for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    pub(super) target: Option<String>,
    #[serde(default)]
    args: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) platforms: Vec<String>,
    /// The paths of all inputs, as `fp inputs` has them.
    pub(super) inputs: Vec<String>,
    /// Those of them without which the builder gives the same: fp takes more there than it has to.
    #[serde(default)]
    pub(super) spare: Vec<String>,
    /// Stages that the target reaches and in which the loss of an input shows that the target
    /// itself does not show.
    #[serde(default)]
    pub(super) stages: Vec<String>,
    /// The slice, where it is not the whole Dockerfile.
    pub(super) slice: Option<String>,
}

fn dockerfile() -> String {
    "Dockerfile".to_owned()
}

fn context() -> String {
    ".".to_owned()
}

impl Case {
    pub(super) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("a case is text");
        let mut case: Case =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().expect("a case has a name");
        case.name = name.to_string_lossy().into_owned();
        case
    }

    /// The builder for it, if the lab has one.
    pub(super) fn engine(&self) -> Option<Engine> {
        match self.needs {
            Need::Nothing => Some(Engine {
                address: Store::Containerd.address(),
                frontend: None,
                is_any: true,
            }),
            Need::Exclude => Some(Engine {
                address: lab::newest_engine()?,
                frontend: None,
                is_any: false,
            }),
            Need::Parents => Some(Engine {
                address: lab::newest_engine()?,
                frontend: Some(lab::newest_frontend()?),
                is_any: false,
            }),
        }
    }

    /// The repository of this case, with everything committed that is to be tracked.
    pub(super) fn plant(&self) -> Tree {
        let tree = Tree::new();
        tree.file(&self.path, &self.dockerfile);
        tree.config(&self.configuration());
        entry::plant(&tree, &self.tree, true, Order::Given);
        tree
    }

    /// fingerprint.toml, which names no inputs.
    fn configuration(&self) -> String {
        let mut text = String::from("format = 1\n");
        for (index, image) in self.images.iter().enumerate() {
            let [dockerfile, context] = [&self.path, &self.context].map(|path| quoted(path));
            write!(
                text,
                "[images.{}]\ndockerfile = {dockerfile}\ncontext = {context}\n",
                Image::name(index)
            )
            .expect("a text grows");
            if let Some(target) = &image.target {
                writeln!(text, "target = {}", quoted(target)).expect("a text grows");
            }
            if !image.platforms.is_empty() {
                writeln!(text, "platforms = {:?}", image.platforms).expect("a text grows");
            }
            let args: Vec<_> = image
                .args()
                .map(|(name, value)| format!("{name} = {}", quoted(&value)))
                .collect();
            writeln!(text, "args = {{ {} }}", args.join(", ")).expect("a text grows");
        }
        text
    }
}

impl Image {
    /// What the image at this place of a case is called in fingerprint.toml.
    pub(super) fn name(index: usize) -> String {
        format!("image{index}")
    }

    /// What tells this image from others of its case.
    pub(super) fn shown(&self) -> String {
        let target = self.target.as_deref().unwrap_or("the last stage");
        format!("{target} with {:?}", self.args)
    }

    /// The build arguments with their values.
    pub(super) fn args(&self) -> impl Iterator<Item = (&str, String)> {
        let args = self.args.iter();
        args.map(|(name, value)| (name.as_str(), value.replace(BASE, &lab::base())))
    }
}

/// `text` as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
