//! What fp reads out of a Dockerfile and the files beside it.

pub mod dockerignore;
pub mod shell;
