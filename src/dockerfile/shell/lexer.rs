//! Takes a word apart: quotes, escapes, variables, and words nested in modifiers.
//!
//! What the parts come to is left to those who read the tokens; how a word is taken apart never
//! depends on a variable's value. Nesting is kept in a list, so its depth costs no stack.

use super::Problem;

/// One part of a word. Texts are slices of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'w> {
    /// Ordinary text; white space in it separates words.
    Bare(&'w str),
    /// Text that separates nothing: escaped, between double quotes, or `<<` with the blanks behind.
    Kept(&'w str),
    /// What stands between single quotes.
    SingleQuoted(&'w str),
    OpenQuote,
    CloseQuote,
    /// `$NAME`.
    Variable(&'w str),
    /// `${NAME}`.
    Braced(&'w str),
    /// The start of `${NAME:-…}`, where `:-` is the modifier. A colon may come with any character
    /// behind it that is not `#` or `%`.
    Open {
        name: &'w str,
        modifier: &'w str,
    },
    /// The `/` between the pattern and the replacement.
    Middle,
    /// The `}` of an [`Token::Open`].
    Close,
}

/// The tokens of one word, up to the first mistake.
pub(super) struct Lexer<'w> {
    rest: &'w str,
    escape: char,
    contexts: Vec<Context>,
    /// A token that belongs behind the last one given.
    pending: Option<Token<'w>>,
}

/// What the lexer is inside of.
#[derive(Clone, Copy)]
struct Context {
    end: End,
    /// Whether escape characters stay in the text, as they do in patterns.
    raw_escapes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Input,
    Quote,
    Slash,
    Brace,
}

/// BuildKit reads words with a scanner that drops this at the start.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

impl<'w> Lexer<'w> {
    /// `raw_escapes` leaves escape characters in the text, but for words nested in modifiers.
    pub(super) fn new(word: &'w str, escape: char, raw_escapes: bool) -> Self {
        Self {
            rest: word.strip_prefix(BYTE_ORDER_MARK).unwrap_or(word),
            escape,
            contexts: vec![Context {
                end: End::Input,
                raw_escapes,
            }],
            pending: None,
        }
    }

    fn unquoted(&mut self, context: Context) -> Result<Option<Token<'w>>, Problem> {
        let Some(first) = self.peek() else {
            return match context.end {
                End::Input => Ok(None),
                End::Slash => Err(Problem::OpenPattern),
                End::Brace | End::Quote => Err(Problem::OpenBrace),
            };
        };
        let token = match first {
            '/' if context.end == End::Slash => {
                self.take(1);
                self.contexts.pop();
                self.enter(End::Brace, context.raw_escapes, Token::Middle)
            }
            '}' if context.end == End::Brace => {
                self.take(1);
                self.leave(Token::Close)
            }
            '$' => return self.dollar().map(Some),
            '<' => self.angle(),
            '\'' => self.single_quoted()?,
            '"' => {
                self.take(1);
                self.enter(End::Quote, context.raw_escapes, Token::OpenQuote)
            }
            _ if first == self.escape => self.escaped(context.raw_escapes),
            _ => Token::Bare(self.ordinary(first)),
        };
        Ok(Some(token))
    }

    fn quoted(&mut self, context: Context) -> Result<Option<Token<'w>>, Problem> {
        let escape = self.escape;
        let token = match self.peek().ok_or(Problem::OpenDoubleQuote)? {
            '"' => {
                self.take(1);
                self.leave(Token::CloseQuote)
            }
            '$' => return self.dollar().map(Some),
            first if first == escape => self.quoted_escape(context.raw_escapes),
            _ => Token::Kept(self.take_while(|c| c != '"' && c != '$' && c != escape)),
        };
        Ok(Some(token))
    }

    fn enter(&mut self, end: End, raw_escapes: bool, token: Token<'w>) -> Token<'w> {
        self.contexts.push(Context { end, raw_escapes });
        token
    }

    fn leave(&mut self, token: Token<'w>) -> Token<'w> {
        self.contexts.pop();
        token
    }

    /// A `<`, or a `<<` with the blanks behind it, which may lead to a heredoc's name.
    fn angle(&mut self) -> Token<'w> {
        let Some(behind) = self.rest.strip_prefix("<<") else {
            return Token::Bare(self.take(1));
        };
        let blanks = behind.len() - behind.trim_start_matches(['\t', '\r', ' ']).len();
        Token::Kept(self.take(2 + blanks))
    }

    fn single_quoted(&mut self) -> Result<Token<'w>, Problem> {
        self.take(1);
        let length = self.rest.find('\'').ok_or(Problem::OpenSingleQuote)?;
        let text = self.take(length);
        self.take(1);
        Ok(Token::SingleQuoted(text))
    }

    /// Outside of quotes, any character can be escaped. An escape at the end stands for nothing.
    fn escaped(&mut self, raw: bool) -> Token<'w> {
        let sign = self.escape.len_utf8();
        let escaped = self.rest[sign..].chars().next();
        let text = self.take(sign + escaped.map_or(0, char::len_utf8));
        Token::Kept(if raw { text } else { &text[sign..] })
    }

    /// Between double quotes, only `"`, `$` and the escape itself can be escaped; before anything
    /// else it is a character like any other, and BuildKit then doubles it in raw text.
    fn quoted_escape(&mut self, raw: bool) -> Token<'w> {
        let behind = self.rest[self.escape.len_utf8()..].chars().next();
        if behind.is_some_and(|c| c == '"' || c == '$' || c == self.escape) {
            return self.escaped(raw);
        }
        let sign = Token::Kept(self.take(self.escape.len_utf8()));
        self.pending = raw.then_some(sign);
        sign
    }

    fn ordinary(&mut self, first: char) -> &'w str {
        let escape = self.escape;
        let behind = &self.rest[first.len_utf8()..];
        let length = behind.find(|c| c == escape || "$<'\"}/".contains(c));
        self.take(first.len_utf8() + length.unwrap_or(behind.len()))
    }

    fn dollar(&mut self) -> Result<Token<'w>, Problem> {
        let sign = self.take(1);
        if self.peek() == Some('{') {
            self.take(1);
            return self.braced();
        }
        Ok(match self.name() {
            "" => Token::Bare(sign),
            name => Token::Variable(name),
        })
    }

    fn braced(&mut self) -> Result<Token<'w>, Problem> {
        if let Some('{' | '}' | ':') = self.peek() {
            return Err(Problem::NoName);
        }
        let name = self.name();
        let modifier = self.modifier()?;
        let (end, raw_escapes) = match modifier {
            "}" => return Ok(Token::Braced(name)),
            "/" | "//" => (End::Slash, true),
            "#" | "%" => (End::Brace, true),
            _ => (End::Brace, false),
        };
        Ok(self.enter(end, raw_escapes, Token::Open { name, modifier }))
    }

    /// What stands behind the name, and says what becomes of the word behind it.
    fn modifier(&mut self) -> Result<&'w str, Problem> {
        let mut characters = self.rest.chars();
        let first = characters.next().ok_or(Problem::OpenBrace)?;
        let second = characters.next();
        let length = match (first, second) {
            (':', None) => return Err(Problem::OpenBrace),
            (':', Some(second)) => 1 + second.len_utf8(),
            ('/', Some('/')) => 2,
            _ => first.len_utf8(),
        };
        let modifier = self.take(length);
        let known = matches!(first, '}' | ':' | '+' | '-' | '?' | '#' | '%' | '/');
        if !known || matches!(modifier, ":#" | ":%") {
            return Err(Problem::UnknownModifier(modifier.into()));
        }
        Ok(modifier)
    }

    /// A variable's name, empty if there is none here.
    fn name(&mut self) -> &'w str {
        match self.peek() {
            Some('0'..='9') => self.take_while(|c| c.is_ascii_digit() || is_foreign_number(c)),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => self.take(1),
            _ => self.take_while(is_in_name),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, length: usize) -> &'w str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'w str {
        let length = self.rest.find(|c| !wanted(c));
        self.take(length.unwrap_or(self.rest.len()))
    }
}

impl<'w> Iterator for Lexer<'w> {
    type Item = Result<Token<'w>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(token) = self.pending.take() {
            return Some(Ok(token));
        }
        let context = *self.contexts.last()?;
        let token = match context.end {
            End::Quote => self.quoted(context),
            End::Input | End::Slash | End::Brace => self.unquoted(context),
        };
        token.transpose()
    }
}

/// Whether a name may go on with a character. Beyond ASCII that is more than BuildKit allows, so that
/// a name which might be another one there is seen and refused.
///
/// Also used by the templates of replacements.
pub(super) fn is_in_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn is_foreign_number(character: char) -> bool {
    !character.is_ascii() && character.is_numeric()
}
