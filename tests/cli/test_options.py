"""Values on the command line."""

from inspect import signature
from pathlib import Path

import pytest

from lenet.cli.options import KINDS, Option, read_value, value_type, whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-3", -3), ("007", 7), ("9" * 40, None)])
def test_whole_numbers(text, number):
    assert whole_number(text) == (int(text) if number is None else number)


@pytest.mark.parametrize(
    "text", ["", "-", "1.0", "1e3", "0x1", "1_0", " 1", "+1", "--1", "²", "nan", "9" * 5000]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="must be a whole number"):
        read_value("--seed", text, KINDS[int])


def example(
    *,
    seed: int = 0,
    rate: float | None = None,
    output: Path | None = None,
    given: list[str] | None = None,
    dry_run: bool = False,
) -> None: ...


OPTIONS = {name: Option.of(one) for name, one in signature(example).parameters.items()}


def test_names_and_kinds():
    assert [option.names for option in OPTIONS.values()] == [
        ("--seed",),
        ("--rate",),
        ("-o", "--output"),
        ("--given",),
        ("--dry-run",),
    ]
    assert [option.kind for option in OPTIONS.values()] == [
        KINDS[kind] for kind in (int, float, Path, str, bool)
    ]
    assert OPTIONS["given"].repeats
    assert OPTIONS["dry_run"].is_flag
    assert value_type(int | None) is int


def test_reading():
    assert OPTIONS["rate"].read(["1e-3"]) == 0.001
    assert OPTIONS["output"].read(["a b"]) == Path("a b")
    assert OPTIONS["given"].read(["a", "b"]) == ["a", "b"]
    assert OPTIONS["dry_run"].read(["", ""]) is True
    with pytest.raises(ValueError, match=r"^--rate is 'x'; it must be a number$"):
        OPTIONS["rate"].read(["x"])
    with pytest.raises(ValueError, match=r"^--seed is given more than once; give it once$"):
        OPTIONS["seed"].read(["1", "2"])
