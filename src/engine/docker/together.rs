//! Asking about many images with few questions: starting docker takes longer than its answer.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use super::arguments::words;
use super::{Docker, answers};
use crate::engine::{Error, LocalImage};
use crate::reference::Reference;

/// How many images one question is about: no more than there are lines of complaints kept.
const MAX_NAMES: usize = 20;

/// Images that will be asked about, and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Together(Mutex<BTreeMap<String, Answer>>);

#[derive(Debug)]
enum Answer {
    Outstanding,
    Given(Option<LocalImage>),
}

impl Docker {
    /// Tells that these images will be looked up, each once, so that they can be asked about together.
    pub async fn expect(&self, images: impl IntoIterator<Item = Reference>) {
        let mut together = self.together.0.lock().await;
        let images = images.into_iter().map(|image| image.to_string());
        together.extend(images.map(|image| (image, Answer::Outstanding)));
    }

    /// Forgets what was expected and not looked up: from now on things may change.
    pub async fn expect_no_more(&self) {
        self.together.0.lock().await.clear();
    }

    /// What the engine says of an expected image; `None` if it was not expected, or if the question
    /// about several failed, so that this one has to be asked about by itself.
    pub(super) async fn inspect_expected(&self, name: &str) -> Option<Option<LocalImage>> {
        let mut together = self.together.0.lock().await;
        if let Answer::Given(image) = together.remove(name)? {
            return Some(image);
        }
        let is_outstanding =
            |(_, answer): &(&String, &Answer)| matches!(answer, Answer::Outstanding);
        let others = together.iter().filter(is_outstanding).map(|(name, _)| name);
        let names: Vec<_> = [name.to_owned()]
            .into_iter()
            .chain(others.take(MAX_NAMES - 1).cloned())
            .collect();
        match self.inspect_all(&names).await {
            Ok(images) => {
                together.extend(names.into_iter().zip(images.into_iter().map(Answer::Given)));
            }
            Err(_) => together.clear(),
        }
        match together.remove(name)? {
            Answer::Given(image) => Some(image),
            Answer::Outstanding => None,
        }
    }

    /// What the engine says of each of several images. An answer tells which of them are there only if
    /// all are, or none; else each half is asked about.
    async fn inspect_all(&self, names: &[String]) -> Result<Vec<Option<LocalImage>>, Error> {
        let mut question = words(&["image", "inspect"]);
        question.extend(names.iter().map(Into::into));
        let question = self.invocation(question).brief();
        let output = self.ask(&question).await?;
        if answers::says_no_such_images(&output, names.len()) {
            return Ok(vec![None; names.len()]);
        }
        if output.status.success() {
            let images = answers::inspected(&output.stdout, names.len());
            let images = images.map_err(|source| Error::Answer {
                command: "docker image inspect",
                source,
            })?;
            return Ok(images.into_iter().map(Some).collect());
        }
        if names.len() == 1 {
            return Err(question
                .succeeded(output)
                .map(drop)
                .expect_err("it failed")
                .into());
        }
        let (left, right) = names.split_at(names.len() / 2);
        let mut images = Box::pin(self.inspect_all(left)).await?;
        images.extend(Box::pin(self.inspect_all(right)).await?);
        Ok(images)
    }
}
