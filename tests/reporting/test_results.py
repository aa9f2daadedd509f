"""A run as one page, and runs side by side: everything is there, nothing leaves it."""

import csv
import io
import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import lenet
from digit_pictures import write_digits
from lenet.drawing import FORMATS
from lenet.errors import DataError, OutputError, UsageError
from lenet.metrics import mcnemar
from lenet.reporting import comparison_page
from lenet.reporting.results import PICTURES, compare_runs, report
from lenet.trainer import begin, run_training
from lenet.training import Run
from lenet.writing import render
from refusals import refused

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
        if tag not in ("meta", "img", "wbr"):
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
        if tag not in ("meta", "img", "wbr"):
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
        *("Signal and gradient by layer", "Layer by layer"),
        *("What the first layer looks for", "The network"),
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


def test_wrong_files_are_named(tmp_path):
    """On the page and in JSON, where the images come from files."""
    write_digits(tmp_path / "mine", {"3": 20, "8": 20}, scale=4)
    lenet.train("1x32x32 | dense 2", tmp_path / "mine", epochs=1, lr=1e-9, run=tmp_path / "run")
    result = report(tmp_path / "run")
    wrong = result.to_dict()["test"]["mistakes"]
    assert wrong
    for row in wrong:
        assert row["image"] in result.html
        assert (tmp_path / "mine" / row["image"]).is_file()
        assert row["image"].startswith(f"{row['label']}/")
        assert row["class"] != row["label"]


def test_the_same_run_gives_the_same_page(finished):
    result = report(finished)
    assert result.html == (finished / "report.html").read_text(encoding="utf-8")
    assert set(result.pictures) == set(PICTURES)


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
    result = report(finished)
    for format in FORMATS:
        path = result.picture(name, theme="dark").save(tmp_path / f"p.{format}")
        assert path.stat().st_size > 500


def test_no_such_picture(finished):
    with refused(UsageError, "'confusion'"):
        report(finished).picture("confussion")


def test_hostile_names(odd_data, tmp_path):
    network = "1x8x8 | conv 2 k3 relu | dense 6"
    lenet.train(
        network, odd_data, lenet.recipe("original", epochs=1, lr=0.1), run=tmp_path / "<b>&"
    )
    text = (tmp_path / "<b>&" / "report.html").read_text(encoding="utf-8")
    checked(text)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_without_the_images(odd_data, tmp_path):
    run = tmp_path / "a"
    lenet.train("1x8x8 | dense 6", odd_data, lenet.recipe("original", epochs=1, lr=0.1), run=run)
    result = report(run)
    assert result.predictions is None
    assert "no data set is called" in result.missing
    checked(result.html)
    assert "The test images are not at hand" in result.html
    assert "What it gets wrong" not in result.html
    assert set(result.pictures) == {"learning-curve", "signals", "windows", "network"}
    assert report(run, data=odd_data).predictions.evaluation.count == 60
    with refused(UsageError, "learning-curve"):
        result.picture("confusion")


def test_data_that_was_named_must_suit(finished, odd_data):
    with refused(DataError, "other classes"):
        report(finished, data=odd_data)
    with refused(UsageError, "nothing"):
        report(finished, data="nothing")


def test_an_old_run_without_signals(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "a")
    (tmp_path / "a" / "signals.csv").unlink()
    (tmp_path / "a" / "report.html").unlink()
    result = report(tmp_path / "a")
    assert result.save() == tmp_path / "a" / "report.html"
    assert "Signal and gradient" not in result.html
    checked(result.html)


@pytest.mark.parametrize("status", ["running", "interrupted", "diverged"])
def test_a_run_without_an_epoch(finished, tmp_path, status):
    shutil.copytree(finished, tmp_path / "a")
    path = tmp_path / "a" / "run.json"
    info = json.loads(path.read_text()) | {"epochs": [], "status": status}
    path.write_text(json.dumps(info))
    result = report(tmp_path / "a")
    checked(result.html)
    assert "No epoch was finished." in result.html
    assert 'class="warning"' in result.html
    assert "learning-curve" not in result.pictures


def test_a_run_without_its_model(finished, tmp_path):
    (tmp_path / "run.json").write_bytes((finished / "run.json").read_bytes())
    with refused(DataError, "--resume"):
        report(tmp_path)


def test_a_place_that_takes_no_file(finished):
    with pytest.raises(OutputError, match=r"/proc/x\.html"):
        report(finished).save("/proc/x.html")


def test_to_dict_is_json(finished):
    result = json.loads(json.dumps(report(finished).to_dict()))
    assert result["test"]["count"] == 360
    assert set(result["test"]["classes"][0]) == {
        *("name", "count", "accuracy", "precision", "recall", "f1")
    }
    assert (
        result["test"]["interval"][0] < result["test"]["accuracy"] < result["test"]["interval"][1]
    )


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
        lenet.parse("1x8x8 | dense 10"), digits, lenet.recipe("original", epochs=1, lr=0.1), 0, 1
    )
    run_training(training, run, None)
    assert run.no_page.startswith("cannot write report.html: no space left")
    assert json.loads((tmp_path / "a" / "run.json").read_text())["status"] == "finished"
    assert lenet.Model.load(run.model).training["status"] == "finished"


