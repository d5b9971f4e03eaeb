"""The record of an image, computed from docs/FINGERPRINT.md alone and without fp's own code.

    python3 tests/independent/fingerprint.py FOLDER [IMAGE]

prints the record of an image of FOLDER/fingerprint.toml; the image's name may be left out if there is only one.
"""

import os
import sys
import types

import configuration
import dockerignore
import hints
import paths
import sources
from blake3 import digest
from candidates import Tree
from derived import Derived
from dockerfile import Dockerfile, is_opaque
from listed import Listed
from stages import File, Reach, Slice
from text import NoFingerprint, escape


def record(folder, name=None, environment=os.environb):
    """The record of an image as bytes (section 2), and the bytes of its slice."""
    root = os.path.realpath(os.fsencode(folder))
    images = configuration.images(
        paths.content(paths.join(root, b"fingerprint.toml")), lambda glob: _matching(root, glob))
    if name is None and len(images) == 1:
        name = next(iter(images))
    if name not in images:
        raise NoFingerprint(f"there is no image {name!r}")
    try:
        return _record(root, images, name, environment)
    except RecursionError as problem:
        # Section 14 leaves it to an implementation how deep things may be nested.
        raise NoFingerprint("something is nested too deep") from problem


def _matching(root, glob):
    """The candidates that a glob covers (section 5); none is an error."""
    return Listed(types.SimpleNamespace(inputs=[glob], dockerfile=None), Tree(root)).inputs()


def _record(root, images, name, environment):
    image = images[name]
    upstreams = {
        each: digest(_record(root, images, upstream, environment)[0]) for each, upstream in image.needs.items()}
    _check_context(root, image.context)
    arguments = image.values(root, environment)
    tree = Tree(root)
    ignore = _ignore(root, image)
    the_slice, found = _slice_and_sources(paths.linked_content(root, image.dockerfile), image, arguments)
    if image.inputs is not None:
        inputs = Listed(image, tree).inputs()
    else:
        inputs = Derived(image, tree, ignore).inputs(found)
    lines = {_line(*fields) for fields in _fields(image, arguments, the_slice)}
    lines |= {_line(b"image", each.encode(), upstream.encode()) for each, upstream in upstreams.items()}
    lines |= {_input_line(root, path, image, ignore) for path in inputs}
    return b"".join([_line(b"fp-record", b"%d" % image.format), *sorted(lines)]), the_slice


def _check_context(root, context):
    """The context must be a folder, on a way without links (section 3)."""
    parts = paths.folders_above(context)
    if b".git" in context.split(b"/") or any(paths.kind_of(paths.join(root, part)) != "folder" for part in parts):
        raise NoFingerprint("the context is no folder, or behind a link")


def _ignore(root, image):
    """The rules of the .dockerignore file that counts (section 6)."""
    for path in (image.dockerfile + b".dockerignore", paths.join(image.context, b".dockerignore")):
        folder, _, name = path.rpartition(b"/")
        end = paths.follow(root, folder, closed=False)
        if end.kind == "folder" and paths.kind_of(paths.join(root, end.path, name)):
            return dockerignore.read(paths.linked_content(root, path))
    return dockerignore.Rules([])


def _slice_and_sources(data, image, arguments):
    """The slice (section 10), and the sources if inputs are derived (section 12)."""
    if is_opaque(data):
        if image.inputs is None:
            raise NoFingerprint("nothing can be derived from an opaque file")
        return data, []
    file = File(Dockerfile(data))
    reaches = [Reach(file, image, arguments, platform) for platform in image.platforms or [None]]
    the_slice = Slice(file, reaches)
    for name in image.default_arguments - the_slice.declared:
        del arguments[name]
    if set(image.needs) - set().union(*(reach.needed for reach in reaches)):
        raise NoFingerprint("an image that nothing uses")
    if set(arguments) - the_slice.declared:
        raise NoFingerprint("an argument that nothing declares")
    hints.check(file, reaches, image, the_slice.declared)
    return the_slice.text(), sources.of_all(file, reaches) if image.inputs is None else []


def _fields(image, arguments, the_slice):
    """The fields of all lines but those of inputs."""
    yield b"context", image.context or b"."
    yield b"dockerfile", image.dockerfile, digest(the_slice).encode()
    if image.target is not None:
        yield b"target", image.target.encode()
    if image.salt is not None:
        yield b"salt", image.salt.encode()
    for platform in image.platforms or []:
        yield b"platform", "/".join(filter(None, platform)).encode()
    for name, value in arguments.items():
        yield b"arg", name.encode(), digest(value.encode()).encode()


def _input_line(root, path, image, ignore):
    """The line of an input: its path alone decides whether it is in the build."""
    full = paths.join(root, path)
    is_outside = not paths.is_below(path, image.context) or ignore.exclude(paths.relative(path, image.context))
    if paths.kind_of(full) == "link":
        text = os.readlink(full)
        return _line(b"outside", path, b"l", digest(text).encode()) if is_outside else _line(b"link", path, text)
    mark = b"x" if os.stat(full).st_mode & 0o100 else b"-"
    return _line(b"outside" if is_outside else b"file", path, mark, digest(paths.content(full)).encode())


def _line(*fields):
    return "\t".join(map(escape, fields)).encode() + b"\n"


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__)
    try:
        sys.stdout.buffer.write(record(*arguments)[0])
    except NoFingerprint as problem:
        sys.exit(f"no fingerprint: {problem}")


if __name__ == "__main__":
    main(sys.argv[1:])
