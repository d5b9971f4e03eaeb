//! Image references: repository, tag and digest, by the grammar of the distribution project.
