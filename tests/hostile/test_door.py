"""Hostile names into every reader, and a look at every writer.

``SOURCES`` has, for each public function and each verb, what hands foreign text to it. Every result
is written in every format there is. A new function, verb, format or ending fails here until it is
in the table.
"""

import ast
import contextlib
import inspect
import io
import json
import os
import shutil

import numpy as np
import pytest

import lenet
from hostile.readers import (
    SMALL,
    keras_archive,
    keras_parts,
    made_runs,
    parts_of,
    picture_bytes,
    with_header,
)
from lenet.cli.main import main
from lenet.cli.program import program
from lenet.drawing import FORMATS as ENDINGS
from lenet.drawing import Drawing
from lenet.errors import LenetError, visible_lines
from lenet.formats.mxnet_arrays import write_params
from lenet.net import to_json
from lenet.writing import FORMATS, Result, render

#: What a terminal obeys, a line that nobody wrote, text that is read backwards, and no text at all.
NAME = "x\x1b]0;owned\x07\x1b[31m\nlenet: fake\r\u202e\x9b\u2028\udcff<script>$`[a](b)"
#: The same, as a file may be called.
FILE = NAME.replace("/", "")
#: JSON and arguments of Python can hold what no file name can.
TEXTS = (NAME, NAME + "\ud800\x00", "y" * 300_000)


def check_text(text):
    """Nothing is in it that moves a cursor, forges a line, or cannot be encoded."""
    assert text == visible_lines(text)
    assert "\nlenet: fake" not in text
    text.encode()


def check_written(value, folder):
    """Write a value in every way there is, and look at each."""
    for text in written(value, folder):
        check_text(text)
    if isinstance(value, LenetError):
        assert 10 < len(str(value)) < 2_000


def written(value, folder):
    """Yield what a value is to whoever prints, shows or saves it."""
    yield str(value)
    if not isinstance(value, str | LenetError):
        yield repr(value)
    if isinstance(value, Result):
        forms = [form for form in FORMATS if form != "csv" or value.csv_key]
        yield from (render(value, form) for form in forms)
    if hasattr(value, "_repr_html_"):
        yield value._repr_html_()
    if isinstance(value, lenet.RunReport) and "owned" in value.record.name:
        yield from drawn([value.picture(name) for name in value.pictures], folder)
    if isinstance(value, Drawing):
        yield from drawn([value], folder)
    if isinstance(value, lenet.RunReport | lenet.RunComparison):
        yield value.save(folder / "a.html").read_text(encoding="utf-8")


def drawn(pictures, folder):
    """Yield the pictures that are text; the others need only be made."""
    for picture in pictures:
        for ending in ENDINGS:
            path = picture.save(folder / f"a.{ending}")
            if ending in ("svg", "tex"):
                yield path.read_text(encoding="utf-8")


def tried(function, *given, **options):
    """What a function returns, or the error that it is documented to raise."""
    try:
        return function(*given, **options)
    except LenetError as error:
        return error


