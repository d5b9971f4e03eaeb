//! `WWW-Authenticate` (RFC 9110, 11.6.1), as far as registries use it: what a registry asks for.

/// How a registry wants to be told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    /// A token from the server at `realm`.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The best of the challenges in a header's values: bearer rather than basic, the first of
    /// each. None if fp knows none of them.
    pub(super) fn choose<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut known: Vec<Challenge> = values.flat_map(parse).filter_map(Scheme::known).collect();
        let bearer = known
            .iter()
            .position(|challenge| *challenge != Challenge::Basic);
        (!known.is_empty()).then(|| known.swap_remove(bearer.unwrap_or(0)))
    }
}

/// One challenge as it was sent.
struct Scheme {
    name: String,
    parameters: Vec<(String, String)>,
}

impl Scheme {
    fn known(self) -> Option<Challenge> {
        let parameter = |name: &str| {
            let mut parameters = self.parameters.iter();
            parameters
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.clone())
        };
        if self.name.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !self.name.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let realm = parameter("realm")?;
        Some(Challenge::Bearer {
            realm,
            service: parameter("service"),
            scope: parameter("scope"),
        })
    }
}

/// A header value may hold several challenges, each with several parameters, all separated by
/// commas: a word followed by `=` is a parameter, any other begins a challenge.
fn parse(value: &str) -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = Vec::new();
    let mut rest = value.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let (word, after) = split_word(rest);
        rest = match after.trim_start().strip_prefix('=') {
            Some(text) => {
                let (text, after) = split_value(text.trim_start());
                if let Some(scheme) = schemes.last_mut() {
                    scheme.parameters.push((word.to_owned(), text));
                }
                after
            }
            None => {
                schemes.push(Scheme {
                    name: word.to_owned(),
                    parameters: Vec::new(),
                });
                after
            }
        };
        rest = rest.trim_start_matches(is_separator);
    }
    schemes
}

fn is_separator(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// Cuts at the end of a word; a stray quote or `=` counts as one character of it, so that every
/// step takes something.
fn split_word(text: &str) -> (&str, &str) {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let end = text[first..].find(|c| is_separator(c) || c == '=');
    text.split_at(end.map_or(text.len(), |end| first + end))
}

fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(is_separator).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[position + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Challenge;

    fn choose(values: &[&str]) -> Option<Challenge> {
        Challenge::choose(values.iter().copied())
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer {
            realm: realm.to_owned(),
            service: owned(service),
            scope: owned(scope),
        })
    }

    #[test]
    fn challenges_of_registries() {
        let realm = "https://auth.docker.io/token";
        let full = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let expected = bearer(
            realm,
            Some("registry.docker.io"),
            Some("repository:a/b:pull,push"),
        );
        assert_eq!(choose(&[full]), expected);
        assert_eq!(choose(&[&full.replace("\",", "\" , ")]), expected);
        assert_eq!(
            choose(&[r#"Basic realm="x", charset="UTF-8""#]),
            Some(Challenge::Basic)
        );
        assert_eq!(choose(&["Basic"]), Some(Challenge::Basic));
        assert_eq!(
            choose(&["bearer REALM=https://t/x"]),
            bearer("https://t/x", None, None)
        );
        assert_eq!(
            choose(&[r#"Bearer realm="a\"b""#]),
            bearer("a\"b", None, None)
        );
    }

    #[test]
    fn the_best_of_several() {
        let t = bearer("https://t", None, None);
        assert_eq!(
            choose(&["Basic realm=\"x\"", "Bearer realm=\"https://t\""]),
            t
        );
        assert_eq!(
            choose(&["Negotiate, Basic realm=\"x\", Bearer realm=\"https://t\""]),
            t
        );
        assert_eq!(
            choose(&["Bearer service=\"no realm\", Basic"]),
            Some(Challenge::Basic)
        );
        assert_eq!(choose(&["Negotiate dG9rZW4="]), None);
        assert_eq!(choose(&[]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in r#"[a-zA-Z =,"\\é]{0,40}"#) {
            choose(&[&text]);
        }
    }
}
