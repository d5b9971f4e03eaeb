"""What a key leads to in a TOML or JSON file (section 3)."""

import json
import re
import tomllib

from text import NoFingerprint

NAME = r'"([^"]*)"|([^".]+)'


def key(text, file):
    """The names of a key, outermost first."""
    if not file.endswith((".toml", ".json")):
        raise NoFingerprint(f"{file!r} has no keys")
    if not re.fullmatch(rf"(?:{NAME})(?:\.(?:{NAME}))*", text):
        raise NoFingerprint(f"key {text!r}")
    return [found[1] if found[1] is not None else found[2] for found in re.finditer(NAME, text)]


def at(text, file, names):
    """The text that names lead to."""
    try:
        value = tomllib.loads(text) if file.endswith(b".toml") else _json(text)
    except ValueError as problem:
        raise NoFingerprint(f"{file!r}: {problem}") from problem
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise NoFingerprint(f"there is no {name!r} in {file!r}")
        value = value[name]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -2**63 <= value < 2**63:
        return str(value)
    if isinstance(value, str):
        return value
    raise NoFingerprint(f"{names!r} is no value in {file!r}")


def _json(text):
    """JSON as RFC 8259 has it; what is no UTF-8 without half surrogate pairs is an error, and `-0` no integer."""
    value = json.loads(text, parse_constant=_no_constant, parse_int=lambda each: -0.0 if each == "-0" else int(each))
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _no_constant(text):
    """JSON has no NaN and no Infinity."""
    raise ValueError(text)