class Place:
    """A folder with a file of each kind, all of them called by a hostile name."""

    def __init__(self, folder):
        self.folder = folder
        self.net = folder / f"{FILE}.json"
        self.net.write_text(to_json(lenet.parse(SMALL)))
        self.picture = folder / f"{FILE}.png"
        self.picture.write_bytes(picture_bytes("PNG"))
        self.model = folder / f"{FILE}.safetensors"
        lenet.Model(SMALL).initialize().save(self.model)
        self.done, self.stopped = made_runs(folder)
        self.run = folder / FILE
        shutil.copytree(self.done, self.run)
        self.table = self._table()
        self.root = folder / f"set{FILE}"
        self._pictures()
        self.dataset = lenet.load(self.root)

    def _table(self):
        names = [f"d{i}{FILE}.png" for i in range(6)]
        for i, name in enumerate(names):
            (self.folder / name).write_bytes(picture_bytes("PNG", seed=i))
        rows = [f'"{name}",{i % 2}' for i, name in enumerate(names)]
        path = self.folder / "table.csv"
        path.write_bytes(os.fsencode("\n".join(["path,label", *rows])))
        return path

    def _pictures(self):
        for label in "ab":
            (self.root / label).mkdir(parents=True)
            for i in range(4):
                picture = picture_bytes("PNG", seed=ord(label) + i)
                (self.root / label / f"{i}{FILE}.png").write_bytes(picture)

    def edited_model(self, text):
        """Models whose file holds a hostile text wherever a file can hold one."""
        header, data = parts_of(self.model.read_bytes())
        for key in ("classes", "format", "version", "network", "preprocessing", "training"):
            changed = json.loads(json.dumps(header))
            named = [text, "b", "c"] if key == "classes" else {"a": text, text: 1}
            changed["__metadata__"][key] = json.dumps(named)
            yield self._model(changed, data)
        for dtype in (text, "F32"):
            changed = json.loads(json.dumps(header))
            changed[text] = {**changed.pop("dense0.bias"), "dtype": dtype}
            yield self._model(changed, data)

    def _model(self, header, data):
        path = self.folder / "edited.safetensors"
        path.write_bytes(with_header(json.dumps(header).encode(), data))
        return path

    def edited_runs(self, text):
        """Runs whose run.json holds a hostile text in one place after the other."""
        info = json.loads((self.done / "run.json").read_text())
        places = [(info, key) for key, value in info.items()]
        places += [(info[k], key) for k in ("recipe", "machine", "arguments") for key in info[k]]
        for holder, key in places:
            kept = holder[key]
            holder[key] = [text] if isinstance(kept, list) else text
            yield self._run(info)
            holder[key] = kept
        for key in ("recipe", "machine", "arguments"):
            info[key][text] = 1
            yield self._run(info)
            del info[key][text]

    def _run(self, info):
        path = self.folder / "edited"
        shutil.copytree(self.done, path, dirs_exist_ok=True)
        (path / "run.json").write_text(json.dumps(info))
        return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / f"cache{FILE}"))
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def networks(place, function):
    yield tried(function, place.net)
    for text in TEXTS:
        yield tried(function, text)
        yield tried(function, SMALL, name=text)
        yield tried(function, f"{SMALL}, {text}")


def from_load(place):
    for source in (place.table, place.root, NAME, place.net, place.model, place.run):
        data = tried(lenet.load, source)
        yield data
        if isinstance(data, lenet.Dataset):
            yield from (data.summary(), *data.notes, *data.classes)
    for text in TEXTS:
        x = np.arange(96, dtype=np.uint8).reshape(6, 4, 4)
        np.savez(place.folder / "a.npz", x=x, y=np.array([text[:900].replace("\0", ""), "b"] * 3))
        yield tried(lenet.load, place.folder / "a.npz")
        (place.folder / "b.csv").write_bytes(
            f'path,label\n"d0.png","{text}"\nd1.png,b\n'.encode("utf-8", "surrogatepass")
        )
        yield tried(lenet.load, place.folder / "b.csv")
        yield tried(lenet.load, text)
        yield tried(lenet.load, "mnist", data_dir=text)
        split = place.dataset.train
        yield tried(lenet.Dataset, "x", split, None, [text, "b"])


def from_predict(place):
    yield tried(lenet.predict, place.model, place.picture)
    yield tried(lenet.predict, place.model, place.folder / FILE)
    yield tried(lenet.predict, NAME, place.picture)
    for text in TEXTS:
        for path in place.edited_model(text):
            found = tried(lenet.predict, path, place.picture)
            yield found
            yield tried(lenet.explain, path)
        yield tried(lenet.predict, place.model, text)


def from_drift(place):
    yield tried(lenet.drift, place.model, place.picture, against=place.picture)
    yield tried(lenet.drift, place.done, place.picture)
    yield tried(lenet.drift, place.model, place.folder / FILE)
    model = lenet.Model.load(place.done)
    profile = model.training["profile"]
    for text in TEXTS:
        model.training = {"profile": {**profile, "source": text}}
        yield tried(lenet.drift, model, place.picture)
        measures = {**profile["measures"], text: profile["measures"]["brightness"]}
        model.training = {"profile": {**profile, "measures": measures}}
        yield tried(lenet.drift, model, place.picture)
        yield tried(lenet.drift, place.model, place.picture, against=text)
        for path in place.edited_model(text):
            yield tried(lenet.drift, path, place.picture, against=place.picture)


