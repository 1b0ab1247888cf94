"""Random draws that depend on nothing but their key and number: equal in any order, batch or process.

The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195) used by
position: draw ``n`` of a key is the mix of ``key + n * GOLDEN``.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = (np.uint64(bits) for bits in (27, 30, 31, 32))


def key(*parts: object) -> np.uint64:
    """64 bits that stand for these parts (numbers and texts)."""
    digest = blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8)
    return np.uint64(int.from_bytes(digest.digest(), "little"))


def words(keys: Words | np.uint64, numbers: NDArray[np.int64] | Words) -> Words:
    """64 random bits for each number; ``keys`` is one key or one for each number."""
    return mixed(numbers.astype(np.uint64) * _GOLDEN + keys)


def mixed(bits: Words) -> Words:
    """SplitMix64's finalizer; overwrites nothing."""
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> _30)) * _M1
        bits = (bits ^ (bits >> _27)) * _M2
        return bits ^ (bits >> _31)


def below(bits: Words, ends: Words | np.uint64) -> Words:
    """A number from 0 to ``ends`` - 1 out of the upper 32 bits of each word; ``ends`` up to 2^32."""
    return ((bits >> _32) * ends) >> _32


def shares(bits: Words) -> NDArray[np.float64]:
    """A number in [0, 1) with 32 bits out of the upper half of each word."""
    return (bits >> _32).astype(np.float64) * 2.0**-32
