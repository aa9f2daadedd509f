"""The report's tables and sentences before they are laid out."""

import pytest

from lenet.analysis import explain
from lenet.analysis.explanation.tables import (
    block_count,
    cost_columns,
    flow_columns,
    layer_count,
    memory_columns,
    memory_notes,
    rows_of,
)
from lenet.net import parse_network, zoo
from lenet.writing.numbers import short_count


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1x8x8 | dense 10", "1 layer: 1 dense"),
        ("1x8x8 | maxpool 2, dense 10", "1 layer: 1 dense (pooling not counted)"),
        ("1x8x8 | maxpool 2", "0 layers (pooling not counted)"),
        ("1x8x8 | conv 1 k1, maxpool 2", "1 layer: 1 conv (pooling belongs to its convolution)"),
    ],
)
def test_the_layer_count(text: str, line: str) -> None:
    assert layer_count(explain(parse_network(text))) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1x8x8 | dense 10", "1 block: dense0"),
        ("1x9x9 | conv 2 k3 | conv 4 k3", "2 blocks: conv0, the same again (conv1)"),
        (
            "1x9x9 | conv 2 k3 | conv 4 k1 | conv 8 k3",
            "3 blocks: conv0, conv1, block 1 again (conv2)",
        ),
        (
            "1x99x99" + " | conv 2 k3" * 7,
            "7 blocks, 6 of them like an earlier one but for their channels or units",
        ),
        ("1x99x99 | " + ", ".join(["conv 2 k3"] * 9), "1 block: conv0 to conv8"),
    ],
)
def test_the_blocks(text: str, line: str) -> None:
    assert block_count(explain(parse_network(text))) == line


def test_every_column_has_a_cell_a_layer() -> None:
    report = explain(zoo.lenet_d2l())
    flow, costs = flow_columns(report), cost_columns(report)
    assert all(len(column.cells) == 7 for column in (*flow.values(), *costs.values()))
    assert (flow["pad"].cells[0], flow["both"].cells[0]) == ("2", "4")
    assert flow["kind"].cells[:2] == ("conv sigmoid", "avgpool")
    assert flow["sees"].cells[-1] == "28x28"
    assert costs["connections"].cells[0] == "122,304"
    assert costs["parameters"].total == "61,706"
    assert costs["parameters"].cells[1] == "-"
    assert cost_columns(report, short_count)["parameters"].total == "61,706"


def test_memory_for_one_image_and_for_the_batch() -> None:
    names, one, batch = memory_columns(explain("lenet", batch=1000, optimizer="momentum"))
    assert names.cells[2] == "optimizer state, momentum"
    assert one.cells[:4] == ("178 kB", "178 kB", "178 kB", "27.5 kB")
    assert (batch.title, batch.cells[3]) == ("1,000 images", "27.5 MB")


def test_formulas_are_written_as_asked() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"))
    assert flow_columns(report)["size"].cells == (
        "floor((9 - 3 + 1 + 2) / 2) = 4 x (7 - 2 + 2 + 1) / 1 = 8",
        "",
    )
    assert flow_columns(report, lambda text: f"<{text[:2]}>")["size"].cells[0] == "<fl> x <(7>"


def test_columns_row_by_row() -> None:
    flow = flow_columns(explain(zoo.lenet()))
    rows = rows_of([flow["layer"], flow["input"]])
    assert (rows[0], rows[1], rows[-1]) == (("layer", "input"), ("conv0", "1@28x28"), ("total", ""))
    assert len(rows_of([flow["input"], flow["output"]])) == len(rows) - 1


def test_normalisation_is_told_where_there_is_one() -> None:
    report = explain(parse_network("1x8x8 | conv 4 k3 p1 batchnorm silu, conv 2 k3 batchnorm"))
    assert flow_columns(report)["kind"].cells == ("conv batchnorm silu", "conv batchnorm")
    names, amounts, _ = memory_columns(report)
    assert names.cells[1] == "running means, variances"
    assert amounts.cells[1] == "48 B"
    rule, held = memory_notes(report)
    assert "keeps its maps before normalisation" in rule
    assert "Inference holds the parameters, means and variances, and" in held
    plain = explain("lenet")
    assert "normal" not in " ".join([*memory_columns(plain)[0].cells, *memory_notes(plain)])