def from_evaluate(place):
    yield tried(lenet.evaluate, place.model, place.root)
    model = lenet.train(SMALL.replace("dense 3", "dense 2"), place.dataset, threads=1)
    yield model
    yield tried(lenet.evaluate, model, place.root)
    yield from (tried(lenet.evaluate, place.model, text) for text in TEXTS)


def from_train(place):
    recipe = lenet.recipe(epochs=1)
    net = SMALL.replace("dense 3", "dense 2")
    run = place.folder / f"run{FILE}"
    yield tried(lenet.train, net, str(place.root), recipe, threads=1, run=run)
    yield tried(lenet.report, run)
    for text in TEXTS:
        yield tried(lenet.train, text)
        yield tried(lenet.train, net, text)
        yield tried(lenet.train, net, recipe=text)
        data = lenet.Dataset(text, place.dataset.train, place.dataset.test, ["a", "b"])
        yield tried(lenet.train, net, data, recipe, threads=1)


def from_clean(place):
    found = tried(lenet.clean, place.root, folds=2)
    yield found
    yield found.save(place.folder / f"{FILE}.html").read_text(encoding="utf-8")
    found.save(place.folder / f"{FILE}.csv")  # has the names as they are
    for text in TEXTS:
        yield tried(lenet.clean, text)
        yield tried(lenet.clean, place.root, label_from_name=text)
        yield tried(found.save, text)
        yield tried(found.of_kind, text)
        names = [text] * len(place.dataset.train)
        split = lenet.Split(place.dataset.train.images, place.dataset.train.labels, names=names)
        data = tried(lenet.Dataset, text, split, None, [f"a{text}"[:100], "b"])
        yield tried(lenet.clean, data, folds=2)


def from_report(place):
    yield tried(lenet.report, place.run)
    yield from (tried(lenet.report, text) for text in TEXTS)
    for text in TEXTS[:2]:
        yield from (tried(lenet.report, path) for path in place.edited_runs(text))


def from_compare_runs(place):
    yield tried(lenet.compare_runs, place.done, place.run)
    for path in place.edited_runs(NAME):
        yield tried(lenet.compare_runs, place.done, path)
        yield tried(lenet.compare_runs, path, path)


def from_resume(place):
    for text in TEXTS[:2]:
        yield tried(lenet.resume, text)
        for path in place.edited_runs(text):
            (path / "start.safetensors").unlink(missing_ok=True)
            yield tried(lenet.resume, path, threads=1)


def from_reconcile(place):
    for text in TEXTS:
        yield tried(lenet.reconcile, SMALL, text)
        yield tried(lenet.reconcile, SMALL, {text: (1, 2), "dense0.weight": (3, 8)}, name=text)
        yield from (tried(lenet.reconcile, SMALL, path) for path in place.edited_model(text))


def from_export(place):
    """Source code is written with names of classes in it, and they stay names."""
    classes = ['a"); system("id"); //', "*/ int x; /*", '"""' + "'''\\"]
    model = lenet.Model(SMALL, classes=classes).initialize()
    for ending in ("c", "py", "onnx"):
        yield tried(lenet.export, model, place.folder / f"{FILE}.{ending}")
        yield tried(lenet.export, place.model, place.folder / f"{FILE}2.{ending}")
    for path in place.folder.glob("*.py"):
        assert isinstance(ast.parse(path.read_text()).body[-1], ast.stmt)
        yield path.read_text()
    yield from (path.read_text() for path in place.folder.glob("*.c"))
    for text in TEXTS:
        yield tried(lenet.export, text, "a.c")
        yield tried(lenet.export, model, text)


