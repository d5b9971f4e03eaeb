//! Here-documents: where a line opens them, and where their bodies end.
//!
//! The reference is BuildKit's `heredocsFromLine` and `ParseHeredoc`.

use super::mistake::MistakeKind;
use super::shell;

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heredoc {
    /// The word that ends it.
    pub(super) name: String,
    /// Written `<<-`: the end may have tabs before it.
    chomps: bool,
    /// The lines up to the end, as they stand in the file.
    pub(super) body: String,
}

impl Heredoc {
    /// Whether a line of the body, without its line end, ends it.
    pub(super) fn is_ended_by(&self, line: &str) -> bool {
        let line = match self.chomps {
            true => line.trim_start_matches('\t'),
            false => line,
        };
        line == self.name
    }
}

/// The here-documents that an instruction's line opens, in their order.
pub(super) fn opened_by(line: &str) -> Result<Vec<Heredoc>, MistakeKind> {
    // What is no sequence of words, such as a line with an open quote, opens nothing.
    let words = shell::raw_words(line).unwrap_or_default();
    let opened = words.iter().map(|word| parse(word));
    opened.filter_map(Result::transpose).collect()
}

/// Whether a source of COPY or ADD stands for a here-document.
pub(super) fn is_heredoc(word: &str) -> bool {
    matches!(parse(word), Ok(Some(_)))
}

fn parse(word: &str) -> Result<Option<Heredoc>, MistakeKind> {
    let Some(rest) = word
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix("<<")
    else {
        return Ok(None);
    };
    let (chomps, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if rest.is_empty() || rest.contains('<') {
        return Ok(None);
    }
    let words = shell::words(rest, false).ok_or(MistakeKind::HeredocName(rest.to_owned()))?;
    Ok(match <[String; 1]>::try_from(words) {
        Ok([name]) => Some(Heredoc {
            name,
            chomps,
            body: String::new(),
        }),
        Err(_) => None,
    })
}
