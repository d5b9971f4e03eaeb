"""The rules of .gitignore files (section 4)."""

import re
import string

_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, [*range(32), 127])),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": "\t\n\r ",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


class _Nothing(Exception):
    """A pattern that matches nothing."""


class Rule:
    """One rule: whether it is an exception, is for folders only, is about paths, and what it matches."""

    def __init__(self, line):
        self.ignores = not line.startswith(b"!")
        line = line if self.ignores else line[1:]
        self.folders_only = line.endswith(b"/")
        line = line[:-1] if self.folders_only else line
        self.about_paths = b"/" in line
        self.pattern = _compile(line.removeprefix(b"/"), self.about_paths)

    def matches(self, path, is_folder):
        """Whether it matches a path that is relative to the folder of the file."""
        if self.folders_only and not is_folder:
            return False
        return self.pattern.fullmatch(path if self.about_paths else path.rsplit(b"/", 1)[-1]) is not None


def rules(data):
    """The rules of a file."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [Rule(_trimmed(line)) for line in lines if line and not line.startswith(b"#")]


def _trimmed(line):
    """Step 2 of section 4: one CR, what stands behind a NUL, and spaces that no backslash makes ordinary."""
    line = line.removesuffix(b"\r").split(b"\0")[0]
    return re.match(rb"(?:\\.?|[^\\ ]| +(?! |$))*", line, re.DOTALL)[0]


def verdict(file_rules, path, is_folder):
    """What the last rule that matches says: True, False, or None if none matches."""
    for rule in reversed(file_rules):
        if rule.matches(path, is_folder):
            return rule.ignores
    return None


def _compile(pattern, about_paths):
    """A pattern as a regular expression of bytes."""
    try:
        return re.compile(_translate(pattern, about_paths), re.DOTALL)
    except _Nothing:
        return re.compile(b"(?!)")


def _translate(pattern, about_paths):
    result, at = b"", 0
    while at < len(pattern):
        piece, at = _piece(pattern, at, about_paths)
        result += piece
    return result


def _piece(pattern, at, about_paths):
    """The regular expression of what starts at a place of the pattern, and the place behind it."""
    sign = pattern[at:at + 1]
    if sign == b"*":
        return _stars(pattern, at, about_paths)
    if sign == b"?":
        return b"[^/]", at + 1
    if sign == b"[":
        return _bracket(pattern, at + 1)
    if sign == b"\\":
        if at + 1 == len(pattern):
            raise _Nothing
        at, sign = at + 1, pattern[at + 1:at + 2]
    return re.escape(sign), at + 1


def _stars(pattern, at, about_paths):
    end = at
    while pattern[end:end + 1] == b"*":
        end += 1
    whole_part = about_paths and end - at >= 2 and (at == 0 or pattern[at - 1:at] == b"/")
    if whole_part and pattern[end:end + 1] == b"/":
        return b"(?:[^/]+/)*", end + 1
    if whole_part and (end == len(pattern) or pattern[end:end + 2] == b"\\/"):
        return b".+", end
    return b"[^/]*", end


def _bracket(pattern, at):
    """A bracket, as the set of the bytes that it matches."""
    negated = pattern[at:at + 1] in (b"!", b"^")
    at += negated
    members, previous, first = set(), None, True
    while first or pattern[at:at + 1] != b"]":
        if at >= len(pattern):
            raise _Nothing
        first = False
        name, end = _class(pattern, at)
        if name is not None:
            members.update(_CLASSES[name].encode())
            previous, at = None, end
            continue
        is_range = pattern[at:at + 1] == b"-" and previous is not None and pattern[at + 1:at + 2] not in (b"", b"]")
        byte, at = _member(pattern, at + is_range)
        members.update(range(previous, byte + 1) if is_range else [byte])
        previous = None if is_range else byte
    allowed = (set(range(256)) - members if negated else members) - {ord("/")}
    return (b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(allowed)) + b"]" if allowed else b"(?!)"), at + 1


def _member(pattern, at):
    """One byte of a bracket, perhaps behind a backslash."""
    at += pattern[at:at + 1] == b"\\"
    if at >= len(pattern):
        raise _Nothing
    return pattern[at], at + 1


def _class(pattern, at):
    """The class that starts at a place, and the place behind it."""
    if pattern[at:at + 2] != b"[:":
        return None, at
    end = pattern.find(b"]", at + 2)
    if end < 0:
        raise _Nothing
    if end == at + 2 or pattern[end - 1:end] != b":":
        return None, at
    name = pattern[at + 2:end - 1].decode("latin-1")
    if name not in _CLASSES:
        raise _Nothing
    return name, end + 1