def from_import_model(place):
    """Names of tensors, nodes, operators and classes are a stranger's."""
    model = lenet.Model(SMALL).initialize()
    tensors = model.state_dict()
    folder = place.folder / "imported"
    folder.mkdir()
    for text in TEXTS[:2]:
        name = text.encode("utf-8", "replace").decode()
        params = folder / f"{FILE}.params"
        params.write_bytes(write_params({f"{name}{n}": v for n, v in tensors.items()}))
        yield tried(lenet.import_model, params, net=SMALL)
        yield tried(lenet.import_model, params, net="tiny")
        lenet.export(model, params)
        (symbol,) = folder.glob("*-symbol.json")
        nodes = json.loads(symbol.read_text())["nodes"]
        for key in ("op", "name", "kernel", "pool_type", "act_type"):
            changed = [
                {**node, key: text}
                if key in ("op", "name")
                else {**node, "attrs": {**node.get("attrs", {}), key: text}}
                for node in nodes
            ]
            symbol.write_text(json.dumps({"nodes": changed}))
            yield tried(lenet.import_model, params)
        symbol.unlink()
        onnx = folder / f"{FILE}.onnx"
        lenet.export(model, onnx)
        content = onnx.read_bytes()
        for word in (b"conv0.weight", b"Conv", b"image", b"classes"):
            changed = NAME.encode("utf-8", "surrogateescape")[: len(word)].ljust(len(word))
            onnx.write_bytes(content.replace(word, changed))
            yield tried(lenet.import_model, onnx)
            yield tried(lenet.explain, onnx)
        for settings, weights in hostile_keras(text):
            (folder / f"{FILE}.keras").write_bytes(keras_archive(settings, weights))
            yield tried(lenet.import_model, folder / f"{FILE}.keras")
    for text in TEXTS:
        for ending in ("", ".params", ".onnx", ".keras", ".pt", ".safetensors"):
            yield tried(lenet.import_model, f"{text}{ending}", net=text)
        yield tried(lenet.import_model, place.model, classes=[text] * 3)
        yield tried(lenet.import_model, place.model, activation=text)
        yield tried(lenet.import_model, place.model, input_shape=text)
        yield tried(lenet.import_model, place.model, mean=text)


def hostile_keras(text):
    """Settings in which every name, class and choice of a layer has been the text once."""
    settings, weights = keras_parts()
    for number, layer in enumerate(settings["config"]["layers"]):
        for key in ("module", "class_name", *layer["config"]):
            changed = json.loads(json.dumps(settings))
            entry = changed["config"]["layers"][number]
            (entry if key in entry else entry["config"])[key] = text
            yield json.dumps(changed).encode(), weights


def from_quiz(place):
    asked = lenet.quiz(place.net)
    yield from (asked, asked.key)
    for ending in (".md", ".html", ".tex", ".txt"):
        yield asked.save(place.folder / f"{FILE}{ending}").read_text(encoding="utf-8")
    asked.save(place.folder / f"{FILE}.pdf")
    yield from (tried(lenet.quiz, text) for text in TEXTS)
    yield from (tried(lenet.quiz, SMALL, input_shape=text) for text in TEXTS)
    yield from (tried(asked.save, text) for text in TEXTS)


def from_look(place):
    yield tried(lenet.look, place.model, place.picture)
    found = tried(lenet.look, place.model, place.picture, layer="conv0", occlusion=True)
    yield found
    if isinstance(found, Result):
        for ending in (".svg", ".tex", ".html"):
            yield found.save(place.folder / f"{FILE}{ending}").read_text(encoding="utf-8")
    for text in TEXTS:
        yield tried(lenet.look, place.model, text)
        yield tried(lenet.look, text, place.picture)
        for name in ("layer", "unit"):
            yield tried(lenet.look, place.model, place.picture, **{name: text})


def from_predict_into(place):
    yield tried(lenet.predict_into, place.folder / "a.csv", place.model, place.picture)
    for text in TEXTS:
        yield tried(lenet.predict_into, text, place.model, place.picture)
        yield tried(lenet.predict_into, place.folder / "b.csv", text, place.picture)
        yield tried(lenet.predict_into, place.folder / "c.csv", place.model, text)


def from_serve(place):
    pytest.importorskip("uvicorn")
    for text in TEXTS:
        yield tried(lenet.serve, f"{text}missing", port=0)  # what is there is served
        yield tried(lenet.serve, port=text)


def from_checks(place):
    yield lenet.checks()  # of a cache with a hostile name


def from_vary(place):
    data = lenet.load(place.root)
    yield tried(lenet.vary, place.net, data)
    for text in TEXTS:
        named = place.folder / f"{text[:20].replace('/', '')}.json"
        with contextlib.suppress(OSError, ValueError):
            named.write_text(lenet.net.to_json(lenet.parse("1x4x4 | dense 2")))
            yield lenet.vary([named, "tiny"], data, epochs=1, seeds=1)
        yield tried(lenet.vary, [text, SMALL], data, epochs=1)
        yield tried(lenet.vary, SMALL, text)
        yield tried(lenet.vary, SMALL, data, seeds=text)
        yield tried(lenet.vary, SMALL, data, optimizer=[text])


