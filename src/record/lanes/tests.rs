//! Held against the `blake3` crate.

use blake3::hazmat::HasherExt;
use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};

use super::{BLOCK, CHUNK, LANES, Node, Registers, Width, hash_each};

/// All kinds that this processor has. Without any, there is nothing to test, and the tests fail.
fn registers() -> Vec<Registers> {
    let all: Vec<_> = Registers::of_processor().collect();
    assert!(!all.is_empty(), "this processor has no wide registers");
    all
}

#[test]
fn registers_are_those_of_the_processor() {
    let widths: Vec<_> = registers()
        .into_iter()
        .map(|registers| registers.0)
        .collect();
    let has_avx512 = is_x86_feature_detected!("avx512f");
    assert_eq!(widths.contains(&Width::Avx512), has_avx512);
    assert_eq!(
        widths.contains(&Width::Avx2),
        is_x86_feature_detected!("avx2")
    );
}

/// The messages have the hashes of the crate, in each kind of registers.
#[track_caller]
fn check(messages: &[&[u8]]) {
    let expected: Vec<_> = messages.iter().copied().map(blake3::hash).collect();
    for registers in registers() {
        assert_eq!(hash_each(messages, registers), expected, "{registers:?}");
    }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at / 3 % 251) as u8).collect()
}

#[test]
fn messages_end_in_every_place() {
    let bytes = bytes(4 * CHUNK);
    let mut messages: Vec<_> = (0..=2 * CHUNK + 1).map(|end| &bytes[..end]).collect();
    check(&messages);
    messages.reverse();
    check(&messages);
}

#[test]
fn trees_have_every_shape() {
    let bytes = bytes(70 * CHUNK);
    for rest in [0, 1, BLOCK, CHUNK - 1] {
        let message = |chunks| &bytes[..chunks * CHUNK + rest];
        let messages: Vec<_> = (0..65).map(message).collect();
        check(&messages);
        for message in messages {
            check(&[message]);
        }
    }
}

#[test]
fn any_number_of_messages_is_hashed() {
    let bytes = bytes(3 * CHUNK);
    for count in 0..=2 * LANES + 1 {
        let messages: Vec<_> = (0..count).map(|at| &bytes[at..at + 90 * at]).collect();
        check(&messages);
    }
}

#[test]
fn chunks_are_numbered_beyond_4_tib() {
    let bytes = bytes(CHUNK);
    for counter in [0, 5, u64::from(u32::MAX), 1 << 32, (7 << 32) + 5] {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(counter * CHUNK as u64);
        let expected = hasher.update(&bytes).finalize_non_root();
        let chunk = Node {
            counter,
            ..Node::chunk(&bytes, 0, 2)
        };
        for registers in registers() {
            assert_eq!(registers.hash_all(&[chunk]), [expected], "{counter}");
        }
    }
}

proptest! {
    #[test]
    fn hashes_are_those_of_the_crate(
        bytes in prop::collection::vec(any::<u8>(), 0..20_000),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let messages: Vec<_> = ends.iter().map(|end| &bytes[end.index(bytes.len() + 1)..]).collect();
        let expected: Vec<_> = messages.iter().copied().map(blake3::hash).collect();
        for registers in registers() {
            prop_assert_eq!(&hash_each(&messages, registers), &expected);
        }
    }
}
