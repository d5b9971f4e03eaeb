//! Following a path through symbolic links, never out of the root.
//!
//! Only a path that a person wrote is followed, in fingerprint.toml or a Dockerfile. Every link that it crosses is reported, since what
//! it points to is part of the answer.

use std::collections::VecDeque;

use super::Error;
use super::tree::{Kind, Tree};
use crate::path::RootPath;

/// How many links one path may cross; Linux itself allows as many.
const MAX_LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    /// The path behind all links.
    pub(super) end: RootPath,
    /// What lies there; `None` if nothing does.
    pub(super) kind: Option<Kind>,
    /// The links that were crossed, with their texts.
    pub(super) crossed: Vec<(RootPath, Vec<u8>)>,
}

/// Follows `path` from the root, part by part. It is an error if a link leads out of the root.
pub(super) fn resolve(tree: &dyn Tree, path: &RootPath) -> Result<Resolved, Error> {
    follow(tree, path, &RootPath::root(), None)
}

/// Follows `path`, which is relative to `world`, as a builder does whose whole world that folder is:
/// `..` stops at its top, and an absolute link starts there.
pub(super) fn resolve_in_world(
    tree: &dyn Tree,
    path: &RootPath,
    world: &RootPath,
) -> Result<Resolved, Error> {
    follow(tree, path, world, Some(world))
}

fn follow(
    tree: &dyn Tree,
    path: &RootPath,
    start: &RootPath,
    world: Option<&RootPath>,
) -> Result<Resolved, Error> {
    let mut way = Way {
        tree,
        path,
        world,
        end: start.clone(),
        rest: path.parts().map(<[u8]>::to_vec).collect(),
        crossed: Vec::new(),
    };
    let mut kind = Some(Kind::Folder);
    while let Some(part) = way.rest.pop_front() {
        kind = way.step(&part)?;
        if kind != Some(Kind::Folder) && !way.rest.is_empty() {
            // Nothing lies below what is no folder, and `..` leads nowhere from there.
            let below = way.rest.iter().take_while(|part| *part != b"..");
            way.end = below.fold(way.end, |end, part| end.join(part));
            kind = None;
            break;
        }
    }
    Ok(Resolved {
        end: way.end,
        kind,
        crossed: way.crossed,
    })
}

/// How far a path has been followed.
struct Way<'a> {
    tree: &'a dyn Tree,
    /// The path as it was written.
    path: &'a RootPath,
    /// What the way cannot leave, whatever links say; without it, leaving the root is an error.
    world: Option<&'a RootPath>,
    end: RootPath,
    /// The parts that are still to go.
    rest: VecDeque<Vec<u8>>,
    crossed: Vec<(RootPath, Vec<u8>)>,
}

impl Way<'_> {
    /// Goes on by one part, and tells what lies there; a link is a folder that one goes on from.
    fn step(&mut self, part: &[u8]) -> Result<Option<Kind>, Error> {
        if part == b".git" {
            return Err(Error::InsideGit {
                path: self.path.clone(),
            });
        }
        if part == b".." {
            self.climb()?;
            return Ok(Some(Kind::Folder));
        }
        let next = self.end.join(part);
        match self.tree.look(&next)? {
            Some(Kind::Link) => self.cross(next).map(|()| Some(Kind::Folder)),
            kind => {
                self.end = next;
                Ok(kind)
            }
        }
    }

    /// Goes to the folder above.
    fn climb(&mut self) -> Result<(), Error> {
        if self.world != Some(&self.end) {
            self.end = self.end.parent().ok_or_else(|| leaves(&self.crossed))?;
        }
        Ok(())
    }

    /// Puts the parts of the link's text before those that are still to go.
    fn cross(&mut self, link: RootPath) -> Result<(), Error> {
        let text = self.tree.link_text(&link)?;
        let parts = text
            .split(|&byte| byte == b'/')
            .filter(|part| !matches!(*part, b"" | b"."));
        for part in parts.rev() {
            self.rest.push_front(part.to_vec());
        }
        let is_absolute = text.starts_with(b"/");
        self.crossed.push((link, text));
        if is_absolute {
            let world = self.world.ok_or_else(|| leaves(&self.crossed))?;
            self.end = world.clone();
        }
        if self.crossed.len() > MAX_LINKS {
            return Err(Error::LinkLoop {
                path: self.path.clone(),
            });
        }
        Ok(())
    }
}

/// `..` at the root can only come from a link: written paths cannot leave it.
fn leaves(crossed: &[(RootPath, Vec<u8>)]) -> Error {
    let (link, text) = crossed
        .last()
        .expect("only a link can lead out of the root");
    Error::LinkLeaves {
        link: link.clone(),
        text: text.clone(),
    }
}
