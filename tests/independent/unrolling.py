"""Tables with a matrix, and [defaults] (section 3)."""

import itertools
import re

from text import NoFingerprint

RESERVED = {"fingerprint", "arg", "env", "out", "branch"}
MOST_IMAGES = 1024


def with_defaults(own, defaults):
    """The table with what it leaves to the defaults."""
    result = defaults | own
    for key in defaults.keys() & own.keys():
        if isinstance(own[key], dict) and isinstance(defaults[key], dict):
            result[key] = defaults[key] | own[key]
    return result


def unrolled(name, table, matching):
    """The names and tables of all images of a table."""
    if "matrix" not in table:
        return [(name, table)]
    lists = {each: _choices(each, choices, matching) for each, choices in table["matrix"].items()}
    cells = [dict(zip(lists, choices)) for choices in itertools.product(*lists.values())]
    if not lists or len(cells) > MOST_IMAGES:
        raise NoFingerprint("a matrix without names, or with too many images")
    rest = {key: value for key, value in table.items() if key != "matrix"}
    return [(_fill(name, cell), _filled(rest, cell)) for cell in cells]


def _choices(name, choices, matching):
    """What a name of a matrix stands for."""
    if name in RESERVED or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise NoFingerprint(f"name {name!r} in a matrix")
    if isinstance(choices, dict) and list(choices) == ["each"] and isinstance(choices["each"], str):
        choices = _each(choices["each"], matching)
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
        raise NoFingerprint(f"nothing that {name!r} stands for")
    return choices


def _each(glob, matching):
    """What the one `*` of a glob stands for, in the order of the bytes."""
    if glob.count("*") != 1 or "?" in glob or glob.startswith("!"):
        raise NoFingerprint(f"each {glob!r}")
    parts = [part for part in glob.split("/") if part not in ("", ".")]
    number = next(index for index, part in enumerate(parts) if "*" in part)
    before, behind = (text.encode() for text in parts[number].split("*"))
    names = {path.split(b"/")[number] for path in matching(glob)}
    try:
        return [name[len(before):len(name) - len(behind)].decode("utf-8") for name in sorted(names)]
    except UnicodeDecodeError as problem:
        raise NoFingerprint(str(problem)) from problem


def _filled(table, cell):
    """The table with the names replaced in all texts; `repository`, `tag` and `aliases` keep their own placeholders."""
    return {
        key: _replaced(value, _fill_template if key in ("repository", "tag", "aliases") else _fill, cell)
        for key, value in table.items()}


def _replaced(value, fill, cell):
    if isinstance(value, str):
        return fill(value, cell)
    if isinstance(value, list):
        return [_replaced(each, fill, cell) for each in value]
    if isinstance(value, dict):
        return {key: _replaced(each, fill, cell) for key, each in value.items()}
    return value


def _pieces(text):
    """The braces, placeholders and other text of a text with names in it."""
    pieces = re.findall(r"\{\{|\}\}|\{[^}]*\}|[^{}]+", text)
    if "".join(pieces) != text:
        raise NoFingerprint(f"a brace without its partner in {text!r}")
    return pieces


def _fill(text, cell):
    result = []
    for piece in _pieces(text):
        if piece in ("{{", "}}"):
            result.append(piece[0])
        elif piece.startswith("{"):
            if piece[1:-1] not in cell:
                raise NoFingerprint(f"{piece} is not known")
            result.append(cell[piece[1:-1]])
        else:
            result.append(piece)
    return "".join(result)


def _fill_template(text, cell):
    def doubled(choice):
        return choice.replace("{", "{{").replace("}", "}}")
    return "".join(doubled(cell[piece[1:-1]]) if piece[1:-1] in cell else piece for piece in _pieces(text))
