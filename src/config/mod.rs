//! Configuration: fingerprint.toml, found, read, checked and resolved.
//!
//! The file has two shapes: `written` is what stands there, [`Image`] and [`Project`] are what the
//! rest of fp sees, with every text parsed and every default applied. Files that the configuration
//! names are read elsewhere.

mod locate;
mod mistake;
mod resolve;
mod template;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;

pub use locate::{FILE_NAME, locate};
pub use mistake::{Error, Invalid, Mistake, MistakeKind};
pub use template::TagTemplate;
pub use written::{EngineChoice, Push};

use crate::environment::Environment;
use crate::path::RootPath;
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::record::{FORMAT, Fingerprint};
use crate::reference::{Repository, Tag};
use crate::regular_file;

/// The name of an image in fingerprint.toml: `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 characters, so
/// that it can be the last part of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName(String);

impl ImageName {
    const LONGEST: usize = 128;

    fn parse(text: &str) -> Result<Self, MistakeKind> {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !text.split(['.', '_', '-']).all(part) {
            return Err(MistakeKind::ImageName(text.to_owned()));
        }
        match text.len() {
            ..=Self::LONGEST => Ok(ImageName(text.to_owned())),
            length => Err(MistakeKind::LongImageName(length)),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for ImageName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One image, with every default applied.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name of its table.
    pub name: ImageName,
    /// Where it is published; `None` for an image that stays in the engine.
    pub repository: Option<Repository>,
    /// The Dockerfile.
    pub dockerfile: RootPath,
    /// The folder that is the build context.
    pub context: RootPath,
    /// The entries of `inputs`, in their order; `None` if they are derived from the Dockerfile.
    pub inputs: Option<Vec<Pattern>>,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
    /// The platforms that it is for, in their order; empty if that is left to the builder.
    pub platforms: Vec<Platform>,
    /// The build arguments by name.
    pub args: BTreeMap<String, ArgValue>,
    /// The text whose only purpose is to ask for a new image.
    pub salt: Option<String>,
    /// The shape of its tag.
    pub tag: TagTemplate,
    /// When it is published.
    pub push: Push,
    /// The address for the label `org.opencontainers.image.source`.
    pub source: Option<String>,
}

impl Image {
    /// The repository; `localhost/fp/NAME` for an image that stays in the engine.
    pub fn repository(&self) -> Repository {
        self.repository.clone().unwrap_or_else(|| {
            let local = format!("localhost/fp/{}", self.name);
            local
                .parse()
                .expect("an image name is a valid part of a repository")
        })
    }

    /// The tag for `fingerprint`.
    pub fn tag(&self, fingerprint: &Fingerprint) -> Tag {
        self.tag
            .expand(fingerprint)
            .parse()
            .expect("the template was checked to give valid tags")
    }
}

/// Where the value of a build argument comes from, once the environment has been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgValue {
    /// The value itself.
    Text(String),
    /// The trimmed text of this file.
    File(RootPath),
}

/// A configuration file and its images.
#[derive(Debug)]
pub struct Project {
    /// As it was found or named.
    file: PathBuf,
    text: String,
    root: PathBuf,
    images: Images,
    plain_http: BTreeSet<String>,
    /// Which engine builds and holds the images.
    pub engine: EngineChoice,
}

impl Project {
    /// Reads and resolves `file`.
    ///
    /// All images are checked, but a value that only the environment can give is asked for only
    /// when its image is.
    pub fn read(file: &Path, environment: &Environment) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable {
            file: file.to_path_buf(),
            source,
        };
        let bytes = regular_file::read(file).map_err(unreadable)?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let root = folder.canonicalize().map_err(unreadable)?;
        Project::of_bytes(file, root, &bytes, environment)
    }

    /// Resolves `bytes`, those of the configuration `file`, which need not lie on disk. `root` is
    /// the absolute path of its folder.
    pub fn of_bytes(
        file: &Path,
        root: PathBuf,
        bytes: &[u8],
        environment: &Environment,
    ) -> Result<Self, Error> {
        let text = io::read_to_string(bytes).map_err(|source| Error::Unreadable {
            file: file.to_path_buf(),
            source,
        })?;
        match parse(&text, environment) {
            Ok(parsed) => Ok(Project {
                file: file.to_path_buf(),
                text,
                root,
                images: parsed.images,
                plain_http: parsed.plain_http,
                engine: parsed.engine,
            }),
            Err(mistake) => Err(invalid(file, text, mistake)),
        }
    }

