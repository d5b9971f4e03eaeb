//! What is known of the variables in a stage: which have a value, which have none, and of which it
//! cannot be told.
//!
//! The reference is how BuildKit's `dockerfile2llb` keeps the environment of a stage. ARG and ENV
//! both set variables; a stage that starts from another one inherits both, but what the image's
//! environment says is set anew, over the arguments.

use std::cell::RefCell;
use std::rc::Rc;

use rpds::HashTrieMap;

use super::effort::Effort;
use super::shell;
use crate::platform::Platform;

/// Why the value of a variable cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// It is another one on each platform.
    #[error("{0} depends on the platform")]
    Platform(String),
    /// It is another one on each machine.
    #[error("{0} depends on the machine that builds")]
    Builder(String),
    /// The base image may say it.
    #[error("{0} may be set by the base image")]
    Base(String),
    /// It is a hint: another one in each build, and recorded in none.
    #[error("{0} is one of `hints`, which are not recorded")]
    Hint(String),
    /// Its own value cannot be read.
    #[error("the value of {0} cannot be read")]
    Value(String),
}

/// The value of a variable, or why it cannot be told.
pub(super) type Known = Result<Rc<str>, Undecided>;

#[derive(Debug, Clone)]
struct Variable {
    current: Known,
    /// The value in the image's environment.
    in_image: Option<Known>,
    /// The stage that set it last.
    stage: usize,
}

/// The variables at one place of a Dockerfile. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    variables: HashTrieMap<String, Variable>,
    /// Whether what the file does not set may be set by a base image.
    has_base: bool,
    stage: usize,
}

impl Variables {
    /// Those that BuildKit sets before the first instruction.
    ///
    /// Source: `defaultArgs` in BuildKit's `dockerfile2llb/platform.go`.
    pub(super) fn automatic(platform: Option<&Platform>, target: Option<&str>) -> Self {
        let mut variables = Variables {
            variables: HashTrieMap::new(),
            has_base: false,
            stage: 0,
        };
        for name in ["PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"] {
            let of_builder = format!("BUILD{name}");
            variables.set(&of_builder, Err(Undecided::Builder(of_builder.clone())));
            let of_target = format!("TARGET{name}");
            let value = match platform {
                Some(platform) => Ok(of_platform(platform, name).into()),
                None => Err(Undecided::Platform(of_target.clone())),
            };
            variables.set(&of_target, value);
        }
        // Without a target it is the last stage's name for some builders, `default` for others.
        let unknown = || Undecided::Builder("TARGETSTAGE".to_owned());
        variables.set("TARGETSTAGE", target.map(Rc::from).ok_or_else(unknown));
        variables
    }

    /// Those of a stage that starts from an image, or from nothing.
    pub(super) fn of_image(has_base: bool, stage: usize) -> Self {
        Variables {
            variables: HashTrieMap::new(),
            has_base,
            stage,
        }
    }

    /// Those that a stage inherits from the one it starts from.
    pub(super) fn inherited(&self, stage: usize) -> Self {
        Variables {
            stage,
            ..self.clone()
        }
    }

    /// Sets a variable as ARG does.
    pub(super) fn set(&mut self, name: &str, value: Known) {
        let known = self.variables.get(name);
        let in_image = known.and_then(|variable| variable.in_image.clone());
        self.insert(name, value, in_image);
    }

    /// Sets a variable as ENV does.
    pub(super) fn set_in_image(&mut self, name: &str, value: Known) {
        self.insert(name, value.clone(), Some(value));
    }

    fn insert(&mut self, name: &str, current: Known, in_image: Option<Known>) {
        let variable = Variable {
            current,
            in_image,
            stage: self.stage,
        };
        self.variables.insert_mut(name.to_owned(), variable);
    }

