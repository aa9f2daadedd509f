"""What the tab Build shows is what the library says of the same network."""

import re
from html import unescape

import pytest

import lenet
from lenet.serving.building import MOST_LAYERS, advised, build, deduced, read_typed


def text_of(markup):
    """The text in a piece of a page, every space a plain one."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", markup)).split())


def test_a_network_of_the_zoo():
    shown = build("lenet")
    report = lenet.explain("lenet")
    assert shown["network"] == str(report.network)
    assert shown["name"] == "lenet"
    assert shown["facts"]["parameters"] == "44,426"
    assert shown["facts"]["layers"] == "5: 2 conv + 3 dense"
    assert shown["facts"]["least_input"] == "16x16"
    assert shown["findings"] == list(report.findings)
    assert shown["shapes"] == [
        "1@28x28",
        "6@24x24",
        "6@12x12",
        "16@8x8",
        "16@4x4",
        "120",
        "84",
        "10",
    ]
    assert "(28 - 5 + 0 + 1) / 1 = 24" in text_of(shown["table"])
    assert "conv0" in text_of(shown["balance"])
    assert shown["changes"] == ""


def test_no_style_stands_in_a_piece():
    shown = build("compact", "lenet", "graph")
    for name in ("figure", "table", "balance", "changes"):
        assert "style" not in shown[name].lower(), name
        assert "<script" not in shown[name].lower()
    assert 'data-share="' in shown["table"]


def test_what_changed_since_the_start():
    shown = build(
        "1x28x28 | conv 8 k5 relu, maxpool 2 | dense 10",
        "1x28x28 | conv 6 k5 relu, maxpool 2 | dense 10",
    )
    assert "6 -> 8" in text_of(shown["changes"])
    assert build("lenet", "no network")["changes"] == ""


def test_what_cannot_be_read_shows_its_place():
    shown = build("1x28x28 | conv 6 k5 rlu")
    assert shown.keys() == {"problem", "position"}
    assert shown["position"] == 20
    assert "did you mean 'relu'?" in shown["problem"]
    assert "\n" not in shown["problem"]


def test_what_does_not_fit_has_fixes_that_were_tried():
    shown = build("1x28x28 | conv 6 k55 | dense 10")
    assert shown["layer"] == "conv0"
    assert "does not fit" in shown["problem"]
    assert len(shown["fixes"]) == 4
    for fix in shown["fixes"]:
        assert "problem" not in build(fix["network"])


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "net.json", "runs/run-0/last.safetensors", "", " "]
)
def test_a_text_is_never_a_file(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.json").write_text(lenet.net.to_json(lenet.parse("1x8x8 | dense 4")))
    assert "problem" in build(text)


def test_a_long_network_has_neither_figure_nor_table():
    shown = build("1x8x8" + " | dense 4" * (MOST_LAYERS + 1))
    assert shown["facts"]["parameters"] == f"{260 + 20 * MOST_LAYERS:,}"
    assert "figure" not in shown


def test_a_network_is_deduced_from_a_figure():
    figure = "32x32 -> 6@28x28 -> 6@14x14 -> 16@10x10 -> 16@5x5 -> 120 -> 84 -> 10"
    shown = deduced(figure, "pool0 avgpool, pool1 avgpool", "=61706", "sigmoid")
    known = lenet.deduce(
        figure, given=["pool0 avgpool", "pool1 avgpool"], params="=61706", activation="sigmoid"
    )
    assert shown["network"] == str(known.network)
    assert "avgpool" in shown["network"]
    assert "k = 5" in text_of(shown["page"])
    assert "--" in str(known)  # options of the command line, which the page does not have
    assert "--" not in text_of(shown["page"])


def test_a_figure_that_cannot_be_read_shows_its_place():
    shown = deduced("32x32 -> 6@x")
    assert (shown["position"], "problem" in shown) == (9, True)


def test_widths_within_a_budget_are_proposed():
    shown = advised("lenet", "parameters=60k, macs=1M")
    known = lenet.balance("lenet", budget=["parameters=60k", "macs=1M"])
    assert [p["network"] for p in shown["proposals"]] == [str(p.network) for p in known.proposals]
    assert "Within 60,000 parameters" in text_of(shown["page"])
    assert "conv0" not in shown["page"]


@pytest.mark.parametrize("budget", ["", "parameters=1", "money=5", "parameters", "\0"])
def test_a_budget_that_cannot_be_is_told(budget):
    shown = advised("lenet", budget)
    assert ("problem" in shown) == bool(budget)


def test_widths_of_a_very_long_network_are_left_to_the_command():
    """Each layer takes its time, and the answers of all pages wait for each other."""
    shown = advised("1x8x8 | " + ", ".join(["conv 2 k1"] * (MOST_LAYERS + 1)), "parameters=60k")
    assert list(shown) == ["problem"]
    assert f"has {MOST_LAYERS + 1} layers" in shown["problem"]


def test_names_of_the_zoo_are_read_in_any_case():
    assert read_typed(" LeNet ") == lenet.net.zoo.get("lenet")
