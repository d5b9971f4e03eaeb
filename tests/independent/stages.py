"""Stages, what is reached, and the slice (sections 9 and 10)."""

import re

import mounts
from dockerfile import Dockerfile
from text import NoFingerprint, words_between_blanks
from variables import Globals
from words import UNDECIDED, expand, mentions

STAGE_NAME = re.compile("[a-z][a-z0-9_.-]*")


class Stage:
    """A FROM and what follows it."""

    def __init__(self, number, instruction):
        self.number, self.opening, self.instructions = number, instruction, []
        words = words_between_blanks(instruction.arguments)
        if len(words) not in (1, 3) or len(words) == 3 and words[1].lower() != "as":
            raise NoFingerprint("a bad FROM")
        self.image, self.name = words[0], words[2].lower() if len(words) == 3 else None
        if self.name is not None and not STAGE_NAME.fullmatch(self.name):
            raise NoFingerprint(f"a stage cannot have the name {self.name!r}")


class File:
    """A Dockerfile cut into its global arguments and stages."""

    def __init__(self, dockerfile):
        self.dockerfile, self.escape = dockerfile, dockerfile.escape
        self.globals, self.stages = [], []
        for instruction in dockerfile.instructions:
            if instruction.keyword == "from":
                self.stages.append(Stage(len(self.stages), instruction))
            elif self.stages:
                self.stages[-1].instructions.append(instruction)
            elif instruction.keyword == "arg":
                self.globals.append(instruction)
            else:
                raise NoFingerprint(f"{instruction.keyword} before the first FROM")
        if not self.stages:
            raise NoFingerprint("a file without a stage")

    def last_named(self, name, needs, below=None):
        """The last stage of a name, or the last above a stage, unless an image takes its place."""
        named = [stage for stage in self.stages[:below] if stage.name == name.lower() and stage.name not in needs]
        return named[-1] if named else None


def _number(text):
    """A decimal number of 64 bits at most, or None."""
    if not re.fullmatch("[+-]?[0-9]+", text) or not -2**63 <= int(text) < 2**63:
        return None
    return int(text)


class Reach:
    """What is reached on one platform.

    `bases` has each reached stage's base: a stage, "scratch" or "image". `by_number` says whether a `--from`
    named a stage by its number, `needed` which names of `needs` are used.
    """

    def __init__(self, file, image, arguments, platform):
        self.file, self.needs, self.needed = file, set(image.needs), set()
        self.globals = Globals(image, arguments, platform, file.globals, file.escape)
        self.bases, self.by_number = {}, False
        pending = [self._target(image.target)]
        while pending:
            stage = pending.pop()
            if stage not in self.bases:
                self.bases[stage] = self._base(stage)
                pending += self._named(stage)
        self.stages = sorted(self.bases, key=lambda stage: stage.number)

    def _target(self, name):
        if name is None and self.file.stages[-1].name not in self.needs:
            return self.file.stages[-1]
        if name is not None and (stage := self.file.last_named(name, self.needs)):
            return stage
        raise NoFingerprint(f"no stage is the target {name!r}")

    def _base(self, stage):
        image = expand(stage.image, self.file.escape, self.globals.values.get)
        above = self.file.stages[:stage.number]
        if image is UNDECIDED:
            if any(other.name and other.name not in self.needs for other in above):
                raise NoFingerprint("a base that is undecided")
            return "image"
        if not image:
            raise NoFingerprint("a base that is empty")
        if base := self._named_or_needed(image, stage.number):
            return base
        return "scratch" if image == "scratch" else "image"

    def _named_or_needed(self, name, below=None):
        """The stage of a name; none if it is an image, of which it is noted whether `needs` has it."""
        stage = self.file.last_named(name, self.needs, below)
        if stage is None and name.lower() in self.needs:
            self.needed.add(name.lower())
        return stage

    def run_by(self, stage):
        """The instructions that a reached stage runs: the triggers of its base, then its own."""
        base = self.bases[stage]
        below = base.instructions if isinstance(base, Stage) else []
        return [each.trigger for each in below if each.trigger] + stage.instructions

    def _named(self, stage):
        """The stages that a stage reaches."""
        if isinstance(self.bases[stage], Stage):
            yield self.bases[stage]
        for instruction in self.run_by(stage):
            named = [self._copied_from(value) for value in from_of_copy(instruction)]
            named += [self._mounted_from(value) for value in mounts.froms(instruction)]
            for other in filter(None, named):
                if other.number >= stage.number:
                    raise NoFingerprint("a stage that does not stand above the one that names it")
                yield other

    def _copied_from(self, text):
        if any(sign in text for sign in "$'\"\\`"):
            raise NoFingerprint("a bad --from")
        number = _number(text)
        if number is None:
            return self._named_or_needed(text)
        if not 0 <= number < len(self.file.stages):
            raise NoFingerprint("a --from with a number that no stage has")
        self.by_number = True
        stage = self.file.stages[number]
        if stage.name not in self.needs:
            return stage
        self.needed.add(stage.name)
        return None

    def _mounted_from(self, text):
        if "$" in text:
            raise NoFingerprint("a bad from= of a mount")
        # Without a `from` BuildKit lets a cache start with the stage that is called scratch.
        return self._named_or_needed(text or "scratch")


