"""Listed inputs (section 5)."""

import re

import paths
from text import NoFingerprint, decode


class Entry:
    """One entry of `inputs`."""

    def __init__(self, text):
        self.takes_out = text.startswith("!")
        text = text.removeprefix("!")
        if not text or text.startswith("/") or "\0" in text:
            raise NoFingerprint(f"entry {text!r}")
        self.parts = [part for part in text.split("/") if part not in ("", ".")]
        if any(part == ".." or "**" in part and part != "**" for part in self.parts):
            raise NoFingerprint(f"entry {text!r}")
        self.is_glob = any(sign in part for part in self.parts for sign in "*?")
        self.path = "/".join(self.parts).encode()

    def covers(self, path):
        """Whether it matches a path or a folder above it."""
        return _covers(self.parts, _names(path), False)

    def may_cover_below(self, folder):
        """Whether it could match the folder, one above it, or something below it."""
        return _covers(self.parts, _names(folder), True)


def _names(path):
    return decode(path).split("/") if path else []


def _covers(parts, names, partly):
    if not parts or partly and not names:
        return True
    if parts[0] == "**":
        return _covers(parts[1:], names, partly) or bool(names) and _covers(parts, names[1:], partly)
    return bool(names) and _matches(parts[0], names[0]) and _covers(parts[1:], names[1:], partly)


def _matches(part, name):
    """Whether a part of an entry matches a name; a byte that is not UTF-8 is one character of `decode`."""
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in part)
    return re.fullmatch(expression, name, re.DOTALL) is not None


class Listed:
    """The inputs that the entries give."""

    def __init__(self, image, tree):
        self.tree, self.found = tree, set()
        entries = [Entry(text) for text in image.inputs]
        self.exclusions = [entry for entry in entries if entry.takes_out]
        self.entries = [entry for entry in entries if not entry.takes_out and entry.path != image.dockerfile]

    def inputs(self):
        """The paths of all inputs."""
        ends = [self._literal(entry) for entry in self.entries if not entry.is_glob]
        globs = [entry for entry in self.entries if entry.is_glob]
        for entry in globs:
            self._glob(entry)
        if any(not any(paths.at_or_below(path, end) for path in self.found) for end in ends):
            raise NoFingerprint("a literal entry that gives no input")
        if any(not any(entry.covers(path) for path in self.found) for entry in globs):
            raise NoFingerprint("a glob that covers no input")
        return self.found

    def _taken_out(self, path):
        return any(entry.covers(path) for entry in self.exclusions)

    def _take(self, path, kind):
        """Take what an entry selected, or refuse what may be no input."""
        if self._taken_out(path):
            return
        if kind not in ("file", "link"):
            raise NoFingerprint(f"{path!r} would be an input and is {kind}")
        self.found.add(path)

    def _literal(self, entry):
        """What a literal entry gives, and where it ends."""
        end = paths.follow(self.tree.root, entry.path, closed=False)
        if end.path is None:
            raise NoFingerprint(f"nothing is at {entry.path!r}")
        for link in end.links:
            self._take(link, self.tree.kind(link))
        if end.kind != "folder":
            self._take(end.path, self.tree.kind(end.path))
        for node in self.tree.below(end.path, meant=True):
            self._take(node.path, node.kind)
        return end.path

    def _glob(self, entry):
        for node in self.tree.below(b"", meant=False):
            if node.kind in ("missing", "closed") and entry.may_cover_below(node.path):
                self._take(node.path, node.kind)
            elif entry.covers(node.path):
                self._take(node.path, node.kind)
