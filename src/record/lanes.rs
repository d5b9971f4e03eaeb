//! BLAKE3 of many messages at once, by SIMD.
//!
//! A register of sixteen words hashes sixteen chunks of 1 KiB in the time of one. The `blake3` crate fills it from
//! one message: one of a few KiB leaves most of it empty, and a last chunk that is not full has it to itself. Here
//! the chunks of all messages share it, and then the parent nodes do. The numbers in the comments are the sections
//! of the specification, "BLAKE3: one function, fast everywhere".

use std::array;
use std::cmp::Reverse;
use std::iter;

// The standard library asks the processor for all that it can do, which takes a virtual machine up to three times as long.
cpufeatures::new!(avx512, "avx512f", "avx2", "fma");
cpufeatures::new!(avx2, "avx2");

/// So many nodes are hashed side by side: as many as the widest registers have words.
const LANES: usize = 16;

/// One word of each lane.
type Lanes = [u32; LANES];

/// A message is hashed in chunks of this many bytes (2.1).
const CHUNK: usize = 1024;

/// A node is compressed in blocks of this many bytes (2.2).
const BLOCK: usize = 64;

/// The first chaining value of every node (2.2, table 1): that of SHA-256.
const IV: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// The domain flags of a block (2.2, table 3).
const CHUNK_START: u32 = 1 << 0;
const CHUNK_END: u32 = 1 << 1;
const PARENT: u32 = 1 << 2;
const ROOT: u32 = 1 << 3;

/// What a node is hashed to; of a root, the digest.
type ChainingValue = [u8; blake3::OUT_LEN];

/// Registers of this processor, in which nodes are hashed: [`Registers::of_processor`] alone makes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers(Width);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// 512 bits.
    Avx512,
    /// 256 bits.
    Avx2,
}

/// A chunk or a parent node: blocks that are compressed one after the other.
#[derive(Clone, Copy)]
struct Node<'a> {
    /// At most [`CHUNK`].
    bytes: &'a [u8],
    /// The number of a chunk in its message; 0 of a parent.
    counter: u64,
    /// The flags that only its first block has.
    first: u32,
    /// The flags that only its last block has.
    last: u32,
}

/// Sixteen nodes, and a block of each. A row of words is in one line of the cache.
#[repr(align(64))]
struct Group {
    /// The chaining values, word by word.
    values: [Lanes; 8],
    /// The bytes of the blocks, word by word.
    words: [Lanes; 16],
    counter_low: Lanes,
    counter_high: Lanes,
    first: Lanes,
    last: Lanes,
    /// How many bytes the nodes have.
    length: Lanes,
    /// How many blocks they have.
    count: Lanes,
}

/// The BLAKE3 hash of each of `messages`, in their order.
pub(super) fn hash_each(messages: &[&[u8]], registers: Registers) -> Vec<blake3::Hash> {
    let chunks = |message: &&[u8]| message.len().div_ceil(CHUNK).max(1);
    let mut counts: Vec<_> = messages.iter().map(chunks).collect();
    let mut nodes = Vec::with_capacity(counts.iter().sum());
    for (message, &count) in iter::zip(messages, &counts) {
        nodes.extend((0..count).map(|number| Node::chunk(message, number, count)));
    }
    let mut values = registers.hash_all(&nodes);
    while counts.iter().any(|&count| count > 1) {
        values = merged(&values, &mut counts, registers);
    }
    values.into_iter().map(Into::into).collect()
}

/// The next level of each message's tree (2.1): pairs become parents, and what has no partner stays.
///
/// `counts` tells how many of `values` belong to each message, and is brought up to date.
fn merged(
    values: &[ChainingValue],
    counts: &mut [usize],
    registers: Registers,
) -> Vec<ChainingValue> {
    let mut parents = Vec::with_capacity(values.len() / 2);
    let mut rest = values;
    for &mut count in &mut *counts {
        let own;
        (own, rest) = rest.split_at(count);
        let (pairs, _) = own.as_chunks();
        parents.extend(pairs.iter().map(|pair| Node::parent(pair, count == 2)));
    }
    let mut parents = registers.hash_all(&parents).into_iter();
    let mut next = Vec::with_capacity(values.len());
    let mut rest = values;
    for count in counts {
        let own;
        (own, rest) = rest.split_at(*count);
        let (pairs, single) = own.as_chunks::<2>();
        next.extend(parents.by_ref().take(pairs.len()));
        next.extend(single);
        *count = pairs.len() + single.len();
    }
    next
}

