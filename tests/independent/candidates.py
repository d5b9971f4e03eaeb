"""Candidates: what a fresh clone would hold or that is new work (section 4)."""

import os
import subprocess

import gitignore
from paths import at_or_below, folders_above, is_below, join, kind_of, relative
from text import NoFingerprint


def is_top(folder):
    """Whether a folder is the top of a work tree."""
    git = join(folder, b".git")
    kind = kind_of(git)
    if kind == "file":
        try:
            with open(git, "rb") as file:
                return file.read(7) == b"gitdir:"
        except OSError:
            return True
    return kind is not None and all(_may_exist(join(git, name)) for name in (b"HEAD", b"objects", b"refs"))


def _may_exist(full):
    """Whether something is there, or may not be looked at."""
    try:
        return kind_of(full) is not None
    except NoFingerprint:
        return True


def git(folder, *arguments, **more):
    """Run git with an environment of its own, so that neither the user's configuration nor variables matter."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0",
    }
    # Who owns the folder says nothing about its content, and a monitor of files could be any program.
    options = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    try:
        done = subprocess.run(
            ["git", *options, *arguments], cwd=folder, env=environment | more,
            stdin=subprocess.DEVNULL, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise NoFingerprint(f"git: {problem}") from problem
    return done.stdout


class Repository:
    """What git tracks in one work tree, at and below a folder of it; paths are relative to the root."""

    def __init__(self, top, folder, prefix):
        self.top, self.tracked, self.submodules, self.left_out = top, set(), set(), set()
        place = b"--git-dir=" + join(top, b".git"), b"--work-tree=" + top
        listing = git(folder, *place, "ls-files", "-z", "-t", "--stage")
        for line in filter(None, listing.split(b"\0")):
            about, path = line.split(b"\t", 1)
            tag, mode = about.split(b" ")[:2]
            kind = self.submodules if mode == b"160000" else self.left_out if tag == b"S" else self.tracked
            kind.add(join(prefix, path))
        # What is marked as left out and is there all the same is a tracked file like any other.
        self.tracked |= self.left_out


class Node:
    """A file, link, folder or anything else below the root.

    `ignored` is what the rules say about its own path. `kind` is also "foreign" for what lies in a foreign
    repository, "missing" for a submodule that is not checked out, "left out" for a file that a sparse checkout left
    out, and "closed" for a folder that cannot be listed.
    """

    def __init__(self, path, kind, ignored=False, tracked=False):
        self.path, self.kind, self.ignored, self.tracked = path, kind, ignored, tracked
        self.children = []
        self.starts_anew = False


class Tree:
    """Everything below a root."""

    def __init__(self, root):
        self.root = root
        self.nodes = {}
        self.absent = []
        top = self._top_above()
        repository = Repository(top, root, b"") if top else None
        rules, self.root_ignored = self._rules_above(top)
        self.nodes[b""] = Node(b"", "folder")
        self._scan(self.nodes[b""], repository, rules, False)
        if repository:
            self._note_absent(repository)

    def _top_above(self):
        """The top of the repository in which the root lies."""
        folder = self.root
        while not is_top(folder):
            if folder == b"/":
                return None
            folder = os.path.dirname(folder)
        return folder

    def _rules_above(self, top):
        """The .gitignore files from the top of the repository to above the root, and whether they ignore the root."""
        rules, ignored = [], False
        if top is None:
            return rules, ignored
        folder = top
        for part in folders_above(relative(self.root, top) if self.root != top else b""):
            rules = self._with_rules_of(folder, rules)
            folder = join(top, part)
            ignored = ignored or _ignored(rules, folder, True)
        return rules, ignored

    @staticmethod
    def _with_rules_of(folder, rules):
        """The rules, and behind them those of the folder's own .gitignore."""
        path = join(folder, b".gitignore")
        if kind_of(path) != "file":
            return rules
        try:
            with open(path, "rb") as file:
                return [*rules, (folder, gitignore.rules(file.read()))]
        except OSError as problem:
            raise NoFingerprint(str(problem)) from problem

    def _scan(self, folder, repository, rules, foreign):
        """Add what lies in a folder."""
        full = join(self.root, folder.path)
        try:
            names = sorted(os.listdir(full))
        except OSError:
            folder.kind = "closed"
            return
        if repository and not foreign:
            rules = self._with_rules_of(full, rules)
        for name in names:
            if name != b".git":
                self._add(folder, join(folder.path, name), repository, rules, foreign)

    def _add(self, folder, path, repository, rules, foreign):
        full = join(self.root, path)
        kind = kind_of(full)
        ignored = not foreign and _ignored(rules, full, kind == "folder")
        tracked = repository is not None and path in repository.tracked
        is_candidate = not foreign or tracked and self.is_ignored(folder.path)
        node = Node(path, kind if is_candidate or kind == "folder" else "foreign", ignored, tracked)
        if kind is None or repository and not foreign and path in repository.submodules:
            if kind != "folder" or not is_top(full):
                return
            node.ignored, node.starts_anew = False, True
            self._hang(folder, node)
            inner = Repository(full, full, path)
            self._scan(node, inner, [], False)
            self._note_absent(inner)
            return
        self._hang(folder, node)
        if kind == "folder":
            self._scan(node, repository, rules, foreign or is_top(full))

    def _hang(self, folder, node):
        self.nodes[node.path] = node
        folder.children.append(node)

    def _note_absent(self, repository):
        """Note the submodules that are not checked out and the files that are left out."""
        for path in repository.submodules - self.nodes.keys():
            self.absent.append(Node(path, "missing"))
        for path in repository.left_out - self.nodes.keys():
            self.absent.append(Node(path, "left out"))

    def kind(self, path):
        """The kind of what lies at a path that was followed to its end."""
        for node in self.absent:
            if node.kind == "missing" and at_or_below(path, node.path):
                return "missing"
        return self.nodes[path].kind if path in self.nodes else None

    def below(self, folder, meant):
        """The candidates below a folder, and what could make them an error, as nodes.

        A folder that is meant is looked at as if no rule matched it or a folder above it (section 5).
        """
        if self.kind(folder) == "missing":
            yield Node(folder, "missing")
        elif folder in self.nodes:
            yield from self._walk(self.nodes[folder], not meant and self.is_ignored(folder))
            yield from (node for node in self.absent if is_below(node.path, folder))

    def is_ignored(self, path):
        """Whether a path is ignored, by a rule for it or for a folder above it."""
        ignored = self.root_ignored
        for folder in folders_above(path):
            node = self.nodes[folder]
            ignored = not node.starts_anew and (ignored or node.ignored)
        return ignored

    def _walk(self, folder, ignored):
        if folder.kind == "closed" and not ignored:
            yield folder
        for node in folder.children:
            node_ignored = not node.starts_anew and (ignored or node.ignored)
            if node.kind in ("folder", "closed"):
                yield from self._walk(node, node_ignored)
            elif node.tracked or not node_ignored:
                yield node


def _ignored(rules, full, is_folder):
    """What the nearest .gitignore file with a rule that matches says."""
    for folder, file_rules in reversed(rules):
        verdict = gitignore.verdict(file_rules, relative(full, folder), is_folder)
        if verdict is not None:
            return verdict
    return False
