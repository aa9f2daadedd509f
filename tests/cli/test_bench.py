"""``lenet bench``, and its page in docs/.

Figures differ from run to run: the page's blocks are held against what is printed with every
number and bar left out.
"""

import io
import json
import re
import shlex
import sys

import pytest

import lenet
from lenet.benchmarking import measuring
from lenet.benchmarking.measuring import contenders_of
from lenet.benchmarking.result import Benchmark
from lenet.benchmarking.workload import TASKS, Workload
from lenet.cli.networks import bench, split_names
from lenet.cli.progress import Line
from lenet.formats.int8 import quantise
from lenet.net import read_network
from lenet.writing import render
from pages import commands, read_page

PAGE = read_page("bench.md")
SMALL = "1x8x8 | conv 4 k3 relu | dense 10"
QUICK = ["--seconds", "0.02", "--batch", "8", "--threads", "1"]


def skeleton(text):
    """The words of ``text``: without numbers, bars, and the width of columns."""
    without = re.sub(r"\s*█+", "", re.sub(r"\d[\d,.]*", "0", text))
    return re.sub(r" +", " ", without).strip()


def made_up(line):
    """What the page's command would print, with figures from nowhere."""
    options = bench.make_context("lenet bench", shlex.split(line)[1:]).params
    work = Workload(read_network(options["net"]), options["batch"], threads=2)
    names = ["lenet", *contenders_of(split_names(options["against"]))]
    versions = {"lenet": "native avx2", "torch": "torch 2.13.0+cpu", "onnxruntime": "onnxruntime 1"}
    seconds = {
        task: {name: [1e-4] * 5 for name in names if measuring.does(name, task)} for task in TASKS
    }
    return Benchmark(
        name=options["net"],
        workload=work,
        machine={"processor": "AMD EPYC"},
        contenders={name: versions[name.partition("-")[0]] for name in names},
        left_out={},
        seconds=seconds,
        p90={name: [1e-4] * 5 for name in names},
        peak_flops=[1e11] * 5,
    )


def test_the_page_has_examples():
    assert len(commands(PAGE)) == 2


@pytest.mark.parametrize(("line", "text"), commands(PAGE))
def test_the_page_shows_what_is_printed(line, text, monkeypatch):
    monkeypatch.setattr(measuring, "find_spec", lambda name: name)
    assert skeleton(text) == skeleton(render(made_up(line)))
    assert max(map(len, text.splitlines())) <= 80


def test_it_measures(command):
    found = command("bench", SMALL, *QUICK)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("network    batch 8, 1 thread, float32; medians of 5 rounds\n")
    titles = [line for line in found.out.splitlines() if ": " in line]
    assert [title.split()[0] for title in titles] == ["Training:", "Inference", "One"]


def test_an_int8_file_is_called_so(command, here):
    data = lenet.load("digits")
    model = lenet.Model("1x8x8 | dense 10", data.classes).initialize()
    quantise(model, data.train.images[:50]).save("q.safetensors")
    found = command("bench", "q.safetensors", *QUICK)
    assert "int8 is left out: the file holds whole numbers" in " ".join(found.out.split())


def test_against_pytorch(command):
    pytest.importorskip("torch")
    found = command("bench", SMALL, *QUICK, "--against", "torch-eager", "--json")
    values = json.loads(found.out)
    assert list(values["contenders"]) == ["lenet", "torch-eager"]
    assert values["left_out"] == {}
    assert values["tasks"]["training"]["best_peer"] == "torch-eager"


def test_against_onnx_runtime(command):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    found = command("bench", SMALL, *QUICK, "--against", "onnxruntime")
    assert found.status == 0
    assert [line.split()[0] for line in found.out.splitlines() if "as fast" in line] == [
        "onnxruntime",
        "onnxruntime",
    ]


def test_json_has_the_keys_of_the_page(command):
    values = json.loads(command("bench", SMALL, *QUICK, "--json").out)
    task = values["tasks"]["one-image"]
    for key in [*values, *values["tasks"], *task, *task["contenders"]["lenet"]]:
        assert f"`{key}`" in PAGE
    assert len(task["contenders"]["lenet"]["seconds_per_image"]) == 5


def test_bars_where_the_terminal_has_no_blocks(monkeypatch):
    monkeypatch.setattr(measuring, "find_spec", lambda name: name)
    found = made_up("bench lenet --against torch-eager")
    monkeypatch.setattr("lenet.benchmarking.bench", lambda *_, **__: found)
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        bench.main(["lenet"], standalone_mode=False)
        stream.flush()
        assert b"####" in stream.buffer.getvalue()


def test_progress_is_one_line_that_is_wiped(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    line = Line()
    line.write("a long text")
    line.write("short")
    line.wipe()
    assert capsys.readouterr().err == "\ra long text\rshort      \r     \r"


@pytest.mark.parametrize(
    ("text", "names"), [("", []), ("torch", ["torch"]), (" a , b,", ["a", "b"])]
)
def test_names_in_a_list(text, names):
    assert split_names(text) == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--against", "keras"], "'keras'; it must be torch, onnxruntime"),
        (["--batch", "0"], "the batch is 0; it must be a whole number from 1"),
        (["--threads", "0"], "threads is 0; it must be from 1"),
        (["--seconds", "0"], "seconds is 0.0; it must be a number above 0"),
        (["--seconds", "nan"], "seconds is nan"),
    ],
)
def test_wrong_usage(refused, arguments, words):
    refused(["bench", "lenet", *arguments], 2, words)


def test_what_is_not_installed(refused, monkeypatch):
    monkeypatch.setattr(measuring, "find_spec", lambda name: None)
    refused(["bench", "lenet", "--against", "torch"], 2, "run 'pip install torch'")


def test_other_scores_are_told(refused, monkeypatch):
    found = made_up("bench lenet")

    def differ(*_, **__):
        answers = {"lenet": {"scores": [[1.0]], "one": [1.0]}}
        measuring.check_scores(answers | {"torch-eager": {"scores": [[2.0]], "one": [2.0]}})
        return found

    monkeypatch.setattr("lenet.benchmarking.bench", differ)
    refused(["bench", "lenet"], 1, "torch-eager gives other scores than lenet", "nothing was mea")