impl<'a> Node<'a> {
    /// The chunk with this number, of `count`, of a message.
    fn chunk(message: &'a [u8], number: usize, count: usize) -> Self {
        let rest = &message[number * CHUNK..];
        let root = if count == 1 { ROOT } else { 0 };
        Node {
            bytes: &rest[..rest.len().min(CHUNK)],
            counter: number as u64,
            first: CHUNK_START,
            last: CHUNK_END | root,
        }
    }

    /// The parent of two nodes.
    fn parent(values: &'a [ChainingValue; 2], is_root: bool) -> Self {
        Node {
            bytes: values.as_flattened(),
            counter: 0,
            first: PARENT,
            last: if is_root { ROOT } else { 0 },
        }
    }

    /// How many blocks it has: the chunk of an empty message has an empty one.
    fn blocks(&self) -> usize {
        self.bytes.len().div_ceil(BLOCK).max(1)
    }
}

impl Registers {
    /// Those of this processor, the widest first.
    ///
    /// Narrower ones are not worth it: the crate's own code is faster there.
    pub(super) fn of_processor() -> impl Iterator<Item = Self> {
        let all = [Width::Avx512, Width::Avx2];
        all.into_iter().filter(Width::is_there).map(Registers)
    }

    fn hash_all(self, nodes: &[Node<'_>]) -> Vec<ChainingValue> {
        // Nodes of one length next to each other, so that few lanes have ended before the last.
        let mut order: Vec<_> = (0..nodes.len()).collect();
        order.sort_by_key(|&at| Reverse(nodes[at].bytes.len()));
        let mut values = vec![ChainingValue::default(); nodes.len()];
        for group in order.chunks(LANES) {
            let lanes = array::from_fn(|lane| nodes[*group.get(lane).unwrap_or(&group[0])]);
            let words = self.hash(&lanes);
            for (lane, &at) in group.iter().enumerate() {
                let (bytes, _) = values[at].as_chunks_mut();
                for (bytes, word) in iter::zip(bytes, words) {
                    *bytes = word[lane].to_le_bytes();
                }
            }
        }
        values
    }

    #[expect(
        unsafe_code,
        reason = "many small files take half the time (docs/BENCHMARKS.md, the pure parts)"
    )]
    fn hash(self, nodes: &[Node<'_>; LANES]) -> [Lanes; 8] {
        match self.0 {
            // SAFETY: There is no such value unless the processor has AVX-512F and what the compiler takes that to include:
            // AVX2, FMA, and F16C, which every processor with AVX-512F has.
            Width::Avx512 => unsafe { hash_avx512(nodes) },
            // SAFETY: There is no such value unless the processor has AVX2.
            Width::Avx2 => unsafe { hash_avx2(nodes) },
        }
    }
}

impl Width {
    fn is_there(&self) -> bool {
        match self {
            Width::Avx512 => avx512::get(),
            Width::Avx2 => avx2::get(),
        }
    }
}

