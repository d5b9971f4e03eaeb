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
