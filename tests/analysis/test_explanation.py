"""``lenet.explain``: one computation, in every format, with its page in docs/."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.analysis import ReceptiveField, count_network, explain, render
from lenet.analysis.balance import balance
from lenet.analysis.comparison import compare
from lenet.analysis.diagnosis import diagnose
from lenet.analysis.explanation import (
    block_text,
    cost_columns,
    flow_columns,
    memory_columns,
    memory_notes,
)
from lenet.errors import ShapeError, UsageError
from lenet.net import Network, parse_network, zoo
from lenet.writing.numbers import short_count
from pages import read_page
from papers import ALEXNET, LENET_5, VGG_16
from random_networks import networks
from refusals import refused

PAGE = read_page("explain.md")
PAPERS = {"lenet-5": LENET_5, "alexnet": ALEXNET, "vgg-16": VGG_16}
GOLDEN = Path(__file__).parent / "golden"

SHARES = ("parameter_share", "multiply_add_share", "activation_share", "connection_share")


def test_lenet() -> None:
    report = explain(zoo.lenet(), name="lenet")
    assert (report.layer_count, report.count("conv"), report.count("dense")) == (5, 2, 3)
    assert [(block.number, block.repeats) for block in report.blocks] == [
        (1, None),
        (2, 1),
        (3, None),
    ]
    assert report.blocks[1].layers == ("conv1", "pool1")
    conv0, pool0, *_, dense2 = report.layers
    assert conv0.window
    assert conv0.window.formulas == ("(28 - 5 + 0 + 1) / 1 = 24",) * 2
    assert (pool0.kind, pool0.activation, pool0.block) == ("maxpool", None, 1)
    assert (dense2.window, dense2.activation, dense2.block) == (None, "identity", 3)


def test_height_and_width_have_their_own_formulas() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"))
    window = report.layers[0].window
    assert window
    assert window.formulas == ("floor((9 - 3 + 1 + 2) / 2) = 4", "(7 - 2 + 2 + 1) / 1 = 8")
    assert (window.padding, window.total_padding) == ((1, 0, 0, 2), (1, 2))


@given(networks(ends_dense=False))
def test_shares_are_parts_of_the_totals(network: Network) -> None:
    report = explain(network)
    assert report.total == count_network(network)
    for share in SHARES:
        shares = [getattr(row, share) for row in report.layers]
        assert sum(shares) == pytest.approx(1) or not any(shares)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


@pytest.mark.parametrize("shape", [(3, 64, 64), "3x64x64", " 3X64x64 "])
def test_another_input(shape: tuple[int, int, int] | str) -> None:
    report = explain("lenet", input_shape=shape)
    assert report.network.input_shape == (3, 64, 64)
    assert report.network.blocks == zoo.lenet().blocks
    assert (report.name, report.layers[0].counts.parameters) == ("lenet", 456)


@pytest.mark.parametrize(
    "shape", ["", "28", "1x28x28x1", "axbxc", "1x-2x3", "1x2x³", "1x2x" + "9" * 5000]
)
def test_what_is_no_input(shape: str) -> None:
    with refused(UsageError, "3x64x64"):
        explain("lenet", input_shape=shape)


def test_an_input_that_is_out_of_range_or_too_small() -> None:
    with refused(UsageError, "10,000,000"):
        explain("lenet", input_shape="0x28x28")
    with refused(ShapeError, "conv1"):
        explain("lenet", input_shape=(1, 8, 8))


def test_three_networks_of_the_papers() -> None:
    """Their published numbers of parameters; the shapes are those of the papers' figures."""
    lenet5 = explain(LENET_5)
    connections = [row.counts.connections for row in lenet5.layers]
    assert (connections[0], connections[4:6]) == (122_304, [48_120, 10_164])
    assert [row.output_shape for row in lenet5.layers] == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120, 1, 1),
        (84,),
        (10,),
    ]
    alexnet = explain(ALEXNET)
    assert alexnet.total.parameters == 62_378_344  # one column: no split over two devices
    assert (alexnet.layer_count, alexnet.layers[-4].output_shape) == (8, (256, 6, 6))
    # Fields and jumps: the table of Araujo, Norris & Sim 2019.
    assert alexnet.layers[-4].receptive_field == ReceptiveField((195, 195), (32, 32))
    vgg = explain(VGG_16)
    assert vgg.layers[-4].receptive_field == ReceptiveField((212, 212), (32, 32))
    assert (vgg.layer_count, vgg.total.parameters) == (16, 138_357_544)
    assert vgg.total.multiply_adds == 15_470_264_320


