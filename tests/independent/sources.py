"""Sources: what instructions read from the context (section 12)."""

import re

import dockerignore
import gomatch
import mounts
from paths import clean, inside
from stages import Stage, from_of_copy
from text import NoFingerprint
from variables import Scope
from words import UNDECIDED, Mistake, expand, here_document

KNOWN = set(
    "add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild run shell stopsignal user volume"
    " workdir".split())
FLAGS = {
    "copy": r"--from=.*|--parents(=(?i:true|false))?|--exclude=.*|--(chown|chmod|link)(=.*)?",
    "add": r"--exclude=.*|--(chown|chmod|link|keep-git-dir|checksum|unpack)(=.*)?",
    "run": r"--mount=.*|--(network|security|device)(=.*)?",
}
ADDRESS = re.compile(r"(https?|ssh|git)://.*", re.IGNORECASE | re.DOTALL)
ACCOUNT = re.compile(r"(?!\./|\.\./|github\.com/)[A-Za-z0-9_-]+@[A-Za-z0-9.-]+:.*", re.DOTALL)


class Source:
    """What one word or mount names.

    `base` is a path in the context. `pattern` is what a glob matches below it, else None. `kept` says what
    `--parents` with wildcards takes below it (or below what the glob matches), else None. `excludes` are relative to
    what is copied, or to `pivot` below which `base` lies.
    """

    def __init__(self, base, pattern=None, kept=None, excludes=(), pivot=None):
        self.base, self.pattern, self.kept, self.pivot = base, pattern, kept, pivot
        self.excludes = dockerignore.Rules(excludes)


def of_all(file, reaches):
    """The sources of all reached stages on all platforms."""
    found = []
    for reach in reaches:
        scopes = {}
        for stage in reach.stages:
            # A stage stands behind all that it reaches, so the scope of its base is there already.
            scopes[stage] = scope_of(file, reach, stage, scopes)
            _check(stage.opening)
            for instruction in reach.run_by(stage):
                _check(instruction)
                found += _of(instruction, scopes[stage])
                scopes[stage].run(instruction)
    return found


def scope_of(file, reach, stage, scopes):
    """The variables of a stage before its first instruction."""
    base = reach.bases[stage]
    below = scopes[base] if isinstance(base, Stage) else None
    from_scratch = below.from_scratch if below else base == "scratch"
    return Scope(reach.globals, below, from_scratch, file.escape)


def _check(instruction):
    """Instructions and flags that are not known could change what is read."""
    if instruction.keyword not in KNOWN:
        raise NoFingerprint(f"{instruction.keyword} is not known")
    flags = FLAGS.get(instruction.keyword)
    if flags and not all(re.fullmatch(flags, flag, re.DOTALL) for flag in instruction.flags):
        raise NoFingerprint(f"a flag of {instruction.keyword} is not known")


def _of(instruction, scope):
    if instruction.keyword in ("add", "copy"):
        return _copied(instruction, scope)
    return [source for text in mounts.of(instruction) for source in _mounted(mounts.fields(text), scope)]


def _expanded(text, scope):
    result = expand(text, scope.escape, scope.lookup)
    if result is UNDECIDED:
        raise NoFingerprint(f"{text!r} is undecided")
    return result


def _without_nul(text):
    if "\0" in text:
        raise NoFingerprint(f"{text!r} holds a NUL")
    return text


def _mounted(fields, scope):
    """The source of a mount, as a list of one or none."""
    # What a later field of the same key replaces is expanded, too.
    values = {key: value if key == "from" else _expanded(value, scope)
              for key, value in fields if key in ("type", "source", "from")}
    if values.get("type", "bind").lower() != "bind" or values.get("from"):
        return []
    return [Source(inside(_without_nul(values.get("source", ""))))]


def _copied(instruction, scope):
    """The sources of a COPY or ADD."""
    words = instruction.words()
    if len(words) < 2:
        raise NoFingerprint(f"{instruction.keyword} without a destination")
    if from_of_copy(instruction):
        return []
    excludes = instruction.flag_values("--exclude")
    # Patterns that nothing is allowed to say are errors even if no word is a source.
    dockerignore.Rules(excludes)
    texts = [_expanded(word, scope) for word in words[:-1] if not _opens_heredoc(word)]
    return [
        _source(text, excludes, _keeps_parents(instruction))
        for text in texts if not _is_address(text, instruction.keyword)]


def _opens_heredoc(word):
    """Whether a word opens a here-document; one whose name cannot be read opens none."""
    try:
        return here_document(word) is not None
    except Mistake:
        return False


def _is_address(text, keyword):
    is_address = bool(ADDRESS.fullmatch(text)) or "://" not in text and bool(ACCOUNT.fullmatch(text))
    if is_address and keyword == "copy":
        raise NoFingerprint("an address in COPY")
    return is_address


def _keeps_parents(instruction):
    flags = [flag.lower() for flag in instruction.flags if re.fullmatch("--parents(=.*)?", flag)]
    return instruction.keyword == "copy" and flags[-1:] in (["--parents"], ["--parents=true"])


def _source(text, excludes, parents):
    _without_nul(text)
    if parents:
        return _with_parents(text, excludes)
    base, pattern = _glob(inside(text))
    return Source(base, pattern, excludes=excludes)


def _glob(path):
    """The base and the pattern of a cleaned path; a pattern of None if it has no wildcards."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        if gomatch.has_wildcards(part):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return path, None


def _with_parents(text, excludes):
    """A source of `COPY --parents`, cut at the first `/./`."""
    pivot, cut, kept = text.partition("/./")
    if not cut:
        pivot, kept = "", text
    pivot = inside(pivot)
    if not gomatch.has_wildcards(text):
        return Source(inside(f"{pivot}/{inside(kept)}"), excludes=excludes, pivot=pivot)
    base, pattern = _glob(pivot)
    return Source(base, pattern, dockerignore.Rules([clean("/" + kept)[1:]]), excludes)
