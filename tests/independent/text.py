"""Characters, escapes and the one exception (section 1 and section 2 of docs/FINGERPRINT.md)."""

import re

WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000")
ARGUMENT_BLANKS = "\t\v\f\r "
DIRECTIVE_BLANKS = "\t\n\f\r "
BYTE_ORDER_MARK = "\ufeff"
LONGEST_LINE = 65536

_NAMED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNNAMED = {b"\\": b"\\", b"t": b"\t", b"n": b"\n", b"r": b"\r"}


class NoFingerprint(Exception):
    """An error in the sense of section 1: there is no fingerprint."""


def decode(data):
    """Bytes as text in which each byte that is not part of valid UTF-8 is a lone surrogate of its own."""
    return data.decode("utf-8", "surrogateescape")


def replaced(text):
    """The text with U+FFFD for each byte that was not UTF-8, as Go reads it."""
    return "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in text)


def escape(data):
    """A field of the record (section 2, escapes)."""
    return "".join(_escape(c) for c in decode(data))


def _escape(character):
    if character in _NAMED:
        return _NAMED[character]
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character < " " or character == "\x7f":
        return f"\\x{ord(character):02x}"
    return character


def unescape(text):
    """The bytes that an escaped text stands for."""
    def plain(found):
        sign = found[1]
        return bytes([int(sign[1:], 16)]) if sign.startswith(b"x") else _UNNAMED[sign]
    return re.sub(rb"\\(x[0-9a-f]{2}|.)", plain, text.encode())


def words_between_blanks(text):
    """Section 7, forms of arguments: split at argument blanks."""
    return [word for word in re.split(f"[{ARGUMENT_BLANKS}]+", text) if word]
