"""The quiz: every answer is the analysis' own, every reason adds up, and a class has one sheet."""

import json
import re

import pytest

import lenet
from lenet.analysis.quiz import WORKSHEETS, quiz
from lenet.errors import OutputError, ShapeError, UsageError
from lenet.net import zoo
from lenet.writing import render
from random_networks import random_network
from refusals import refused


def asked(network, **how):
    """All questions that there are, by what they ask and of which layer."""
    with pytest.raises(UsageError) as caught:
        quiz(network, questions=10**6, **how)
    count = int(re.findall(r"from 1 to ([0-9,]+)", str(caught.value))[0].replace(",", ""))
    found = quiz(network, questions=count, **how).questions
    assert len(found) == len({(q.kind, q.layer) for q in found}) == count
    return {(q.kind, q.layer): q for q in found}


def test_lenet_by_hand():
    found = asked("lenet")
    answers = {
        ("shape", "conv0"): "6@24x24",
        ("shape", "pool1"): "16@4x4",
        ("shape", "dense1"): "84",
        ("stride", "conv0"): "6@12x12",  # floor((28 - 5 + 2) / 2)
        ("padding", "conv1"): "2",
        ("activations", "conv0"): "3,456",
        ("parameters", "conv0"): "156",
        ("parameters", "dense0"): "30,840",
        ("multiply-adds", "conv1"): "153,600",
        ("multiply-adds", "dense2"): "840",
        ("field", "conv0"): "5x5",
        ("field", "pool1"): "16x16",
        ("layers", ""): "5",
        ("largest", ""): "dense0",
        ("total", ""): "44,426",
        ("memory", ""): "177,704",
    }
    assert {key: found[key].answer for key in answers} == answers
    reasons = {
        ("shape", "conv1"): "(12 - 5 + 0 + 1) / 1 = 8; the layer makes 16 channels",
        ("shape", "pool0"): "(24 - 2 + 0 + 2) / 2 = 12; a pooling keeps the 6 channels",
        ("parameters", "conv1"): "16 x 6 x 5 x 5 weights + 16 biases = 2,416",
        ("multiply-adds", "conv1"): "2,400 weights x 8 x 8 places = 153,600",
        ("total", ""): "156 + 2,416 + 30,840 + 10,164 + 850 = 44,426",
    }
    assert {key: found[key].reason for key in reasons} == reasons
    assert found["field", "conv1"].reason.startswith("6 + (5 - 1) x 2 = 14: ")
    assert ("parameters", "pool0") not in found  # it has none, and nobody needs to be asked


def test_a_connection_table_by_hand():
    found = asked("lenet-5")
    question = found["parameters", "conv1"]
    assert question.answer == "1,516"
    assert question.reason == "60 kernels x 5 x 5 weights + 16 biases = 1,516"
    assert question.given.endswith("Its table connects 60 of 96 pairs of maps.")
    assert found["multiply-adds", "conv1"].given == question.given
    assert found["shape", "pool0"].reason.endswith("a pooling keeps the 6 channels")
    assert found["shape", "rbf0"].reason == "a layer of units gives one number per unit: 10"


@pytest.mark.parametrize("network", [*map(random_network, range(30)), *zoo.names()])
def test_every_sum_of_a_reason_is_right_and_gives_the_answer(network):
    """Whatever the network: what stands before an equals sign is what stands behind it."""
    report = lenet.explain(network)
    rows = {row.name: row for row in report.layers}
    for (kind, layer), question in asked(network).items():
        assert question.accepts(question.answer), question
        sums = re.findall(r"([0-9(][^=;:]*) = ([0-9,]+)", question.reason)
        for left, right in sums:
            words = re.sub(r"[a-z]*(?:kernel|weight|bias|biases|scale|place)[a-z]*", "", left)
            formula = words.replace("floor", "").replace(" x ", "*").replace(",", "")
            if "height" not in formula and "width" not in formula:
                value = eval(formula.rpartition(", ")[2])
                assert int(value) == int(right.replace(",", "")), question.reason
        if kind == "shape":
            assert question.values == rows[layer].output_shape
        elif kind in ("parameters", "activations"):
            assert question.values == (getattr(rows[layer].counts, kind),)
        elif kind == "field":
            assert question.values == rows[layer].receptive_field.size


def test_the_padding_that_is_asked_for_keeps_the_size():
    for name in zoo.names():
        network = zoo.get(name)
        for (kind, layer), question in asked(network).items():
            if kind == "padding":
                placed = next(p for p in network.placed if p.name == layer)
                padded = placed.layer.replace(padding=question.values)
                assert padded.output_shape(placed.input_shape)[1:] == placed.input_shape[1:]


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        (
            ("shape", "conv0"),
            [
                "6@24x24",
                "24x24@6",
                "6x24x24",
                " (6, 24, 24) ",
                "[6,24,24]",
                "6 24 24",
                "6 x 24 x 24",
                "6X24X24",
            ],
            ["", "6", "24x24", "24x24x6", "6@24", "six", "6@24x24x1", "-6@24x24", "6;24"],
        ),
        (("shape", "dense0"), ["120", "(120,)", " 120 "], ["120x1", "12 0", "1,20", "120.0"]),
        (
            ("parameters", "conv1"),
            ["2416", "2,416", "2 416", "2'416", "2_416"],
            ["24,16", "2.416", "2417", "9" * 99],
        ),
        (("field", "conv0"), ["5", "5x5", "5 x 5", "(5, 5)"], ["5x4", "25", "5x5x5"]),
        (("largest", ""), ["dense0", "Dense0"], ["dense", "dense1", "0"]),
    ],
)
def test_answers_in_whatever_form(key, right, wrong):
    question = asked("lenet")[key]
    assert all(map(question.accepts, right)), [t for t in right if not question.accepts(t)]
    assert not any(map(question.accepts, wrong)), [t for t in wrong if question.accepts(t)]


