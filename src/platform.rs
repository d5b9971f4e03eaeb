//! Platforms: the operating system and processor that an image is for.
//!
//! Registries and engines spell them in several ways; here they have one form, so that they
//! compare.

use std::fmt;

/// What an image runs on, such as `linux/amd64` or `linux/arm/v6`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform, such as `linux/amd64` or `linux/arm/v7`")]
pub struct ParseError(String);

impl Platform {
    /// The platform in the form that compares: without a variant that says nothing, and with the
    /// one that a bare `arm` means (as containerd's `platforms.Normalize` has it). An empty
    /// `variant` is none.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let variant = match (architecture, variant) {
            ("amd64", "v1") | ("arm64", "v8") | (_, "") if architecture != "arm" => None,
            ("arm", "") => Some("v7".to_owned()),
            _ => Some(variant.to_owned()),
        };
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant,
        }
    }

    /// Parses `OS/ARCHITECTURE` or `OS/ARCHITECTURE/VARIANT`, as Go names them.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let is_name = |part: &&str| {
            let mut characters = part.chars();
            !part.is_empty() && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            _ if !parts.iter().all(is_name) => Err(ParseError(text.to_owned())),
            [os, architecture] => Ok(Platform::new(os, architecture, "")),
            [os, architecture, variant] => Ok(Platform::new(os, architecture, variant)),
            _ => Err(ParseError(text.to_owned())),
        }
    }

    /// The operating system, such as `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The processor, as Go names it: `amd64`, `arm64`, ….
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The processor's variant, where there are several.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Whether this is what buildx lists attestations under, and so no platform at all.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn platforms_compare_in_one_form() {
        let shown =
            |os, architecture, variant| Platform::new(os, architecture, variant).to_string();
        assert_eq!(shown("linux", "amd64", ""), "linux/amd64");
        assert_eq!(shown("linux", "amd64", "v1"), "linux/amd64");
        assert_eq!(shown("linux", "amd64", "v3"), "linux/amd64/v3");
        assert_eq!(shown("linux", "arm64", "v8"), "linux/arm64");
        assert_eq!(shown("linux", "arm", ""), "linux/arm/v7");
        assert_eq!(shown("linux", "arm", "v6"), "linux/arm/v6");
        assert_eq!(shown("linux", "riscv64", ""), "linux/riscv64");
    }
}
