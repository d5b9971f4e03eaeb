"""Reading a Dockerfile (section 7)."""

import json
import re

from text import (
    ARGUMENT_BLANKS, BYTE_ORDER_MARK, DIRECTIVE_BLANKS, LONGEST_LINE, NoFingerprint, WHITE_SPACE, words_between_blanks)
from words import Mistake, here_document, quoted_words, raw_words

DIRECTIVE = re.compile(
    r"(?P<blanks>[{b}]*)(?P<name>check|escape|syntax)[{b}]*=[{b}]*(?P<value>.*?)[{b}]*".format(b=DIRECTIVE_BLANKS),
    re.IGNORECASE | re.ASCII | re.DOTALL)
TEXT_KEYWORDS = ("add", "copy", "run")


def directive(line, sign):
    """The name and value of a directive that starts with a sign, or None."""
    found = DIRECTIVE.fullmatch(line[len(sign):]) if line.startswith(sign) else None
    return (found["name"].lower(), found["value"]) if found and found["value"] else None


def frontend(text):
    """The image reference of the frontend, None if the file names none (opaque files)."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    for sign in ("#", "//"):
        for line in text.split("\n"):
            found = directive(line, sign)
            if found is None:
                break
            if found[0] == "syntax":
                return found[1].split(" ")[0]
    whole = _json(text)
    value = whole.get("syntax") if isinstance(whole, dict) else None
    return value if isinstance(value, str) else None


def is_opaque(data):
    """Whether nothing can be said about the file: it is not UTF-8, or another frontend reads it."""
    try:
        reference = frontend(data.decode("utf-8"))
    except UnicodeDecodeError:
        return True
    if reference is None:
        return False
    reference = reference.partition("@")[0]
    folder, slash, name = reference.rpartition("/")
    parts = (folder + slash + name.partition(":")[0]).split("/")
    return parts[-2:] not in (["docker", "dockerfile"], ["docker", "dockerfile-upstream"])


def _refuse(text):
    raise ValueError(f"{text} is no JSON")


def _json(text):
    """What a JSON text holds, or None if it is none; python's words for infinity and the like are none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return None


class Instruction:
    """One instruction, or one trigger; `end` is the number of the line behind an instruction."""

    def __init__(self, line, escape):
        parts = re.split(f"[{ARGUMENT_BLANKS}]", line, maxsplit=1)
        self.keyword = parts[0].lower()
        self.flags, self.arguments = _flags(parts[1] if len(parts) > 1 else "", escape)
        self.heredocs, self.end = [], None
        self.trigger = _trigger(self.arguments) if self.keyword == "onbuild" else None
        if self.keyword in ("add", "copy"):
            self.words()

    def json_words(self):
        """The elements of arguments that are a JSON array, or None."""
        array = _json(self.arguments) if self.arguments.startswith("[") else None
        return array if isinstance(array, list) else None

    def words(self):
        """The words of a COPY or ADD."""
        array = self.json_words()
        if array is None:
            return words_between_blanks(self.arguments)
        if not all(isinstance(word, str) for word in array):
            raise NoFingerprint("an element of a JSON array that is no text")
        # JSON can name half of a surrogate pair, which is no character.
        return [re.sub("[\ud800-\udfff]", "\ufffd", word) for word in array]

    def reads_heredocs(self):
        """Whether here-documents are looked for."""
        if self.trigger:
            return self.trigger.reads_heredocs()
        array = self.json_words()
        is_texts = array is not None and all(isinstance(word, str) for word in array)
        return self.keyword in TEXT_KEYWORDS and not is_texts

    def flag_values(self, name):
        """The values of a flag that has some."""
        return [flag.partition("=")[2] for flag in self.flags if flag.startswith(name + "=")]

    def names(self, escape):
        """The names and defaults of an ARG; a default is None if there is none."""
        pairs = [word.partition("=") for word in quoted_words(self.arguments, escape)]
        return [(name, default if equals else None) for name, equals, default in pairs]

    def content(self):
        """All that the slice, read again, must give again (section 10)."""
        return self.keyword, self.flags, self.arguments, self.heredocs


def _trigger(text):
    """The trigger of an ONBUILD (section 7)."""
    continued = _continued(text, "\\")
    text = (text if continued is None else continued).strip(WHITE_SPACE)
    if not text or text.startswith("#"):
        raise NoFingerprint("a trigger that is empty or a comment")
    trigger = Instruction(text, "\\")
    if trigger.keyword in ("onbuild", "from", "maintainer"):
        raise NoFingerprint(f"{trigger.keyword} as a trigger")
    return trigger


