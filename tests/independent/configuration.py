"""fingerprint.toml (section 3; the keys that are no part of the record are in docs/CONFIGURATION.md)."""

import re
import tomllib

import paths
import unrolling
import values
from text import NoFingerprint, WHITE_SPACE

# The format whose rules these are.
FORMAT = 1

IMAGE_KEYS = {
    "matrix": dict, "needs": dict,
    "repository": str, "dockerfile": str, "context": str, "inputs": list, "target": str, "platforms": list,
    "args": dict, "hints": dict, "secrets": dict, "ssh": list, "salt": str, "tag": str, "aliases": list, "push": str, "source": str,
    "verify": list, "retry": int, "cache": str, "cache_from": list, "cache_to": list, "publish_record": bool,
}
IMAGE_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
RESERVED = re.compile(
    r"(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)|TARGETSTAGE|SOURCE_DATE_EPOCH|BUILDKIT_.*"
    r"|(?:HTTP|HTTPS|FTP|NO|ALL)_PROXY|(?:http|https|ftp|no|all)_proxy")


class Image:
    """What one table of images says, checked as far as that needs no file and no variable."""

    def __init__(self, number, table, default_arguments=()):
        _check_types(table, IMAGE_KEYS)
        self.default_arguments = set(default_arguments)
        self.hints = set(table.get("hints", {}))
        self.default_hints = set()
        self.format = number
        self.context = paths.configured(table.get("context", "."), "context")
        self.dockerfile = paths.configured(table.get("dockerfile", "Dockerfile"), "dockerfile")
        self.inputs = table.get("inputs")
        self.target = table.get("target")
        self.salt = table.get("salt")
        self.needs = table.get("needs", {})
        if not all(isinstance(name, str) for name in self.needs.values()):
            raise NoFingerprint("needs are names")
        self.platforms = _platforms(table["platforms"]) if "platforms" in table else None
        self.arguments = {name: _argument(name, value) for name, value in table.get("args", {}).items()}
        if self.inputs is not None and not all(isinstance(entry, str) for entry in self.inputs):
            raise NoFingerprint("inputs are texts")
        if self.target is not None and (not self.target or "\0" in self.target):
            raise NoFingerprint("target is empty or holds a NUL")
        _check_unrecorded(table)

    def values(self, root, environment):
        """The values of the arguments."""
        return {name: _value(value, root, environment) for name, value in self.arguments.items()}


def images(data, matching):
    """The images of a fingerprint.toml, by name. `matching` gives the candidates that a glob covers."""
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except ValueError as problem:
        raise NoFingerprint(f"fingerprint.toml: {problem}") from problem
    _check_types(table, {"format": int, "defaults": dict, "images": dict, "engine": dict, "registry": dict})
    for registry in table.get("registry", {}).values():
        if not isinstance(registry, dict):
            raise NoFingerprint("registry is not a table")
        _check_types(registry, {"plain_http": bool})
    if table.get("format") != FORMAT:
        raise NoFingerprint("format is missing or not known")
    engine = table.get("engine", {})
    _check_types(engine, {"use": str, "isolation": str})
    if engine.get("use", "auto") not in ("auto", "docker", "podman"):
        raise NoFingerprint("engine is not known")
    isolation = engine.get("isolation")
    if isolation is not None and (isolation not in ("oci", "rootless", "chroot") or engine.get("use") == "docker"):
        raise NoFingerprint("isolation is not known")
    tables = table.get("images", {})
    if not tables:
        raise NoFingerprint("no image")
    defaults = table.get("defaults", {})
    if "matrix" in defaults or defaults.get("needs"):
        raise NoFingerprint("what cannot be a default")
    Image(table["format"], {key: value for key, value in defaults.items() if key != "tag"})
    result = {}
    for name, own in tables.items():
        if not isinstance(own, dict):
            raise NoFingerprint(f"image {name!r}")
        _check_types(own, IMAGE_KEYS)
        for one_name, one in unrolling.unrolled(name, own, matching):
            if not IMAGE_NAME.fullmatch(one_name) or one_name in result:
                raise NoFingerprint(f"image {one_name!r}")
            inherited = set(defaults.get("args", {})) - set(one.get("args", {}))
            result[one_name] = Image(table["format"], unrolling.with_defaults(one, defaults), inherited)
            result[one_name].default_hints = set(defaults.get("hints", {})) - set(one.get("hints", {}))
    _check_needs(result)
    return result


