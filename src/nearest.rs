//! Names that were likely meant by a name that nobody knows.

/// The longest name, in bytes, that may be a slip of the pen. Comparing takes time with the lengths of both.
const LONGEST: usize = 128;

/// The known name that is likely meant by `name`.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
