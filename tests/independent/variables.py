"""Variables (section 11)."""

import re

from text import ARGUMENT_BLANKS, NoFingerprint
from words import UNDECIDED, Mistake, expand, quoted_words


def value_of(text, escape, lookup):
    """The value of a word, undecided if it has a mistake."""
    try:
        return expand(text, escape, lookup)
    except Mistake:
        return UNDECIDED


def depends_on_hint(text, escape, lookup, is_hinted):
    """Whether a word is undecided, and a hint has a part in it."""
    looked_up = []

    def noted(name):
        looked_up.append(name)
        return lookup(name)

    return value_of(text, escape, noted) is UNDECIDED and any(map(is_hinted, looked_up))


def automatic(platform, target):
    """The variables that are there before any ARG."""
    known = {name: UNDECIDED for name in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")}
    result = {f"{side}{name}": value for side in ("TARGET", "BUILD") for name, value in known.items()}
    if platform:
        system, architecture, variant = platform
        result |= {
            "TARGETPLATFORM": "/".join(filter(None, platform)), "TARGETOS": system, "TARGETOSVERSION": "",
            "TARGETARCH": architecture, "TARGETVARIANT": variant}
    return result | {"TARGETSTAGE": UNDECIDED if target is None else target, "PATH": UNDECIDED}


class Globals:
    """The global scope; a name that nothing sets is not in `values`."""

    def __init__(self, image, arguments, platform, instructions, escape):
        self.values = automatic(platform, image.target)
        self.arguments, self.hints, self.hinted, self.escape = arguments, image.hints, set(), escape
        for instruction in instructions:
            for name, default in instruction.names(escape):
                is_hinted = name in self.hints or (
                    name not in arguments and default is not None and self.depends_on_hint(default))
                if is_hinted or default is not None or name in arguments:
                    self.hinted.discard(name)
                    self.hinted |= {name} if is_hinted else set()
                if name in self.hints:
                    self.values[name] = UNDECIDED
                elif name in arguments:
                    self.values[name] = arguments[name]
                elif default is not None:
                    self.values[name] = value_of(default, escape, self.values.get)

    def depends_on_hint(self, text):
        """Whether a hint decides a word in the global scope."""
        return depends_on_hint(text, self.escape, self.values.get, self.hinted.__contains__)


class Scope:
    """The variables of a stage.

    `base` is the scope of the stage below. `from_scratch` says whether the chain of bases starts from `scratch`.
    """

    def __init__(self, outer, base, from_scratch, escape):
        self.outer, self.base, self.from_scratch, self.escape = outer, base, from_scratch, escape
        self.last, self.arg, self.env = {}, {}, {}
        # Those of their names whose values depend on a hint.
        self.hinted_last, self.hinted_arg, self.hinted_env = set(), set(), set()

    def _scopes_below(self):
        scope = self.base
        while scope:
            yield scope
            scope = scope.base

    def lookup(self, name):
        """The five rules for looking a variable up."""
        return self._lookup(name, self.last)

    def _lookup(self, name, last):
        if name in last:
            return last[name]
        for scope in self._scopes_below():
            if name in scope.env:
                return scope.env[name]
        if not self.from_scratch:
            return UNDECIDED
        for scope in self._scopes_below():
            if name in scope.arg:
                return scope.arg[name]
        return UNDECIDED if name == "PATH" else None

    def depends_on_hint(self, text):
        """Whether a hint decides a word."""
        return depends_on_hint(text, self.escape, self.lookup, self._is_hinted)

    def _is_hinted(self, name):
        if name in self.last:
            return name in self.hinted_last
        for scope in self._scopes_below():
            if name in scope.env:
                return name in scope.hinted_env
        below = [scope for scope in self._scopes_below() if name in scope.arg] if self.from_scratch else []
        return bool(below) and name in below[0].hinted_arg

    def run(self, instruction):
        """Do what an ARG or ENV does."""
        if instruction.keyword == "arg":
            before = dict(self.last)
            for name, default in instruction.names(self.escape):
                self._declare(name, default, before)
        if instruction.keyword == "env":
            written = environment_pairs(instruction.arguments, self.escape)
            pairs = [self._pair(*pair) for pair in written]
            hinted = {name for (name, _), (_, text) in zip(pairs, written) if self.depends_on_hint(text)}
            self.env.update(pairs)
            self.last.update(pairs)
            for marks in (self.hinted_env, self.hinted_last):
                marks -= {name for name, _ in pairs}
                marks |= hinted

    def _declare(self, name, default, before):
        """Set one name of an ARG; `before` is what was set before the instruction."""
        if any(sign in "$'\"" + self.escape for sign in name):
            raise NoFingerprint("a name of ARG that builders read differently")
        is_hinted = name in self.outer.hints
        if is_hinted:
            value = UNDECIDED
        elif name in self.outer.arguments:
            value = self.outer.arguments[name]
        elif default is not None:
            value = self._default(default, before)
            is_hinted = self.depends_on_hint(default)
        elif name in self.outer.values:
            value = self.outer.values[name]
            is_hinted = name in self.outer.hinted
        else:
            return
        self.arg[name] = self.last[name] = value
        for marks in (self.hinted_arg, self.hinted_last):
            marks -= {name}
            marks |= {name} if is_hinted else set()

    def _default(self, text, before):
        """A default, undecided if it depends on another name of its instruction: builders differ there."""
        value = value_of(text, self.escape, self.lookup)
        same = value == value_of(text, self.escape, lambda name: self._lookup(name, before))
        return value if same else UNDECIDED

    def _pair(self, name, value):
        name = expand(name, self.escape, self.lookup)
        if name is UNDECIDED:
            raise NoFingerprint("a name of ENV that is undecided")
        return name, value_of(value, self.escape, self.lookup)


def environment_pairs(text, escape):
    """The names and values of an ENV, not expanded."""
    words = quoted_words(text, escape)
    if words and "=" not in words[0]:
        name, value = (*re.split(f"[{ARGUMENT_BLANKS}]+", text, maxsplit=1), "")[:2]
        return [(name, value)]
    if not all("=" in word for word in words):
        raise NoFingerprint("an ENV that is none")
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]
