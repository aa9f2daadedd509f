"""Widths without a font, held against the font."""

import pytest

from lenet.drawing.typeface import text_width


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_dejavu_sans(bold):
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font, LoadFlags

    weight = "bold" if bold else "normal"
    font = FT2Font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    for code in range(32, 127):
        glyph = font.load_char(code, flags=LoadFlags.NO_SCALE)
        width = 1000 * glyph.horiAdvance / font.units_per_EM
        assert text_width(chr(code), 1000, bold) == pytest.approx(width, abs=0.51), chr(code)


def test_widths_add_up_and_grow_with_the_size():
    assert text_width("conv0", 12) == sum(text_width(letter, 12) for letter in "conv0")
    assert text_width("conv0", 24) == 2 * text_width("conv0", 12)
    assert text_width("", 12) == 0


def test_what_is_not_ascii_is_taken_for_wide():
    assert text_width("é\n", 10) == 20
