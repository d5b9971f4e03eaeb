"""Checks tests/vectors with the implementation beside this file.

    python3 tests/independent/check.py [VECTOR…]

The last line is `N passed, M failed`.
"""

import os
import pathlib
import sys
import tempfile
import tomllib

import candidates
from blake3 import digest
from fingerprint import record
from text import NoFingerprint, unescape

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"


def plant(vector, top):
    """Make the tree of a vector, and its repository if it says so; the answer is the root."""
    root = os.path.join(top, unescape(vector.get("root", "")))
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, b"fingerprint.toml"), "wb") as file:
        file.write(vector["config"].encode())
    entries = vector.get("tree", [])
    for entry in entries:
        if not entry.get("untracked"):
            add(entry, top)
    if vector.get("git"):
        commit(top, [path(entry) for entry in entries if entry.get("forced")])
    for entry in entries:
        if entry.get("untracked"):
            add(entry, top)
    return root


def path(entry):
    """The path of an entry; which key has it says what the entry is."""
    return unescape(next(entry[key] for key in ("file", "link", "folder", "hard_link") if key in entry))


def add(entry, top):
    """Make one entry and the folders above it."""
    full = os.path.join(top, path(entry))
    os.makedirs(full if "folder" in entry else os.path.dirname(full), exist_ok=True)
    if "file" in entry:
        with open(full, "wb") as file:
            file.write(unescape(entry.get("content", "")))
        mode = entry.get("mode", 0o644)
        os.chmod(full, int(mode, 8) if isinstance(mode, str) else mode)
    elif "link" in entry:
        os.symlink(unescape(entry["text"]), full)
    elif "hard_link" in entry:
        os.link(os.path.join(top, unescape(entry["to"])), full)


def commit(top, forced):
    """Make a repository and commit what .gitignore does not exclude, and what is forced."""
    person = {
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "vectors"), ("EMAIL", "vectors@example.org"))}
    candidates.git(top, "init", "--quiet", "--template=", "--initial-branch=main")
    candidates.git(top, "add", "--all")
    if forced:
        candidates.git(top, "--literal-pathspecs", "add", "--force", "--", *forced)
    candidates.git(top, "commit", "--quiet", "--allow-empty", "--message=tree", **person)


def differences(vector):
    """What is wrong about a vector, as lines."""
    environment = {name.encode(): unescape(value) for name, value in vector.get("environment", {}).items()}
    with tempfile.TemporaryDirectory() as folder:
        root = plant(vector, os.fsencode(folder))
        try:
            text, the_slice = record(root, vector.get("image"), environment)
        except NoFingerprint as problem:
            return [] if vector.get("error") else [f"no fingerprint: {problem}"]
    if vector.get("error"):
        return ["a fingerprint where there is none", text.decode()]
    return list(_compare(vector, text, the_slice))


def _compare(vector, text, the_slice):
    expected = "".join("\t".join(fields) + "\n" for fields in vector["record"])
    if "slice" in vector and the_slice != unescape(vector["slice"]):
        yield f"slice {the_slice!r}"
    if text.decode() != expected:
        yield "record\n" + text.decode()
    if digest(text) != vector["fingerprint"]:
        yield "fingerprint " + digest(text)


def main(names):
    files = [pathlib.Path(name) for name in names] or sorted(VECTORS.glob("*.toml"))
    failed = 0
    for file in files:
        found = differences(tomllib.loads(file.read_text("utf-8")))
        failed += bool(found)
        if found:
            print(f"{file.name}:", *found, sep="\n  ")
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
