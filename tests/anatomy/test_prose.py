"""Lines of a width."""

import pytest

from lenet import parse, zoo
from lenet.anatomy.prose import notation_lines, wrapped


def test_breaks_at_spaces_only():
    assert wrapped("a 3x3-kernel here", 8, "- ", "  ") == ["- a", "  3x3-kernel", "  here"]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_a_notation_can_be_read_back_at_any_width(width):
    lines = list(notation_lines(zoo.lenet(), width, "  "))
    assert all(line.startswith("  ") for line in lines)
    assert all(len(line) <= width for line in lines)
    assert parse(" ".join(lines)) == zoo.lenet()
