"""Line charts."""

import math
from itertools import pairwise

import pytest

from lenet.drawing import Drawing
from lenet.drawing.chart import (
    SIZE,
    WIDTH,
    Chart,
    Series,
    draw_charts,
    linear_axis,
    logarithmic_axis,
    whole_axis,
)
from lenet.drawing.scene import SERIES, Box, Path, text_width

NAN, INF = math.nan, math.inf


def series(*values, name="a", role=SERIES[0], start=1):
    return Series(name, role, tuple(enumerate(values, start)))


def chart(*lines, **options):
    return Chart("Accuracy in %", "epoch", lines, **options)


def crowd():
    """Charts of every kind of trouble."""
    names = ("T-shirt/top", "i", "W" * 300, "図" * 20, "", "ключ", "Ankle boot", "8", "9", "10")
    same = [series(*[50.0] * 20, name=n, role=SERIES[i]) for i, n in enumerate(names)]
    fan = [series(1, 10.0**i, name=f"{i}") for i in range(25)]
    return {
        "one point": chart(series(0.5)),
        "two points": chart(series(0.5, 0.7)),
        "equal": chart(*same, limits=(0, 100)),
        "many": chart(*fan, logarithmic=True),
        "long": chart(series(*[math.sin(i / 9) for i in range(1000)])),
        "gaps": chart(series(NAN, 1, NAN, 2, 3, INF, -INF, 4), series(NAN, NAN)),
        "no values": chart(series(NAN), series()),
        "nothing": chart(),
        "huge": chart(series(0.0, 1e300, -1e300)),
        "far": chart(series(1, 2, 3, start=123_456_789)),
        "negative ratios": chart(series(-1, 0), logarithmic=True),
    }


CROWD = crowd()


def lines(scene, role=SERIES[0]):
    return [mark for mark in scene.marks if isinstance(mark, Path) and mark.paint.stroke == role]


def dots(scene, role=SERIES[0]):
    return [mark for mark in scene.marks if isinstance(mark, Box) and mark.paint.fill == role]


def texts(scene):
    return [text.text for text in scene.texts]


@pytest.mark.parametrize("name", CROWD)
def test_no_texts_overlap_and_all_are_on_the_page(name, overlaps):
    scene = draw_charts([CROWD[name], CROWD["two points"], CROWD[name]], "heading")
    assert not overlaps(scene)
    for text in scene.texts:
        left, top, right, bottom = text.box
        assert left >= 0, text
        assert top >= 0, text
        assert right <= scene.width, text
        assert bottom <= scene.height, text


@pytest.mark.parametrize("name", CROWD)
def test_lines_stay_in_their_area_and_off_the_names(name):
    scene = draw_charts([CROWD[name]])
    (base,) = (
        m for m in scene.marks if isinstance(m, Path) and m.paint.stroke == "line" and width(m) > 9
    )
    (left, bottom), (right, _) = base.points
    for role in SERIES:
        found = lines(scene, role)
        leaders = [line for line in found if line.paint.width < 1]  # from a line to its name
        points = [point for line in found if line not in leaders for point in line.points]
        assert all(line.points[0] in points and line.points[1][0] > right for line in leaders)
        points += [(dot.x + dot.width / 2, dot.y + dot.height / 2) for dot in dots(scene, role)]
        for x, y in points:
            assert left < x < right
            assert 0 < y <= bottom + 1e-6
        assert all(t.x > right for t in scene.texts if t.role == role)


def width(line):
    return line.points[-1][0] - line.points[0][0]


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_every_chart_in_every_format(theme):
    scene = draw_charts(list(CROWD.values()), "all", columns=3)
    drawing = Drawing(scene, theme, "all", "")
    for content in (drawing.svg, drawing.tex):
        assert "nan" not in content
        assert "inf" not in content.replace("information", "")
    assert drawing.png.startswith(b"\x89PNG")
    assert drawing.pdf.startswith(b"%PDF")


def test_values_lie_where_the_numbers_say():
    scene = draw_charts([chart(series(0, 5, 10))])
    ((first, second, third),) = (line.points for line in lines(scene))
    (zero,) = (text for text in scene.texts if text.text == "0")
    (ten,) = (text for text in scene.texts if text.text == "10")
    assert third[1] - first[1] == pytest.approx(ten.y - zero.y)
    assert second == pytest.approx(((first[0] + third[0]) / 2, (first[1] + third[1]) / 2))
    (one, three) = (
        next(t for t in scene.texts if t.text == n and t.anchor == "middle") for n in "13"
    )
    assert (one.x, three.x) == pytest.approx((first[0], third[0]))