def _check_needs(images):
    """What images need is there, is for their platforms, and is not made of what needs it."""
    for image in images.values():
        for name, upstream in image.needs.items():
            if not re.fullmatch("[a-z][a-z0-9_.-]*", name) or name == "scratch" or upstream not in images:
                raise NoFingerprint(f"needs {name!r}")
            if not set(image.platforms or []) <= set(images[upstream].platforms or []):
                raise NoFingerprint(f"the platforms of {upstream!r}")
    left = set(images)
    while ready := {name for name in left if not left & set(images[name].needs.values())}:
        left -= ready
    if left:
        raise NoFingerprint(f"images that need one another: {left}")


def _check_types(table, types):
    """Keys that are not known and values of another type are errors; `type` because True is no number in TOML."""
    for key, value in table.items():
        if key not in types or type(value) is not types[key]:
            raise NoFingerprint(f"{key} is not known or of the wrong type")


def _check_unrecorded(table):
    """The keys that have no influence, as far as CONFIGURATION.md says what their values may be."""
    if table.get("push", "auto") not in ("auto", "always", "never"):
        raise NoFingerprint("push")
    if table.get("cache", "none") not in ("none", "inline", "registry", "gha"):
        raise NoFingerprint("cache")
    if not all(isinstance(place, str) for key in ("cache_from", "cache_to") for place in table.get(key, [])):
        raise NoFingerprint("places of caches are texts")
    for alias in table.get("aliases", []):
        if not isinstance(alias, str) or _is_kept_by_fp(alias.rpartition(":")[2]):
            raise NoFingerprint("aliases")
    for placeholder in re.findall(r"\{(.*?)\}", table.get("tag", "")):
        number = re.fullmatch(r"fingerprint(?::([0-9]+))?", placeholder)
        argument = table.get("args", {}).get(placeholder.removeprefix("arg:"))
        is_argument = placeholder.startswith("arg:") and argument is not None and "env" not in argument
        if not is_argument and (not number or number[1] and not 16 <= int(number[1]) <= 64):
            raise NoFingerprint("tag")


def _is_kept_by_fp(tag):
    return tag.startswith("fp-") or re.search("[0-9a-f]{16}", tag)


def _platforms(texts):
    result = [_platform(text) for text in texts]
    if not result or len(set(result)) < len(result):
        raise NoFingerprint("no platforms, or two that are equal")
    return result


def _platform(text):
    """A platform, normalised, as its operating system, architecture and variant."""
    if not isinstance(text, str) or not re.fullmatch("[a-z0-9]+/[a-z0-9]+(?:/[a-z0-9]+)?", text):
        raise NoFingerprint(f"platform {text!r}")
    system, architecture, variant = (*text.split("/"), "")[:3]
    if (architecture, variant) in (("amd64", "v1"), ("arm64", "v8")):
        variant = ""
    if (architecture, variant) == ("arm", ""):
        variant = "v7"
    return system, architecture, variant


def _argument(name, value):
    """An argument's value as it is configured: a text, or a table that says where it comes from."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) or RESERVED.fullmatch(name):
        raise NoFingerprint(f"argument {name!r}")
    if isinstance(value, str):
        return {"text": _without_nul(value)}
    if not isinstance(value, dict) or set(value) not in (
            {"env"}, {"env", "default"}, {"file"}, {"file", "key"}):
        raise NoFingerprint(f"argument {name!r}")
    if not all(isinstance(text, str) for text in value.values()):
        raise NoFingerprint(f"argument {name!r}")
    if "file" in value:
        key = values.key(value["key"], value["file"]) if "key" in value else None
        return {"file": paths.configured(value["file"], "file"), "key": key}
    return value


def _value(value, root, environment):
    """The text that an argument has."""
    if "text" in value:
        return value["text"]
    if "file" in value:
        text = _utf8(paths.linked_content(root, value["file"]))
        if value["key"] is None:
            return _without_nul(text.strip(WHITE_SPACE))
        return _without_nul(values.at(text, value["file"], value["key"]))
    text = _utf8(environment.get(value["env"].encode(), b""))
    if not text and "default" in value:
        return _without_nul(value["default"])
    if value["env"].encode() not in environment:
        raise NoFingerprint(f"variable {value['env']!r} is unset")
    return text


def _utf8(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise NoFingerprint(str(problem)) from problem


def _without_nul(text):
    if "\0" in text:
        raise NoFingerprint("an argument's value holds a NUL")
    return text