def test_sizes_of_10_to_the_5_and_parameters_of_10_to_the_12() -> None:
    report = explain("3x100000x100000 | conv 64 k7 s2 relu, maxpool 2 | dense 1000")
    assert report.total.parameters > 10**12
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_a_network_that_does_not_fit_is_not_explained() -> None:
    with refused(ShapeError, "conv0"):
        explain(parse_network("1x4x4 | conv 6 k5, dense 10"))


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
    assert explain(parse_network(text)).layer_text == line


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
    assert block_text(explain(parse_network(text)).blocks) == line


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
    names, one, batch = memory_columns(explain("lenet", batch=1000, optimizer="momentum").memory)
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


def test_normalisation_is_told_where_there_is_one() -> None:
    report = explain(parse_network("1x8x8 | conv 4 k3 p1 batchnorm silu, conv 2 k3 batchnorm"))
    assert flow_columns(report)["kind"].cells == ("conv batchnorm silu", "conv batchnorm")
    names, amounts, _ = memory_columns(report.memory)
    assert names.cells[1] == "running means, variances"
    assert amounts.cells[1] == "48 B"
    rule, held = memory_notes(report.memory)
    assert "keeps its maps before normalisation" in rule
    assert "Inference holds the parameters, means and variances, and" in held
    plain = explain("lenet")
    assert "normal" not in " ".join(
        [*memory_columns(plain.memory)[0].cells, *memory_notes(plain.memory)]
    )


def test_as_json() -> None:
    document = explain(zoo.lenet(), name="lenet").to_dict()
    assert json.loads(json.dumps(document)) == document
    layers = document.pop("layers")
    assert document == {
        "format": "lenet-explanation",
        "version": 1,
        "name": "lenet",
        "network": str(zoo.lenet()),
        "input_shape": [1, 28, 28],
        "output_shape": [10],
        "layer_count": 5,
        "convolutions": 2,
        "dense_layers": 3,
        "poolings": 2,
        "blocks": [
            {"number": 1, "repeats": None, "layers": ["conv0", "pool0"]},
            {"number": 2, "repeats": 1, "layers": ["conv1", "pool1"]},
            {"number": 3, "repeats": None, "layers": ["dense0", "dense1", "dense2"]},
        ],
        "total": {
            "parameters": 44_426,
            "weights": 44_190,
            "biases": 236,
            "multiply_adds": 281_640,
            "activations": 5_814,
            "connections": 290_814,
            "scales": 0,
            "statistics": 0,
            "fixed": 0,
        },
        "memory": {
            "optimizer": "sgd",
            "batch": 256,
            "parameters": 177_704,
            "statistics": 0,
            "gradients": 177_704,
            "optimizer_state": 0,
            "activations": {"image": 27_512, "batch": 7_043_072},
            "training": {"image": 382_920, "batch": 7_398_480},
            "inference": {"image": 194_984, "batch": 4_601_384},
            "largest_layer": "pool0",
        },
        "findings": list(explain(zoo.lenet()).findings),
    }
    assert layers[0] == {
        "name": "conv0",
        "kind": "conv",
        "block": 1,
        "kernel_size": [5, 5],
        "stride": [1, 1],
        "padding": [0, 0, 0, 0],
        "total_padding": [0, 0],
        "formulas": ["(28 - 5 + 0 + 1) / 1 = 24"] * 2,
        "activation": "sigmoid",
        "groups": 1,
        "batch_norm": False,
        "input_shape": [1, 28, 28],
        "output_shape": [6, 24, 24],
        "receptive_field": [5, 5],
        "jump": [1, 1],
        "parameters": 156,
        "weights": 150,
        "biases": 6,
        "multiply_adds": 86_400,
        "activations": 3_456,
        "connections": 89_856,
        "scales": 0,
        "statistics": 0,
        "fixed": 0,
        "parameter_share": 156 / 44_426,
        "multiply_add_share": 86_400 / 281_640,
        "activation_share": 3_456 / 5_814,
        "connection_share": 89_856 / 290_814,
        "kept_bytes": 13_824,
    }
    assert layers[4]["kernel_size"] is layers[4]["jump"] is None


