//! The registry: look-ups, credentials, manifests.