    /// The value of a variable; `None` if it has none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Rc<str>>, Undecided> {
        let of_base = || Err(Undecided::Base(name.to_owned()));
        match self.variables.get(name) {
            Some(variable) if variable.stage == self.stage => variable.current.clone().map(Some),
            Some(Variable {
                in_image: Some(value),
                ..
            }) => value.clone().map(Some),
            // The base image's environment is set anew, over the arguments of the stage before.
            Some(_) | None if self.has_base => of_base(),
            Some(variable) => variable.current.clone().map(Some),
            // BuildKit sets this one in every stage, by the builder's own system.
            None if name == "PATH" => of_base(),
            None => Ok(None),
        }
    }

    /// The text that a word stands for.
    ///
    /// Of all that keeps it from being told, a hint is named first: no other cause is an error wherever that
    /// is one.
    pub(super) fn expand(
        &self,
        word: &str,
        escape: char,
        effort: &Effort,
    ) -> Result<String, shell::Error<Undecided>> {
        let hint = RefCell::new(None);
        let lookup = |name: &str| match self.get(name) {
            Ok(value) => Ok(value.map(|value| value.to_string())),
            Err(why) => {
                if let Undecided::Hint(_) = why {
                    hint.replace(Some(why.clone()));
                }
                Err(why)
            }
        };
        let expanded = shell::expand(word, escape, &lookup, effort);
        expanded.map_err(|error| match (error, hint.take()) {
            (shell::Error::Undecided(_), Some(hint)) => shell::Error::Undecided(hint),
            (error, _) => error,
        })
    }
}

/// The part of a platform that `TARGET…` stands for. Linux has no version.
fn of_platform(platform: &Platform, name: &str) -> String {
    match name {
        "PLATFORM" => platform.to_string(),
        "OS" => platform.os().to_owned(),
        "ARCH" => platform.architecture().to_owned(),
        "VARIANT" => platform.variant().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Undecided, Variables};
    use crate::platform::Platform;

    fn get(variables: &Variables, name: &str) -> Result<Option<String>, Undecided> {
        variables
            .get(name)
            .map(|value| value.map(|value| value.to_string()))
    }

    #[test]
    fn what_a_base_image_may_set_is_not_known() {
        let scratch = Variables::of_image(false, 0);
        assert_eq!(get(&scratch, "X"), Ok(None));
        assert_eq!(get(&scratch, "PATH"), Err(Undecided::Base("PATH".into())));
        let debian = Variables::of_image(true, 0);
        assert_eq!(get(&debian, "X"), Err(Undecided::Base("X".into())));
    }

    #[test]
    fn an_argument_outlives_its_stage_unless_the_image_says_otherwise() {
        let mut parent = Variables::of_image(false, 0);
        parent.set_in_image("E", Ok("env".into()));
        parent.set("E", Ok("arg".into()));
        parent.set("A", Ok("arg".into()));
        assert_eq!(get(&parent, "E"), Ok(Some("arg".into())));
        let child = parent.inherited(1);
        assert_eq!(get(&child, "E"), Ok(Some("env".into())));
        assert_eq!(get(&child, "A"), Ok(Some("arg".into())));

        let mut parent = Variables::of_image(true, 0);
        parent.set("A", Ok("arg".into()));
        parent.set_in_image("E", Ok("env".into()));
        let child = parent.inherited(1);
        assert_eq!(get(&child, "A"), Err(Undecided::Base("A".into())));
        assert_eq!(get(&child, "E"), Ok(Some("env".into())));
    }

    #[test]
    fn platform_arguments_are_known_where_the_platform_is() {
        let platform = Platform::new("linux", "arm", "v6");
        let known = Variables::automatic(Some(&platform), Some("ci"));
        for (name, value) in [
            ("TARGETPLATFORM", "linux/arm/v6"),
            ("TARGETOS", "linux"),
            ("TARGETARCH", "arm"),
            ("TARGETVARIANT", "v6"),
            ("TARGETOSVERSION", ""),
            ("TARGETSTAGE", "ci"),
        ] {
            assert_eq!(get(&known, name), Ok(Some(value.into())), "{name}");
        }
        let builder = Undecided::Builder("BUILDARCH".into());
        assert_eq!(get(&known, "BUILDARCH"), Err(builder));
        let unknown = Variables::automatic(None, None);
        let platform = Undecided::Platform("TARGETARCH".into());
        assert_eq!(get(&unknown, "TARGETARCH"), Err(platform));
    }
}