def test_normalised_layers() -> None:
    document = explain("1x9x9 | conv 4 k3 batchnorm relu, maxpool 2 | dense 3").to_dict()
    assert [layer["batch_norm"] for layer in document["layers"]] == [True, None, None]
    assert [layer["scales"] for layer in document["layers"]] == [4, 0, 0]
    assert document["total"]["statistics"] == 8
    assert document["memory"]["statistics"] == 32


NOTE = """\
size = floor((n + 2p - k) / s) + 1, with input n, kernel k, padding p on each side, stride s; it
equals floor((n - k + 2p + s) / s), which the rows have.
"""

WIDE = """\
network    in 1@9x7    out 3    2 layers: 1 conv + 1 dense
2 blocks: conv0, dense0

block  layer   kind   kernel  stride  pad      both  input  output  size                                  sees  jump     parameters  multiply-adds   activations  connections   kept
1      conv0   conv   3x2     2x1     1.0.0.2  1x2   1@9x7  2@4x8   floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8  3x2   2x1    14  7% ▍      384 67% ███▍   64 96% ████▊          448  256 B
2      dense0  dense                                 2@4x8  3                                             8x7         195 93% ████▋  192 33% █▋      3  4% ▎              195   12 B
       total                                                                                                          209            576            67                    643  268 B
"""  # noqa: E501

NARROW = """\
What flows
block  layer   kind   kernel  stride  pad      both  input  output  sees  jump
1      conv0   conv   3x2     2x1     1.0.0.2  1x2   1@9x7  2@4x8   3x2   2x1
2      dense0  dense                                 2@4x8  3       8x7

Sizes
  conv0  floor((9-3+1+2)/2)=4 x (7-2+2+1)/1=8
size = floor((n + 2p - k) / s) + 1, with input n, kernel k, padding p on each
side, stride s; it equals floor((n - k + 2p + s) / s), which the rows have.

What it costs
layer   kind      parameters  multiply-adds   activations  connections   kept
conv0   conv    14  7% ▍      384 67% ███▍   64 96% ████▊          448  256 B
dense0  dense  195 93% ████▋  192 33% █▋      3  4% ▎              195   12 B
total          209            576            67                    643  268 B

Columns
  pad            padding on one side; both: on both sides together
  sees           receptive field: how many input pixels one unit depends on
  jump           how many input pixels neighbouring units lie apart
  multiply-adds  MACs: forward, for one image, without biases; twice as many are
                 FLOPs. torchinfo counts biases, too: 643
  activations    how many numbers the layer gives for one image
  connections    each weight and bias, once for every output that uses it
  kept           bytes of one image, kept for the backward pass

Memory
float32               one image  256 images
"""


def test_one_table_where_there_is_room_and_two_where_there_is_none() -> None:
    report = explain(parse_network("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2 | dense 3"))
    assert render(report, "text", 200).startswith(WIDE + NOTE)
    assert NARROW in render(report, "text", 80)


def test_less_is_said_where_there_is_less_room() -> None:
    report = explain(zoo.lenet())
    assert "pad both input   output" in render(report, "text", 92)
    assert "pad both output" in render(report, "text", 84)
    assert "pad output  size" in render(report, "text", 80)
    assert "pad both output  sees" in render(report, "text", 70)
    assert "\nSizes\n  conv0  (28-5+0+1)/1=24\n" in render(report, "text", 60)
    assert "█" in render(report, "text", 100)
    assert "█" not in render(report, "text", 80)
    assert "44.4 k" not in render(report, "text", 40)  # numbers below a million stay whole
    large = explain("lenet", input_shape="3x9999x9999")
    assert "\ndense0 dense sigmoid 12.0 G >99% " in render(large, "text", 80)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "latex"])
def test_every_table_says_what_a_layer_does(form: str) -> None:
    network = "4x28x28 | conv 6 k5 tanh, avgpool 2 | conv 6 k3 g2, maxpool 2, dense 10 silu"
    text = render(explain(network), form)
    tables = text.partition("Memory")[0].split("What it costs")
    assert len(tables) == (3 if form == "html" else 2)  # a caption, and a name for readers
    for table in (tables[0], tables[-1]):
        for kind in ("conv tanh", "conv g2", "avgpool", "maxpool", "dense silu"):
            assert kind in table


