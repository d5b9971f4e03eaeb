"""The language of .dockerignore (section 6), which `--exclude` and `--parents` share (section 12)."""

import re

from paths import clean
from text import LONGEST_LINE, NoFingerprint, WHITE_SPACE, decode, replaced

BEYOND_ASCII = re.compile(r"[^\0-\x7f]")
# What a builder would take for a part of a regular expression, outside of sets.
REPETITION = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")


class Rules:
    """Rules in their order, and what they decide about paths."""

    def __init__(self, lines):
        self.rules = [_rule(line) for line in lines]
        self.any_exception = any(not excludes for excludes, _ in self.rules)
        self._known = {b"": (frozenset(), False)}

    def exclude(self, path):
        """Whether a path, relative to what the rules are about, is excluded."""
        return self._decide(path)[1]

    def _decide(self, path):
        """The rules that hold for a path, and whether it is excluded."""
        if path not in self._known:
            folder = path.rpartition(b"/")[0]
            held, _ = self._decide(folder)
            holds, excluded = set(), False
            for number, (excludes, matches) in enumerate(self.rules):
                if number in held or excluded != excludes and matches(decode(path)):
                    holds.add(number)
                    excluded = excludes
            self._known[path] = frozenset(holds), excluded
        return self._known[path]


def read(data):
    """The rules of a file."""
    lines = decode(data).removeprefix("\ufeff").split("\n")
    if any(len(line) >= LONGEST_LINE for line in data.split(b"\n")):
        raise NoFingerprint("a line of .dockerignore is too long")
    return Rules(filter(None, map(_line, lines)))


def _line(line):
    """Steps 1 to 3: the line with its path cleaned, or nothing if it is no rule."""
    if line.startswith("#"):
        return ""
    line = line.strip(WHITE_SPACE)
    sign = "!" if line.startswith("!") else ""
    line = line.removeprefix("!").strip(WHITE_SPACE)
    if line:
        line = clean(line)
        line = line[1:] if line.startswith("/") and line != "/" else line
    return sign + line


def _rule(line):
    """Step 4: whether a rule excludes, and the function that says what it matches."""
    line = line.strip(WHITE_SPACE)
    line = clean(line) if line else ""
    excludes = not line.startswith("!")
    pattern = line if excludes else line[1:]
    if not excludes and not pattern:
        raise NoFingerprint("a ! with nothing behind it")
    return excludes, matcher(pattern)


def _is_plain(text):
    return not re.search(r"[*?\[\]\\]", text)


def matcher(pattern):
    """The function that says whether a pattern matches a path."""
    if _is_plain(pattern):
        return lambda path: path == pattern
    if pattern.startswith("**") and _is_plain(pattern[2:]):
        end = pattern[2:]
        return lambda path: path.endswith(end) or path == end.removeprefix("/")
    if pattern.endswith("**") and _is_plain(pattern[:-2]):
        return lambda path: path.startswith(pattern[:-2])
    if "[" in pattern and replaced(pattern) != pattern:
        raise NoFingerprint("a set in a pattern that is not UTF-8")
    expression = re.compile(_translate(replaced(pattern).removeprefix("\ufeff")), re.DOTALL)
    return lambda path: expression.fullmatch(replaced(path)) is not None


def _translate(pattern):
    """A glob as a regular expression."""
    result, at = "", 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        result += piece
    return result


def _piece(pattern, at):
    """The regular expression of what starts at a place of the glob, and the place behind it."""
    sign = pattern[at]
    if pattern.startswith("**", at):
        at += 2
        at += pattern.startswith("/", at)
        return (r"(?:[^\n]*/)?" if at < len(pattern) else r"[^\n]*"), at
    if sign == "*":
        return "[^/]*", at + 1
    if sign == "?":
        return "[^/]", at + 1
    if sign == "[":
        return _set(pattern, at + 1)
    if sign in "|^" or REPETITION.match(pattern, at):
        raise NoFingerprint(f"{sign!r} in a pattern, which is a regular expression for a builder")
    if sign == "\\":
        sign, at = _escaped(pattern, at + 1), at + 1
    return re.escape(sign), at + 1


def _escaped(pattern, at):
    """The character behind a backslash."""
    if at == len(pattern):
        raise NoFingerprint("a backslash ends a pattern")
    if BEYOND_ASCII.match(pattern[at]) or pattern[at].isalnum():
        raise NoFingerprint("a backslash before a letter, a digit or a character beyond ASCII")
    return pattern[at]


def _set(pattern, at):
    """A set, whose members may be a slash."""
    negated = pattern.startswith("^", at)
    at += negated
    members = []
    while not pattern.startswith("]", at):
        first, at = _member(pattern, at)
        last = first
        if pattern.startswith("-", at):
            last, at = _member(pattern, at + 1)
        if last < first:
            raise NoFingerprint("a range that is the wrong way round")
        members.append(f"{re.escape(first)}-{re.escape(last)}")
    if not members:
        raise NoFingerprint("a set that is empty")
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _member(pattern, at):
    """One character of a set, perhaps behind a backslash."""
    if at >= len(pattern) or pattern[at] in "]-":
        raise NoFingerprint("a set that is unclosed or malformed")
    if pattern[at] == "\\":
        return _escaped(pattern, at + 1), at + 2
    if pattern[at] in "*?" or pattern.startswith("[:", at) and ":]" in pattern[at + 2:]:
        raise NoFingerprint("a set that means something else to a builder")
    return pattern[at], at + 1