def test_nor_does_a_page_that_breaks(digits, tmp_path, monkeypatch):
    from lenet.reporting import run_page

    monkeypatch.setattr(run_page, "_learning", lambda record: 1 / 0)
    run = lenet.training.Run(tmp_path / "a")
    recipe = lenet.recipe("original", epochs=1, lr=0.1)
    training = lenet.training.Training(lenet.parse("1x8x8 | dense 10"), digits, recipe, 0, 1)
    assert run_training(training, run, None).training["status"] == "finished"
    assert run.no_page == "ZeroDivisionError: division by zero"


def test_a_hundred_thousand_epochs(finished, digits, tmp_path):
    shutil.copytree(finished, tmp_path / "a")
    path = tmp_path / "a" / "run.json"
    info = json.loads(path.read_text())
    last = info["epochs"][-1]
    info["epochs"] = [{**last, "epoch": n} for n in range(1, 100_001)]
    path.write_text(json.dumps(info))
    result = report(tmp_path / "a")
    assert len(result.html) < 400_000


def test_what_differs(finished, other):
    result = compare_runs(finished, other)
    assert result.names == ("first", "second")
    assert {row.name: row.values for row in result.differences} == {
        "epochs": (3, 6),
        "seed": (0, 1),
    }
    first, second = (lenet.Model.load(run / "last.safetensors") for run in (finished, other))
    images, labels = lenet.load("digits").test.images, lenet.load("digits").test.labels
    right = [model.predict(images) == labels for model in (first, second)]
    (pair,) = result.pairs
    assert list(pair.lost) == [i for i in range(360) if right[0][i] and not right[1][i]]
    assert list(pair.won) == [i for i in range(360) if right[1][i] and not right[0][i]]
    assert pair.p_value == mcnemar(len(pair.lost), len(pair.won))


def test_text(finished, other):
    text = str(compare_runs(finished, other))
    assert text.splitlines()[0].split() == ["first", "second"]
    assert "test accuracy" in text
    assert "(McNemar's exact test)." in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.fixture
def ten(finished, other, tmp_path):
    """Nine runs of one network, of two seeds, and one of another network, called r0 to r9."""
    for number in range(9):
        shutil.copytree(other if number == 3 else finished, tmp_path / f"r{number}")
    lenet.train("1x8x8 | dense 20 relu, dense 10", epochs=1, run=tmp_path / "r9")
    return compare_runs(*(tmp_path / f"r{number}" for number in range(10)))


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
def test_ten_runs_say_once_what_they_share(ten, form):
    text = " ".join(render(ten, form).split())
    assert text.count("conv 4 k3 sigmoid") == text.count("dense 20 relu") == 1
    assert text.count("all others") == 1
    assert text.count("digits") == 1
    assert text.count("McNemar") == 1
    assert "all others" in " ".join(comparison_page.render_comparison(ten).split())


def test_ten_runs_have_a_row_each(ten):
    lines = str(ten).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:11]] == [f"r{number}" for number in range(10)]
    assert "status" not in lines[0]  # it is the same in all
    assert "  status        finished" in lines
    assert ten.to_dict()["common"]["dataset"] == "digits"
    assert ten.to_dict()["common"].keys().isdisjoint(row.name for row in ten.differences)
    rows = list(csv.DictReader(io.StringIO(render(ten, "csv"), newline="")))
    assert [row["name"] for row in rows] == list(ten.names)


def test_the_signals_of_ten_runs_have_a_row_for_each_run(ten):
    text = str(ten)
    for title in ("gradient / weight", "saturated", "zeros", "dead units"):
        (start,) = [i for i, line in enumerate(text.splitlines()) if line.endswith(f": {title}")]
        names = [line.split()[0] for line in text.splitlines()[start + 2 : start + 12]]
        assert names == [f"r{number}" for number in range(10)]


def test_long_values_are_grouped_by_their_runs():
    grouped = comparison_page._grouped
    assert grouped("abc", "xyx") == [("a, c", "x"), ("b", "y")]
    assert grouped("abcdef", "xxyxxy") == [("c, f", "y"), ("all others", "x")]