def test_few_points_are_dots_that_tell_their_numbers():
    scene = draw_charts([chart(series(0.5, NAN, 0.25))])
    assert [group.title for group in scene.groups if group.title.startswith("epoch")] == [
        "epoch 1: 0.5",
        "epoch 3: 0.25",
    ]
    assert len(dots(scene)) == 2
    assert not dots(draw_charts([chart(series(*range(300)))]))


def test_gaps():
    values = [1, 2, NAN, 3, INF, 4, 5, 6]
    parts = lines(draw_charts([chart(series(*values))]))
    assert [len(line.points) for line in parts] == [2, 3]
    # Among many points the one that stands alone is the only dot.
    many = draw_charts([chart(series(*values, *range(100)))])
    assert [len(line.points) for line in lines(many)] == [2, 103]
    assert len(dots(many)) == 1


def test_names_stand_at_the_ends_of_their_lines_in_their_colors():
    up, down = series(1, 10, name="up"), series(10, 1, name="down", role=SERIES[1])
    scene = draw_charts([chart(up, down)])
    names = {text.text: text for text in scene.texts if text.anchor == "start"}
    for line in (up, down):
        (drawn,) = lines(scene, line.role)
        assert names[line.name].role == line.role
        assert names[line.name].y == pytest.approx(drawn.points[-1][1], abs=5)


def test_names_of_equal_lines_stand_around_their_end():
    equal = [series(5, 5, name=name) for name in ("one", "two", "three")]
    scene = draw_charts([chart(*equal, series(0, 10, name="ten"))])
    places = {text.text: text.y for text in scene.texts}
    three = [places[name] for name in ("one", "two", "three")]
    assert [round(b - a, 6) for a, b in pairwise(three)] == [15, 15]
    assert three[1] == pytest.approx(lines(scene)[0].points[-1][1], abs=5)


def test_what_is_too_long_is_shortened():
    scene = draw_charts([chart(series(1, 2, name="n" * 99))], heading="h" * 10_000)
    heading, *_, name = (text for text in texts(scene) if text.endswith("…"))
    assert heading.startswith("hhh")
    assert name.startswith("nnn")
    assert scene.width == pytest.approx(WIDTH + 48)


def test_charts_stand_beside_and_below_each_other():
    (one, two, four) = (draw_charts([chart(series(1, 2))] * n).width for n in (1, 2, 4))
    assert two == four > 2 * WIDTH > one
    scene = draw_charts([chart(series(1, 2))] * 4)
    places = [(t.x, t.y) for t in scene.texts if t.text == "Accuracy in %"]
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 2
    assert draw_charts([chart(series(1, 2))] * 4, columns=4).width > 4 * WIDTH


def test_no_chart_at_all():
    assert texts(draw_charts([], "heading")) == ["heading"]


def test_in_words():
    text = chart(series(0.5, NAN, 0.75, NAN, name="train"), series(NAN, name="")).description
    assert text == "Accuracy in % by epoch: train: 0.5 at 1, 0.75 at 3; a line: no values."
    assert chart().description == "Accuracy in % by epoch: nothing."


def test_a_thousand_epochs_of_many_lines():
    many = [series(*range(1000), name=str(i)) for i in range(40)]
    assert len(draw_charts([chart(*many)]).texts) >= 40


@pytest.mark.parametrize(
    ("values", "options", "labels"),
    [
        ((0.02, 1.9), {"from_zero": True}, "0.0 0.5 1.0 1.5 2.0"),
        ((96.1, 99.3), {}, "96 97 98 99 100"),
        ((96.1, 99.3), {"limits": (0, 100)}, "96 97 98 99 100"),
        ((99.91, 99.98), {"limits": (0, 100)}, "99.90 99.92 99.94 99.96 99.98"),
        ((100, 100), {"limits": (0, 100)}, "94 96 98 100"),
        ((0, 0), {"limits": (0, 100)}, "0.0 0.2 0.4 0.6"),
        ((5,), {}, "4.7 4.8 4.9 5.0 5.1 5.2 5.3"),
        ((-3, 3), {}, "-4 -2 0 2 4"),
        ((0, 250_000), {}, "0 50,000 100,000 150,000 200,000 250,000"),
        ((0, 2e30), {}, "0 5e29 1e30 1.5e30 2e30"),
        ((1e6, 3e6), {}, "1e6 1.5e6 2e6 2.5e6 3e6"),
        ((0, 4e-7), {}, "0 1e-7 2e-7 3e-7 4e-7"),
        ((0.3, NAN, INF, -INF, 0.4), {}, "0.30 0.32 0.34 0.36 0.38 0.40"),
        ((105, 110), {"limits": (0, 100)}, "105 106 107 108 109 110"),
    ],
)
def test_round_numbers(values, options, labels):
    axis = linear_axis(values, **options)
    assert " ".join(axis.labels) == labels
    assert [float(label.replace(",", "")) for label in axis.labels] == pytest.approx(axis.ticks)


