//! The Dockerfile of an image, read and interpreted, or taken whole where its meaning is not known.

use std::collections::BTreeMap;

use super::error::{Error, Place};
use crate::config::{Hint, Image};
use crate::dockerfile::{
    self, Interpretation, Mistake, MistakeKind, Opaque, Read, Request, Source,
};
use crate::path::RootPath;

/// What the Dockerfile says.
#[derive(Debug)]
pub(super) struct Interpreted<'a> {
    path: &'a RootPath,
    bytes: Vec<u8>,
    meaning: Meaning,
    /// The arguments of the build: those of `[defaults]` that nothing declares are left out.
    pub(super) args: BTreeMap<String, String>,
    /// The hints that the build gets: those that this environment gives a value, but for what nothing
    /// declares.
    pub(super) hints: BTreeMap<String, String>,
}

#[derive(Debug)]
enum Meaning {
    Known(Interpretation),
    Unknown(Opaque),
}

/// Interprets the Dockerfile of `image` for its target, `args` and platforms.
pub(super) fn interpret<'a>(
    image: &'a Image,
    bytes: Vec<u8>,
    mut args: BTreeMap<String, String>,
) -> Result<Interpreted<'a>, Error> {
    let path = &image.dockerfile;
    let request = Request {
        target: image.target.as_deref(),
        args: &args,
        hints: &image.hints.keys().map(String::as_str).collect(),
        platforms: &image.platforms,
        needs: &image.needs.keys().map(String::as_str).collect(),
    };
    let mut hints = values(&image.hints);
    let meaning = match dockerfile::read(&bytes) {
        Ok(Read::Dockerfile(file)) => file.interpret(&request).and_then(|interpretation| {
            leave_out(image, &interpretation, &mut args)?;
            leave_out_hints(image, &interpretation, &mut hints)?;
            check_needed(image, &interpretation)?;
            Ok(Meaning::Known(interpretation))
        }),
        Ok(Read::Opaque(opaque)) => Ok(Meaning::Unknown(opaque)),
        Err(mistake) => Err(mistake),
    };
    match meaning {
        Ok(meaning) => Ok(Interpreted {
            path,
            bytes,
            meaning,
            args,
            hints,
        }),
        Err(mistake) => Err(invalid(path, &bytes, mistake)),
    }
}

/// Leaves out the arguments of `[defaults]` that nothing declares: they had no part in what was
/// interpreted. Any other one would be in the record and not in the build.
fn leave_out(
    image: &Image,
    interpretation: &Interpretation,
    args: &mut BTreeMap<String, String>,
) -> Result<(), Mistake> {
    let is_declared = |name: &String| interpretation.declared.binary_search(name).is_ok();
    args.retain(|name, _| is_declared(name) || !image.args[name].is_default);
    match args.keys().find(|name| !is_declared(name)) {
        Some(name) => Err(MistakeKind::UndeclaredArg(name.clone()).nowhere()),
        None => Ok(()),
    }
}

/// The hints that have a value here.
fn values(hints: &BTreeMap<String, Hint>) -> BTreeMap<String, String> {
    let value = |(name, hint): (&String, &Hint)| Some((name.clone(), hint.value.clone()?));
    hints.iter().filter_map(value).collect()
}

/// As [`leave_out`], for hints. One that nothing declares is most probably misspelled, wherever it has no value.
fn leave_out_hints(
    image: &Image,
    interpretation: &Interpretation,
    hints: &mut BTreeMap<String, String>,
) -> Result<(), Mistake> {
    let is_lost = |name: &String, hint: &Hint| {
        !hint.is_proxy && interpretation.declared.binary_search(name).is_err()
    };
    hints.retain(|name, _| !is_lost(name, &image.hints[name]));
    let mut all = image.hints.iter();
    match all.find(|(name, hint)| !hint.is_default && is_lost(name, hint)) {
        Some((name, _)) => Err(MistakeKind::UndeclaredHint(name.clone()).nowhere()),
        None => Ok(()),
    }
}

/// An image that nothing uses would be in the record and not in the build.
fn check_needed(image: &Image, interpretation: &Interpretation) -> Result<(), Mistake> {
    let is_needed = |name: &String| interpretation.needed.binary_search(name).is_ok();
    match image.needs.keys().find(|name| !is_needed(name)) {
        Some(name) => Err(MistakeKind::UnusedNeed(name.clone()).nowhere()),
        None => Ok(()),
    }
}

impl Interpreted<'_> {
    /// What is read from the context.
    pub(super) fn sources(&self) -> Result<&[Source], Error> {
        match &self.meaning {
            Meaning::Unknown(opaque) => Err(Error::Opaque {
                path: self.path.clone(),
                source: opaque.clone(),
            }),
            Meaning::Known(interpretation) => match &interpretation.sources {
                Ok(sources) => Ok(sources),
                Err(mistake) => Err(invalid(self.path, &self.bytes, mistake.clone())),
            },
        }
    }

    /// The place of a source.
    pub(super) fn place(&self, source: &Source) -> Place {
        place(self.path, &self.bytes, Some(&source.span))
    }

    /// The part of the file that decides the image.
    pub(super) fn slice(&self) -> Vec<u8> {
        match &self.meaning {
            Meaning::Known(interpretation) => interpretation.slice.clone().into_bytes(),
            Meaning::Unknown(_) => self.bytes.clone(),
        }
    }
}

fn invalid(path: &RootPath, bytes: &[u8], mistake: Mistake) -> Error {
    Error::Dockerfile {
        place: Box::new(place(path, bytes, mistake.span.as_ref())),
        mistake,
    }
}

fn place(path: &RootPath, bytes: &[u8], span: Option<&std::ops::Range<usize>>) -> Place {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // Line ends would be marked, too.
    let span = span.map(|span| span.start..span.start + text[span.clone()].trim_end().len());
    Place {
        file: path.clone(),
        text,
        span,
    }
}
