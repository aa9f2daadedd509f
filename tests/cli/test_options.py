"""Numbers on the command line."""

import pytest
from cyclopts import Token

from lenet.cli.options import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-3", -3), ("007", 7), ("9" * 40, None)])
def test_whole_numbers(text, number):
    assert whole_number(int, [Token(value=text)]) == (int(text) if number is None else number)


@pytest.mark.parametrize(
    "text", ["", "-", "1.0", "1e3", "0x1", "1_0", " 1", "+1", "--1", "²", "nan", "9" * 5000]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="a whole number"):
        whole_number(int, [Token(value=text)])
