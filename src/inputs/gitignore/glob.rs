//! The wildcards of `.gitignore` rules: `*`, `?`, `**`, bracket expressions and backslashes, as
//! git's wildmatch has them. What surrounds the wildcards in a line is left to the parent module.

use crate::inputs::pattern::{matches_sequence, skip_part, take_part};

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
    AnyRun,
}

impl Glob {
    /// Reads a rule's text; `None` if it can match nothing. Only in a rule about paths does a `**`
    /// that is alone between slashes differ from `*`.
    pub(super) fn parse(text: &[u8], is_path: bool) -> Option<Self> {
        let mut parts = Vec::new();
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match byte {
                b'*' => {
                    let stars = rest.iter().take_while(|byte| **byte == b'*').count();
                    let after = &rest[stars..];
                    if is_path && stars > 1 && tokens.is_empty() && starts_part_end(after) {
                        parts.push(Part::AnyDepth);
                        match after.split_first() {
                            Some((b'/', after)) => {
                                rest = after;
                                // A slash at the end would leave an empty part, which no path has.
                                if rest.is_empty() {
                                    return None;
                                }
                                continue;
                            }
                            // At the end, and before an escaped slash, git wants at least one part.
                            _ => tokens.push(Token::AnyRun),
                        }
                    } else {
                        tokens.push(Token::AnyRun);
                    }
                    after
                }
                b'?' => {
                    tokens.push(Token::Set(ByteSet::all_but_slash()));
                    after
                }
                b'[' => {
                    let (set, after) = ByteSet::parse(after)?;
                    tokens.push(Token::Set(set));
                    after
                }
                b'\\' => {
                    let (&byte, after) = after.split_first()?;
                    push_byte(byte, &mut tokens, &mut parts)?;
                    after
                }
                _ => {
                    push_byte(byte, &mut tokens, &mut parts)?;
                    after
                }
            };
        }
        parts.push(finish_part(&mut tokens)?);
        parts.dedup_by(|a, b| *a == Part::AnyDepth && *b == Part::AnyDepth);
        Some(Self { parts })
    }

    /// The only path that it matches, if it has no wildcards.
    pub(super) fn literal(&self) -> Option<Vec<u8>> {
        let names: Option<Vec<&[u8]>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Literal(name) => Some(&**name),
                Part::Wild(_) | Part::AnyDepth => None,
            })
            .collect();
        Some(names?.join(&b'/'))
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.parts.into_iter()
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
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Wild(tokens) => matches_sequence(
                tokens,
                name,
                |token| *token == Token::AnyRun,
                |token, rest| {
                    rest.first()
                        .is_some_and(|byte| token.accepts(*byte))
                        .then_some(1)
                },
                |_| 1,
            ),
            Part::AnyDepth => true,
        }
    }
}

impl Token {
    fn accepts(&self, byte: u8) -> bool {
        match self {
            Token::Byte(literal) => *literal == byte,
            Token::Set(set) => set.contains(byte),
            Token::AnyRun => true,
        }
    }
}

fn starts_part_end(text: &[u8]) -> bool {
    text.is_empty() || text.starts_with(b"/") || text.starts_with(b"\\/")
}

fn push_byte(byte: u8, tokens: &mut Vec<Token>, parts: &mut Vec<Part>) -> Option<()> {
    if byte == b'/' {
        parts.push(finish_part(tokens)?);
    } else {
        tokens.push(Token::Byte(byte));
    }
    Some(())
}

/// Takes the tokens as one part; an empty one matches nothing.
fn finish_part(tokens: &mut Vec<Token>) -> Option<Part> {
    let tokens = std::mem::take(tokens);
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
        _ if tokens.is_empty() => None,
        Some(literal) => Some(Part::Literal(literal)),
        None => Some(Part::Wild(tokens)),
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
        // What a `-` would start a range from; not the end of another range, nor a class.
        let mut from = None;
        loop {
            let (&byte, after) = rest.split_first()?;
            (from, rest) = match (byte, from) {
                (b'\\', _) => {
                    let (&escaped, after) = after.split_first()?;
                    set.insert(escaped);
                    (Some(escaped), after)
                }
                (b'-', Some(low)) if !matches!(after.first(), None | Some(b']')) => {
                    let after = after.strip_prefix(b"\\").unwrap_or(after);
                    let (&high, after) = after.split_first()?;
                    (low..=high).for_each(|byte| set.insert(byte));
                    (None, after)
                }
                (b'[', _) if after.starts_with(b":") => match class_name(&after[1..])? {
                    (Some(name), after) => {
                        let class = class(name)?;
                        (0..=u8::MAX)
                            .filter(class)
                            .for_each(|byte| set.insert(byte));
                        (None, after)
                    }
                    (None, _) => {
                        set.insert(byte);
                        (Some(byte), after)
                    }
                },
                _ => {
                    set.insert(byte);
                    (Some(byte), after)
                }
            };
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

/// Reads `NAME:]` behind `[:`. No name if something else stands before the next `]`: the bracket is
/// then an ordinary character. `None` if there is no `]` at all.
fn class_name(text: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let close = text.iter().position(|byte| *byte == b']')?;
    Some((text[..close].strip_suffix(b":"), &text[close + 1..]))
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
