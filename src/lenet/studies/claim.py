"""A study as it is written: a claim, and how it is to be tested, in a TOML file.

It is written before it runs::

    claim = "A large learning rate is fine; 2.5 is good."
    data = "fashion-mnist"
    recipe = "original"
    seeds = 5
    most_seeds = 10

    [arms]
    "rate 0.5" = { lr = 0.5 }

    [[expect]]
    text = "2.5 is better than 0.5"
    higher = "base"
    lower = "rate 0.5"

``base`` is the recipe as it is. An arm changes the ``network``, values of the recipe, or
``pixels = "shuffled"``: every image gets the same new order of its pixels. An expectation is yes,
no or open, by the interval of a difference, paired by seed:

    higher, lower   higher - lower is above ``by`` (0)
    same            the difference of the two is within +- ``within``

Each term is an arm; ``{arm, epoch}``, its accuracy after that epoch; a list of arms, the range of
their accuracies; or a number of percent. ``measure`` is test_accuracy in percent, or ``shake``, the
mean step of the test accuracy from epoch to epoch over the second half, or ``seconds``. An
expectation may be of one ``case`` alone. If some is open after ``seeds``, more are run up to
``most_seeds``; of two looks, each has half of the 5 % by which an interval may err.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.data import is_name
from lenet.errors import UsageError, path_text, reason
from lenet.net.words import check_choice, check_key, shown
from lenet.studies.statistics import LEVEL, Mean
from lenet.studies.variation import MAX_SEEDS

FOLDER: Final = Path(__file__).parent / "claims"
SUFFIX: Final = ".toml"
#: What the name of a recipe or a network ends in, where it is a file.
_FILES: Final = (SUFFIX, ".json", ".safetensors", ".onnx", ".keras")
#: The largest file of a study, in bytes.
_LARGEST: Final = 100_000
#: No accuracy, time or difference is as large.
_HUGE: Final = 1e9
BASE: Final = "base"
MEASURES: Final = ("test_accuracy", "shake", "seconds")


@dataclass(frozen=True)
class Expectation:
    """What is to be found, if the claim is true."""

    text: str
    higher: Any = None
    lower: Any = None
    by: float = 0.0
    same: tuple[Any, ...] = ()
    within: float = 0.0
    measure: str = MEASURES[0]
    case: str = ""

    @property
    def epochs(self) -> dict[str, int]:
        """The latest epoch that is asked for, by arm."""
        asked = [term for term in self.terms if isinstance(term, Mapping)]
        return {
            arm: max(term["epoch"] for term in asked if term["arm"] == arm)
            for arm in (term["arm"] for term in asked)
        }

    @property
    def terms(self) -> tuple[Any, ...]:
        """The two that are held against each other."""
        return self.same or (self.higher, self.lower)

    def answer(self, found: Mean) -> str:
        """Return yes, no or open, of the difference of the terms."""
        low, high = found.low, found.high
        if low is None or high is None:
            return "open"
        if self.same:
            if -self.within < low and high < self.within:
                return "yes"
            return "no" if low > self.within or high < -self.within else "open"
        return "yes" if low > self.by else "no" if high < self.by else "open"


@dataclass(frozen=True)
class Study:
    """A claim and how it is tested.

    Attributes:
        name: of its file.
        claim: in words.
        data: the name of a data set, or the path of pictures.
        recipe: the name or file of a recipe, which is the base with ``values`` and ``network``.
        seeds, most_seeds: how many each arm is trained from, and how many where that is open.
        arms: changes by name.
        expect: what is to be found.
        only_by_name: whether ``lenet study all`` leaves it out, because it takes long.
        file: that it was read from. Paths in it start from its folder.
    """

    name: str
    claim: str
    data: str
    expect: tuple[Expectation, ...]
    arms: Mapping[str, Mapping[str, Any]]
    recipe: str = "modern"
    network: str = ""
    values: Mapping[str, Any] | None = None
    seeds: int = 5
    most_seeds: int = 0
    source: str = ""
    only_by_name: bool = False
    file: str = field(default="", repr=False, compare=False)

    @property
    def looks(self) -> list[int]:
        """After how many seeds the verdict is asked for."""
        return [self.seeds, *([self.most_seeds] if self.most_seeds > self.seeds else [])]

    @property
    def level(self) -> float:
        """The level of each interval, so that all looks together err as seldom as one."""
        return 1 - (1 - LEVEL) / len(self.looks)


def names() -> tuple[str, ...]:
    """Return the names of the studies in the package, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}")))


