"""The lazy root: the map of public names."""

import inspect
import subprocess
import sys
import types

import pytest

import lenet


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


def test_the_map_and_the_list_are_the_same():
    assert sorted(lenet._PUBLIC) == sorted({*lenet.__all__, *lenet._EXTRA}) == dir(lenet)


@pytest.mark.parametrize("folder", ["net", "analysis", "data"])
def test_folders_are_there_from_the_start(folder):
    """Docs call ``lenet.net.to_json``; nothing else need have loaded it before."""
    script = f"import lenet; print(lenet.{folder}.__name__)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert found.stdout.decode().strip() == f"lenet.{folder}"


def test_a_name_is_resolved_once():
    assert lenet.Network is lenet.Network
    assert "Network" in vars(lenet)


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"'lenet' has no attribute 'nonsense'; see dir"):
        _ = lenet.nonsense


def test_star_import():
    names: dict[str, object] = {}
    exec("from lenet import *", names)
    assert set(lenet.__all__) <= set(names)


def test_names_say_where_they_are_from():
    """Nothing public is a re-labelled stranger: each lives in the module that the map names."""
    for module, _ in lenet._PUBLIC.values():
        assert module.startswith("lenet.")
