"""Lines of a width."""

import pytest

from lenet import parse, zoo
from lenet.net.words import listed
from lenet.writing.document import Notation
from lenet.writing.numbers import chain
from lenet.writing.text import GLUE, notation_lines, side_by_side, wrapped


def test_breaks_at_spaces_only():
    assert wrapped("a 3x3-kernel here", 8, "- ", "  ") == ["- a", "  3x3-kernel", "  here"]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_a_notation_can_be_read_back_at_any_width(width):
    lines = list(notation_lines(Notation(str(zoo.lenet())), width, "  "))
    assert all(line.startswith("  ") for line in lines)
    assert all(len(line) <= width for line in lines)
    assert parse(" ".join(lines)) == zoo.lenet()


def test_a_notation_breaks_behind_a_layer():
    network = parse("1x9x9 | conv 4 k3 relu, conv 4 k3 relu, maxpool 2 | dense 10")
    assert list(notation_lines(Notation(str(network)), 24, "")) == [
        "1x9x9",
        "| conv 4 k3 relu,",
        "  conv 4 k3 relu,",
        "  maxpool 2",
        "| dense 10",
    ]


def test_a_glued_space_is_no_place_to_break():
    assert wrapped(f"a b{GLUE}={GLUE}2 c", 6) == ["a", "b = 2", "c"]


def test_lists_and_chains():
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip
    assert chain(map(str, range(8))) == "0 -> 1 -> 2 -> 3 -> 4 -> 5 -> 6 -> 7"
    assert chain(map(str, range(9))) == "0 -> 1 -> 2 -> ... -> 7 -> 8"
    assert chain(map(str, range(99)), 12).startswith("0 -> 1 -> 2 -> 3 -> 4 -> ... -> 95 -> 96")


def test_a_table_lines_its_columns_up():
    rows = [("", "all"), ("a", "1"), ("bc", "200")]
    assert side_by_side(rows, right={1}) == ["    all", "a     1", "bc  200"]
    assert side_by_side(rows, width=6) == ["   all", "a  1  ", "bc 200"]