def read_study(source: str | os.PathLike[str]) -> Study:
    """Return a study by its name, the number of the article's note, or its file.

    Raises:
        UsageError: there is no such study, or the file is none.
    """
    text = os.fspath(source) if isinstance(source, str | os.PathLike) else shown(source)
    if text.lower().endswith(SUFFIX):
        path = Path(text)
    else:
        name = f"note-{text}" if text.isdecimal() else text.strip().lower()
        given = name if isinstance(source, str | os.PathLike) else source
        check_choice(given, names(), "the study", more=f", or a {SUFFIX} file")
        path = FOLDER / f"{name}{SUFFIX}"
    try:
        values = tomllib.loads(files.read_regular(path, _LARGEST).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = reason(error) if isinstance(error, OSError) else f"it is no TOML ({error})"
        raise UsageError(f"cannot read the study {path_text(path)}: {why}.") from None
    try:
        return _study(path, values)
    except UsageError as error:
        raise UsageError(f"{path_text(path)}: {error}") from None


def _study(path: Path, values: Mapping[str, Any]) -> Study:
    """Check what a file says, and return it."""
    values = {"arms": {}, "seeds": 5, "most_seeds": 0, "values": {}, **values}
    _check_table("the study", values, Study, {"claim": str, "data": str, "expect": list})
    for key in ("seeds", "most_seeds"):
        if not 0 <= values[key] <= MAX_SEEDS:
            raise UsageError(f"{key} is {values[key]}; it must be from 0 to {MAX_SEEDS:,}.")
    if values["seeds"] < 2:
        raise UsageError(f"seeds is {values['seeds']}; it must be at least 2, for an interval.")
    arms = {BASE: {}, **values["arms"]}
    if wrong := [arm for arm, changes in arms.items() if not isinstance(changes, Mapping)]:
        raise UsageError(f"the arm {shown(wrong[0])} is no table of changes.")
    expect = tuple(_expectation(item, arms) for item in values["expect"])
    if not expect:
        raise UsageError("nothing is expected; say what is to be found, in [[expect]].")
    values = _beside(path.parent, {**values, "arms": arms})
    arms = {name: _beside(path.parent, changes) for name, changes in arms.items()}
    return Study(path.stem, **{**values, "arms": arms, "expect": expect}, file=str(path))


def _beside(folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with their paths from the folder of the file that they stand in."""

    def is_path(name: str, text: str) -> bool:
        is_other = name == "data" and not is_name(text)
        return is_other or (name in ("recipe", "network") and text.lower().endswith(_FILES))

    return {
        name: os.path.abspath(folder / value)
        if isinstance(value, str) and is_path(name, value)
        else value
        for name, value in values.items()
    }


#: What a value of a file may be, by the type it has here.
_KINDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("text", "claim", "data", "recipe", "network"), str),
    **dict.fromkeys(("source", "measure", "case"), str),
    **dict.fromkeys(("seeds", "most_seeds"), int),
    "only_by_name": bool,
    **dict.fromkeys(("by", "within"), int | float),
    **dict.fromkeys(("arms", "values"), Mapping),
    **dict.fromkeys(("expect", "same"), list),
    **dict.fromkeys(("higher", "lower"), str | int | float | Mapping | list),
}


def _check_table(what: str, values: object, kind: type, needed: Mapping[str, Any]) -> None:
    if not isinstance(values, Mapping):
        raise UsageError(f"{what} is {shown(values)}; it must be a table.")
    known = [one.name for one in fields(kind) if one.name not in ("name", "file")]
    for name, value in values.items():
        check_key(name, known, what)
        is_flag = _KINDS[name] is bool
        if not isinstance(value, _KINDS[name]) or isinstance(value, bool) != is_flag:
            raise UsageError(f"{name} of {what} is {shown(value)}, of a wrong type.")
        if isinstance(value, int | float) and not is_flag:
            _check_number(f"{name} of {what}", value)
    if missing := [name for name in needed if name not in values]:
        raise UsageError(f"{what} lacks {missing[0]}.")


def _check_number(what: str, value: float) -> None:
    if isinstance(value, bool) or not -_HUGE <= value <= _HUGE:
        raise UsageError(f"{what} has the number {shown(value)}; it must be finite.")


def _expectation(values: Any, arms: Mapping[str, Any]) -> Expectation:
    _check_table("an expectation", values, Expectation, {"text": str})
    found = Expectation(**{**values, "same": tuple(values.get("same", ()))})
    what = f"the expectation {shown(found.text)}"
    if found.measure not in MEASURES:
        raise UsageError(f"{what} measures {shown(found.measure)}; choose {', '.join(MEASURES)}.")
    is_pair = len(found.same) == 2 and found.higher is found.lower is None
    is_order = not found.same and None not in (found.higher, found.lower)
    if not (is_pair or is_order):
        raise UsageError(f"{what} needs higher and lower, or two that are the same.")
    if is_pair and not found.within > 0:
        raise UsageError(f"{what} needs within, above 0: no two are equal to the last digit.")
    for term in found.terms:
        _check_term(what, term, arms)
    first, second = found.terms
    ranges = [len(term) for term in found.terms if isinstance(term, list)]
    if ranges and (len(ranges) < 2 or len(set(ranges)) > 1):
        raise UsageError(
            f"{what} has a range, which is above 0 by chance alone and grows with the number of "
            "arms; hold it against the range of as many."
        )
    if first == second or all(isinstance(term, int | float) for term in found.terms):
        raise UsageError(f"{what} compares {shown(first)} with {shown(second)}; name another arm.")
    return found


def _check_term(what: str, term: Any, arms: Mapping[str, Any]) -> None:
    if isinstance(term, Mapping):
        epoch = term.get("epoch")
        if set(term) != {"arm", "epoch"} or type(epoch) is not int or epoch < 1:
            raise UsageError(f"{what} has {shown(term)}; give arm and epoch, such as 10.")
        term = term["arm"]
        if not isinstance(term, str):
            raise UsageError(f"{what} has the arm {shown(term)}; give its name.")
    if isinstance(term, list) and len(term) < 2:
        raise UsageError(f"{what} has the range of {shown(term)}; give two arms or more.")
    for name in term if isinstance(term, list) else [term]:
        if isinstance(name, int | float) and not isinstance(term, list):
            _check_number(what, name)
            continue
        check_choice(name, arms, f"an arm of {what}")