def test_a_window_that_is_no_square():
    question = asked("1x20x28 | conv 4 k3x5, maxpool 2x1 | dense 3")["field", "pool0"]
    assert question.answer == "4x5"
    assert question.accepts("4, 5")
    assert not question.accepts("5x4")
    assert not question.accepts("4")
    shape = asked("1x20x28 | conv 4 k3x5, maxpool 2x1 | dense 3")["shape", "conv0"]
    assert shape.reason.startswith(
        "height (20 - 3 + 0 + 1) / 1 = 18, width (28 - 5 + 0 + 1) / 1 = 24;"
    )


def test_one_seed_is_one_sheet_and_another_seed_another():
    # Written down: another lenet and another machine ask the same.
    kinds = [(q.kind, q.layer) for q in quiz("lenet", questions=6, seed=1).questions]
    assert kinds == SEED_ONE
    assert str(quiz("lenet", seed=1)) == str(quiz("lenet", seed=1))
    sheets = {str(quiz("lenet", seed=seed).questions) for seed in range(20)}
    assert len(sheets) == 20


SEED_ONE = [
    ("field", "conv1"),
    ("field", "pool1"),
    ("shape", "dense0"),
    ("parameters", "dense0"),
    ("shape", "dense1"),
    ("parameters", "dense1"),
]


def test_the_questions_are_of_many_kinds_and_in_order():
    for seed in range(20):
        found = quiz("compact", seed=seed)
        kinds = [q.kind for q in found.questions]
        assert len(kinds) == 10
        assert [kinds.count(k) for k in ("shape", "parameters", "field")] == [2, 2, 2]
        assert len(set(kinds)) == 7
        names = [*found.network.names, ""]
        places = [names.index(q.layer) for q in found.questions]
        assert places == sorted(places)


def test_small_and_large_networks():
    assert 3 < len(quiz("1x8x8 | dense 10").questions) < 10
    deep = quiz(lenet.Network((1, 1, 1), [lenet.Dense(1)] * 10_000))
    assert len(deep.questions) == 10
    assert len(repr(deep)) < 200_000
    pooled = quiz("1x8x8 | maxpool 2")
    assert "parameters" not in {q.kind for q in pooled.questions}


def test_the_sheet_hides_what_the_key_shows():
    found = quiz("lenet", questions=8, seed=2)
    sheet, key = str(found), str(found.key)
    assert all(q.reason not in sheet for q in found.questions)
    assert all(q.text.split("(")[0] in " ".join(sheet.split()) for q in found.questions)
    assert " ".join(key.split()).count(" x ") >= 1
    assert all(q.answer in key for q in found.questions)
    assert found.to_dict()["questions"][0]["answer"] == found.questions[0].answer
    assert json.loads(render(found, "json"))["seed"] == 2
    html = found._repr_html_()
    assert html.index("<details ") < html.index("because")


@pytest.mark.parametrize("ending", [ending for ending in WORKSHEETS if ending != ".pdf"])
def test_a_worksheet_has_its_key_on_a_page_of_its_own(tmp_path, ending):
    found = quiz("lenet", questions=5)
    text = found.save(tmp_path / f"a{ending}").read_text(encoding="utf-8")
    assert text.endswith("\n")
    sheet, _, key = text.partition(
        {".tex": r"\newpage", ".html": '<div class="new-page">'}.get(ending, "Key")
    )
    assert sheet.count("Which ") + sheet.count("How ") == 5
    assert "because" in key
    assert "because" not in sheet
    if ending == ".tex":
        assert sheet.startswith(r"\documentclass")
        assert key.endswith("\\end{document}\n")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"questions": 0}, "the number of questions is 0"),
        ({"questions": 1000}, "from 1 to "),
        ({"questions": 2.5}, "2.5"),
        ({"questions": True}, "True"),
        ({"seed": -1}, "the seed is -1"),
        ({"seed": "x"}, "the seed is 'x'"),
        ({"seed": 10**5000}, "the seed is something too large to show"),
        ({"seed": True}, "the seed is True"),
        ({"input_shape": "3x3"}, "3x3"),
    ],
)
def test_what_cannot_be_asked(values, words):
    with refused((UsageError, ShapeError), words):
        quiz("lenet", **values)


def test_where_no_worksheet_can_be(tmp_path):
    found = quiz("tiny", questions=1)
    for path in ("a.doc", "a", 5, None):
        with refused(UsageError, "end"):
            found.save(path)
    with refused(OutputError, "nowhere"):
        found.save(tmp_path / "nowhere" / "a.md")


def test_a_worksheet_to_print(tmp_path):
    found = quiz("lenet", questions=5)
    first, second = (found.save(tmp_path / name).read_bytes() for name in ("a.pdf", "b.PDF"))
    assert first == second  # one sheet for the whole class
    assert first.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", first)) == 2
