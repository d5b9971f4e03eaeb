//! A path as the patterns of a `.dockerignore` file see it: characters, and which there are at all.

/// A path, looked at once for all the patterns that it is compared with.
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) characters: Vec<char>,
    pub(super) present: Characters,
}

/// Which characters there are, by their last six bits. Of many patterns, most can be told from a path by
/// this alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Characters(u64);

impl<'a> Text<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let characters = decode(bytes);
        let present = characters.iter().copied().collect();
        Self {
            bytes,
            characters,
            present,
        }
    }
}

impl Characters {
    pub(super) fn are_all_in(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

impl FromIterator<char> for Characters {
    fn from_iter<I: IntoIterator<Item = char>>(characters: I) -> Self {
        let bit = |character| 1 << (u32::from(character) % u64::BITS);
        Self(
            characters
                .into_iter()
                .map(bit)
                .fold(0, |all, bit: u64| all | bit),
        )
    }
}

/// The characters of a text; each byte that is not UTF-8 is a replacement character, as in Go.
pub(super) fn decode(text: &[u8]) -> Vec<char> {
    text.utf8_chunks()
        .flat_map(|chunk| {
            let invalid = chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER);
            chunk.valid().chars().chain(invalid)
        })
        .collect()
}
