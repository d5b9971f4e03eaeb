//! SIGINT and SIGTERM, as a value that running work can wait for.