def test_the_signals_of_runs_stand_beside_each_other(finished, digits, tmp_path):
    """Each under its own name: a relu's zeros are not a sigmoid's saturation."""
    network = "1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10"
    lenet.train(network, digits, run=tmp_path / "r", epochs=1)
    result = compare_runs(tmp_path / "r", finished)
    first, second = (run["signals"] for run in result.to_dict()["runs"])
    conv = [{one["layer"]: one for one in run}["conv0"] for run in (first, second)]
    assert [one["epoch"] for one in conv] == [1, 3]
    assert conv[0]["saturated"] is conv[1]["sparsity"] is conv[1]["dead"] is None
    assert 0 < conv[0]["sparsity"] < 1
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in str(result).splitlines()}
    gradients = [f"{one['relative_gradient']:.2g}" for one in conv]
    assert rows["conv0", "gradient"] == ["/", "weight", *gradients]
    assert rows["conv0", "zeros"] == [f"{100 * conv[0]['sparsity']:.2f}", "%", "-"]
    assert rows["conv0", "saturated"] == ["-", f"{100 * conv[1]['saturated']:.2f}", "%"]
    page = result.save(tmp_path / "c.html").read_text(encoding="utf-8")
    assert "conv0 dead units" in page


def test_deep_runs_show_some_layers_and_json_all(finished, digits, tmp_path):
    hidden = ", ".join(["dense 9 relu"] * 30)
    lenet.train(f"1x8x8 | {hidden}, dense 10", digits, run=tmp_path / "d", epochs=1)
    result = compare_runs(tmp_path / "d", finished)
    assert len(result.to_dict()["runs"][0]["signals"]) == 31
    layers = [line.split()[0] for line in str(result).splitlines() if " gradient " in line]
    assert (len(layers), layers[0]) == (10, "dense0")


def test_a_run_against_itself(finished):
    result = compare_runs(finished, finished)
    assert result.names == (str(finished), str(finished))
    assert result.differences == ()
    assert result.to_dict()["duels"] == [
        {"name": str(finished), "lost": [], "won": [], "p_value": 1.0}
    ]
    text = str(result)
    assert "The same network, data, recipe and seed." in text
    assert "McNemar" not in text


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "tex", "html"])
def test_saved(finished, other, tmp_path, ending):
    path = compare_runs(finished, other).save(tmp_path / f"c.{ending}")
    assert path.stat().st_size > 2000


def test_the_page(finished, other, tmp_path):
    result = compare_runs(finished, other)
    text = result.save(tmp_path / "c.html").read_text(encoding="utf-8")
    assert "Correct by second alone" in text
    assert text.count("<img ") == sum(
        min(18, len(n)) for n in (result.pairs[0].lost, result.pairs[0].won)
    )


def test_an_unknown_ending(finished, other, tmp_path):
    with refused(UsageError, "docx"):
        compare_runs(finished, other).save(tmp_path / "c.docx")


def test_what_is_no_path_and_no_theme(finished):
    """None alone is a place for the page: that in the run's folder."""
    for value in (5, b"x", [5], object()):
        for save in (report(finished).save, compare_runs(finished, finished).save):
            with refused(UsageError):
                save(value)
        with refused(UsageError, "theme"):
            report(finished).picture("confusion", theme=value)


def test_other_data(finished, odd_data, tmp_path):
    recipe = lenet.recipe("original", epochs=1, lr=0.1)
    lenet.train("1x8x8 | dense 6", odd_data, recipe, run=tmp_path / "odd")
    result = compare_runs(finished, tmp_path / "odd")
    assert result.predictions is None
    assert "Predictions are not compared: they were not tested on the same" in str(result)
    assert result.pairs == ()
    assert json.dumps(result.to_dict())
    page = result.save(tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<script" not in page
    with refused(DataError, "other classes"):
        compare_runs(finished, tmp_path / "odd", data=odd_data)
    both = compare_runs(tmp_path / "odd", tmp_path / "odd", data=odd_data)
    assert both.pairs[0].p_value == 1.0


@pytest.mark.parametrize("count", [0, 1])
def test_too_few(finished, count):
    with pytest.raises(UsageError, match=f"not {count}"):
        compare_runs(*[finished] * count)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["fashion-mnist-lenet-1", "fashion-mnist-lenet-2"], ["lenet-1", "lenet-2"]),
        (["mnist-compact-1", "mnist-lenet-relu-1"], ["compact-1", "lenet-relu-1"]),
        (["a-b-c-1", "a-b-d"], ["c-1", "d"]),
        (["one", "other"], ["one", "other"]),
        (["same-1", "same-1-2"], ["same-1", "same-1-2"]),
        (["alone-1"], ["alone-1"]),
    ],
)
def test_lines_are_called_by_what_tells_them_apart(names, short):
    assert comparison_page._endings(names) == short


def test_the_lines_that_repeat_a_training_read_the_pictures_as_it_did(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_digits("own", {"3": 20, "5": 20})
    how = {"size": 8, "split_seed": 3}
    data = lenet.load("own", **how)
    begun = begin("1x8x8 | dense 2", "own", "modern", {"epochs": 1}, **how)
    run_training(begun.training, Run("r", begun.arguments), None)
    text = unescape(Path("r/report.html").read_text(encoding="utf-8"))
    lines = text[text.index("import lenet\n\nrecipe") :].partition("</code>")[0]
    found = {}
    exec(lines, found)
    assert found["data"].fingerprint() == data.fingerprint()
    assert (found["model"].table == lenet.Model.load("r").table).all()
