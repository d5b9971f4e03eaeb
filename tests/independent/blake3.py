"""BLAKE3-256, written from its public specification (https://github.com/BLAKE3-team/BLAKE3-specs)."""

import functools
import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
BLOCK, CHUNK = 64, 1024
MASK = 0xFFFFFFFF


def _schedule():
    """The order in which each of the seven rounds takes the message's words."""
    rounds = [tuple(range(16))]
    for _ in range(6):
        rounds.append(tuple(rounds[-1][i] for i in PERMUTATION))
    return rounds


# For each step of a round: the four words of the state, and the two words of the message that it mixes in.
STEPS = [quarter + (order[2 * i], order[2 * i + 1]) for order in _schedule() for i, quarter in enumerate(QUARTERS)]


def _compress(chaining, words, counter, length, flags):
    """The compression function, cut to the eight words that a hash of 32 bytes needs."""
    s = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for a, b, c, d, x, y in STEPS:
        sa, sb = (s[a] + s[b] + words[x]) & MASK, s[b]
        sd = s[d] ^ sa
        sd = (sd >> 16 | sd << 16) & MASK
        sc = (s[c] + sd) & MASK
        sb ^= sc
        sb = (sb >> 12 | sb << 20) & MASK
        sa = (sa + sb + words[y]) & MASK
        sd ^= sa
        sd = (sd >> 8 | sd << 24) & MASK
        sc = (sc + sd) & MASK
        sb ^= sc
        s[a], s[b], s[c], s[d] = sa, (sb >> 7 | sb << 25) & MASK, sc, sd
    return [s[i] ^ s[i + 8] for i in range(8)]


def _chunk(data, counter):
    """The arguments of a chunk's last compression, which is not done here: it may be that of the root."""
    chaining, flags = IV, CHUNK_START
    blocks = [data[i:i + BLOCK] for i in range(0, len(data), BLOCK)] or [b""]
    for index, block in enumerate(blocks):
        words = struct.unpack("<16I", block.ljust(BLOCK, b"\0"))
        if index == len(blocks) - 1:
            return chaining, words, counter, len(block), flags | CHUNK_END
        chaining, flags = _compress(chaining, words, counter, len(block), flags), 0


def _tree(data, counter):
    """The arguments of the last compression of a tree: the left side has the most chunks that are a power of two."""
    if len(data) <= CHUNK:
        return _chunk(data, counter)
    left = 1 << ((len(data) - 1) // CHUNK).bit_length() - 1
    words = _compress(*_tree(data[:left * CHUNK], counter)) + _compress(*_tree(data[left * CHUNK:], counter + left))
    return IV, words, 0, BLOCK, PARENT


@functools.lru_cache(maxsize=4096)
def digest(data):
    """The hash of bytes as 64 lower-case hex digits."""
    chaining, words, counter, length, flags = _tree(data, 0)
    return struct.pack("<8I", *_compress(chaining, words, counter, length, flags | ROOT)).hex()
