"""Records behave as frozen dataclasses do."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass
from functools import cached_property

import pytest

from lenet.net.records import Record


class Point(Record):
    x: int
    y: int = 2

    @cached_property
    def length(self) -> int:
        return abs(self.x) + abs(self.y)


class Marked(Point):
    mark: str = "+"


class Even(Record, init=False):
    half: int

    def __init__(self, number: int) -> None:
        super().__init__(number // 2)

    @property
    def number(self) -> int:
        return 2 * self.half


@dataclass(frozen=True)
class Plain:
    x: int
    y: int = 2


def test_fields_by_order_by_name_and_by_default() -> None:
    assert Point(1) == Point(1, 2) == Point(y=2, x=1)
    assert (Point(3, y=4).x, Point(3, y=4).y) == (3, 4)
    assert (Marked(1).mark, Marked(1, 2, "-").mark) == ("+", "-")
    assert Even(8).half == 4


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((), {"y": 1, "z": 2})],
)
def test_wrong_fields(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=f"Point takes x, y; given are {len(values)} values"):
        Point(*values, **named)


def test_equal_only_within_a_class() -> None:
    assert Point(1) != Point(2)
    assert Point(1) != Marked(1)
    assert Point(1) != (1, 2)
    assert len({Point(1), Point(1, 2), Point(2)}) == 2


def test_what_is_cached_is_no_field() -> None:
    point = Point(-3)
    assert point.length == 5
    assert point == Point(-3)
    assert hash(point) == hash(Point(-3))
    assert repr(point) == "Point(x=-3, y=2)"


def test_shown_as_a_dataclass_is() -> None:
    assert repr(Point(1)) == repr(Plain(1)).replace("Plain", "Point")
    assert repr(Marked(1)) == "Marked(x=1, y=2, mark='+')"


def test_nothing_is_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot assign to field 'z'"):
        point.z = 2  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x


def test_the_same_with_a_change() -> None:
    assert Point(1).changed(y=5) == Point(1, 5)
    assert Marked(1).changed(mark="-") == Marked(1, 2, "-")
    with pytest.raises(TypeError):
        Point(1).changed(z=5)


def test_copies_and_pickles() -> None:
    point = Point(1, 3)
    for other in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):
        assert other == point