def from_choose(place):
    yield lenet.choose(place.root)
    for text in TEXTS:
        yield tried(lenet.choose, text)
        yield tried(lenet.choose, place.root, text)
        yield tried(lenet.choose, place.root, recipe=text)
        yield tried(lenet.choose, place.root, **{text: 1})


def from_cross_validate(place):
    data = lenet.load(place.root)
    yield lenet.cross_validate(SMALL.replace("dense 3", "dense 2"), data, folds=2, epochs=1)
    for text in TEXTS:
        yield tried(lenet.cross_validate, text, data)
        yield tried(lenet.cross_validate, SMALL, text)
        yield tried(lenet.cross_validate, SMALL, data, text)


def from_tune(place):
    data = lenet.load(place.root)
    few = {"trials": 2, "epochs": 1, "seeds": 1, "budget": "parameters=500"}
    yield tried(lenet.tune, data, **few, folder=place.folder / f"tune{FILE}")
    yield tried(lenet.tune, place.root, **few)
    for text in TEXTS:
        named = tried(lenet.Dataset, text, place.dataset.train, place.dataset.test, ["a", "b"])
        yield tried(lenet.tune, named, **few)
        yield tried(lenet.tune, text, **few)
        yield tried(lenet.tune, data, trials=1, budget=text)
        yield tried(lenet.tune, data, trials=1, budget={text: 1})
        yield tried(lenet.tune, data, trials=1, strategy=text)