@pytest.mark.parametrize(
    "values",
    [
        *((0.0, 10.0**power) for power in range(-320, 309, 7)),
        *((-(10.0**power), 3 * 10.0**power) for power in range(-300, 300, 11)),
        *((1.0, 1.0 + 10.0**power) for power in range(-17, 3)),
        *((x / 7, x / 7 + y / 3) for x in range(-20, 20, 3) for y in range(0, 40, 7)),
        (-1e300, 1e300),
        (5e-324, 1.7e308),
    ],
)
@pytest.mark.parametrize("make", [linear_axis, logarithmic_axis])
def test_every_value_has_a_place_beside_few_numbers(make, values):
    axis = make(values)
    assert axis.low < axis.high
    assert 0 <= len(axis.ticks) == len(axis.labels) <= 8
    assert list(axis.ticks) == sorted(axis.ticks)
    for value in (*axis.ticks, *filter(axis.shows, values)):
        assert -1e-6 <= axis.share(value) <= 1 + 1e-6


def test_ends_and_middle():
    axis = linear_axis([0, 10])
    assert [axis.share(value) for value in (0, 5, 10)] == [0, 0.5, 1]
    axis = logarithmic_axis([0.01, 100])
    assert [axis.share(value) for value in (0.01, 1, 100)] == pytest.approx([0, 0.5, 1])


def test_what_has_no_place():
    axis = linear_axis([-1, 1])
    assert [axis.shows(value) for value in (NAN, INF, -INF, 0, -1)] == [False] * 3 + [True] * 2
    axis = logarithmic_axis([0.1, 1])
    assert [axis.shows(value) for value in (NAN, INF, 0, -1, 0.5)] == [False] * 4 + [True]


@pytest.mark.parametrize("make", [linear_axis, logarithmic_axis, whole_axis])
def test_no_values(make):
    axis = make([])
    assert (axis.ticks, axis.labels) == ((), ())
    assert axis.low < axis.high


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((3e-9, 0.2), "1e-9 1e-7 1e-5 0.001 0.1 10"),
        ((0.3, 0.8), "0.1 1"),
        ((1, 1), "1 10"),
        ((0, -1, NAN, 20, 300_000), "10 100 1,000 10,000 100,000 1e6"),
    ],
)
def test_powers_of_ten(values, labels):
    assert " ".join(logarithmic_axis(values).labels) == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((1, 2), "1 2"),
        ((1, 2, 3), "1 2 3"),
        (range(1, 11), "1 2 4 6 8 10"),
        (range(1, 21), "1 5 10 15 20"),
        (range(1, 301), "1 100 200 300"),
        (range(1, 1001), "1 200 400 600 800 1,000"),
        (range(17), "0 5 10 15 16"),
        ((7,), "7"),
        ((-5, 10**21), None),
    ],
)
def test_whole_numbers(values, labels):
    axis = whole_axis(values)
    assert axis.low < axis.high == max(values)
    assert len(axis.ticks) == len(set(axis.ticks)) <= 7
    if labels:
        assert " ".join(axis.labels) == labels


def test_one_whole_number_lies_at_the_upper_end():
    assert whole_axis([7]).share(7) == 1


def test_the_value_behind_a_long_name_is_never_cut():
    line = Series(
        "a-run-with-a-very-long-name-of-its-own", SERIES[0], ((1, 2.0), (2, 0.0071)), "0.0071"
    )
    label = line.label(120)
    assert label.startswith("a-run")
    assert label.endswith("… 0.0071")
    assert text_width(label, SIZE) <= 120
    assert Series("short", SERIES[0], ((1, 2.0),), "2.00").label(120) == "short 2.00"
    assert Series("short", SERIES[0], ((1, 2.0),)).label(120) == "short"


def test_x_in_powers_of_ten() -> None:
    chart = Chart("y", "x", (Series("", SERIES[0], ((20, 1.0), (2000, 2.0))),), logarithmic_x=True)
    assert chart.x_axis.ticks == (10.0, 100.0, 1000.0, 10_000.0)
    assert chart.x_axis.share(100) == pytest.approx(1 / 3)
