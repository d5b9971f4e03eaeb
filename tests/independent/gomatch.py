"""The patterns of Go's filepath.Match (section 12, wildcards)."""

import re

from text import replaced


def has_wildcards(text):
    """Whether a text has a `*`, `?` or `[` that no backslash makes ordinary."""
    return re.match(r"(?:\\.|[^\\*?\[])*[*?\[]", text, re.DOTALL) is not None


class Malformed(Exception):
    """A pattern that matches nothing."""


class Pattern:
    """A pattern, cut at its stars into chunks; a chunk is a list of functions that each match one character."""

    def __init__(self, text):
        self.chunks = [[]]
        try:
            self._read(replaced(text))
        except Malformed:
            self.chunks = None

    def _read(self, text):
        at = 0
        while at < len(text):
            if text[at] == "*":
                # Several stars in a row are as one.
                self.chunks += [[]] if self.chunks[-1] or len(self.chunks) == 1 else []
                at += 1
            elif text[at] == "[":
                test, at = _set(text, at + 1)
                self.chunks[-1].append(test)
            elif text[at] == "?":
                self.chunks[-1].append(lambda sign: sign != "/")
                at += 1
            else:
                literal, at = _sign(text, at)
                self.chunks[-1].append(literal.__eq__)

    def matches(self, path):
        """Whether it matches a whole path."""
        if self.chunks is None:
            return False
        path = replaced(path)
        first, *others = self.chunks
        if not _fits(first, path, 0):
            return False
        at = len(first)
        for chunk in others:
            at = _place(chunk, path, at, chunk is others[-1])
            if at is None:
                return False
        return at == len(path)


def _fits(chunk, path, at):
    return len(path) - at >= len(chunk) and all(test(path[at + index]) for index, test in enumerate(chunk))


def _place(chunk, path, at, is_last):
    """The end of the first place where a chunk behind a star matches; the last has to end where the path ends."""
    while True:
        end = at + len(chunk)
        if _fits(chunk, path, at) and (not is_last or end == len(path)):
            return end
        if at >= len(path) or path[at] == "/":
            return None
        at += 1


def _sign(text, at):
    """One character, perhaps behind a backslash, and the place behind it."""
    at += text[at] == "\\"
    if at >= len(text):
        raise Malformed
    return text[at], at + 1


def _set(text, at):
    """The function that says whether a character is in a set."""
    negated = text.startswith("^", at)
    at += negated
    ranges = []
    while not text.startswith("]", at):
        first, at = _member(text, at)
        last = first
        if text.startswith("-", at):
            last, at = _member(text, at + 1)
        ranges.append((first, last))
    if not ranges:
        raise Malformed
    return lambda sign: negated != any(first <= sign <= last for first, last in ranges), at + 1


def _member(text, at):
    if at >= len(text) or text[at] in "]-":
        raise Malformed
    return _sign(text, at)
