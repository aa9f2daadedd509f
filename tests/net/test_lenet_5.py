"""LeNet-5 as the paper counts it (LeCun et al. 1998, section II.B)."""

from __future__ import annotations

from lenet.analysis import explain
from lenet.analysis.counts import count_layer, count_network
from lenet.errors import NotationError, ShapeError, UsageError
from lenet.net import Conv2d, parse_network, zoo
from lenet.net.tables import DIGITS, TABLES
from refusals import refused

#: Output, trainable numbers and connections of C1, S2, C3, S4, C5, F6 and OUTPUT.
PAPER = [
    ((6, 28, 28), 156, 122_304),
    ((6, 14, 14), 12, 5_880),
    ((16, 10, 10), 1_516, 151_600),
    ((16, 5, 5), 32, 2_000),
    ((120, 1, 1), 48_120, 48_120),
    ((84,), 10_164, 10_164),
    ((10,), 0, 840),
]


def test_every_row_of_the_paper() -> None:
    placed = zoo.lenet_5().placed
    counts = map(count_layer, placed)
    rows = [
        (p.output_shape, c.parameters, c.connections) for p, c in zip(placed, counts, strict=True)
    ]
    assert rows == PAPER
    total = count_network(zoo.lenet_5())
    assert (total.parameters, total.connections, total.fixed) == (60_000, 340_908, 840)


def test_the_relative_of_1990() -> None:
    assert count_network(zoo.lenet_1()).parameters == 2_578


def test_lenet_4_is_of_the_papers_words() -> None:
    """Four maps, sixteen connected in pairs, 120 units; not of its 17,000 parameters."""
    table = TABLES["lenet-4"]
    assert {len(set(seen)) for seen in table} == {2}
    assert len(set(table)) == 6
    counts = count_network(zoo.lenet_4())
    assert (counts.parameters, counts.connections) == (50_290, 218_386)


def test_explain_shows_both_numbers() -> None:
    text = str(explain("lenet-5"))
    assert "60,000" in text
    assert "340,908" in text
    assert "5 layers: 3 conv + 1 dense + 1 rbf" in text


def test_the_table_of_the_paper() -> None:
    table = TABLES["lenet-5"]
    assert sum(map(len, table)) == 60
    assert [sum(channel in seen for seen in table) for channel in range(6)] == [10] * 6
    assert (table[0], table[5], table[15]) == ((0, 1, 2), (0, 1, 5), tuple(range(6)))


def test_the_targets_are_ten_different_figures() -> None:
    assert len(set(DIGITS)) == 10
    assert {len(figure) for figure in DIGITS} == {84}
    assert {pixel for figure in DIGITS for pixel in figure} == {-1, 1}


def test_what_does_not_fit_a_table() -> None:
    with refused(UsageError, "16 channels, not 12"):
        Conv2d(12, 5, table="lenet-5")
    with refused(UsageError, "connection table", "lenet-5"):
        Conv2d(16, 5, table="lenet5")
    with refused(UsageError, "exclude each other"):
        Conv2d(16, 5, table="lenet-5", groups=2)
    with refused(ShapeError, "connects 6 channels", "give the layer before conv1 6 channels"):
        _ = parse_network("1x9x9 | conv 5 k3, conv 16 k3 table:lenet-5 | dense 2").placed
    with refused(NotationError, "does not fit here"):
        parse_network("1x9x9 | dense 5 table:lenet-5")


def test_another_width_has_no_table() -> None:
    conv = Conv2d(16, 5, table="lenet-5")
    assert conv.with_width(16) == conv
    assert conv.with_width(8) == Conv2d(8, 5)
