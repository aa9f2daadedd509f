"""Widths without a font, held against the font."""

import pytest
from reportlab.pdfbase.ttfonts import TTFont

from lenet.drawing.typeface import FAMILY, covers, font_file, printable, shortened, text_width


@pytest.fixture(scope="module", params=[False, True], ids=["regular", "bold"])
def bold(request):
    return request.param


@pytest.fixture(scope="module")
def face(bold):
    return TTFont("test", str(font_file(bold))).face


def test_the_font_is_the_one_that_is_named(face, bold):
    assert face.familyName.decode() == FAMILY
    assert face.styleName.decode() == ("Bold" if bold else "Roman")


def test_widths_are_those_of_the_font(face, bold):
    for code in range(32, 127):
        width = face.charWidths[code]
        assert text_width(chr(code), 1000, bold) == pytest.approx(width, abs=0.51), chr(code)


def test_what_is_covered_is_in_the_font(face):
    for code in range(0x20, 0x10000):
        # Glyph 0 is the box that stands for a missing one.
        assert covers(chr(code)) == (face.charToGlyph.get(code, 0) > 0), chr(code)
    assert covers("conv0 · 2x2, stride 1…")
    assert not covers("conv0 図")


def test_widths_add_up_and_grow_with_the_size():
    assert text_width("conv0", 12) == sum(text_width(letter, 12) for letter in "conv0")
    assert text_width("conv0", 24) == 2 * text_width("conv0", 12)
    assert text_width("", 12) == 0


def test_what_is_not_ascii_is_taken_for_wide():
    assert text_width("é\n", 10) == 20


def test_what_has_no_room_is_shortened():
    assert shortened("conv0", 12, text_width("conv0", 12)) == "conv0"
    for text in ("a long name", "図" * 10_000, "i" * 100_000):
        short = shortened(text, 12, 60)
        assert short.endswith("…")
        assert text.startswith(short[:-1])
        assert 60 - 24 < text_width(short, 12) <= 60
    assert shortened("abc", 12, 0) == "…"
    assert shortened("ab cd", 10, text_width("ab …", 10)) == "ab…"


def test_what_no_format_can_hold_is_replaced():
    assert printable("a\0\x1b\x7f\udcff\uffff é図😀\n") == "a\ufffd\ufffd\x7f\ufffd\ufffd é図😀\n"
