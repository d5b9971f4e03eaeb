//! The wildcards of `.gitignore` rules: `*`, `?`, `**`, bracket expressions and backslashes, as
//! git's wildmatch has them. What surrounds the wildcards in a line is left to the parent module.

use crate::pattern::{matches_sequence, skip_part, take_part};

/// A rule's text, split at its slashes.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Vec<u8>),
    Wild(Vec<Token>),
    /// Any number of whole parts, also none.
    AnyDepth,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Byte(u8),
    Set(ByteSet),
    Star,
    DoubleStar,
    /// Only until the text is split.
    Slash {
        escaped: bool,
    },
}

impl Glob {
    /// Reads a rule's text; `None` if it can match nothing. Only in a rule about paths does a `**`
    /// that is alone between slashes differ from `*`.
    pub(super) fn parse(text: &[u8], is_path: bool) -> Option<Self> {
        let tokens = tokens(text)?;
        if matches!(tokens.last(), None | Some(Token::Slash { .. })) {
            return None;
        }
        let mut parts = Vec::new();
        for chunk in tokens.split_inclusive(|token| matches!(token, Token::Slash { .. })) {
            match chunk {
                [Token::DoubleStar, Token::Slash { escaped: false }] if is_path => {
                    parts.push(Part::AnyDepth);
                }
                // At the end, and before an escaped slash, git wants at least one part.
                [Token::DoubleStar] | [Token::DoubleStar, Token::Slash { .. }] if is_path => {
                    parts.extend([Part::AnyDepth, Part::Wild(vec![Token::Star])]);
                }
                [name @ .., Token::Slash { .. }] | name => parts.push(part(name)?),
            }
        }
        parts.dedup_by(|a, b| *a == Part::AnyDepth && *b == Part::AnyDepth);
        Some(Self { parts })
    }

    /// The only path that it matches, if it has no wildcards.
    pub(super) fn literal(&self) -> Option<Vec<u8>> {
        let names: Option<Vec<&[u8]>> = self.parts.iter().map(Part::literal).collect();
        Some(names?.join(&b'/'))
    }

    /// The one part that decides about the last part of a path, wherever it lies: that of a rule
    /// without slashes, and `x` in `**/x`.
    pub(super) fn name(&self, is_path: bool) -> Option<&Part> {
        match &*self.parts {
            [name] if !is_path => Some(name),
            [Part::AnyDepth, name] => Some(name),
            _ => None,
        }
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        matches_sequence(
            &self.parts,
            path,
            |part| *part == Part::AnyDepth,
            |part, rest| take_part(rest, |name| part.matches(name)),
            skip_part,
        )
    }
}

impl Part {
    pub(super) fn literal(&self) -> Option<&[u8]> {
        match self {
            Part::Literal(name) => Some(name),
            Part::Wild(_) | Part::AnyDepth => None,
        }
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Wild(tokens) => can_end(tokens, name) && tokens_match(tokens, name),
            Part::AnyDepth => true,
        }
    }
}

/// Most rules are about the end of a name (`*.log`), so that one look there spares most attempts.
fn can_end(tokens: &[Token], name: &[u8]) -> bool {
    match (tokens.last(), name.last()) {
        (Some(Token::Byte(literal)), Some(byte)) => literal == byte,
        _ => true,
    }
}

fn tokens_match(tokens: &[Token], name: &[u8]) -> bool {
    matches_sequence(
        tokens,
        name,
        |token| matches!(token, Token::Star | Token::DoubleStar),
        |token, rest| {
            rest.first()
                .is_some_and(|byte| token.accepts(*byte))
                .then_some(1)
        },
        |_| 1,
    )
}

impl Token {
    fn accepts(&self, byte: u8) -> bool {
        match self {
            Token::Byte(literal) => *literal == byte,
            Token::Set(set) => set.contains(byte),
            Token::Star | Token::DoubleStar | Token::Slash { .. } => false,
        }
    }
}

fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let (token, after) = match byte {
            b'*' => {
                let stars = rest.iter().take_while(|byte| **byte == b'*').count();
                (
                    if stars > 1 {
                        Token::DoubleStar
                    } else {
                        Token::Star
                    },
                    &rest[stars..],
                )
            }
            b'?' => (Token::Set(ByteSet::all_but_slash()), after),
            b'[' => {
                let (set, after) = ByteSet::parse(after)?;
                (Token::Set(set), after)
            }
            b'\\' => match after.split_first()? {
                (b'/', after) => (Token::Slash { escaped: true }, after),
                (byte, after) => (Token::Byte(*byte), after),
            },
            b'/' => (Token::Slash { escaped: false }, after),
            _ => (Token::Byte(byte), after),
        };
        tokens.push(token);
        rest = after;
    }
    Some(tokens)
}

