"""Words: expansion (section 8), quoted words and raw words (section 7)."""

import re
import string
import unicodedata

from text import BYTE_ORDER_MARK, NoFingerprint, WHITE_SPACE

# The value that an expansion has if it depends on something that is not known.
UNDECIDED = object()


class Mistake(NoFingerprint):
    """A word that cannot be read."""


DIGITS = frozenset(string.digits)
NAME_SIGNS = frozenset(string.ascii_letters + string.digits + "_")


def _is_beyond_ascii(sign, behind_digits):
    """Whether builders may take a sign beyond ASCII for a part of a name (section 8).

    Python's library does not know the property Alphabetic, so category L stands for it.
    """
    return sign > "\x7f" and unicodedata.category(sign)[0] in ("N" if behind_digits else "LN")


class Reader:
    """Reads a word from left to right; names and modifiers as in `raw` words, or as builders know them."""

    def __init__(self, text, raw=False):
        self.text, self.at, self.raw = text, 0, raw

    def peek(self, count=1):
        return self.text[self.at:self.at + count]

    def next(self):
        sign = self.peek()
        self.at += 1
        return sign

    def skip(self, text):
        """Step over a text if it comes next."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def until(self, sign):
        """The text up to a sign, which is stepped over."""
        end = self.text.find(sign, self.at)
        if end < 0:
            raise Mistake(f"{sign} is missing")
        text, self.at = self.text[self.at:end], end + 1
        return text

    def name(self):
        """The name of a variable, empty if there is none."""
        if self.peek() in DIGITS:
            return self.run_of(DIGITS)
        if self.peek() and self.peek() in "@*#?-$!":
            return self.next()
        return self.run_of(NAME_SIGNS)

    def run_of(self, signs):
        """The signs of a kind that come next, behind which no builder may read on."""
        start, is_number = self.at, signs is DIGITS
        while self.peek() in signs or self.raw and _is_beyond_ascii(self.peek(), is_number):
            self.at += 1
        if _is_beyond_ascii(self.peek(), is_number):
            raise Mistake("a character beyond ASCII in the name of a variable")
        return self.text[start:self.at]

    def modifier(self):
        """The modifier behind a name, as it is written; `/` is doubled where all matches are meant."""
        if self.peek() == ":":
            sign = self.peek(2)
            if sign not in (":-", ":+", ":?") and (not self.raw or sign in (":", ":#", ":%")):
                raise Mistake("a modifier that is not known")
        elif self.peek(2) == "//":
            sign = "//"
        else:
            sign = self.peek()
            if not sign or sign not in "-+?#%/":
                raise Mistake("a modifier that is not known")
        self.at += len(sign)
        return sign


def _joined(pieces):
    return UNDECIDED if any(piece is UNDECIDED for piece in pieces) else "".join(pieces)


class Expansion(Reader):
    """The expansion of one word; `names` are those that it mentions."""

    def __init__(self, text, escape, lookup, raw=False):
        super().__init__(text.removeprefix(BYTE_ORDER_MARK), raw)
        self.escape, self.lookup, self.names = escape, lookup, []

    def run(self):
        return self._read("", False)

    def _read(self, stop, keeps):
        """Read up to a sign, or to the end; in a pattern an escape `keeps` its sign."""
        pieces = []
        while self.peek():
            if self.peek() == stop:
                self.at += 1
                return _joined(pieces)
            pieces.append(self._piece(keeps))
        if stop:
            raise Mistake(f"{stop} is missing")
        return _joined(pieces)

    def _piece(self, keeps):
        sign = self.next()
        if sign == "'":
            return self.until("'")
        if sign == '"':
            return self._double(keeps)
        if sign == "$":
            return self._substitution()
        if sign == self.escape:
            behind = self.next()
            return sign + behind if keeps and behind else behind
        return sign

    def _double(self, keeps):
        pieces = []
        while not self.skip('"'):
            sign = self.next()
            if not sign:
                raise Mistake('" is missing')
            if sign == "$":
                pieces.append(self._substitution())
            elif sign == self.escape and self.peek() and self.peek() in '"$' + self.escape:
                pieces.append((sign if keeps else "") + self.next())
            else:
                pieces.append(sign * 2 if keeps and sign == self.escape else sign)
        return _joined(pieces)

    def _substitution(self):
        if not self.skip("{"):
            name = self.name()
            return self._text_of(name) if name else "$"
        if self.peek() in ("", "{", "}", ":"):
            raise Mistake("a substitution that is none")
        name = self.name()
        if self.skip("}"):
            return self._text_of(name)
        value = self._value_of(name)
        return self._modified(value, self.modifier())

    def _value_of(self, name):
        """A variable's value, None if it is unset; without a name it always is."""
        if not name:
            return None
        self.names.append(name)
        return self.lookup(name)

    def _text_of(self, name):
        value = self._value_of(name)
        return "" if value is None else value

    def _modified(self, value, modifier):
        if modifier in ("/", "//"):
            pattern = self._read("/", True)
            return _replaced(value, pattern, self._read("}", True), modifier == "//")
        word = self._read("}", modifier in "#%")
        if modifier in "#%":
            return _trimmed(value, modifier, word)
        if value is UNDECIDED:
            return UNDECIDED
        counts = value is not None and (value != "" or not modifier.startswith(":"))
        if modifier.endswith("+"):
            return word if counts else ""
        if modifier.endswith("?") and not counts:
            raise Mistake("a variable that is needed is unset")
        return value if counts else word