    /// The root: the absolute path of the folder of fingerprint.toml, without links. In a revision,
    /// where that would be if it were checked out.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The registries that are spoken to without TLS, by their names: `HOST` or `HOST:PORT`.
    pub fn plain_http(&self) -> &BTreeSet<String> {
        &self.plain_http
    }

    /// The image called `name`; without a name, the only one there is.
    pub fn one(&self, name: Option<&str>) -> Result<&Image, Error> {
        match (name, self.images.as_slice()) {
            (Some(name), _) => self.usable(self.named(name)?),
            (None, [(_, image)]) => self.usable(image),
            (None, _) => Err(Error::WhichImage {
                file: self.file.clone(),
                names: self.names(),
            }),
        }
    }

    /// The images called `names`, each once, in that order; all of them if `names` is empty.
    pub fn several(&self, names: &[String]) -> Result<Vec<&Image>, Error> {
        self.each(names)?.into_iter().collect()
    }

    /// As [`several`](Self::several), but an image that the environment makes unusable keeps no other
    /// back.
    pub fn each(&self, names: &[String]) -> Result<Vec<Result<&Image, Error>>, Error> {
        if names.is_empty() {
            let images = self.images.iter();
            return Ok(images.map(|(_, image)| self.usable(image)).collect());
        }
        let first = |(index, name): &(usize, &String)| !names[..*index].contains(name);
        names
            .iter()
            .enumerate()
            .filter(first)
            .map(|(_, name)| Ok(self.usable(self.named(name)?)))
            .collect()
    }

    fn named(&self, name: &str) -> Result<&Result<Image, Mistake>, Error> {
        match self.images.iter().find(|(candidate, _)| candidate == name) {
            Some((_, image)) => Ok(image),
            None => Err(Error::NoSuchImage {
                name: name.to_owned(),
                file: self.file.clone(),
                names: self.names(),
            }),
        }
    }

    fn usable<'a>(&self, image: &'a Result<Image, Mistake>) -> Result<&'a Image, Error> {
        image
            .as_ref()
            .map_err(|mistake| invalid(&self.file, self.text.clone(), mistake.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.images.iter().map(|(name, _)| name.clone()).collect()
    }
}

type Images = Vec<(String, Result<Image, Mistake>)>;

/// What a file holds.
#[derive(Debug)]
struct Parsed {
    images: Images,
    plain_http: BTreeSet<String>,
    engine: EngineChoice,
}

/// Parses the file's text. A mistake that the environment could mend stays with its image.
fn parse(text: &str, environment: &Environment) -> Result<Parsed, Mistake> {
    let file: written::File = toml::from_str(text).map_err(Mistake::from)?;
    check_format(file.format.as_ref())?;
    if file.images.is_empty() {
        return Err(Mistake {
            span: None,
            kind: MistakeKind::NoImages,
        });
    }
    let mut images = Images::new();
    for (name, written) in &file.images {
        let image = resolve::image(name, written, environment);
        match image {
            Err(mistake) if !mistake.kind.is_environment() => return Err(mistake),
            image => images.push((name.as_ref().clone(), image)),
        }
    }
    Ok(Parsed {
        images,
        plain_http: resolve::plain_http(&file.registry)?,
        engine: file.engine.choice,
    })
}

fn check_format(format: Option<&Spanned<i64>>) -> Result<(), Mistake> {
    match format {
        None => Err(Mistake {
            span: None,
            kind: MistakeKind::NoFormat,
        }),
        Some(format) if *format.as_ref() != i64::from(FORMAT) => {
            let kind = MistakeKind::Format(*format.as_ref());
            Err(Mistake {
                span: Some(format.span()),
                kind,
            })
        }
        Some(_) => Ok(()),
    }
}

