"""The lazy root: the map of public names."""

import ast
import inspect
import os
import subprocess
import sys
import types
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import lenet
from lenet.errors import LenetError
from lenet.writing import Result
from refusals import refused

NAMED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
FUNCTIONS = [name for name in lenet.__all__ if inspect.isfunction(getattr(lenet, name))]
CALLABLES = {"watch", "callback"}  # Python says itself what cannot be called


@pytest.mark.parametrize("name", lenet.__all__)
def test_every_name_resolves_and_explains_itself(name):
    value = getattr(lenet, name)
    if isinstance(value, types.ModuleType) or callable(value):
        assert (inspect.getdoc(value) or "").strip(), f"lenet.{name} has no docstring"
    else:
        assert name == "__version__"
        assert isinstance(value, str)


def test_public_methods_explain_themselves():
    bare = [
        f"{name}.{attribute}"
        for name in lenet.__all__
        if inspect.isclass(owner := getattr(lenet, name))
        for attribute, value in vars(owner).items()
        if not attribute.startswith("_")
        and isinstance(value, property | classmethod | types.FunctionType)
        and not inspect.getdoc(getattr(owner, attribute))
    ]
    assert not bare


def test_results_show_themselves_at_the_prompt():
    def kinds(kind):
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    assert {lenet.Report, lenet.Evaluation, lenet.RunComparison} < kinds(Result)
    assert all(
        kind.__repr__ is Result.__repr__ for kind in kinds(Result) if "lenet" in kind.__module__
    )
    report = lenet.explain("lenet")
    assert repr(report) == str(report)
    drawing = lenet.draw("lenet")
    assert repr(drawing) == str(drawing)
    assert "lenet" in repr(drawing)
    assert len(repr(drawing)) < 60


def test_the_stub_is_the_one_list():
    """Every line of it that names something is understood."""
    text = Path(lenet.__file__ + "i").read_text(encoding="utf-8")
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    names = {alias.asname for node in imports for alias in node.names}
    renamed = {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)}
    public = {name for name in names if not name.startswith("_")} | renamed
    assert public == set(dir(lenet)) == {*lenet.__all__, *lenet._EXTRA}
    assert len(imports) == len(names) == len(public)


@pytest.mark.parametrize("folder", ["net", "analysis", "data", "models"])
def test_folders_are_there_from_the_start(folder):
    """Docs call ``lenet.net.to_json``; nothing else need have loaded it before."""
    script = f"import lenet; print(lenet.{folder}.__name__)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert found.stdout.decode().strip() == f"lenet.{folder}"


def test_a_name_is_resolved_once():
    assert lenet.Network is lenet.Network
    assert "Network" in vars(lenet)


def test_unknown_name():
    with refused(AttributeError, "nonsense"):
        _ = lenet.nonsense


def test_star_import():
    names: dict[str, object] = {}
    exec("from lenet import *", names)
    assert set(lenet.__all__) <= set(names)


def test_names_say_where_they_are_from():
    """Nothing public is a re-labelled stranger: each lives in the module that the stub names."""
    assert all(module.split(".")[0] == "lenet" for module, _ in lenet._PUBLIC.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_argument_of_a_wrong_type_is_refused_in_words(name, tmp_path, monkeypatch):
    """Each argument of each function gets what it cannot take, or what it may take after all."""
    function = getattr(lenet, name)
    monkeypatch.chdir(tmp_path)
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name: "lenet" for p in parameters if p.default is p.empty and p.kind in NAMED}
    if name == "bench":
        needed |= {"seconds": 0.1}
    if name == "cross_validate":
        needed |= {"folds": 2, "epochs": 1}
    if name == "tune":  # it takes ten minutes by default
        needed |= {"trials": 1, "epochs": 1, "seeds": 1}
    for parameter in parameters:
        if parameter.kind in NAMED and parameter.name not in {*CALLABLES, "seconds", "minutes"}:
            for value in (5, 1.5, b"x", [5], object()):
                with suppress(LenetError):
                    function(**{**needed, parameter.name: value})


IMAGES, LABELS = np.zeros((6, 1, 4, 4), np.uint8), np.arange(6) % 2
SPLIT = lenet.Split(IMAGES, LABELS)
#: What each class is made of, where all is well.
MADE_OF = {
    "Augmentation": {},
    "AvgPool2d": {"kernel_size": 2},
    "Block": {"layers": [lenet.Dense(3)]},
    "Conv2d": {"channels": 2, "kernel_size": 3},
    "Dataset": {"name": "x", "train": SPLIT, "test": SPLIT, "classes": ["a", "b"]},
    "Dense": {"units": 3},
    "MaxPool2d": {"kernel_size": 2},
    "Model": {"network": "1x4x4 | dense 3"},
    "Network": {"input_shape": (1, 4, 4), "blocks": [lenet.Dense(3)]},
    "Preprocessing": {"input_shape": (1, 4, 4), "mean": [0.0], "std": [1.0], "polarity": None},
    "Recipe": {},
    "Split": {"images": IMAGES, "labels": LABELS},
}
WRONG = (None, 5, -1, 1.5, float("nan"), 10**5000, "zz", b"x", [5], [object()], object(), {"a": 1})


@pytest.mark.parametrize("name", MADE_OF)
def test_a_value_of_a_wrong_type_is_refused_in_words(name):
    """Each value that an object is made of is one that it cannot be, or may be after all."""
    kind = getattr(lenet, name)
    kind(**MADE_OF[name])
    for parameter in inspect.signature(kind).parameters:
        for value in (*WRONG, np.zeros((2, 2))):
            with suppress(LenetError):
                kind(**{**MADE_OF[name], parameter: value})


def test_a_path_of_a_wrong_type_is_refused_in_words():
    model = lenet.Model("1x4x4 | dense 3").initialize()
    for save in (model.save, lenet.draw("tiny").save, lenet.Model.load, lenet.Recipe.from_dict):
        for value in (None, 5, b"x", [5], object()):
            with pytest.raises(lenet.errors.UsageError):
                save(value)


def test_type_checkers_know_the_names(tmp_path):
    """The stub is read as it stands: a wrong type is found, and no name is lost."""
    pytest.importorskip("mypy")
    names = ", ".join(f"lenet.{name}" for name in lenet.__all__)
    script = tmp_path / "uses.py"
    script.write_text(f"import lenet\n({names})\nlenet.parse(3)\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(script)]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    errors = [line for line in result.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1, result.stdout
    assert "int" in errors[0]
    assert Path(lenet.__file__).with_name("py.typed").exists(), "checkers would see no types"
