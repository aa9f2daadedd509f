"""Two sequences side by side."""

from hypothesis import given
from hypothesis import strategies as st

from lenet.analysis.differences import align


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_alignment_keeps_order_and_leaves_nothing_out(first: list[int], second: list[int]) -> None:
    def cost(a: int, b: int) -> float:
        return float("inf") if a + b == 3 else abs(a - b)

    found = align(first, second, cost)
    assert [a for a, _ in found if a is not None] == list(range(len(first)))
    assert [b for _, b in found if b is not None] == list(range(len(second)))
    assert (None, None) not in found
    assert all(cost(first[a], second[b]) <= 2 for a, b in found if a is not None and b is not None)
