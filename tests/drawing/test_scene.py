"""Marks and what they cover, colours that can be read, widths without a font."""

import pytest
from reportlab.pdfbase.ttfonts import TTFont

from lenet.drawing.formats import FAMILY, covers, font_file
from lenet.drawing.scene import (
    DARK,
    LIGHT,
    SERIES,
    Box,
    Group,
    Paint,
    Path,
    Pixels,
    Scene,
    Text,
    even_pieces,
    fitted,
    shortened,
    text_width,
    wrapped,
)
from lenet.net.layers import LAYERS


@pytest.mark.parametrize(("anchor", "left"), [("start", 50), ("middle", 0), ("end", -50)])
def test_a_text_covers_a_box(anchor, left):
    text = Text(50, 20, "m" * 100, 100 / 97.4, anchor)  # an m is 974 thousandths wide
    assert text.box == pytest.approx(
        (left, 20 - 0.76 * text.size, left + 100, 20 + 0.24 * text.size)
    )


def test_a_scene_lists_its_marks_in_order():
    box, text = Box(0, 0, 3, 4, Paint("page")), Text(0, 0, "a", 12)
    scene = Scene(10, 10, (Group("one", (box,)), Group("two", (text,))))
    assert list(scene.marks) == [box, text]
    assert scene.texts == (text,)
    assert (box.right, box.bottom) == (3, 4)


def test_a_scene_knows_its_colors():
    marks = (
        Path(((0, 0), (1, 1)), Paint(stroke="line")),
        Box(0, 0, 3, 4, Paint("page", "frame")),
        Text(0, 0, "a", 12, role="muted"),
    )
    assert Scene(10, 10, (Group("", marks),)).roles == {"line", "page", "frame", "muted"}
    assert Scene(10, 10, ()).roles == frozenset()


def contrast(first, second):
    """The contrast ratio of two colours ``#rrggbb``, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color):
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777")
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # a known border case


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(colors):
    for ground in ("page", "data-face", "conv-face", "pool-face", "dense-face"):
        for role in ("text", "muted"):
            assert contrast(colors[role], colors[ground]) >= 4.5, (role, ground)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_line_of_a_chart_can_have_its_name_in_its_color(colors):
    assert len({colors[role] for role in SERIES}) == len(SERIES) >= 10
    for role in SERIES:
        assert contrast(colors[role], colors["page"]) >= 4.5, role
    assert contrast(colors["grid"], colors["page"]) < contrast(colors["line"], colors["page"]) / 2


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_outline_can_be_seen(colors):
    for role in ("line", *(role for role in colors if role.endswith("edge"))):
        assert contrast(colors[role], colors["page"]) >= 3, role


def test_the_themes_have_the_same_roles():
    assert list(LIGHT) == list(DARK)


def test_every_kind_of_layer_has_its_colors():
    stems = {layer.stem for layer in LAYERS.values()} | {"data"}
    assert {role for role in LIGHT if role.endswith(("-face", "-edge"))} == {
        f"{stem}-{end}" for stem in stems for end in ("face", "edge")
    }


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


def test_words_are_wrapped():
    text = "one  two three"
    assert wrapped(text, 12, 1000) == ["one two three"]
    assert wrapped(text, 12, text_width("one two", 12)) == ["one two", "three"]
    assert wrapped(text, 12, 1) == ["one", "two", "three"]


def test_a_scene_is_fitted_into_a_width():
    marks = (
        Box(10, 20, 30, 40, Paint("page", "line", 2.0), radius=3),
        Path(((1, 2), (3, 4)), Paint(stroke="line")),
        Text(5, 6, "a", 12, "end", bold=True, role="muted"),
        Pixels(1, 2, 3, 4, (1, 1), 1, b"0"),
    )
    scene = fitted(Scene(200, 100, (Group("all", marks),), "a note"), 100)
    assert (scene.width, scene.height, scene.note) == (100, 50, "a note")
    assert scene.groups == (
        Group(
            "all",
            (
                Box(5, 10, 15, 20, Paint("page", "line", 1.0), radius=1.5),
                Path(((0.5, 1), (1.5, 2)), Paint(stroke="line", width=0.5)),
                Text(2.5, 3, "a", 6, "end", bold=True, role="muted"),
                Pixels(0.5, 1, 1.5, 2, (1, 1), 1, b"0"),
            ),
        ),
    )


def test_letters_do_not_grow_without_end():
    scene = fitted(Scene(100, 100, (Group("", (Text(50, 10, "a", 12),)),)), 1000)
    (text,) = scene.texts
    assert text.size == pytest.approx(16)
    assert text.x == pytest.approx(500)
    assert scene.height == pytest.approx(100 * 4 / 3)


def words(limit):
    """Lengths 1 to 10 in rows of at most ``limit``, but of one at least."""
    rows = [[]]
    for length in range(1, 11):
        if rows[-1] and sum(rows[-1]) + length > limit:
            rows.append([])
        rows[-1].append(length)
    return rows


def test_what_fits_stays_whole():
    assert even_pieces(words, 100) == [list(range(1, 11))]


def test_as_few_rows_as_allowed_and_those_even():
    rows = even_pieces(words, 50)
    assert len(rows) == len(words(50)) == 2
    assert max(map(sum, rows)) < max(map(sum, words(50)))


@pytest.mark.parametrize("count", range(1, 11))
def test_as_many_rows_as_are_asked_for(count):
    possible = {len(words(limit)) for limit in range(1, 56)}
    for limit in (5, 100, 9000):
        rows = even_pieces(lambda length: words(length / 100), limit, count)
        assert len(rows) == max(n for n in possible if n <= count)
        assert sum(map(len, rows)) == 10


def test_a_limit_too_small_for_anything_ends():
    assert even_pieces(words, 0.5) == [[length] for length in range(1, 11)]
