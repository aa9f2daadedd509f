"""Neighbours, ratios, and which claims hold."""

import time

import pytest

from lenet.analysis.balancing.neighbours import balance


def holds(text: str) -> list[bool]:
    return [claim.holds for claim in balance(text).claims]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1x8x8 | dense 10", []),
        ("1x8x8 | maxpool 2", []),
        ("1x8x8 | conv 4 k3 | dense 10", [True]),
        ("1x8x8 | dense 40 relu, dense 30 relu, dense 10", [True]),
        ("4x8x8 | conv 4 k3 | conv 4 k3, maxpool 2 | dense 10", [False, False, True]),
        ("4x8x8 | conv 4 k3 same | conv 4 k3 same", [True]),
    ],
)
def test_which_claims_hold(text: str, found: list[bool]) -> None:
    assert holds(text) == found


def test_evidence_is_told_also_where_a_claim_holds() -> None:
    (claim,) = balance("1x8x8 | dense 40 relu, dense 30 relu, dense 10").claims
    assert claim.evidence == "at most, dense0 40 and dense1 30 are 1.33x apart"


def test_large_numbers_neither_overflow_nor_hang() -> None:
    start = time.perf_counter()
    text = "3x100000x100000 | conv 9 k5, maxpool 2 | conv 99999 k3 | dense 1000000, dense 9"
    assert str(balance(text, {"parameters": 10**18, "memory": 10**15}))
    deep = "1x9x9" + " | conv 3 k9 p8, maxpool 1x1 s2" * 60 + " | " + ", ".join(["dense 5"] * 200)
    assert balance(deep, {"parameters": 10**5}).proposals
    assert time.perf_counter() - start < 2


def test_a_hundred_layers_are_quick() -> None:
    text = "3x99x99" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    start = time.perf_counter()
    assert str(balance(text, {"parameters": 10**7, "memory": 10**9}))
    assert time.perf_counter() - start < 1