def from_of_copy(instruction):
    """The `--from` of a COPY, as a list of none or one; an empty one is as if it were not there."""
    values = instruction.flag_values("--from") if instruction.keyword == "copy" else []
    return [value for value in values[-1:] if value]


class Slice:
    """The slice, and the names that it declares."""

    def __init__(self, file, reaches):
        self.file, self.reaches = file, reaches
        self.stages = {stage for reach in reaches for stage in reach.stages}
        self.declared = {
            name for reach in reaches for stage in reach.stages for instruction in reach.run_by(stage)
            if instruction.keyword == "arg" for name, _ in instruction.names(file.escape)}
        self.kept_globals = self._kept_globals()
        self.declared |= {name for kept in self.kept_globals for name, _ in kept.names(file.escape)}

    def _kept_globals(self):
        """The global arguments that are wanted, and those that their defaults want."""
        escape, wanted = self.file.escape, set(self.declared)
        for stage in self.stages:
            for text in (stage.image, *stage.opening.flags):
                wanted.update(mentions(text, escape))
        kept, before = [], None
        while kept != before:
            before = kept
            kept = [each for each in self.file.globals if any(name in wanted for name, _ in each.names(escape))]
            defaults = [default for each in kept for _, default in each.names(escape) if default is not None]
            wanted.update(name for default in defaults for name in mentions(default, escape))
        return kept

    def text(self):
        """The bytes of the slice."""
        whole = self.file.dockerfile.text.encode()
        if any(reach.by_number for reach in self.reaches):
            return whole
        text, instructions = self._cut()
        return text if self._reads_the_same(text, instructions) else whole

    def _cut(self):
        """The kept pieces, and their instructions."""
        lines, start = self.file.dockerfile.lines, self.file.dockerfile.head
        text, instructions = lines[:start], []
        pieces = [(each, [each]) for each in self.file.globals]
        pieces += [(stage, [stage.opening, *stage.instructions]) for stage in self.file.stages]
        for owner, own in pieces:
            end = len(lines) if owner is self.file.stages[-1] else own[-1].end
            if owner in self.stages or owner in self.kept_globals:
                text = text + lines[start:end]
                instructions += own
            start = end
        return "".join(text).encode(), instructions

    def _reads_the_same(self, text, instructions):
        try:
            again = Dockerfile(text)
        except NoFingerprint:
            return False
        return (
            again.frontend == self.file.dockerfile.frontend and again.directives == self.file.dockerfile.directives
            and [each.content() for each in again.instructions] == [each.content() for each in instructions])
