"""What pyproject.toml says about building: bounds that can be installed, and what is packed."""

import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOWEST = runpy.run_path(str(ROOT / "scripts" / "lowest"))["lowest"]


def project(*dependencies: str, **extras: list[str]) -> dict[str, Any]:
    table = {"dependencies": list(dependencies), "optional-dependencies": extras}
    return {"build-system": {"requires": ["builder>=3"]}, "project": table}


def test_the_lowest_bound_of_each_package() -> None:
    found = LOWEST(project("a>=1.10", "b-c>=2", one=["a>=1.9", "d==4"], other=["a>=1.11", "e"]))
    assert found == {"builder": "3", "a": "1.9", "b-c": "2"}


@pytest.mark.parametrize(
    "requirement", [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
)
def test_every_dependency_has_a_lowest_version(requirement: str) -> None:
    name, _, version = requirement.partition(">=")
    assert LOWEST(PROJECT)[name] == version


def test_the_source_distribution_includes_from_the_root() -> None:
    """Without the slash a name stands for every folder that is called so, one of objects too."""
    patterns = PROJECT["tool"]["scikit-build"]["sdist"]["include"]
    assert {"/native", "/CMakeLists.txt"} <= set(patterns)
    for pattern in patterns:
        assert pattern.startswith("/")
        assert (ROOT / pattern[1:]).exists()


def test_nothing_is_built_in_the_source_tree() -> None:
    assert "build-dir" not in PROJECT["tool"]["scikit-build"]
