"""A run as one page: everything is on it, nothing leaves it, and any run has one."""

import json
import re
import shutil
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

import lenet
from lenet.drawing import FORMATS
from lenet.errors import DataError, OutputError, UsageError
from lenet.reporting.run_report import PICTURES, report

VOID = {"meta", "img", "br", "rect", "path", "image", "small"}


class Page(HTMLParser):
    """Reads a page as strictly as a reader of it needs: what is opened is closed, ids are one."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.targets, self.loads, self.bare = [], [], [], [], []
        self.headings, self.tags = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("src", "href"):
            value = values.get(name, "")
            if value.startswith("#"):
                self.targets.append(value[1:])
            elif value and not value.startswith("data:image/png;base64,"):
                self.loads.append(value)
        if tag == "img" and not values.get("alt"):
            self.bare.append(values)
        assert not [name for name in values if name.startswith("on")]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "img"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(text):
    page = Page(text)
    assert page.loads == []
    assert page.bare == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)
    assert "script" not in page.tags
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert not re.search(r"\bnan\b|\binf\b", re.sub(r"base64,[^\"]*", "", text))
    return page


def test_everything_is_on_the_page(finished):
    text = (finished / "report.html").read_text(encoding="utf-8")
    checked(text)
    titles = re.findall(r"<h2 id[^>]*>([^<]*)</h2>", text)
    assert titles == [
        *("Learning", "What it gets wrong", "Class by class", "Can its probabilities be believed?"),
        *("Signal and gradient by layer", "What the first layer looks for", "The network"),
        *("The recipe", "Model card"),
    ]
    info = json.loads((finished / "run.json").read_text())
    for words in (
        f"{100 * info['test_accuracy']:.2f} %",
        f"{info['parameters']:,}",
        "expected calibration error",
        "Training images have a dark background".removeprefix("Training images "),
        f"lenet predict {finished}/last.safetensors your-image.png",
        "The 36 worst mistakes",
    ):
        assert words in text, words
    assert len(text) < 300_000


def test_the_same_run_gives_the_same_page(finished):
    found = report(finished)
    assert found.html == (finished / "report.html").read_text(encoding="utf-8")
    assert set(found.pictures) == set(PICTURES)


def test_the_recipe_on_the_page_is_the_runs(finished, tmp_path, monkeypatch):
    """The lines on the page, run as they stand, give the same weights."""
    from html import unescape

    text = report(finished).html
    (block,) = re.findall(r"<code>(import lenet.*?)</code>", text, flags=re.DOTALL)
    names = {}
    exec(unescape(block), names)
    saved = lenet.Model.load(finished / "last.safetensors")
    assert names["model"].table.tobytes() == saved.table.tobytes()


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_in_every_format(finished, tmp_path, name):
    found = report(finished)
    for format in FORMATS:
        path = found.picture(name, "dark").save(tmp_path / f"p.{format}")
        assert path.stat().st_size > 500


def test_no_such_picture(finished):
    with pytest.raises(UsageError, match=r"no picture 'confussion' .*did you mean 'confusion'"):
        report(finished).picture("confussion")


def test_hostile_names(odd_data, tmp_path):
    network = "1x8x8 | conv 2 k3 relu | dense 6"
    lenet.train(network, odd_data, lenet.recipe("seed", epochs=1, lr=0.1), run=tmp_path / "<b>&")
    text = (tmp_path / "<b>&" / "report.html").read_text(encoding="utf-8")
    checked(text)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_without_the_images(odd_data, tmp_path):
    run = tmp_path / "a"
    lenet.train("1x8x8 | dense 6", odd_data, lenet.recipe("seed", epochs=1, lr=0.1), run=run)
    found = report(run)
    assert found.answers is None
    assert "no data set is called" in found.missing
    checked(found.html)
    assert "The test images are not at hand" in found.html
    assert "What it gets wrong" not in found.html
    assert set(found.pictures) == {"learning-curve", "signals", "windows", "network"}
    assert report(run, odd_data).answers.evaluation.count == 60
    with pytest.raises(UsageError, match="choose learning-curve"):
        found.picture("confusion")


def test_data_that_was_named_must_suit(finished, odd_data):
    with pytest.raises(DataError, match="other classes than the model"):
        report(finished, odd_data)
    with pytest.raises(UsageError, match="no data set is called"):
        report(finished, "nothing")


def test_an_old_run_without_signals(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "a")
    (tmp_path / "a" / "signals.csv").unlink()
    (tmp_path / "a" / "report.html").unlink()
    found = report(tmp_path / "a")
    assert found.save() == tmp_path / "a" / "report.html"
    assert "Signal and gradient" not in found.html
    checked(found.html)


@pytest.mark.parametrize("status", ["running", "interrupted", "diverged"])
def test_a_run_without_an_epoch(finished, tmp_path, status):
    shutil.copytree(finished, tmp_path / "a")
    path = tmp_path / "a" / "run.json"
    info = json.loads(path.read_text()) | {"epochs": [], "status": status}
    path.write_text(json.dumps(info))
    found = report(tmp_path / "a")
    checked(found.html)
    assert "No epoch was finished." in found.html
    assert 'class="warning"' in found.html
    assert "learning-curve" not in found.pictures


def test_a_run_without_its_model(finished, tmp_path):
    (tmp_path / "run.json").write_bytes((finished / "run.json").read_bytes())
    words = r"has no model: its training is not done, .*; lenet train --resume \S+ goes on\."
    with pytest.raises(DataError, match=words):
        report(tmp_path)


def test_a_place_that_takes_no_file(finished):
    with pytest.raises(OutputError, match=r"cannot write /proc/x\.html"):
        report(finished).save("/proc/x.html")


def test_to_dict_is_json(finished):
    found = json.loads(json.dumps(report(finished).to_dict()))
    assert found["test"]["count"] == 360
    assert set(found["test"]["classes"][0]) == {
        *("name", "count", "accuracy", "precision", "recall", "f1")
    }
    assert found["test"]["interval"][0] < found["test"]["accuracy"] < found["test"]["interval"][1]


def test_a_page_that_cannot_be_made_costs_nothing(digits, tmp_path, monkeypatch):
    from lenet import files

    write = files.write_text

    def refuse(path, content, *more):
        if Path(path).name == "report.html":
            raise OutputError("cannot write report.html: no space left on device; choose a folder")
        return write(path, content, *more)

    monkeypatch.setattr(files, "write_text", refuse)
    run = lenet.training.Run(tmp_path / "a")
    training = lenet.training.Training(
        lenet.parse("1x8x8 | dense 10"), digits, lenet.recipe("seed", epochs=1, lr=0.1), 0, 1
    )
    lenet.training.carry_out(training, run, None)
    assert run.no_page.startswith("cannot write report.html: no space left")
    assert json.loads((tmp_path / "a" / "run.json").read_text())["status"] == "finished"
    assert lenet.Model.load(run.model).training["status"] == "finished"


def test_nor_does_a_page_that_breaks(digits, tmp_path, monkeypatch):
    from lenet.reporting import sections

    monkeypatch.setattr(sections, "learning", lambda record: 1 / 0)
    run = lenet.training.Run(tmp_path / "a")
    recipe = lenet.recipe("seed", epochs=1, lr=0.1)
    training = lenet.training.Training(lenet.parse("1x8x8 | dense 10"), digits, recipe, 0, 1)
    assert lenet.training.carry_out(training, run, None).training["status"] == "finished"
    assert run.no_page == "ZeroDivisionError: division by zero"


def test_a_thousand_epochs_and_ten_thousand_images_take_no_time(finished, digits, tmp_path):
    shutil.copytree(finished, tmp_path / "a")
    path = tmp_path / "a" / "run.json"
    info = json.loads(path.read_text())
    last = info["epochs"][-1]
    info["epochs"] = [{**last, "epoch": n} for n in range(1, 100_001)]
    path.write_text(json.dumps(info))
    found = report(tmp_path / "a")
    start = time.perf_counter()
    text = found.html
    assert time.perf_counter() - start < 5
    assert len(text) < 400_000
