"""Random numbers as a pure function of (seed, stream, index): no generator, no past.

Every number is a hash of its own coordinates, so a resumed run, another order of calls or another
thread count draws the same numbers. The hash is SplitMix64 (Steele, Lea, Flood 2014, "Fast
splittable pseudorandom number generators"): a counter that walks in steps of the golden ratio,
then a mixing function. The counter starts at a key, and the key is the hash of the seed and of the
stream's integers one after the other. Where millions are drawn in every step, a 32-bit hash of row
and column takes its place: the finaliser of MurmurHash3 (Appleby 2011).

Integers and uniform numbers are the same on every machine. Normal numbers go through a logarithm
and a cosine whose last bits in float64 may differ between processors; rounded to float32 such a
difference survives in about one number in 10^8.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import plain, shown
from lenet.errors import UsageError

#: First integer of the stream, one for each use, so that no two uses share their numbers.
WEIGHTS: Final = 1
ORDER: Final = 2
DROPOUT: Final = 3
AUGMENTATION: Final = 4
SEARCH: Final = 5
CURVATURE: Final = 6
DEAL: Final = 7
SPLIT: Final = 8

_WORD: Final = 2**64
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
#: Of the 32-bit hash: what a row and a column count, and the two factors of the finaliser.
_HASH_32: Final = tuple(map(np.uint32, (0x9E3779B1, 0x85EBCA77, 0x85EBCA6B, 0xC2B2AE35)))


#: How many seeds there are.
SEEDS: Final = 2**63


def checked_seed(seed: int) -> int:
    """Return ``seed``, which may be NumPy's too, as a plain int, of which JSON knows."""
    number = plain(seed)
    if type(number) is not int or not 0 <= number < SEEDS:
        what = f"the seed is {shown(seed)}"
        raise UsageError(f"{what}; it must be a whole number from 0 to 2^63 - 1.")
    return number


def random_bits(seed: int, *stream: int, count: int) -> NDArray[np.uint64]:
    """Return ``count`` uniform 64-bit words; word i does not depend on ``count``.

    The stream's whole numbers name what the words are for, e.g. (ORDER, epoch); they and the seed
    are taken modulo 2^64.
    """
    return random_bits_at(np.arange(count, dtype=np.uint64), seed, *stream)


def random_bits_at(index: NDArray[np.integer[Any]], seed: int, *stream: int) -> NDArray[np.uint64]:
    """Return the words number ``index`` of :func:`random_bits`, in the shape of ``index``."""
    return hash_index(index, stream_key(seed, *stream))


def hash_index(index: NDArray[np.integer[Any]], key: int = 0) -> NDArray[np.uint64]:
    """Return SplitMix64's word number ``index`` of the counter that starts at ``key``."""
    counter = index.astype(np.uint64)
    counter += np.uint64(1)
    counter *= _GOLDEN
    counter += np.uint64(key)
    return _mix(counter)


def random_words_at(
    rows: NDArray[np.integer[Any]], columns: int, seed: int, *stream: int
) -> NDArray[np.uint32]:
    """Return a 32-bit word for each place of a table, (len(rows), columns); see the file's top."""
    row, column, mix_1, mix_2 = _HASH_32
    key = np.uint32(random_bits(seed, *stream, count=1)[0] >> np.uint64(32))
    words = rows.astype(np.uint32)[:, None] * row
    words = words + np.arange(columns, dtype=np.uint32) * column + key
    words ^= words >> np.uint32(16)
    words *= mix_1
    words ^= words >> np.uint32(13)
    words *= mix_2
    words ^= words >> np.uint32(16)
    return words


def stream_key(seed: int, *stream: int) -> int:
    """Return a stream's key: word i is the hash of key + (i + 1) * golden ratio."""
    # One-element arrays: NumPy's array arithmetic wraps around silently, its scalars warn.
    key = np.zeros(1, np.uint64)
    for number in (seed, *stream):
        key = _mix((key ^ np.uint64(number % _WORD)) + _GOLDEN)
    return int(key[0])


def uniform(seed: int, *stream: int, count: int) -> NDArray[np.float64]:
    """Return ``count`` numbers in [0, 1): the upper 53 bits of each word, times 2^-53."""
    upper = random_bits(seed, *stream, count=count) >> np.uint64(11)
    return upper.astype(np.float64) * 2.0**-53


def normal(seed: int, *stream: int, count: int) -> NDArray[np.float64]:
    """Return ``count`` numbers of mean 0 and standard deviation 1; number i depends on i alone.

    Box and Muller 1958, the cosine branch only: number i is made of uniform numbers 2i and 2i + 1.
    """
    pairs = uniform(seed, *stream, count=2 * count).reshape(count, 2)
    radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 0]))  # 1 - u lies in (0, 1]: never log(0)
    return radius * np.cos(2.0 * np.pi * pairs[:, 1])


def permutation(seed: int, epoch: int, n: int, stream: int = ORDER) -> NDArray[np.int64]:
    """Return the numbers 0 to n-1 in the random order of this seed and epoch; (n,).

    Random words are sorted after each word's low bits are replaced by its index: no two are equal,
    so every sorting method gives the same order. Of 60,000 words 48 random bits are left.
    """
    low = np.uint64(2 ** max(n - 1, 0).bit_length() - 1)
    words = random_bits(seed, stream, epoch, count=n)
    words &= ~low
    words |= np.arange(n, dtype=np.uint64)
    words.sort()
    words &= low
    return words.view(np.int64)


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply SplitMix64's finaliser in place: each bit that goes in changes half of those out."""
    words ^= words >> np.uint64(30)
    words *= _MIX_1
    words ^= words >> np.uint64(27)
    words *= _MIX_2
    words ^= words >> np.uint64(31)
    return words