@pytest.mark.parametrize("form", ["text", "markdown", "html", "latex"])
def test_the_formula_and_the_columns_are_told_once(form: str) -> None:
    text = " ".join(render(explain("lenet"), form).split())
    formula = r"lfloor(n + 2p - k) / s\rfloor" if form == "latex" else "floor((n + 2p - k) / s)"
    assert text.count(formula) == 1
    for words in ("receptive field:", "MACs:", "how many input pixels neighbouring units"):
        assert text.count(words) == 1


@pytest.mark.parametrize(
    ("network", "count"),
    [
        ("lenet", "286,334"),
        (
            "3x16x16 | conv 8 k3 p1 batchnorm silu, maxpool 2 | conv 16 k3 p1 batchnorm silu, "
            "avgpool 8 | dense 10",
            "129,242",
        ),
    ],
)
def test_what_torchinfo_counts(network: str, count: str) -> None:
    """The numbers of torchinfo 1.8.0 for these networks in PyTorch, on one image."""
    assert f"torchinfo counts biases, too: {count}" in " ".join(str(explain(network)).split())


def test_columns_that_say_nothing_are_not_explained() -> None:
    text = str(explain("1x8x8 | dense 10"))
    assert "floor(" not in text
    assert "2 = 1" not in text


def test_bars_in_plain_characters() -> None:
    text = render(explain(zoo.lenet()), "text", 100, ascii_only=True)
    assert text.isascii()
    assert "dense sigmoid  30,840 69% ###  " in text
    assert "conv sigmoid      156 <1% #  " in text


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_fits_80_columns(name: str) -> None:
    text = render(explain(zoo.get(name), name=name))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"{name}    in 1@{zoo.get(name).input_shape[1]}x")


def test_prose_stays_readable_on_a_wide_terminal() -> None:
    text = render(explain(zoo.lenet()), "text", 300)
    assert max(len(line) for line in text.splitlines() if line.startswith(("- ", "Kept"))) <= 100


def test_a_batch_of_one_has_one_column() -> None:
    assert "float32               one image\n" in render(explain("lenet", batch=1))


@given(networks(ends_dense=False), st.integers(-5, 250))
def test_any_network_in_any_width(network: Network, width: int) -> None:
    text = render(explain(network), "text", width)
    assert not any(line != line.rstrip() for line in text.splitlines())
    notation = text.partition("As notation, to copy and change\n")[2]
    assert parse_network(notation) == network
    for placed in network.placed:
        assert f"\n{placed.name} " in text or f" {placed.name} " in text


def test_a_hundred_layers_are_readable() -> None:
    text = (
        "3x224x224" + " | conv 64 k3 same relu, conv 64 k3 same relu" * 49 + " | dense 9, dense 9"
    )
    rendered = render(explain(parse_network(text), name="long"))
    assert "100 layers: 98 conv + 2 dense" in rendered
    assert "\n49 = 1  conv96 " in rendered
    assert max(map(len, rendered.splitlines())) <= 80


def _rows(network: Network) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(render(explain(network), "csv"), newline=""), strict=True)
    )


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_a_row_a_layer(network: Network) -> None:
    text = render(explain(network), "csv")
    assert text.count("\r\n") == text.count("\n") == len(network.layers) + 1
    assert text.endswith("\r\n")
    for row, placed in zip(_rows(network), network.placed, strict=True):
        assert row["name"] == placed.name
        assert row["output_shape"] == "x".join(map(str, placed.output_shape))


def test_csv_of_lenet() -> None:
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


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_every_element_is_closed(network: Network) -> None:
    root = ElementTree.fromstring(explain(network, name="a < b & c")._repr_html_())
    assert root.findtext("h2") == "a < b & c"
    for table in root.iter("table"):
        assert table.findtext("caption")
        rows = list(table.iter("tr"))
        assert len({len(row) for row in rows}) == 1
        assert all(cell.get("scope") == "col" for cell in rows[0])
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in rows[1:])


def test_a_name_cannot_bring_code_along() -> None:
    text = render(explain(zoo.lenet(), name='</h2><script>alert("x")</script>'), "html")
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;x&quot;)" in text


