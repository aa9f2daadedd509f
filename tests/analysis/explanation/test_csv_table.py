"""CSV: a row a layer that any reader of RFC 4180 takes."""

import csv
import io

from hypothesis import given, settings

from lenet.analysis import explain
from lenet.analysis.explanation.csv_table import render_csv
from lenet.net import Network, zoo
from random_networks import networks


def _rows(network: Network) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_csv(explain(network)), newline=""), strict=True))


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_a_row_a_layer(network: Network) -> None:
    text = render_csv(explain(network))
    assert text.count("\r\n") == text.count("\n") == len(network.layers) + 1
    assert text.endswith("\r\n")
    for row, placed in zip(_rows(network), network.placed, strict=True):
        assert row["name"] == placed.name
        assert row["output_shape"] == "x".join(map(str, placed.output_shape))


def test_lenet() -> None:
    conv0, pool0, *_, dense2 = _rows(zoo.lenet_d2l())
    assert (conv0["kernel_size_height"], conv0["padding_left"]) == ("5", "2")
    assert (conv0["total_padding_width"], conv0["formula_height"]) == (
        "4",
        "(28 - 5 + 4 + 1) / 1 = 28",
    )
    assert (conv0["batch_norm"], pool0["batch_norm"]) == ("false", "")
    assert (conv0["connections"], conv0["receptive_field_width"]) == ("122304", "5")
    assert (pool0["activation"], pool0["parameters"]) == ("", "0")
    assert (dense2["stride_height"], dense2["jump_height"], dense2["output_shape"]) == (
        "",
        "",
        "10",
    )
