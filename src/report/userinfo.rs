//! User names and passwords in URLs, which no report may show.
//!
//! People paste addresses with a token into a configuration, and whoever reads the log of a CI job
//! sees what fp quotes of it.

use std::ops::Range;

/// The text without the userinfo of the URLs in it.
pub(super) fn without_userinfo(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(userinfo) = find(rest) {
        clean.push_str(&rest[..userinfo.start]);
        clean.push('…');
        rest = &rest[userinfo.end..];
    }
    clean + rest
}

/// Whether a URL in the text has userinfo.
pub(super) fn has_userinfo(text: &str) -> bool {
    find(text).is_some()
}

/// The first userinfo: what stands between `://` and the last `@` before the path.
fn find(text: &str) -> Option<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || "/?#\"'`".contains(c);
    text.match_indices("://").find_map(|(at, scheme)| {
        let start = at + scheme.len();
        let authority = text[start..].split(ends).next()?;
        let length = authority.rfind('@')?;
        Some(start..start + length)
    })
}

#[cfg(test)]
mod tests {
    use super::without_userinfo;

    #[test]
    fn userinfo_is_left_out_and_nothing_else() {
        for (text, clean) in [
            ("https://user:t@k@host/x", "https://…@host/x"),
            (
                "see `https://t@a/`, http://u:p@b",
                "see `https://…@a/`, http://…@b",
            ),
            ("https://host/@scope", "https://host/@scope"),
            ("https://host and a@b", "https://host and a@b"),
            ("git@host:x", "git@host:x"),
        ] {
            assert_eq!(without_userinfo(text), clean);
        }
    }
}
