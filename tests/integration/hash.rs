//! `fp hash`

use crate::support::Tree;

#[test]
fn the_fingerprint_is_the_hash_of_the_record() {
    let tree = Tree::with_inputs("'a'");
    tree.file("a", "a\n").commit();
    assert_eq!(
        blake3::hash(tree.record().as_bytes()).to_string(),
        tree.hash()
    );
}
