"""Numbers as people read them."""

import pytest

from lenet.anatomy.units import bytes_text, percent, plural, short_count


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0"),
        (0.001, "<1"),
        (0.005, "<1"),
        (0.69, "69"),
        (0.994, "99"),
        (0.996, ">99"),
        (1, "100"),
    ],
)
def test_percent_never_rounds_to_nothing_or_all(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (77_824, "77.8 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (3_072_001_024, "3.07 GB"),
        (10**15, "1.00 PB"),
        (10**27, "1,000 YB"),
        (10**40, "10,000,000,000,000,000 YB"),
    ],
)
def test_bytes_have_three_digits_and_a_unit(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_large_counts_are_short_and_small_ones_whole() -> None:
    assert [short_count(n) for n in (0, 999_999, 10**6, 768_000_256)] == [
        "0",
        "999,999",
        "1.00 M",
        "768 M",
    ]


def test_one_and_many() -> None:
    assert [plural(n, "layer") for n in (0, 1, 1000)] == ["0 layers", "1 layer", "1,000 layers"]
