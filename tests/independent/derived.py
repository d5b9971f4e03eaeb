"""Derived inputs (section 13)."""

import gomatch
from paths import follow, folders_above, join, relative
from text import NoFingerprint, decode


class Derived:
    """The inputs that sources give; paths are relative to the root but where another folder is named."""

    def __init__(self, image, tree, ignore):
        self.tree, self.context, self.ignore = tree, image.context, ignore
        self.world = join(tree.root, image.context)
        self.found = set()

    def inputs(self, sources):
        """The paths of all inputs."""
        for source in sources:
            if source.kept is not None:
                self._parents(source)
            elif source.pattern is not None:
                self._glob(source)
            else:
                self._path(source.base.encode(), _left_by_excludes(source))
        for source in sources:
            if source.kept is not None or source.pattern is not None:
                self._refuse_what_gitignore_empties(source)
        return self.found

    def _refuse_what_gitignore_empties(self, source):
        """A source with wildcards may name nothing, but not because .gitignore excludes what is there."""
        end = follow(self.world, source.base.encode(), closed=True)
        if end.kind != "folder":
            return
        folder = join(self.context, end.path)
        there = [path for path in self.tree.nodes if path.startswith(folder + b"/") or not folder]
        taken = [path for path in there if self._takes(source, relative(path, folder))]
        if any(path in self.found for path in taken):
            return
        for path in taken:
            if self.tree.is_ignored(path) and self.tree.kind(path) != "folder" and not self._ignored(path):
                raise NoFingerprint(f".gitignore excludes {path!r}, and nothing else is left of a source")

    @staticmethod
    def _takes(source, below):
        """Whether a source with wildcards takes a path below its base."""
        matched = [b""]
        if source.pattern is not None:
            pattern = gomatch.Pattern(source.pattern)
            matched = [path for path in folders_above(below) if pattern.matches(decode(path))]
        for path in matched:
            copied = relative(below, path)
            is_kept = source.kept is None or source.kept.exclude(copied)
            if not copied or is_kept and not source.excludes.exclude(copied):
                return True
        return False

    def _ignored(self, path):
        """Whether .dockerignore excludes what lies at a path."""
        return self.ignore.exclude(relative(path, self.context))

    def _take(self, node):
        """Take what a source selected, or refuse what may be no input; say whether it was taken."""
        if self._ignored(node.path) and not (node.kind in ("missing", "closed") and self.ignore.any_exception):
            return False
        if node.kind not in ("file", "link"):
            raise NoFingerprint(f"{node.path!r} would be an input and is {node.kind}")
        self.found.add(node.path)
        return True

    def _follow(self, path):
        """Follow a path of the context; the links that are crossed are inputs."""
        end = follow(self.world, path, closed=True)
        for link in end.links:
            self._take(self._node(join(self.context, link)))
        if end.path is not None:
            end.path = join(self.context, end.path)
        return end

    def _node(self, path):
        if self.tree.kind(path) == "missing":
            raise NoFingerprint(f"{path!r} lies in a submodule that is not checked out")
        return self.tree.nodes[path]

    def _path(self, path, is_left=lambda below: True):
        """A source without wildcards, or a link that a glob matched; `is_left` says what `--exclude` leaves."""
        end = self._follow(path)
        if end.path is None:
            raise NoFingerprint(f"nothing is at {path!r}")
        if end.kind == "folder":
            below = self.tree.below(end.path, meant=True)
            taken = [
                self._take(node) for node in below if _is_no_input(node) or is_left(relative(node.path, end.path))]
        else:
            taken = [is_left(b"") and self._take(self._node(end.path))]
        if not any(taken):
            raise NoFingerprint(f"nothing is left at {path!r}")

    def _matches(self, source):
        """The nodes below a source's base, each with the paths below the base at or above it that the glob matches."""
        end = self._follow(source.base.encode())
        if end.kind != "folder":
            return
        pattern = gomatch.Pattern(source.pattern)
        for node in self.tree.below(end.path, meant=False):
            below = relative(node.path, end.path)
            matched = [path for path in folders_above(below) if pattern.matches(decode(path))]
            if node.kind in ("missing", "closed") and not matched:
                matched = [below] if _may_match_below(source.pattern, below) else []
            yield node, below, matched

    def _glob(self, source):
        for node, below, matched in self._matches(source):
            if below in matched:
                self._matched(node)
            elif matched and _is_no_input(node):
                self._take(node)
            elif any(not source.excludes.exclude(relative(below, path)) for path in matched):
                self._take(node)

    def _matched(self, node):
        """What a glob matches itself: a link is followed."""
        if node.kind == "link" and not self._ignored(node.path):
            self._path(relative(node.path, self.context))
        else:
            self._take(node)

    def _parents(self, source):
        """`--parents` with wildcards: the base is a folder, or all folders that a glob matches."""
        if source.pattern is not None:
            for node, below, matched in self._matches(source):
                if below in matched:
                    self._matched(node)
                for path in matched:
                    self._kept(source, node, relative(below, path))
            return
        end = self._follow(source.base.encode())
        if end.kind == "folder":
            for node in self.tree.below(end.path, meant=False):
                self._kept(source, node, relative(node.path, end.path))

    def _kept(self, source, node, below):
        if _is_no_input(node) or source.kept.exclude(below) and not source.excludes.exclude(below):
            self._take(node)


def _is_no_input(node):
    """Whether a node is an error wherever a source covers it, whatever `--exclude` and kept paths say."""
    return node.kind not in ("file", "link")


def _left_by_excludes(source):
    """What `--exclude` leaves below a source's path.

    With `--parents` it is relative to the pivot, below which the path lies, else to the path itself.
    """
    prefix = b"" if source.pivot is None else relative(source.base.encode(), source.pivot.encode())
    return lambda below: not below and not prefix or not source.excludes.exclude(join(prefix, below))


def _may_match_below(pattern, folder):
    """Whether a glob could match something below a folder: as far as can be said without looking into sets."""
    depth = folder.count(b"/") + 1
    parts = pattern.split("/")
    if "[" in pattern:
        return True
    return len(parts) > depth and gomatch.Pattern("/".join(parts[:depth])).matches(decode(folder))
