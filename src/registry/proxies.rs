//! The proxies between this machine and registries, as the usual variables name them.
//!
//! Of two spellings the upper-case one counts, as it does for docker. Nothing on loopback is asked
//! through a proxy. A proxy's address may hold a password, so it is shown nowhere.

use std::fmt;

use reqwest::{ClientBuilder, NoProxy, Proxy};

use super::error::Error;
use crate::environment::Environment;

/// The values of the proxy variables.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<Variable>,
    http: Option<Variable>,
    exceptions: Option<Variable>,
}

#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: String,
}

impl Proxies {
    /// Reads the variables; what is no text counts as unset.
    pub fn of(environment: &Environment) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().copied().find_map(|name| {
                let value = environment.text(name).ok().flatten()?.to_owned();
                Some(Variable { name, value })
            })
        };
        let of_cgi = environment.get("REQUEST_METHOD").is_some();
        let http: &[_] = match of_cgi {
            // There, whoever sends a `Proxy` header sets HTTP_PROXY (httpoxy).
            true => &["http_proxy", "ALL_PROXY", "all_proxy"],
            false => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        };
        Proxies {
            https: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            http: first(http),
            exceptions: first(&["NO_PROXY", "no_proxy"]),
        }
    }

    /// Has an HTTP client use these proxies, and no others.
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        let exceptions = self.exceptions.as_ref();
        let exceptions = exceptions.and_then(|list| NoProxy::from_string(&list.value));
        let mut builder = builder.no_proxy();
        let https: (_, Constructor) = (self.https.as_ref(), |address| Proxy::https(address));
        let http: (_, Constructor) = (self.http.as_ref(), |address| Proxy::http(address));
        for (variable, constructor) in [https, http] {
            let Some(Variable { name, value }) = variable else {
                continue;
            };
            let proxy = constructor(value).map_err(|_| Error::Proxy { variable: name })?;
            builder = builder.proxy(proxy.no_proxy(exceptions.clone()));
        }
        Ok(builder)
    }
}

type Constructor = fn(&str) -> reqwest::Result<Proxy>;

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |variable: &Option<Variable>| variable.as_ref().map(|variable| variable.name);
        f.debug_struct("Proxies")
            .field("https", &name(&self.https))
            .field("http", &name(&self.http))
            .field("exceptions", &name(&self.exceptions))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Proxies;
    use crate::environment::Environment;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(&variables.iter().copied().collect::<Environment>())
    }

    fn https(variables: &[(&str, &str)]) -> Option<String> {
        proxies(variables).https.map(|variable| variable.value)
    }

    fn http(variables: &[(&str, &str)]) -> Option<String> {
        proxies(variables).http.map(|variable| variable.value)
    }

    #[test]
    fn the_usual_variables_name_the_proxies() {
        assert_eq!(https(&[]), None);
        assert_eq!(
            https(&[("HTTPS_PROXY", "a"), ("https_proxy", "b")]),
            Some("a".into())
        );
        assert_eq!(
            https(&[("https_proxy", "b"), ("ALL_PROXY", "c")]),
            Some("b".into())
        );
        assert_eq!(
            https(&[("HTTPS_PROXY", ""), ("all_proxy", "c")]),
            Some("c".into())
        );
        assert_eq!(
            http(&[("HTTPS_PROXY", "a"), ("HTTP_PROXY", "d")]),
            Some("d".into())
        );
        let cgi = [("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(http(&cgi), None);
    }

    #[test]
    fn a_proxy_that_is_none_is_told_by_its_variable_and_not_shown() {
        let proxies = proxies(&[("HTTPS_PROXY", "http://user:hunter2@:::")]);
        let error = proxies.apply(reqwest::Client::builder()).unwrap_err();
        let told = format!("{error} {error:?} {proxies:?}");
        assert!(
            told.contains("HTTPS_PROXY") && !told.contains("hunter2"),
            "{told}"
        );
    }
}
