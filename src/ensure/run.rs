//! The images of one run: each made available at most once, after those that it is built on.
//!
//! What is asked for is looked up at once. Of what it is built on nothing is asked until it has to be
//! built; then those images are made available, independent ones at the same time. How one image is made
//! available is left to `drive`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;

use super::drive::{self, Upstreams};
use super::hindrance::Hindrance;
use super::observe::{Observation, RegistryAnswer, observe};
use super::plan::Plan;
use super::{Error, Event, Job, Outcome, Step, Tell, World, alias, label};
use crate::config::ImageName;
use crate::engine::Upstream;
use crate::interrupt::Interrupted;

/// How many images are asked about at once.
const MAX_AT_ONCE: usize = 32;

/// How the events of all images reach whoever shows them.
pub type TellOf<'a> = dyn Fn(&Job<'_>, &Event<'_>) + 'a;

/// The images of one run.
pub struct Run<'a> {
    images: BTreeMap<&'a ImageName, Node<'a>>,
    /// Whether anything was built, pushed or pulled since the first look.
    has_worked: Cell<bool>,
    world: &'a World<'a>,
    tell: &'a TellOf<'a>,
}

/// An image, and what has come of it so far.
struct Node<'a> {
    job: Job<'a>,
    observed: RefCell<Option<Observation>>,
    outcome: OnceCell<Result<Outcome, Arc<Error>>>,
}

