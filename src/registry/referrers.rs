//! What is attached to an image: attaching, and listing.
//!
//! A registry either lists by itself what refers to an image (the referrers API), and says so when it takes a
//! manifest with a subject; or it knows nothing of it, and the clients keep the list under a tag that is made of the
//! image's digest (the distribution specification, "Referrers Tag Schema").

use std::fmt::Display;

use futures_util::future::try_join;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LINK};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::artifact::{self, Artifact, Descriptor, EMPTY, ListProblem, fallback_tag};
use super::authorization::Access;
use super::endpoint::Endpoint;
use super::error::{RequestLine, without_secrets};
use super::manifest::{OCI_INDEX, OCI_MANIFEST};
use super::patience::Pauses;
use super::transport::{Answer, Request, origin, without_userinfo};
use super::words::Words;
use super::{Client, Error, Manifest, Retries, look_up};
use crate::reference::{Digest, Repository};

const SUBJECT_HEADER: &str = "oci-subject";

/// How many pages of a list are read.
const MAX_PAGES: usize = 32;

/// How often the list under a tag is written again if somebody else wrote it at the same time.
const MAX_RACES: usize = 5;

impl Client {
    /// Stores what is to be attached to an image, and the empty configuration that every artifact has. Whether the
    /// content was there before: if it was not, nobody can have attached it to anything in this repository.
    pub async fn store_content(
        &self,
        repository: &Repository,
        content: &[u8],
    ) -> Result<bool, Error> {
        let configuration = self.store_blob(repository, EMPTY);
        let content = self.store_blob(repository, content);
        let (_, was_there) = try_join(configuration, content).await?;
        Ok(was_there)
    }

    /// Attaches `artifact`, whose content is stored, to the image `subject`, which is in the repository, and sees it
    /// listed.
    pub async fn attach(
        &self,
        repository: &Repository,
        subject: &Manifest,
        artifact: &Artifact<'_>,
    ) -> Result<(), Error> {
        let manifest = artifact.manifest(subject);
        let manifest = manifest.expect("what is attached has the form of an image");
        let subject = Digest::sha256_of(subject.bytes());
        let own = Digest::sha256_of(manifest.bytes());
        let store = async |endpoint: &Endpoint, deadline| {
            let manifest = (OCI_MANIFEST, manifest.bytes().to_owned());
            let answer = self.put(endpoint, &own, manifest, deadline).await?;
            Ok(answer.header(SUBJECT_HEADER) == Some(subject.to_string().as_str()))
        };
        if self.at(repository, store).await? {
            return Ok(());
        }
        let entry = artifact.entry(&manifest);
        let list = async |endpoint: &Endpoint, deadline| {
            self.list_under_tag(endpoint, &subject, &entry, deadline)
                .await
        };
        self.at(repository, list).await
    }

    /// The manifests of type `kind` that are attached to the image `subject`, in the registry's order. Anybody
    /// who may push can have attached them.
    pub async fn attached(
        &self,
        repository: &Repository,
        subject: &Digest,
        kind: &str,
    ) -> Result<Vec<Digest>, Error> {
        let list = async |endpoint: &Endpoint, deadline| {
            if let Some(listed) = self.referrers(endpoint, subject, kind, deadline).await? {
                return Ok(listed);
            }
            match self.list_of_tag(endpoint, subject, deadline).await? {
                Some(answer) => artifact::listed(&answer.body, kind).map_err(of_list(&answer)),
                None => Ok(Vec::new()),
            }
        };
        self.at(repository, list).await
    }

    /// What an attached manifest holds; `None` if it is no artifact of type `kind` with one piece of content.
    pub async fn content_of(
        &self,
        repository: &Repository,
        artifact: &Digest,
        kind: &str,
    ) -> Result<Option<Descriptor>, Error> {
        let manifest = self.manifest(repository, artifact).await?;
        Ok(artifact::content(&manifest, kind))
    }