def _pattern(text):
    """A pattern (section 8) as a regular expression."""
    pieces, signs = [], iter(text)
    for sign in signs:
        if sign == "\\":
            sign = next(signs, "")
            if not sign or sign not in "*?\\/}":
                raise Mistake("a backslash in a pattern that escapes nothing")
            pieces.append(re.escape(sign))
        elif sign == "*":
            # Several in a row are as one, and far faster to match.
            pieces += ["[^\n]*"] if pieces[-1:] != ["[^\n]*"] else []
        else:
            pieces.append("[^\n]" if sign == "?" else re.escape(sign))
    return re.compile("".join(pieces), re.DOTALL)


def _trimmed(value, sign, text):
    """`#` and `%`: the value without a start or an end that matches."""
    if UNDECIDED in (text, value):
        return UNDECIDED
    longest = text.startswith(sign)
    text = text.removeprefix(sign)
    text = text.removeprefix(BYTE_ORDER_MARK) if sign == "#" else text.removesuffix(BYTE_ORDER_MARK)
    pattern = _pattern(text)
    value = value or ""
    lengths = range(len(value) + 1)
    for length in reversed(lengths) if longest else lengths:
        cut = length if sign == "#" else len(value) - length
        if pattern.fullmatch(value[:cut] if sign == "#" else value[cut:]):
            return value[cut:] if sign == "#" else value[:cut]
    return value


def _replaced(value, text, word, every):
    """`/` and `//`: the value with the first match, or all, replaced."""
    if UNDECIDED in (text, word, value):
        return UNDECIDED
    pattern = _pattern(text.removeprefix(BYTE_ORDER_MARK))
    if every:
        # A mistake in the word is one even if nothing matches.
        _template(word, "")
    value = value or ""
    if not every:
        return pattern.sub(lambda _: word, value, count=1)
    result, done, at = "", 0, 0
    previous_end = None
    while at <= len(value) and (found := pattern.search(value, at)):
        start, end = found.span()
        if start < end or start != previous_end:
            result += value[done:start] + _template(word, found[0])
            done = previous_end = end
        at = end if end > start else end + 1
    return result + value[done:]


def _template(word, matched):
    """The word of `//`: `$0` is the matched text, and other names are nothing."""
    reader, result = Reader(word), ""
    while reader.peek():
        if not reader.skip("$"):
            result += reader.next()
        elif reader.skip("$"):
            result += "$"
        else:
            name = _template_name(reader)
            result += {"": "$", "0": matched}.get(name, "")
    return result


def _template_name(reader):
    """The name behind a `$`, empty and not stepped over if there is none."""
    start = reader.at
    braced = reader.skip("{")
    name = reader.run_of(NAME_SIGNS)
    if not name or braced and not reader.skip("}"):
        reader.at = start
        return ""
    return name


def expand(text, escape, lookup):
    """The text that a word stands for, or UNDECIDED; a mistake is raised."""
    return Expansion(text, escape, lookup).run()


