//! Splits a line into words without replacing variables, as BuildKit does to find heredocs.
//!
//! What of the words is a heredoc is left to others.

use super::lexer::{Lexer, Token};

/// The words of a whole instruction line, with quotes and escapes kept, variables untouched, and
/// `<<` joined with the blanks and the word behind it. `None` where BuildKit's lexer fails: it
/// then sees no heredocs at all.
pub(in crate::dockerfile) fn raw_words(line: &str) -> Option<Vec<String>> {
    Words::new(true).read(Lexer::new(line, '\\', true))
}

/// The words of `text`, variables untouched and escapes taken off; quotes are taken off as well
/// unless they are to be kept. `None` where BuildKit's lexer fails.
pub(in crate::dockerfile) fn words(text: &str, keep_quotes: bool) -> Option<Vec<String>> {
    Words::new(keep_quotes).read(Lexer::new(text, '\\', false))
}

struct Words {
    finished: Vec<String>,
    current: String,
    keep_quotes: bool,
    /// How many substitutions the text is inside of.
    depth: usize,
    /// Where in the current word a double quote opened that is in no substitution.
    quote: Option<usize>,
}

impl Words {
    fn new(keep_quotes: bool) -> Self {
        Self {
            finished: Vec::new(),
            current: String::new(),
            keep_quotes,
            depth: 0,
            quote: None,
        }
    }

    fn read(mut self, tokens: Lexer<'_>) -> Option<Vec<String>> {
        for token in tokens {
            self.add(token.ok()?);
        }
        self.finish_word();
        Some(self.finished)
    }

    fn add(&mut self, token: Token<'_>) {
        match token {
            Token::Bare(text) => self.split(text),
            Token::Kept(text) => self.keep(text),
            Token::SingleQuoted(text) => {
                self.keep_quote("'");
                self.keep(text);
                self.keep_quote("'");
            }
            Token::OpenQuote => {
                if self.depth == 0 {
                    self.quote = Some(self.current.len());
                }
                self.keep_quote("\"");
            }
            Token::CloseQuote => {
                self.keep_quote("\"");
                if self.depth == 0 {
                    self.quote = None;
                }
            }
            Token::Variable(name) => self.split_all(["$", name]),
            Token::Braced(name) => self.split_all(["${", name, "}"]),
            Token::Open { name, modifier } => self.open(name, modifier),
            Token::Middle => self.split("/"),
            Token::Close => {
                self.split("}");
                self.depth -= 1;
            }
        }
    }

    /// BuildKit reads the word in a modifier into the same buffer, and so forgets what it had of
    /// the current word (but for the quoted text that the substitution stands in). Of the two
    /// slashes of `//` it repeats one.
    fn open(&mut self, name: &str, modifier: &str) {
        if self.depth == 0 {
            self.current
                .drain(..self.quote.unwrap_or(self.current.len()));
            self.quote = self.quote.map(|_| 0);
        }
        self.depth += 1;
        let modifier = if modifier == "//" { "/" } else { modifier };
        self.split_all(["${", name, modifier]);
    }

    fn keep_quote(&mut self, quote: &str) {
        if self.keep_quotes {
            self.keep(quote);
        }
    }

    /// Adds text that separates nothing, unless it is part of a substitution: there BuildKit goes
    /// by the outcome, whatever was quoted.
    fn keep(&mut self, text: &str) {
        if self.depth > 0 {
            self.split(text);
        } else {
            self.current.push_str(text);
        }
    }

    fn split_all<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            self.split(text);
        }
    }

    /// Adds text in which white space separates words, unless a double quote is open around it.
    fn split(&mut self, text: &str) {
        if self.quote.is_some() {
            self.current.push_str(text);
            return;
        }
        for character in text.chars() {
            if character.is_whitespace() {
                self.finish_word();
            } else {
                self.current.push(character);
            }
        }
    }

    fn finish_word(&mut self) {
        if !self.current.is_empty() {
            self.finished.push(std::mem::take(&mut self.current));
        }
    }
}