def _flags(text, escape):
    """The flags and the arguments behind them; each byte is a character meanwhile."""
    line, at, flags = text.encode().decode("latin-1"), 0, []
    while True:
        while at < len(line) and line[at] in WHITE_SPACE:
            at += 1
        if not line.startswith("--", at):
            break
        flag, at = _flag(line, at, escape)
        if flag == "--":
            break
        flags.append(flag)
    return flags, line[at:].encode("latin-1").decode("utf-8", "replace").strip(WHITE_SPACE)


def _flag(line, at, escape):
    """One flag without its quotes and escapes, and the place behind it."""
    flag, quote = "", ""
    while at < len(line) and (quote or line[at] not in WHITE_SPACE):
        if line[at] == escape:
            at += 1
            flag += line[at:at + 1]
        elif line[at] in "'\"" and quote in ("", line[at]):
            quote = "" if quote else line[at]
        else:
            flag += line[at]
        at += 1
    return flag, at


def _continued(line, escape):
    """A line that is continued without its escape character, or None."""
    line = line.rstrip(" \t")
    return line[:-1] if line.endswith(escape) and not line.endswith(escape * 2) else None


class Dockerfile:
    """A Dockerfile that is not opaque: its lines, head and instructions."""

    def __init__(self, data):
        self.text = data.decode("utf-8")
        self.frontend = frontend(self.text)
        self.lines = re.findall(r"[^\n]*\n|[^\n]+", self.text)
        self.directives, self.escape = [], "\\"
        self.head = self._read_head()
        if any(len(line.encode()) >= LONGEST_LINE for line in self.lines[self.head:]):
            raise NoFingerprint("a line is too long")
        self.instructions, at = [], self.head
        while (instruction := self._read_instruction(at)) is not None:
            self.instructions.append(instruction)
            at = instruction.end

    def _plain(self, number):
        """A line without CR and LF at its end; the byte order mark is no part of the text."""
        line = self.lines[number].rstrip("\r\n")
        return line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line

    def _read_head(self):
        """Read the parser directives; the answer is the number of the first line behind the head."""
        at = 1 if self.lines and self._plain(0).startswith("#!") else 0
        after_program = at == 1
        while at < len(self.lines) and (found := directive(self._plain(at).lstrip(WHITE_SPACE), "#")):
            self._note(*found, after_program)
            at += 1
        return at

    def _note(self, name, value, after_program):
        if any(name == known for known, _ in self.directives):
            raise NoFingerprint(f"the directive {name} comes twice")
        self.directives.append((name, value))
        if name == "escape" and value not in ("\\", "`"):
            raise NoFingerprint("a bad escape character")
        if name == "escape" and not after_program:
            self.escape = value

    def _read_instruction(self, at):
        """The first instruction at or behind a line, None if there is no more."""
        joined, started = "", False
        while at < len(self.lines):
            line = self._plain(at)
            at += 1
            if not line.strip(WHITE_SPACE) or line.lstrip(WHITE_SPACE).startswith("#"):
                continue
            line = line if started else line.lstrip(WHITE_SPACE)
            started = True
            continued = _continued(line, self.escape)
            joined += line if continued is None else continued
            if continued is None:
                break
        joined = joined.strip(WHITE_SPACE)
        return self._instruction(joined, at) if started else None

    def _instruction(self, line, at):
        instruction = Instruction(line, self.escape)
        instruction.end = at
        if "<<" in line and instruction.reads_heredocs():
            self._read_bodies(instruction, line)
        return instruction

    def _read_bodies(self, instruction, line):
        """The bodies of the here-documents that the line opens, which belong to the instruction."""
        try:
            words = raw_words(line)
        except Mistake:
            return
        for word in words:
            if opened := here_document(word):
                instruction.heredocs.append((*opened, self._body(instruction, *opened)))
        if instruction.trigger:
            instruction.trigger.heredocs = instruction.heredocs

    def _body(self, instruction, name, tabs_count_not):
        start = instruction.end
        for at in range(start, len(self.lines)):
            line = self._plain(at)
            if (line.lstrip("\t") if tabs_count_not else line) == name:
                instruction.end = at + 1
                return self.lines[start:at]
        raise NoFingerprint(f"the here-document {name} has no end")
