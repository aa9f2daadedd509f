"""Numbers as people read them."""

import pytest

from lenet.writing.numbers import (
    bytes_text,
    percent,
    plural,
    seconds_text,
    short_count,
    times,
    value_text,
    whole_percent,
)


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
def test_whole_percent_never_rounds_to_nothing_or_all(share: float, text: str) -> None:
    assert whole_percent(share) == text


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
        (999 * 10**24, "999 YB"),
        (10**27, "1.00e27 B"),
        (4 * 10**42 + 4 * 10**35 + 10**20, "4.00e42 B"),
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


def test_beyond_the_largest_unit_no_digits_are_made_up() -> None:
    assert short_count(12_500_000_000_492_500_000_001_000) == "12.5 Y"
    assert short_count(4_000_000_400_000_050_000_004_000_000_100_000_000_000_000) == "4.00e42"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1, "1.00x"),
        (1.1851, "1.19x"),
        (0.42, "0.42x"),
        (0.0099, "<0.01x"),
        (9.994, "9.99x"),
        (9.995, "10.0x"),
        (15.487, "15.5x"),
        (152.4, "152x"),
        (39_474.3, "39,474x"),
        (999_999, "999,999x"),
        (2_213_284_768, "2.21e9x"),
        (135_135_135_135.15, "1.35e11x"),
    ],
)
def test_ratios(ratio: float, text: str) -> None:
    assert times(ratio) == text


def test_one_and_many() -> None:
    assert [plural(n, "layer") for n in (0, 1, 1000)] == ["0 layers", "1 layer", "1,000 layers"]


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.00 %"), (1, "100.00 %"), (0.98891, "98.89 %"), (1 / 3, "33.33 %")]
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0"), (0.0021, "0.002"), (0.049, "0.05"), (0.05, "0.1"), (1234.56, "1,234.6")],
)
def test_short_times_are_not_rounded_to_nothing(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_settings_in_words() -> None:
    assert value_text({"shift": 2, "rotate": 0.0, "flip": True}) == "shift 2, flip yes"
    assert [value_text(one) for one in ({"shift": 0}, [], [0.0, 1.0])] == ["-", "-", "0, 1"]
