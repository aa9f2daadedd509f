"""Random numbers that are a function of their coordinates: even, independent, and pinned."""

import numpy as np
import pytest

from lenet.randomness import (
    _GOLDEN,
    _mix,
    normal,
    permutation,
    random_bits,
    random_bits_at,
    stream_key,
    uniform,
)

COUNT = 100_000


def test_the_words_are_splitmix64s() -> None:
    first = _mix(np.arange(1, 4, dtype=np.uint64) * _GOLDEN)
    assert first.tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_the_numbers_never_change() -> None:
    assert random_bits(0, count=2).tolist() == [0xA706DD2F4D197E6F, 0xB382A305F4414F5E]
    assert random_bits(42, 1, 7, count=2).tolist() == [0x413FF7014E1B1F95, 0x62B084DAF1A0DA13]
    assert uniform(42, 1, 7, count=2).tolist() == [0.2548822763620645, 0.3855059656649503]
    assert permutation(42, 0, 10).tolist() == [9, 3, 4, 5, 2, 7, 0, 1, 8, 6]
    pinned = [-0.5770120199250964, 0.42516241719778153]
    np.testing.assert_allclose(normal(42, 1, 7, count=2), pinned, rtol=1e-12)


def test_a_number_does_not_depend_on_how_many_are_drawn() -> None:
    np.testing.assert_array_equal(random_bits(5, 2, count=10), random_bits(5, 2, count=99)[:10])
    np.testing.assert_array_equal(normal(5, 2, count=10), normal(5, 2, count=99)[:10])


def test_words_by_their_numbers() -> None:
    words = random_bits(7, 3, 1, count=50)
    index = np.array([[4, 0, 49], [4, 1, 7]], np.int32)
    np.testing.assert_array_equal(random_bits_at(index, 7, 3, 1), words[index])
    far = np.array([2**63 - 1])  # the counter wraps around, silently
    assert random_bits_at(far, 7, 3, 1).shape == (1,)
    counter = (stream_key(7, 3, 1) + 5 * int(_GOLDEN)) % 2**64
    assert _mix(np.array([counter], np.uint64))[0] == words[4]


def test_every_bit_is_set_half_the_time() -> None:
    bits = np.unpackbits(random_bits(1, count=COUNT).view(np.uint8)).reshape(COUNT, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(COUNT)


def test_uniform_numbers_are_uniform() -> None:
    numbers = uniform(1, count=COUNT)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.bincount((numbers * 100).astype(int), minlength=100)
    chi_square = ((counts - COUNT / 100) ** 2 / (COUNT / 100)).sum()
    assert 43 < chi_square < 181  # 99 degrees of freedom: beyond this one in 10^6 and less


def test_normal_numbers_are_normal() -> None:
    numbers = normal(1, count=COUNT)
    assert abs(numbers.mean()) < 4 / np.sqrt(COUNT)
    assert abs(numbers.std() - 1) < 4 / np.sqrt(2 * COUNT)
    assert abs((numbers**3).mean()) < 4 * np.sqrt(15 / COUNT)
    assert abs((numbers**4).mean() - 3) < 4 * np.sqrt(96 / COUNT)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / np.sqrt(COUNT)


STREAMS = [(0,), (1,), (2,), (-1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (2**64 - 2,), (10**30,)]


def test_streams_share_nothing() -> None:
    numbers = np.array([uniform(*stream, count=COUNT // 10) for stream in STREAMS])
    correlations = np.corrcoef(numbers) - np.eye(len(STREAMS))
    assert np.abs(correlations).max() < 5 / np.sqrt(COUNT // 10)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 64, 65, 1797, 60_000])
def test_a_permutation_holds_every_index_once(n: int) -> None:
    order = permutation(3, 1, n)
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_permutations_differ_and_mix() -> None:
    n = 10_000
    orders = [permutation(0, 0, n), permutation(0, 1, n), permutation(1, 0, n), np.arange(n)]
    correlations = np.corrcoef(orders) - np.eye(4)
    assert np.abs(correlations).max() < 5 / np.sqrt(n)


def test_every_order_of_three_is_as_likely() -> None:
    orders = [tuple(permutation(0, epoch, 3)) for epoch in range(6000)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert max(counts) - min(counts) < 250  # 1,000 each, standard deviation 29
