//! The `fp` program.

fn main() {}
