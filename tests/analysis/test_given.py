"""What a person gives in words: one text or a list, and amounts."""

import pytest

from lenet.analysis.given import listed_texts, read_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("60000", 60_000),
        (" 60,000 ", 60_000),
        ("60_000", 60_000),
        ("50k", 50_000),
        ("50 K", 50_000),
        ("1.5M", 1_500_000),
        ("0.1m", 100_000),
        ("0.0001k", 0),
        ("256KiB", 262_144),
        ("2kB", 2_000),
        *[(text, None) for text in ("", "k", "-1", "1e3", "1.k", "50kk", "1.5.5", "९", "1" * 16)],
    ],
)
def test_amounts(text: str, amount: int | None) -> None:
    assert read_amount(text) == amount


def test_one_text_or_a_list() -> None:
    assert listed_texts(None) == []
    assert listed_texts("conv0 k5") == ["conv0 k5"]
    assert listed_texts(("a", "b")) == listed_texts(iter(["a", "b"])) == ["a", "b"]
    assert listed_texts(5) == [5]
