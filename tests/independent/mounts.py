"""The values of `RUN --mount` (sections 9 and 12)."""

import re

from text import NoFingerprint

FIELD = re.compile(r'"((?:[^"]|"")*)"(?:,|$)|([^",]*)(?:,|$)', re.DOTALL)


def fields(text):
    """The keys and values of a line of CSV, in their order."""
    result, at = [], 0
    while at <= len(text):
        found = FIELD.match(text, at)
        if not found:
            raise NoFingerprint("a mount that is no CSV")
        field = found[2] if found[1] is None else found[1].replace('""', '"')
        key, equals, value = field.partition("=")
        if equals:
            key = key.lower()
            result.append(("source" if key == "src" else key, value))
        at = found.end() if found[0].endswith(",") and found.end() > at else len(text) + 1
    return result


def of(instruction):
    """The mounts of an instruction."""
    return instruction.flag_values("--mount") if instruction.keyword == "run" else []


def froms(instruction):
    """The `from` of each mount, empty if there is none; a key that comes again counts as it comes last."""
    return [dict(fields(value)).get("from", "") for value in of(instruction)]