/// The tokens between two slashes; none match nothing, since no name is empty.
fn part(tokens: &[Token]) -> Option<Part> {
    let literal: Option<Vec<u8>> = tokens
        .iter()
        .map(|token| {
            if let Token::Byte(byte) = token {
                Some(*byte)
            } else {
                None
            }
        })
        .collect();
    match literal {
        Some(literal) if literal.is_empty() => None,
        Some(literal) => Some(Part::Literal(literal)),
        None => Some(Part::Wild(tokens.to_vec())),
    }
}

/// A bracket expression, or `?`: the bytes it accepts. A slash is never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByteSet {
    bits: Box<[u64; 4]>,
}

impl ByteSet {
    fn all_but_slash() -> Self {
        let mut set = Self {
            bits: Box::new([u64::MAX; 4]),
        };
        set.remove(b'/');
        set
    }

    /// Reads a bracket expression after its `[`; gives the set and the text behind the `]`. `None`
    /// if it is not closed or names a class that does not exist: the whole rule then matches
    /// nothing.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        let mut set = Self {
            bits: Box::new([0; 4]),
        };
        let negated = matches!(text.first(), Some(b'!' | b'^'));
        let mut rest = &text[usize::from(negated)..];
        let mut from = None;
        let mut classes = ClassNames::default();
        loop {
            (from, rest) = set.parse_item(rest, from, &mut classes)?;
            // The bracket that would close an empty expression stands for itself instead.
            if let Some(after) = rest.strip_prefix(b"]") {
                if negated {
                    set.bits.iter_mut().for_each(|word| *word = !*word);
                }
                set.remove(b'/');
                return Some((set, after));
            }
        }
    }

    /// Reads one character, range or class. `from` is what a `-` here would start a range from:
    /// the character before, but neither the end of another range nor a class. Gives what it is for
    /// the next item, and the text behind.
    fn parse_item<'a>(
        &mut self,
        text: &'a [u8],
        from: Option<u8>,
        classes: &mut ClassNames,
    ) -> Option<(Option<u8>, &'a [u8])> {
        let (&byte, after) = text.split_first()?;
        match (byte, from) {
            (b'\\', _) => {
                let (&escaped, after) = after.split_first()?;
                self.insert(escaped);
                Some((Some(escaped), after))
            }
            (b'-', Some(low)) if !matches!(after.first(), None | Some(b']')) => {
                let after = after.strip_prefix(b"\\").unwrap_or(after);
                let (&high, after) = after.split_first()?;
                (low..=high).for_each(|byte| self.insert(byte));
                Some((None, after))
            }
            (b'[', _)
                if let Some(name) = after.strip_prefix(b":")
                    && let (Some(name), after) = classes.read(name)? =>
            {
                let class = class(name)?;
                (0..=u8::MAX)
                    .filter(class)
                    .for_each(|byte| self.insert(byte));
                Some((None, after))
            }
            _ => {
                self.insert(byte);
                Some((Some(byte), after))
            }
        }
    }

    fn insert(&mut self, byte: u8) {
        self.bits[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn remove(&mut self, byte: u8) {
        self.bits[usize::from(byte / 64)] &= !(1 << (byte % 64));
    }

    fn contains(&self, byte: u8) -> bool {
        self.bits[usize::from(byte / 64)] & (1 << (byte % 64)) != 0
    }
}

/// Reads the names of classes in one bracket expression.
#[derive(Default)]
struct ClassNames {
    /// How much was left behind the last `]` that was found to end no class.
    behind_none: Option<usize>,
}

impl ClassNames {
    /// Reads `NAME:]` behind `[:`. No name if something else stands before the next `]`: the bracket
    /// is then an ordinary character. `None` if there is no `]` at all.
    fn read<'a>(&mut self, text: &'a [u8]) -> Option<(Option<&'a [u8]>, &'a [u8])> {
        // However many brackets stand before that `]`, it is looked for once.
        if self.behind_none.is_some_and(|behind| behind < text.len()) {
            return Some((None, text));
        }
        let close = text.iter().position(|byte| *byte == b']')?;
        let (name, after) = (text[..close].strip_suffix(b":"), &text[close + 1..]);
        if name.is_none() {
            self.behind_none = Some(after.len());
        }
        Some((name, after))
    }
}

/// The classes as git has them: ASCII only, whatever the locale, and `space` without the vertical
/// tab and the form feed.
fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}
