//! Which files are inputs.