fn invalid(file: &Path, text: String, mistake: Mistake) -> Error {
    Error::Invalid(Box::new(Invalid {
        file: file.to_path_buf(),
        text,
        mistake,
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ArgValue, Image, Mistake, MistakeKind, Push, parse};
    use crate::environment::Environment;

    const HEAD: &str = "format = 1\n[images.ci]\ninputs = [\"a\"]\n";

    fn resolve(text: &str, variables: &[(&str, &str)]) -> Result<Image, Mistake> {
        let environment: Environment = variables.iter().copied().collect();
        parse(text, &environment)?.images.remove(0).1
    }

    /// The mistake in `HEAD` followed by `text`, and the piece of the file that it points at.
    fn mistake(text: &str) -> (MistakeKind, String) {
        let text = format!("{HEAD}{text}");
        let mistake = resolve(&text, &[]).unwrap_err();
        let place = mistake
            .span
            .map(|span| text[span].to_owned())
            .unwrap_or_default();
        (mistake.kind, place)
    }

    #[test]
    fn defaults_are_applied() {
        let image = resolve(HEAD, &[]).unwrap();
        assert_eq!(image.dockerfile.as_bytes(), b"Dockerfile");
        assert!(image.context.is_root() && image.repository.is_none() && image.args.is_empty());
        assert_eq!(image.push, Push::Auto);
    }

    #[test]
    fn unknown_keys_are_pointed_at_with_a_near_name() {
        let (kind, place) = mistake("repositry = \"x\"\n");
        assert_eq!(place, "repositry");
        assert_eq!(kind.hint().unwrap(), "did you mean `repository`?");
        let (kind, place) = mistake("[engine]\nuse = \"docker\"\nwhat = 1\n");
        assert_eq!(
            (place.as_str(), kind.hint().unwrap().as_str()),
            ("what", "known keys are use")
        );
        let (kind, place) = mistake("args = { A = { envv = \"B\" } }\n");
        assert_eq!(
            (place.as_str(), kind.hint().unwrap().as_str()),
            ("envv", "did you mean `env`?")
        );
    }

    #[test]
    fn wrong_types_are_pointed_at() {
        let (kind, place) = mistake("salt = 3\n");
        assert_eq!(place, "3");
        assert_eq!(
            kind.to_string(),
            "invalid type: integer `3`, expected a string"
        );
        let (kind, place) = mistake("args = { A = 3 }\n");
        assert_eq!(place, "3");
        assert!(
            kind.to_string().contains("expected a string, { env"),
            "{kind}"
        );
        assert_eq!(mistake("push = \"sometimes\"\n").1, "\"sometimes\"");
    }

    #[test]
    fn wrong_values_are_pointed_at() {
        for (text, place) in [
            ("repository = \"a b\"", "\"a b\""),
            ("repository = \"{env\"", "\"{env\""),
            ("tag = \"x\"", "\"x\""),
            (
                "tag = \"fp-staging-{fingerprint:16}\"",
                "\"fp-staging-{fingerprint:16}\"",
            ),
            ("tag = \"-{fingerprint:16}\"", "\"-{fingerprint:16}\""),
            ("context = \"../x\"", "\"../x\""),
            ("target = \"\"", "\"\""),
            (
                "source = \"https://token@host/x\"",
                "\"https://token@host/x\"",
            ),
            ("args = { BUILDKIT_SYNTAX = \"x\" }", "BUILDKIT_SYNTAX"),
            ("args = { http_proxy = \"x\" }", "http_proxy"),
            ("args = { TARGETARCH = \"x\" }", "TARGETARCH"),
            ("args = { a-b = \"x\" }", "a-b"),
            ("args = { A = { default = \"x\" } }", "{ default = \"x\" }"),
            (
                "args = { A = { env = \"X\", file = \"x\" } }",
                "{ env = \"X\", file = \"x\" }",
            ),
        ] {
            assert_eq!(mistake(text).1, place, "{text}");
        }
    }

    #[test]
    fn inputs_may_be_left_to_the_dockerfile() {
        let text = "format = 1\n[images.ci]\n";
        assert!(resolve(text, &[]).unwrap().inputs.is_none());
        let none = resolve(&format!("{text}inputs = []\n"), &[]).unwrap();
        assert!(none.inputs.unwrap().is_empty());
    }

    #[test]
    fn platforms_are_parsed_and_sorted() {
        let text = "platforms = [\"linux/arm64/v8\", \"linux/amd64\"]\n";
        let image = resolve(&format!("{HEAD}{text}"), &[]).unwrap();
        let platforms: Vec<_> = image.platforms.iter().map(ToString::to_string).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        for (text, place) in [
            ("platforms = [\"arm64\"]", "\"arm64\""),
            ("platforms = [\"linux/ARM\"]", "\"linux/ARM\""),
            (
                "platforms = [\"linux/arm64\", \"linux/arm64/v8\"]",
                "\"linux/arm64/v8\"",
            ),
            ("platforms = []", "[]"),
        ] {
            assert_eq!(mistake(text).1, place, "{text}");
        }
    }

    #[test]
    fn registries_without_tls_are_named_as_repositories_begin() {
        let text = "[registry.\"lab:5000\"]\nplain_http = true\n[registry.\"ghcr.io\"]\n";
        let parsed = parse(&format!("{HEAD}{text}"), &Environment::default()).unwrap();
        assert_eq!(parsed.plain_http, BTreeSet::from(["lab:5000".to_owned()]));
        for name in [
            "lab",
            "http://lab:5000",
            "lab:5000/acme",
            "index.docker.io",
            "lab:port",
        ] {
            let (kind, place) = mistake(&format!("[registry.\"{name}\"]\n"));
            assert!(matches!(kind, MistakeKind::Registry(text) if text == name));
            assert_eq!(place, format!("\"{name}\""));
        }
    }

    #[test]
    fn formats_and_names_are_checked() {
        for text in [
            "format = 9\n[images.a]\ninputs = []",
            "[images.a]\ninputs = []",
            "format = 1",
            "format = 1\n[images.A]\ninputs = []",
            "format = 1\n[images.a--b]\ninputs = []",
        ] {
            assert!(resolve(text, &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_too_long_for_a_repository_is_refused_before_it_is_made_part_of_one() {
        let image = |length| {
            resolve(
                &format!("format = 1\n[images.{}]\n", "a".repeat(length)),
                &[],
            )
        };
        let longest = image(128).unwrap().repository();
        assert_eq!(longest.path(), format!("fp/{}", "a".repeat(128)));
        assert!(matches!(
            image(129).unwrap_err().kind,
            MistakeKind::LongImageName(129)
        ));
    }

    #[test]
    fn what_the_environment_decides_matters_only_to_images_asked_for() {
        let other = "[images.b]\ninputs = []\nrepository = \"ghcr.io/{env:X}\"\n";
        let images = |variables: &[(&str, &str)], other: &str| {
            let environment: Environment = variables.iter().copied().collect();
            parse(&format!("{HEAD}{other}"), &environment).map(|parsed| parsed.images)
        };
        for value in ["", "a b"] {
            let images = images(&[("X", value)], other).unwrap();
            assert!(
                images[0].1.is_err() && images[1].1.is_ok(),
                "sorted: b before ci"
            );
        }
        let literal = other.replace("{env:X}", "a b");
        assert!(images(&[], &literal).is_err());
    }

    #[test]
    fn values_come_from_where_the_table_says() {
        let text = format!(
            "{HEAD}args = {{ L = \"l\", E = {{ env = \"E\" }}, D = {{ env = \"D\", default = \"d\" }}, \
             F = {{ file = \"./VERSION\" }} }}\nrepository = \"ghcr.io/{{env:OWNER}}/x\""
        );
        let image = resolve(&text, &[("E", ""), ("D", ""), ("OWNER", "Acme")]).unwrap();
        let text = |name: &str| match &image.args[name] {
            ArgValue::Text(text) => text.clone(),
            ArgValue::File(path) => format!("file {path}"),
        };
        assert_eq!(
            ["L", "E", "D", "F"].map(text),
            ["l", "", "d", "file VERSION"].map(str::to_owned)
        );
        assert_eq!(image.repository.unwrap().to_string(), "ghcr.io/acme/x");
        let mistake =
            resolve(&format!("{HEAD}args = {{ E = {{ env = \"E\" }} }}"), &[]).unwrap_err();
        assert!(matches!(mistake.kind, MistakeKind::Unset(name) if name == "E"));
    }
}
