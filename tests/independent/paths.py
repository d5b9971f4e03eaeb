"""Paths, and how links are followed (section 5, and section 13 where the context is the whole world)."""

import os
import stat

from text import NoFingerprint

MOST_LINKS = 40


def join(*parts):
    """One path of several, of which any may be empty."""
    return b"/".join(part for part in parts if part)


def is_below(path, folder):
    """Whether a path lies below a folder; the root's path is empty."""
    return path != folder and (not folder or path.startswith(folder + b"/"))


def at_or_below(path, folder):
    return path == folder or is_below(path, folder)


def relative(path, folder):
    """A path at or below a folder, relative to it."""
    return path[len(folder) + 1:] if folder else path


def folders_above(path):
    """The folders above a path, from the top down, and last the path itself."""
    parts = path.split(b"/") if path else []
    return [b"/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def clean(text):
    """Section 6, step 3: empty and `.` parts go, and `..` takes the part before it away."""
    absolute, kept = text.startswith("/"), []
    for part in text.split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in ("", ".") and not (part == ".." and absolute):
            kept.append(part)
    return ("/" if absolute else "") + "/".join(kept) or "."


def inside(text):
    """Section 12, paths of sources: `..` stops at the top, and a `/` in front means nothing."""
    cleaned = clean("/" + text)
    return cleaned[1:]


def configured(text, key):
    """Section 3, paths: they are made shorter by the text alone and do not leave the root."""
    if not text or text.startswith("/") or "\0" in text:
        raise NoFingerprint(f"{key}: {text!r} is no path")
    kept = []
    for part in text.split("/"):
        if part == "..":
            if not kept:
                raise NoFingerprint(f"{key}: {text!r} leaves the root")
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept).encode()


def kind_of(full):
    """What lies at a path, links not followed: "file", "link", "folder", "special", or None."""
    try:
        mode = os.lstat(full).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise NoFingerprint(str(problem)) from problem
    kinds = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
    return kinds.get(stat.S_IFMT(mode), "special")


class End:
    """Where a path leads: `path` is None if nothing is there; `links` are those that were crossed."""

    def __init__(self, path, kind, links):
        self.path, self.kind, self.links = path, kind, links


def follow(world, path, closed):
    """Follow a path part by part (section 5).

    All paths are relative to `world`, a full path. In a closed world (section 13) `..` at the top stays there and a
    text that starts with `/` starts at the top; else they are errors.
    """
    here, pending, links = [], path.split(b"/"), []
    while pending:
        part = pending.pop(0)
        if part in (b"", b"."):
            continue
        if part == b"..":
            _up(here, closed)
            continue
        if part == b".git":
            raise NoFingerprint(".git as a part of a path")
        reached = b"/".join([*here, part])
        kind = kind_of(join(world, reached))
        if kind == "link":
            links.append(reached)
            pending = _link_parts(world, reached, here, links, closed) + pending
        elif kind == "folder":
            here.append(part)
        elif kind is None or any(rest not in (b"", b".") for rest in pending):
            return End(None, None, links)
        else:
            return End(reached, kind, links)
    return End(b"/".join(here), "folder", links)


def _up(here, closed):
    if here:
        here.pop()
    elif not closed:
        raise NoFingerprint("a link leads out of the root")


def _link_parts(world, path, here, links, closed):
    """The parts of a link's text; an absolute one also moves to the top of a closed world."""
    if len(links) > MOST_LINKS:
        raise NoFingerprint("more than 40 links")
    text = os.readlink(join(world, path))
    if text.startswith(b"/"):
        if not closed:
            raise NoFingerprint("a link leads out of the root")
        here.clear()
    return text.split(b"/")


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def content(full):
    """The bytes of a file that counts, which must not be a git-lfs pointer (section 5, errors)."""
    try:
        with open(full, "rb") as file:
            data = file.read()
    except OSError as problem:
        raise NoFingerprint(str(problem)) from problem
    if len(data) < 1024 and data.startswith(LFS_POINTER):
        raise NoFingerprint(f"{full!r} is a git-lfs pointer")
    return data


def linked_content(root, path):
    """The bytes of the Dockerfile, .dockerignore or an argument's file, which are read through links."""
    end = follow(root, path, closed=False)
    if end.kind != "file":
        raise NoFingerprint(f"{path!r} is no file")
    return content(join(root, end.path))