    /// The registry's own list; `None` if it keeps none.
    async fn referrers(
        &self,
        endpoint: &Endpoint,
        subject: &Digest,
        kind: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<Digest>>, Error> {
        let mut listed = Vec::new();
        let mut url = endpoint.referrers(subject, kind);
        for page in 0..MAX_PAGES {
            let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(OCI_INDEX))]);
            let request = Request::new(Method::GET, url, accept);
            let answer = self.sent(endpoint, Access::Pull, request, deadline).await?;
            match answer.status {
                StatusCode::OK => {}
                // How registries answer that do not know the API.
                StatusCode::BAD_REQUEST
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::NOT_ACCEPTABLE
                    if page == 0 =>
                {
                    return not_known(&answer).map(|()| None);
                }
                _ => return Err(self.refused(endpoint, Access::Pull, answer, deadline).await),
            }
            listed.extend(artifact::listed(&answer.body, kind).map_err(of_list(&answer))?);
            match next_page(&answer)? {
                Some(next) if next != answer.url => url = next,
                Some(_) => return Err(of_list(&answer)(ListProblem::Pages)),
                None => return Ok(Some(listed)),
            }
        }
        Err(Error::List {
            request: RequestLine::new(&Method::GET, &url),
            cause: ListProblem::Pages,
        })
    }

    /// The list that clients keep under a tag; `None` if the tag is absent, in the registry's own words.
    async fn list_of_tag(
        &self,
        endpoint: &Endpoint,
        subject: &Digest,
        deadline: Instant,
    ) -> Result<Option<Answer>, Error> {
        look_up::read(self, endpoint, &fallback_tag(subject), deadline).await
    }

    /// Adds an entry to the list under the tag.
    ///
    /// Nothing keeps two from writing it at the same time, and then one list takes the place of the other; so it
    /// is read again until the entry is seen in it: after a pause in which somebody who had read the old one will
    /// have written theirs, which takes them about as long as it took here.
    async fn list_under_tag(
        &self,
        endpoint: &Endpoint,
        subject: &Digest,
        entry: &Value,
        deadline: Instant,
    ) -> Result<(), Error> {
        let tag = fallback_tag(subject);
        let of_list = |cause| Error::List {
            request: RequestLine::new(&Method::GET, &endpoint.manifest(&tag)),
            cause,
        };
        let (mut pauses, mut is_last_look) = (None, false);
        loop {
            let begun = Instant::now();
            let list = self.list_of_tag(endpoint, subject, deadline).await?;
            let list = list.as_ref().map(|answer| answer.body.as_slice());
            let Some(edited) = artifact::with_entry(list, entry).map_err(of_list)? else {
                return Ok(());
            };
            if is_last_look {
                return Err(of_list(ListProblem::Races));
            }
            self.put(endpoint, &tag, (OCI_INDEX, edited), deadline)
                .await?;
            let pauses = pauses.get_or_insert_with(|| {
                Pauses::new(Retries {
                    times: MAX_RACES,
                    first_pause: begun.elapsed(),
                })
            });
            let left = deadline.saturating_duration_since(Instant::now());
            match pauses.next(None, left) {
                Some(pause) => sleep(pause).await,
                // What was written last may have stayed, and a registry may be too slow for a pause.
                None => is_last_look = true,
            }
        }
    }

    /// Writes a manifest of a media type under a tag, or under its digest and no tag.
    async fn put(
        &self,
        endpoint: &Endpoint,
        tag_or_digest: &impl Display,
        (media_type, bytes): (&'static str, Vec<u8>),
        deadline: Instant,
    ) -> Result<Answer, Error> {
        let content_type = HeaderValue::from_static(media_type);
        let request = Request {
            method: Method::PUT,
            url: endpoint.manifest(tag_or_digest),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
            body: Some(bytes),
        };
        let access = Access::PullAndPush;
        let answer = self.sent(endpoint, access, request, deadline).await?;
        match answer.status {
            StatusCode::CREATED => Ok(answer),
            _ => Err(self.refused(endpoint, access, answer, deadline).await),
        }
    }
}

/// Takes the answer of a registry that does not know the API. It need not be in a registry's words, but a web page
/// comes from something else, and then nothing is known.
fn not_known(answer: &Answer) -> Result<(), Error> {
    match answer.body.trim_ascii_start().starts_with(b"<") {
        true => Err(Error::NotFoundByNoRegistry {
            request: answer.request(),
            words: Words::of(&answer.body),
        }),
        false => Ok(()),
    }
}

/// The error of an answer that is no list, or does not end.
fn of_list(answer: &Answer) -> impl FnOnce(ListProblem) -> Error {
    let request = answer.request();
    |cause| Error::List { request, cause }
}

/// Where the list goes on (RFC 8288): on the same server, since the credentials are for that.
fn next_page(answer: &Answer) -> Result<Option<Url>, Error> {
    let links = answer.headers.get_all(LINK).iter();
    let mut links = links.filter_map(|link| link.to_str().ok());
    let Some(link) = links.find_map(|links| links.split(',').find_map(next_link)) else {
        return Ok(None);
    };
    match answer.url.join(link).map(without_userinfo) {
        Ok(next) if origin(&next) == origin(&answer.url) => Ok(Some(next)),
        Ok(next) => Err(Error::Redirect {
            request: answer.request(),
            target: without_secrets(&next),
        }),
        Err(_) => Err(of_list(answer)(ListProblem::Pages)),
    }
}

/// The target of a link, if it is that to the next page. Registries put no comma into it.
fn next_link(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| {
        let parameter = parameter.trim().to_ascii_lowercase();
        matches!(parameter.as_str(), "rel=next" | "rel=\"next\"")
    };
    parameters.split(';').any(is_next).then_some(target)
}