impl<'a> Run<'a> {
    /// A run with `jobs`: what is asked for, and all that it is built on.
    pub fn new(
        jobs: impl IntoIterator<Item = Job<'a>>,
        world: &'a World<'a>,
        tell: &'a TellOf<'a>,
    ) -> Self {
        let node = |job: Job<'a>| {
            let image = job.image;
            let node = Node {
                job,
                observed: RefCell::default(),
                outcome: OnceCell::new(),
            };
            (&image.name, node)
        };
        Run {
            images: jobs.into_iter().map(node).collect(),
            has_worked: Cell::new(false),
            world,
            tell,
        }
    }

    /// What was seen of an image when all were looked up, or else is seen now.
    pub async fn observation(&self, name: &ImageName) -> Result<Observation, Interrupted> {
        let node = &self.images[name];
        let observed = node.observed.take();
        match observed {
            Some(observation) => Ok(observation),
            None => observe(&node.job, self.world).await,
        }
    }

    /// Looks all images called `names` up at once.
    pub async fn observe(&self, names: &[&ImageName]) -> Result<(), Interrupted> {
        let jobs = names.iter().map(|name| self.job(name));
        self.world.expect(jobs).await;
        let observing = names.iter().map(async |name| {
            let node = &self.images[*name];
            let observation = observe(&node.job, self.world).await?;
            node.observed.replace(Some(observation));
            Ok(())
        });
        let mut observing = stream::iter(observing).buffer_unordered(MAX_AT_ONCE);
        while let Some(observed) = observing.next().await {
            observed?;
        }
        self.world.engine.expect_no_more().await;
        Ok(())
    }

    /// The job of the image called `name`.
    pub fn job(&self, name: &ImageName) -> &Job<'a> {
        &self.images[name].job
    }

    /// Makes an image available, unless that was done or has failed before.
    pub fn ensure<'b>(
        &'b self,
        name: &'b ImageName,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, Arc<Error>>> + 'b>> {
        Box::pin(async {
            let node = &self.images[name];
            let outcome = node
                .outcome
                .get_or_init(async || self.make(node).await.map_err(Arc::new));
            outcome.await.clone()
        })
    }

    /// Has the aliases of an image stand for what was just made available, last of all. `None` if they stay, or if
    /// there is nothing published that they could stand for.
    pub async fn alias(
        &self,
        name: &ImageName,
        outcome: &Outcome,
    ) -> Result<Option<Vec<alias::Named>>, Error> {
        match &outcome.reference.digest {
            Some(digest) => alias::all(self.job(name), self.world, digest).await,
            None => Ok(None),
        }
    }

    /// Makes an image available, and tells of its beginning and its end.
    async fn make(&self, node: &Node<'a>) -> Result<Outcome, Error> {
        let mut tell = |event: Event<'_>| (self.tell)(&node.job, &event);
        tell(Event::Begun);
        let made = self.work(node, &mut tell).await;
        tell(Event::Ended(made.as_ref()));
        made
    }

    async fn work(&self, node: &Node<'a>, tell: &mut Tell<'_>) -> Result<Outcome, Error> {
        let job = &node.job;
        let observed = node.observed.take();
        // While others were built, somebody else may have published this one.
        let is_old = |old: &Observation| self.has_worked.get() && job.plan(old).takes_upstreams();
        let observation = match observed.filter(|observation| !is_old(observation)) {
            Some(observation) => observation,
            None => observe(job, self.world).await?,
        };
        let others = (
            async || self.hindrance(job).await,
            async || self.upstreams(job).await,
        );
        let outcome = drive::ensure(job, self.world, observation, others, tell).await?;
        self.has_worked
            .set(self.has_worked.get() || !outcome.steps.is_empty());
        Ok(outcome)
    }

    /// What would be done about an image, and what hinders it from being published.
    pub async fn plan(
        &self,
        name: &ImageName,
        observation: &Observation,
    ) -> Result<(Plan, Option<Hindrance>), Interrupted> {
        let job = self.job(name);
        let plan = job.plan(observation);
        let hindrance = match plan.publishes() {
            true => self.hindrance(job).await?,
            false => None,
        };
        let plan = match &hindrance {
            Some(hindrance) => plan.hindered(hindrance.clone(), !job.may_stay_local()),
            None => plan,
        };
        Ok((plan, hindrance))
    }

    /// Something that an image is built on and that will not be published, as far as can be told before it is
    /// made.
    async fn hindrance(&self, job: &Job<'a>) -> Result<Option<Hindrance>, Interrupted> {
        for image in job.image.needs.values() {
            let hindrance = self.unpublished(image).await?;
            if hindrance.is_some() {
                return Ok(hindrance);
            }
        }
        Ok(None)
    }

    /// Why an image will not be published; `None` if it will be, or is.
    fn unpublished<'b>(
        &'b self,
        name: &'b ImageName,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Hindrance>, Interrupted>> + 'b>> {
        Box::pin(async {
            let node = &self.images[name];
            let own = Hindrance::of(&node.job);
            let hindrance = match own.is_some() {
                true => own,
                false => self.hindrance(&node.job).await?,
            };
            if hindrance.is_none() || node.job.image.repository.is_none() {
                return Ok(hindrance);
            }
            // Whoever is not told that it is absent finds out why when it is made.
            match self.is_absent(node).await? {
                true => Ok(hindrance),
                false => Ok(None),
            }
        })
    }

    /// Whether the registry says that an image is absent.
    async fn is_absent(&self, node: &Node<'a>) -> Result<bool, Interrupted> {
        if let Some(Ok(outcome)) = node.outcome.get() {
            return Ok(outcome.reference.digest.is_none());
        }
        if node.observed.borrow().is_none() {
            let observation = observe(&node.job, self.world).await?;
            node.observed.replace(Some(observation));
        }
        let observed = node.observed.borrow();
        let registry = observed.as_ref().map(|observed| &observed.registry);
        Ok(matches!(registry, Some(RegistryAnswer::Absent)))
    }

    /// Makes the images available that an image is built on.
    async fn upstreams(&self, job: &Job<'a>) -> Result<Upstreams, Error> {
        let making = job.image.needs.iter().map(async |(name, image)| {
            let made = self.ensure(image).await;
            let failed = |error| Error::of_upstream(image, error);
            let outcome = made.map_err(failed)?;
            // Whatever came through the engine was looked at there; what was built was maybe overtaken.
            let is_seen = |step: &Step| matches!(step, Step::Pulled | Step::Pushed);
            if !outcome.steps.iter().any(is_seen)
                && let Some(digest) = &outcome.reference.digest
            {
                let checked = label::check(self.job(image), self.world, digest).await;
                checked.map_err(|error| failed(Arc::new(error)))?;
            }
            Ok((name.clone(), upstream(outcome)))
        });
        join_all(making).await.into_iter().collect()
    }
}

/// How an image that is available is handed to a build.
fn upstream(outcome: Outcome) -> Upstream {
    let reference = outcome.reference;
    match &reference.digest {
        Some(digest) => Upstream::Published(reference.repository.at(digest)),
        None => Upstream::Local(reference),
    }
}