#[target_feature(enable = "avx512f")]
fn hash_avx512(nodes: &[Node<'_>; LANES]) -> [Lanes; 8] {
    hash(nodes)
}

#[target_feature(enable = "avx2")]
fn hash_avx2(nodes: &[Node<'_>; LANES]) -> [Lanes; 8] {
    hash(nodes)
}

/// The chaining values of nodes, word by word (2.4, 2.5).
#[inline(always)]
fn hash(nodes: &[Node<'_>; LANES]) -> [Lanes; 8] {
    let mut group = Group::of(nodes);
    let longest = group.count.iter().max().copied().unwrap_or_default();
    for number in 0..longest {
        for (lane, node) in nodes.iter().enumerate() {
            group.load(lane, node.bytes, number as usize);
        }
        compress(&mut group, number);
    }
    group.values
}

impl Group {
    fn of(nodes: &[Node<'_>; LANES]) -> Self {
        Group {
            values: IV.map(|word| [word; LANES]),
            words: [[0; LANES]; 16],
            counter_low: nodes.map(|node| node.counter as u32),
            counter_high: nodes.map(|node| (node.counter >> 32) as u32),
            first: nodes.map(|node| node.first),
            last: nodes.map(|node| node.last),
            length: nodes.map(|node| node.bytes.len() as u32),
            count: nodes.map(|node| node.blocks() as u32),
        }
    }

    /// Takes the block with this number, of a node with these bytes.
    #[inline(always)]
    fn load(&mut self, lane: usize, bytes: &[u8], number: usize) {
        let rest = bytes.get(number * BLOCK..).unwrap_or_default();
        let mut padded = [0; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        });
        let (block, _) = block.as_chunks();
        for (word, bytes) in iter::zip(&mut self.words, block) {
            word[lane] = u32::from_le_bytes(*bytes);
        }
    }
}

/// Compresses the blocks with this number into the chaining values of those lanes that have one (2.2).
///
/// What is done to a lane stands here without a loop or a closure: this is how the compiler turns the one over the lanes
/// into wide instructions.
#[inline(always)]
fn compress(group: &mut Group, number: u32) {
    for lane in 0..LANES {
        let count = group.count[lane];
        let first = if number == 0 { group.first[lane] } else { 0 };
        let last = if number + 1 == count {
            group.last[lane]
        } else {
            0
        };
        let rest = group.length[lane].saturating_sub(number * BLOCK as u32);
        let (length, flags) = (rest.min(BLOCK as u32), first | last);
        let (low, high) = (group.counter_low[lane], group.counter_high[lane]);
        let [a, b, c, d, e, f, g, h] = of_lane(&group.values, lane);
        let [i, j, k, l, ..] = IV;
        let mut state = [a, b, c, d, e, f, g, h, i, j, k, l, low, high, length, flags];
        let words = of_lane(&group.words, lane);
        let words = round(&mut state, words);
        let words = round(&mut state, words);
        let words = round(&mut state, words);
        let words = round(&mut state, words);
        let words = round(&mut state, words);
        let words = round(&mut state, words);
        round(&mut state, words);
        for word in 0..8 {
            let next = state[word] ^ state[word + 8];
            let value = &mut group.values[word][lane];
            *value = if number < count { next } else { *value };
        }
    }
}

#[inline(always)]
fn of_lane<const WORDS: usize>(words: &[Lanes; WORDS], lane: usize) -> [u32; WORDS] {
    let mut own = [0; WORDS];
    for (own, word) in own.iter_mut().zip(words) {
        *own = word[lane];
    }
    own
}

/// One round on `state`; the answer is the next round's message (2.2, table 2).
#[inline(always)]
fn round(state: &mut [u32; 16], words: [u32; 16]) -> [u32; 16] {
    mix(state, [0, 4, 8, 12], words[0], words[1]);
    mix(state, [1, 5, 9, 13], words[2], words[3]);
    mix(state, [2, 6, 10, 14], words[4], words[5]);
    mix(state, [3, 7, 11, 15], words[6], words[7]);
    mix(state, [0, 5, 10, 15], words[8], words[9]);
    mix(state, [1, 6, 11, 12], words[10], words[11]);
    mix(state, [2, 7, 8, 13], words[12], words[13]);
    mix(state, [3, 4, 9, 14], words[14], words[15]);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words;
    [c, g, d, k, h, a, e, n, b, l, m, f, j, o, p, i]
}

/// The specification's `G`: mixes two words of the message into a column or diagonal of `state`.
#[inline(always)]
fn mix(state: &mut [u32; 16], [a, b, c, d]: [usize; 4], even: u32, odd: u32) {
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(even);
    state[d] = (state[d] ^ state[a]).rotate_right(16);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(12);
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(odd);
    state[d] = (state[d] ^ state[a]).rotate_right(8);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(7);
}

#[cfg(test)]
mod tests;