def from_study(place):
    path = place.folder / f"{FILE}.toml"
    for text in TEXTS:
        name = json.dumps(text.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")
        path.write_text(
            f'claim = {name}\ndata = "digits"\nnetwork = "1x8x8 | dense 10"\nseeds = 2\n'
            f"[values]\nepochs = 1\n[arms]\n{name} = {{ lr = 0.5 }}\n"
            f'[[expect]]\ntext = {name}\nhigher = "base"\nlower = {name}\ncase = {name}\n'
        )
        yield tried(lenet.study, path)
        yield tried(lenet.study, text)


def each(function, *before):
    return lambda place: (tried(function, *before, text) for text in TEXTS)


#: What hands foreign text to each public function; what takes none is told so.
SOURCES = {
    "explain": lambda place: networks(place, lenet.explain),
    "diagnose": lambda place: networks(place, lenet.diagnose),
    "balance": lambda place: networks(place, lenet.balance),
    "draw": lambda place: networks(place, lenet.draw),
    "quiz": from_quiz,
    "bench": lambda place: (tried(lenet.bench, text, against=[text]) for text in TEXTS),
    "compare": lambda place: [
        tried(lenet.compare, place.net, SMALL),
        *(tried(lenet.compare, SMALL, "tiny", names=[text, "b"]) for text in TEXTS),
    ],
    "dense_versus_conv": each(lenet.dense_versus_conv),
    "deduce": each(lenet.deduce),
    "parse": each(lenet.parse),
    "recipe": lambda place: [
        *(tried(lenet.recipe, text) for text in TEXTS),
        *(tried(lenet.recipe, "modern", **{text: 1}) for text in TEXTS),
        *(tried(lenet.recipe, {"network": text, "optimizer": text}) for text in TEXTS),
    ],
    "load": from_load,
    "predict": from_predict,
    "predict_into": from_predict_into,
    "drift": from_drift,
    "look": from_look,
    "serve": from_serve,
    "evaluate": from_evaluate,
    "clean": from_clean,
    "train": from_train,
    "report": from_report,
    "compare_runs": from_compare_runs,
    "resume": from_resume,
    "reconcile": from_reconcile,
    "checks": from_checks,
    "vary": from_vary,
    "choose": from_choose,
    "cross_validate": from_cross_validate,
    "study": from_study,
    "tune": from_tune,
    "export": from_export,
    "import_model": from_import_model,
    "from_keras": each(lenet.from_keras),
}


def test_every_public_function_is_in_the_table():
    functions = {name for name in lenet.__all__ if inspect.isfunction(getattr(lenet, name))}
    assert set(SOURCES) == functions


@pytest.mark.parametrize("name", SOURCES)
def test_whatever_goes_in_nothing_harmful_comes_out(name, place, tmp_path):
    values = 0
    for value in SOURCES[name](place):
        check_written(value, tmp_path)
        values += 1
    assert values


#: A command line of each verb, of a hostile place.
COMMANDS = {
    "train": lambda p: [["train", p.root, "--dry-run"], ["train", p.root, "--epochs", "1"]],
    "report": lambda p: [["report", p.run], ["report", p.run, "--json"], ["report", NAME + "x"]],
    "evaluate": lambda p: [["evaluate", p.model, p.root], ["evaluate", p.model, NAME]],
    "clean": lambda p: [
        ["clean", p.root, "--folds", "2", "-o", f"{FILE}.html"],
        ["clean", p.root, "--folds", "2", "--json"],
        ["clean", NAME, "-o", NAME],
    ],
    "predict": lambda p: [["predict", p.model, p.picture], ["predict", NAME, p.picture]],
    "drift": lambda p: [
        ["drift", p.model, p.picture],
        ["drift", p.model, p.picture, "--against", p.picture],
        ["drift", NAME, p.picture, "--fail-above", NAME],
    ],
    "look": lambda p: [
        ["look", p.model, p.picture],
        ["look", p.model, p.picture, "-o", f"{FILE}.svg"],
        ["look", p.model, NAME, "--layer", NAME],
        ["look", NAME, p.picture, "--unit", NAME],
    ],
    "serve": lambda p: [["serve", NAME + "missing", "--port", "0"], ["serve", "--port", NAME]],
    "explain": lambda p: [
        *(["explain", p.net, "--format", form] for form in FORMATS),
        *(["explain", text] for text in TEXTS),
    ],
    "deduce": lambda p: [["deduce", text] for text in TEXTS],
    "diagnose": lambda p: [["diagnose", p.net], ["diagnose", SMALL, "--weights", p.model]],
    "draw": lambda p: [["draw", p.net, "-o", f"{FILE}.svg"]],
    "compare": lambda p: [["compare", p.net, "tiny"], ["compare", p.run, p.done]],
    "balance": lambda p: [["balance", p.net], ["balance", "tiny", "--budget", NAME]],
    "bench": lambda p: [["bench", NAME], ["bench", "tiny", "--against", NAME]],
    "quiz": lambda p: [
        ["quiz", p.net, "--json"],
        ["quiz", p.net, "--worksheet", f"{FILE}.md"],
        ["quiz", NAME, "--worksheet", NAME],
    ],
    "checks": lambda p: [["checks"]],
    "tune": lambda p: [
        ["tune", p.root, "--trials", "1", "--epochs", "1", "--seeds", "1"],
        ["tune", NAME],
        ["tune", "--budget", NAME],
    ],
    "study": lambda p: [["study"], ["study", NAME], ["study", f"{NAME}.toml"]],
    "export": lambda p: [["export", p.model, f"{FILE}.c"], ["export", NAME, "a.c"]],
    "import": lambda p: [
        ["import", p.model, "-o", f"{FILE}.safetensors"],
        ["import", NAME, "-o", "a.safetensors"],
        ["import", p.model, "--net", NAME, "--classes", NAME, "-o", NAME],
    ],
}


def test_every_verb_is_in_the_table():
    assert set(COMMANDS) == set(program.commands)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_terminal_is_spared(verb, place):
    name = f"{NAME}missing" if verb == "serve" else NAME  # a run that is there would be served
    wrong = [[verb, f"--{NAME}"], [verb, name, name, name, name], [verb, "y" * 100_000]]
    for command in [*COMMANDS[verb](place), *wrong]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([os.fspath(word) for word in command])
        assert status in (0, 1, 2)
        check_text(out.getvalue())
        check_text(err.getvalue())
        assert len(err.getvalue()) < 3_000
        assert status == 0 or err.getvalue().startswith("lenet: ")


def test_lines_of_python_hold_no_others(place):
    """What a page tells to run is built of names and values that are known."""
    info = json.loads((place.done / "run.json").read_text())
    info["recipe"]["lr=1)\nimport os; os.system('id')\nlenet.Recipe(epochs"] = 1
    (place.done / "run.json").write_text(json.dumps(info))
    with pytest.raises(lenet.errors.DataError):
        lenet.report(place.done)