def test_shares_are_drawn_and_written() -> None:
    text = render(explain("lenet"), "html")
    assert '<td class="right share" style="--share:69.4%">30,840 <small>69 %</small></td>' in text


def test_a_notebook_shows_it() -> None:
    report = explain("lenet")
    assert report._repr_html_() in render(report, "html")


def test_formulas_and_sizes_are_set_as_mathematics() -> None:
    text = render(explain("1x9x7 | conv 2 k3x2 s2x1 p1.0.0.2"), "latex")
    assert r"$\lfloor(9 - 3 + 1 + 2) / 2\rfloor = 4 \times (7 - 2 + 2 + 1) / 1 = 8$" in text
    assert r"& 3$\times$2 & 2$\times$1 & 1.0.0.2 & 2@4$\times$8 \\" in text
    assert r"$\mathrm{size} = \lfloor(n + 2p - k) / s\rfloor + 1$, with input n" in text


def test_a_name_of_several_lines_is_written_on_one() -> None:
    lines = render(explain(zoo.lenet(), name="a\nb"), "latex").splitlines()
    assert [line for line in lines if line.startswith("%")][1:] == [
        r"% 'a\textbackslash{}nb': what flows",
        r"% 'a\textbackslash{}nb': what it costs",
        r"% 'a\textbackslash{}nb': columns",
    ]


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_tables_are_whole(network: Network) -> None:
    text = render(explain(network), "markdown")
    before, _, notation = text.removesuffix("\n```").partition("```\n")
    assert parse_network(notation) == network
    for paragraph in before.split("\n\n"):
        if paragraph.startswith("|"):
            assert len({line.count("|") for line in paragraph.splitlines()}) == 1
    assert before.count("\n| :--- ") == 4


def test_a_name_is_shown_as_it_is() -> None:
    text = render(explain(zoo.lenet(), name="a_b <i>*c* # d | e"), "markdown")
    assert text.startswith("## a\\_b \\<i\\>\\*c\\* \\# d \\| e\n\n")


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
def test_a_name_out_of_a_file_stays_on_its_line(form: str) -> None:
    """Nothing of it reaches a terminal as a command, and none breaks what it is written in."""
    hostile = "a\x1b[31m\nb\ud800"
    for verb in (explain, balance, diagnose, lambda network, name: compare(network, network)):
        text = render(verb(zoo.lenet(), name=hostile), form)
        assert "\x1b" not in text
        assert text.encode()
    named = compare("lenet", "lenet-60", names=(hostile, "c"))
    assert "\x1b" not in render(named, form)


def test_a_network_without_a_name() -> None:
    assert render(explain("1x9x9 | dense 2"), "markdown").startswith("## network\n")


@pytest.mark.parametrize("name", ["lenet.txt", "lenet.html", "lenet-d2l.txt"])
def test_golden(name: str, golden: Callable[[Path, bytes], None]) -> None:
    """Hold whole reports against files that a person has read.

    After a change that is meant, ``pytest tests/analysis --golden`` writes them anew; then read
    what ``git diff`` shows.
    """
    forms = {
        "lenet.txt": ("text",),
        "lenet.html": ("html",),
        "lenet-d2l.txt": ("markdown", "latex", "csv"),
    }
    report = explain(name.partition(".")[0])
    # As bytes: a CSV file's line ends are part of its format.
    golden(GOLDEN / name, "\n\n".join(render(report, form) for form in forms[name]).encode())


@pytest.mark.parametrize(("name", "notation"), PAPERS.items())
def test_papers_fit_80_columns(name: str, notation: str) -> None:
    lines = str(explain(notation, name=name)).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"{name}    in ")


def test_json_is_the_reports_own() -> None:
    report = explain("lenet-60")
    assert json.loads(render(report, "json")) == report.to_dict()


def test_text_takes_a_width_and_plain_characters() -> None:
    report = explain("lenet")
    assert render(report) == str(report)
    assert len(render(report, "text", 200).splitlines()) < len(str(report).splitlines())
    assert render(report, "text", 80, ascii_only=True).isascii()


def test_every_key_of_the_json_is_explained() -> None:
    assert not {key for key in _keys(explain("lenet").to_dict()) if f"`{key}`" not in PAGE}


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
