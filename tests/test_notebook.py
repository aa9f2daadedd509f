"""Notebooks: the sample runs, every result shows itself, and a training shows a live curve."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import lenet
from lenet.reporting import notebook
from lenet.terminal import in_notebook
from lenet.training import EpochRecord
from stopping import Stop

SAMPLE = Path(__file__).parent.parent / "examples" / "notebook.ipynb"
NET = "1x8x8 | dense 10"


def executed(cells, folder):
    """Run cells of code in a kernel of their own, and return the outputs of each."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(book, timeout=120, resources=place, kernel_name="python3").execute()
    return [cell.outputs for cell in book.cells]


@pytest.mark.filterwarnings("ignore")  # of the kernel's own packages
def test_the_sample_notebook_runs_and_every_result_shows_itself(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(SAMPLE, 4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book.cells)
    cells = [cell.source for cell in book.cells if cell.cell_type == "code"]
    again = next(cell for cell in cells if "lenet.train" in cell)
    *shown, second, raised = executed([*cells, again, "model"], tmp_path)
    for outputs in shown:
        (output,) = outputs
        assert "lenet-" in output.data["text/html"]
        assert len(output.data["text/plain"]) < 5000
        assert len(output.data["text/html"]) < 100_000
    assert (tmp_path / "runs" / "mine-2" / "run.json").exists()
    (output,) = second  # a cell that is run twice
    assert "runs/mine holds a run already; this one is in runs/mine-2" in output.data["text/html"]
    assert "Cross-entropy loss in nats" in output.data["text/html"]
    assert output.data["text/plain"].startswith("epoch 15/15   loss ")
    assert "test accuracy" in raised[0].data["text/html"]


def some_results(folder):
    """One of every kind of result that has no test of its own HTML."""
    data = lenet.load("digits")
    model = lenet.train(NET, data, epochs=1, run=folder / "a")
    answers = lenet.predict(model, data.test.images[:3])
    yield from (data, model, lenet.Model(NET), model.preprocessing, lenet.recipe("original"))
    yield from (answers, answers[0], lenet.evaluate(model, data.test), lenet.report(folder / "a"))
    yield from (lenet.compare_runs(folder / "a", folder / "a"), lenet.checks())
    yield lenet.export(model, folder / "a.c")


def test_every_result_shows_itself_and_is_short_at_the_prompt(tmp_path):
    for result in some_results(tmp_path):
        html = result._repr_html_()
        assert html.startswith('<section class="lenet-report">'), result
        assert "<script" not in html
        assert len(repr(result)) < 2000


def test_data_show_their_first_images():
    import io
    from base64 import b64decode

    from PIL import Image

    data = lenet.load("digits")
    strips = re.findall(
        r'<img src="data:image/png;base64,(.*?)" alt="the first images of (.)">', data._repr_html_()
    )
    assert [name for _, name in strips] == list(data.classes)
    with Image.open(io.BytesIO(b64decode(strips[3][0]))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (8, 90, 2)
    threes = data.train.images[data.train.labels == 3]
    assert (pixels[:, :8, 0] == threes[0, 0]).all()
    assert (pixels[:, 9:17, 0] == threes[1, 0]).all()
    assert (pixels[:, 8] == 0).all()  # nothing between them
    many = lenet.Dataset("x", data.train, None, [str(n) for n in range(70)])
    assert many._repr_html_().count("<img ") == 10
    # Of colour, large, and with a class that has none.
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 200, 100)).astype(np.uint8)
    split = lenet.Split(images, np.zeros(2, np.int64))
    html = lenet.Dataset("x", split, None, ("a <b>", "none"))._repr_html_()
    assert html.count("<img ") == 1
    assert "a &lt;b&gt;" in html


@pytest.fixture
def shown(monkeypatch):
    """Makes this process a notebook's, and keeps what it displays: each output with its updates."""
    outputs = []

    class Handle:
        def __init__(self, content):
            self.contents = [content]
            outputs.append(self)

        def update(self, content, raw):
            assert raw
            self.contents.append(content)

    def display(content, raw, display_id):
        assert raw
        assert display_id
        return Handle(content)

    shell = types.SimpleNamespace(kernel=object())
    fake = types.SimpleNamespace(
        get_ipython=lambda: shell, display=types.SimpleNamespace(display=display)
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr(notebook, "_SECONDS", 0.0)
    return outputs


def test_a_training_keeps_one_output_up_to_date(shown, capsys):
    assert in_notebook()
    model = lenet.train(NET, "digits", epochs=3)
    (output,) = shown
    last = model.training["epochs"][-1]
    final = output.contents[-1]
    assert f"loss {last['loss']:.4f}" in final["text/plain"]
    assert final["text/plain"].startswith("epoch 3/3 ")
    assert final["text/html"].count("<svg ") == 1
    assert "epoch 1/3" in output.contents[0]["text/html"]
    assert "before the first epoch" in output.contents[0]["text/plain"]
    bars = [re.findall(r"--share:([0-9.]+)%", content["text/html"]) for content in output.contents]
    shares = [float(bar[0]) for bar in bars if bar]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert not bars[-1]
    assert capsys.readouterr() == ("", "")


def test_no_output_where_none_is_wanted_and_lines_in_a_terminal(shown, capsys, monkeypatch):
    lenet.train(NET, "digits", epochs=1, verbose=False)
    assert not shown
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()
    lenet.train(NET, "digits", epochs=1)
    assert capsys.readouterr().out == ""
    lenet.train(NET, "digits", epochs=2, verbose=True)
    assert [line[:9] for line in capsys.readouterr().out.splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_a_training_that_is_stopped_and_resumed(shown, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lenet.train(NET, "digits", epochs=3, run=tmp_path / "a", callback=Stop(2))
    last = shown[0].contents[-1]
    assert last["text/plain"].startswith("epoch 1/3 ")
    assert "--share:" not in last["text/html"]  # no bar: nothing goes on
    lenet.resume(tmp_path / "a")
    assert "epoch 2/3" in shown[1].contents[0]["text/html"]  # it begins where it was
    assert shown[1].contents[-1]["text/plain"].startswith("epoch 3/3 ")


def test_what_goes_wrong_is_said_beside_the_curve(shown):
    curve = notebook.LiveCurve(2)
    curve.notice("a <b> is missing")
    curve.epoch(EpochRecord(1, 2.3, 0.1))
    assert "<p>a &lt;b&gt; is missing</p>" in shown[0].contents[-1]["text/html"]


def test_updates_are_not_more_often_than_anybody_sees(shown, monkeypatch):
    monkeypatch.setattr(notebook, "_SECONDS", 1000.0)
    lenet.train(NET, "digits", epochs=4)
    assert len(shown[0].contents) == 2  # the beginning, and the end