def mentions(text, escape):
    """The names that a word mentions, up to its first mistake.

    What a variable holds does not matter for this, so all of them are undecided.
    """
    expansion = Expansion(text, escape, lambda name: UNDECIDED, raw=True)
    try:
        expansion.run()
    except Mistake:
        pass
    return expansion.names


def quoted_words(text, escape):
    """Section 7: words split at white space that is neither in quotes nor escaped; quotes and escapes stay."""
    words, word, quote, at = [], "", "", 0
    while at < len(text):
        sign = text[at]
        at += 1
        if sign == escape and quote != "'":
            word += text[at - 1:at + 1] if at < len(text) else ""
            at += 1
        elif not quote and sign in WHITE_SPACE:
            words, word = words + [word] if word else words, ""
        else:
            if quote in ("", sign) and sign in "'\"":
                quote = "" if quote else sign
            word += sign
    return words + [word] if word else words


class RawWords(Reader):
    """Raw words (section 7, here-documents), read with a backslash as the escape character.

    With `keeps`, quotes and escapes stay as they are written; variables stay always.
    """

    def __init__(self, text, keeps):
        super().__init__(text.removeprefix(BYTE_ORDER_MARK), raw=True)
        self.keeps, self.words, self.word = keeps, [], ""

    def run(self):
        while self.peek():
            if self.skip("<<"):
                self._add("<<")
                while self.peek() and self.peek() in "\t\r ":
                    self._add(self.next())
            elif self.peek() in WHITE_SPACE:
                self.at += 1
                self._end_word()
            elif self.peek() == "$":
                self._add_split(self._substitution(True))
            else:
                self._add(self._piece())
        self._end_word()
        return self.words

    def _add(self, text):
        self.word += text

    def _add_split(self, text):
        """Inside a substitution white space separates words whether it is quoted or not."""
        for sign in text:
            if sign in WHITE_SPACE:
                self._end_word()
            else:
                self.word += sign

    def _end_word(self):
        if self.word:
            self.words.append(self.word)
        self.word = ""

    def _piece(self):
        sign = self.next()
        if sign == "'":
            text = self.until("'")
            return f"'{text}'" if self.keeps else text
        if sign == '"':
            return self._double()
        if sign == "\\":
            return (sign if self.keeps else "") + self.next()
        return sign

    def _double(self, outermost=True):
        quote = '"' if self.keeps else ""
        text = quote
        while not self.skip('"'):
            sign = self.next()
            if not sign:
                raise Mistake('" is missing')
            if sign == "$":
                self.at -= 1
                text += self._substitution(outermost)
            elif sign == "\\" and self.peek() and self.peek() in '"$\\':
                text += (sign if self.keeps else "") + self.next()
            else:
                text += sign * 2 if sign == "\\" and self.keeps else sign
        return text + quote

    def _substitution(self, outermost):
        """A substitution as it is written, but for one slash of two."""
        self.at += 1
        if not self.skip("{"):
            return "$" + self.name()
        if self.peek() in ("", "{", "}", ":"):
            raise Mistake("a substitution that is none")
        name = self.name()
        if self.skip("}"):
            return f"${{{name}}}"
        modifier = self.modifier()
        if outermost:
            self.word = ""
        start = f"${{{name}{modifier[:1] if modifier == '//' else modifier}"
        if modifier in ("/", "//"):
            start += self._inner("/") + "/"
        return start + self._inner("}") + "}"

    def _inner(self, stop):
        text = ""
        while self.peek() != stop:
            if not self.peek():
                raise Mistake(f"{stop} is missing")
            if self.peek() == "$":
                text += self._substitution(False)
            elif self.skip('"'):
                text += self._double(outermost=False)
            else:
                text += self._piece()
        self.at += 1
        return text


def raw_words(text):
    """The raw words of a line; a mistake is raised if it cannot be read."""
    return RawWords(text, True).run()


OPENING = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)", re.DOTALL)


def here_document(word):
    """The name that a raw word opens a here-document with, and whether TABs in front of its end do not count."""
    opening = OPENING.fullmatch(word)
    if not opening or not opening[2]:
        return None
    names = RawWords(opening[2], False).run()
    return (names[0], opening[1] == "-") if len(names) == 1 else None
