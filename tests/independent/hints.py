"""Hints: what may not depend on them (section 11)."""

import re

import mounts
from sources import scope_of
from text import NoFingerprint
from words import Mistake

PROXIES = re.compile("(?:HTTP|HTTPS|FTP|NO|ALL)_PROXY", re.IGNORECASE)


def check(file, reaches, image, declared):
    """Hints that nothing declares, or that decide what is built."""
    if {name for name in image.hints - image.default_hints if not PROXIES.fullmatch(name)} - declared:
        raise NoFingerprint("a hint that nothing declares")
    if image.hints:
        for reach in reaches:
            _check_reach(file, reach)


def _check_reach(file, reach):
    scopes = {}
    for stage in reach.stages:
        opening = [*stage.opening.flags, stage.image]
        if any(reach.globals.depends_on_hint(text) for text in opening):
            raise NoFingerprint("a base that depends on a hint")
        scopes[stage] = scope_of(file, reach, stage, scopes)
        for instruction in reach.run_by(stage):
            if any(scopes[stage].depends_on_hint(text) for text in _deciding(instruction)):
                raise NoFingerprint("a source that depends on a hint")
            try:
                scopes[stage].run(instruction)
            except (NoFingerprint, Mistake):
                # It matters where sources are wanted, and is told there.
                continue


def _deciding(instruction):
    """The texts of an instruction that decide what it reads."""
    if instruction.keyword in ("add", "copy"):
        return [*instruction.flags, *instruction.words()[:-1]]
    fields = (field for text in mounts.of(instruction) for field in mounts.fields(text))
    return [value for key, value in fields if key in ("type", "source")]
