"""A run's folder: the name of every file in it, and how what is in it is read and written.

    run.json             arguments, recipe, versions, machine, seed, status, epochs
    recipe.toml          the recipe, every value written out; ``--recipe`` takes it
    split.csv            of images that have names: the class, the split and the group of each
    trained-on.npz       digests of the images that are trained on and validated on
    start.safetensors    of a fine-tuning, the model that it began with
    history.csv          one line per epoch
    signals.csv          one line per layer and epoch: gradients, saturation, sparsity, dead units
    last.safetensors     the model after the last step
    best.safetensors     the model with the lowest validation loss, if the recipe restores that one
    learning-curve.png   loss and accuracy over the epochs
    report.html          all of it as a page to look at
    checkpoint-1, -2     while the run is not finished: all that is needed to go on
    tensorboard/         event files, if they were asked for
    .lock                while a process trains the run

A folder may come from anywhere and be of any age: what is read here is checked, and what a reader
can do without may be missing.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.errors import (
    DataError,
    LenetError,
    OutputError,
    UsageError,
    path_text,
    reason,
    visible,
)
from lenet.net import Network, parse_network
from lenet.net.layers import ACTIVATIONS
from lenet.net.words import shown
from lenet.optimizers import OPTIMIZERS

FORMAT: Final = "lenet-run"
VERSION: Final = 1

INFO: Final = "run.json"
RECIPE: Final = "recipe.toml"
SPLIT: Final = "split.csv"
SEEN: Final = "trained-on.npz"
START: Final = "start.safetensors"
HISTORY: Final = "history.csv"
SIGNALS: Final = "signals.csv"
LAST: Final = "last.safetensors"
BEST: Final = "best.safetensors"
CURVE: Final = "learning-curve.png"
PAGE: Final = "report.html"
CHECKPOINTS: Final = ("checkpoint-1.safetensors", "checkpoint-2.safetensors")
TENSORBOARD: Final = "tensorboard"
LOCK: Final = ".lock"
#: Many trainings of one command have a folder together, with this file and a page in it.
TRIALS: Final = "trials.jsonl"
#: Every file that is written whole or not at all.
FILES: Final = (
    *(INFO, RECIPE, SPLIT, SEEN, START, HISTORY, SIGNALS, LAST, BEST, CURVE, PAGE),
    *CHECKPOINTS,
)
#: Of these, what is written before run.json, with which a run begins.
_BEFORE: Final = (RECIPE, SPLIT, SEEN, START)
#: Where runs without a folder of their own lie.
ROOT: Final = "runs"
#: The largest run.json or signals.csv that is read, in bytes.
_LARGEST: Final = 256_000_000
#: The values of a recipe that are numbers, where it has them.
_NUMBERS: Final = {
    *("epochs", "lr", "momentum", "weight_decay", "warmup_epochs", "step_size", "gamma", "dropout"),
    *("label_smoothing", "max_grad_norm", "ema_decay", "validation_fraction", "patience"),
}
#: The largest batch that a recipe may have.
_LARGEST_BATCH: Final = 1_000_000

#: What a recipe's values were called before. Files from then are still read.
FORMER_NAMES: Final = {
    "smoothing": "label_smoothing",
    "clip": "max_grad_norm",
    "average": "ema_decay",
    "warm_up": "warmup_epochs",
    "step_every": "step_size",
    "step_factor": "gamma",
    "balance": "class_weight",
    "validation": "validation_fraction",
    "keep": "restore_best",
    "net": "network",
}
_FORMER_VALUES: Final[dict[str, dict[object, object]]] = {
    "balance": {False: "", True: "balanced"},
    "keep": {"last": False, "best": True},
}


def with_current_names(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's values under the names that they have now."""
    current: dict[str, Any] = {}
    for name, value in recipe.items():
        new = FORMER_NAMES.get(name, name)
        if new in current or (new != name and new in recipe):
            raise UsageError(f"{new} is given twice, once as {name}; give it once.")
        known = isinstance(value, str | bool)
        current[new] = _FORMER_VALUES.get(name, {}).get(value, value) if known else value
    return current


@dataclass(frozen=True)
class LayerSignal:
    """What flows through one layer after an epoch; RMS is the root of the mean square."""

    epoch: int  # from 1; 0 is before the first
    layer: str  # its name
    weight: float  # RMS of its weights, without the biases
    gradient: float  # RMS of the loss's gradient by these weights
    output: float  # RMS of its outputs, activation included
    saturated: float | None  # share of outputs in a flat part of sigmoid or tanh; None of others
    sparsity: float | None = None  # share of outputs that are zero, of relu; None of others
    dead: float | None = None  # share of units (channels) that are zero for every image, of relu

    @property
    def relative_gradient(self) -> float:
        """The gradient in units of the weights that it is to change."""
        return self.gradient / self.weight if self.weight else 0.0


@dataclass(frozen=True)
class RunRecord:
    """What a run left behind."""

    folder: Path
    info: Mapping[str, Any]  # what run.json holds
    signals: Sequence[LayerSignal] = ()  # of every layer and epoch; may be empty
    no_signals: str = ""  # why they cannot be read, if that is so

    @property
    def name(self) -> str:
        """Its folder's."""
        return visible(self.folder.name or self.folder.resolve().name)

    @property
    def model(self) -> Path:
        """Where the model is saved that the recipe keeps: the best, or the last."""
        best = self.folder / BEST
        keeps_best = self.recipe.get("restore_best") is True and best.exists()
        return best if keeps_best else self.folder / LAST

    @property
    def start(self) -> Path | None:
        """Where the model is saved that a fine-tuning began with; None of any other run."""
        path = self.folder / START
        return path if path.exists() else None

    @property
    def is_complete(self) -> bool:
        """Whether its page is there, and nothing that a run has only until its end."""
        pages = (PAGE, CURVE) if self.epochs else ()
        has_pages = all((self.folder / name).exists() for name in pages)
        passing = [self.folder / name for name in (LOCK, *CHECKPOINTS)]
        passing += [half for name in FILES for half in files.leftovers(self.folder / name)]
        return has_pages and not any(map(os.path.lexists, passing))

    @property
    def network(self) -> Network:
        """What was trained."""
        return parse_network(self.info["network"])

    @property
    def epochs(self) -> list[dict[str, float]]:
        """One dict of numbers per epoch; null is NaN."""
        return [
            {key: math.nan if value is None else value for key, value in epoch.items()}
            for epoch in self.info["epochs"]
        ]

    @property
    def kept(self) -> dict[str, float]:
        """The epoch whose weights :attr:`model` has; empty before the first is done."""
        epochs, number = self.epochs, self.info.get("kept_epoch")
        return next((e for e in epochs if e["epoch"] == number), epochs[-1] if epochs else {})

    @property
    def last_signals(self) -> list[LayerSignal]:
        """Of every layer, what was measured last."""
        last = max((signal.epoch for signal in self.signals), default=0)
        return [signal for signal in self.signals if signal.epoch == last]

    @property
    def chance(self) -> float:
        """The accuracy of who always names the class that most test images are of; of a run of an
        older lenet, as if there were as many of each."""
        return float(self.info.get("chance") or 1 / max(1, len(self.info["classes"])))

    @property
    def is_guessing(self) -> bool:
        """Whether it is hardly better than that: within a tenth of the way to all correct."""
        accuracy = self.kept.get("test_accuracy", math.nan)
        return accuracy < self.chance + 0.1 * (1 - self.chance)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """How it was trained, but for the seed; values have the names of today."""
        return with_current_names(self.info["recipe"])

    @property
    def source(self) -> str:
        """Where its images are from, as ``lenet.load`` takes it: a name or a path."""
        source = self.info.get("source")
        return source if isinstance(source, str) and source else str(self.info["dataset"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What ``lenet.load`` was called with; empty where that is not known."""
        arguments = self.info.get("arguments")
        return arguments if isinstance(arguments, dict) else {}

    @property
    def data_dir(self) -> str | None:
        """The folder of its IDX files, if one was named."""
        data_dir = self.arguments.get("data_dir")
        return data_dir if isinstance(data_dir, str) else None

    @property
    def reading(self) -> dict[str, Any]:
        """Of these arguments those that say how files are to be read, whoever reads them."""
        return {name: self.arguments[name] for name in READING if name in self.arguments}

    @property
    def seconds(self) -> float:
        """Of training."""
        return float(self.info["train_seconds"])


def resume_command(folder: str | os.PathLike[str], data: str = "") -> str:
    """Return the command that goes on with a run; ``data`` says where its images are now."""
    place = f"{data} " * bool(data)
    return f"lenet train {place}--resume {shlex.quote(os.fspath(folder))}"


def is_unbegun(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder has nothing but what a run writes before it begins: none is lost with
    it. A process that was killed then leaves such a folder, and so does one that is beginning."""
    path = Path(folder)
    try:
        names = set(os.listdir(path))
    except (OSError, ValueError):
        return False
    halves = {half.name for name in FILES for half in files.leftovers(path / name)}
    return names <= {LOCK, *_BEFORE, *halves} and (LOCK in names or not names)


def clear_unbegun(folder: Path) -> None:
    """Remove what a run wrote before it began, but for its lock."""
    with suppress(OSError):
        for name in _BEFORE:
            (folder / name).unlink(missing_ok=True)
        remove_leftovers(folder)


def check_files(folder: Path) -> None:
    """Hold that no pipe stands where a file of a run is to be written: nobody may wait for one."""
    for name in FILES:
        path = folder / name
        if path.exists() and not path.is_file():
            raise OutputError(f"cannot write {path}: what stands there is no file; remove it.")


def remove_leftovers(folder: Path) -> None:
    """Remove halves of files that a process left which was killed while it wrote them."""
    for name in FILES:
        files.remove_leftovers(folder / name)


def is_run(path: str | os.PathLike[str]) -> bool:
    """Return whether there is a run in this folder."""
    return _has(path, INFO)


def _has(folder: str | os.PathLike[str], name: str) -> bool:
    try:
        return (Path(folder) / name).is_file()
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False


def holds_runs(folder: str | os.PathLike[str]) -> bool:
    """Return whether this is the folder in which trainings put their runs."""
    path = Path(folder)
    return path.name == ROOT and any(map(is_run, path.iterdir()))


def check_path(folder: object) -> None:
    """Raise a UsageError, if this is no path."""
    if not isinstance(folder, str | os.PathLike):
        raise UsageError(f"the run is {shown(folder)}; give the path of its folder.")


def read_run(folder: str | os.PathLike[str]) -> RunRecord:
    """Read a run's folder, and check its run.json."""
    check_path(folder)
    if not is_run(folder):
        if is_unbegun(folder):
            raise UsageError(
                f"{os.fspath(folder)!r} is no run yet: nothing was begun in it; train into it anew."
            )
        if _has(folder, TRIALS):
            raise UsageError(
                f"{os.fspath(folder)!r} is no run: it holds many trainings that were made to be "
                f"compared; {_page_of_many(Path(folder))}."
            )
        known = Path(ROOT) / Path(folder).name
        near = f" (did you mean {known}?)" if is_run(known) else ""
        raise UsageError(
            f"{os.fspath(folder)!r} is no run: it has no {INFO}{near}; name a folder that "
            "lenet train wrote, such as runs/digits-lenet-relu-1."
        )
    path = Path(folder) / INFO
    try:
        info = json.loads(_read(path))
        _check(info)
    except (ValueError, RecursionError, OSError, LenetError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{path} is damaged ({reason}); bring an intact copy back, or begin a new run."
        ) from error
    record = RunRecord(Path(folder), info)
    try:
        return replace(record, signals=read_signals(folder, record.network))
    except DataError as error:
        return replace(record, no_signals=str(error))


def _page_of_many(folder: Path) -> str:
    """Say where the page of many trainings is: a study's folder has one for each study."""
    pages = sorted(path.name for path in folder.glob("*.html"))
    again = "the same lenet train, study or tune command"
    if not pages:
        return f"{again} goes on with them and makes their page"
    page = PAGE if PAGE in pages else pages[0]
    return f"open {page} in it, or give {again} to see them again"


def run_of(model: object) -> RunRecord | None:
    """Return the run that a model is of, which is its folder or a file in it; None for others."""
    if not isinstance(model, str | os.PathLike):
        return None
    if not is_run(folder := model if is_run(model) else os.path.dirname(model) or "."):
        return None
    with suppress(LenetError):
        return read_run(os.fsdecode(folder))
    return None


def check_output(path: str | os.PathLike[str], *sources: object) -> None:
    """Refuse to write over what is read, or over what a run itself has written.

    Raises:
        UsageError: ``path`` is one of these.
    """
    files.check_other_file(path, *sources)
    place = Path(os.path.realpath(os.fsdecode(path)))
    if place.name in FILES and place.exists() and is_run(place.parent):
        what = f"{path_text(path)} is the run's own, and would be written over"
        raise UsageError(f"{what}; name another file.", parameter="output")


def data_of(model: object) -> tuple[str, str | None]:
    """Return what the run that a model is of was trained on, as ``lenet.load`` takes it: the source
    and ``data_dir``.

    Raises:
        UsageError: the model is of no run, or the run's data were no name and no path.
    """
    record = run_of(model)
    source = record.arguments.get("source") if record else None
    if record is None or source is None:
        why = "are no name or path" if record else "are not known: it is of no run"
        what = f"the data that this model was trained on {why}"
        raise UsageError(f"{what}; name the data to evaluate it on.")
    return source, record.arguments.get("data_dir")


def reading_of(model: object, source: str | os.PathLike[str]) -> dict[str, Any]:
    """Return how a run, or the one that a model lies in, has read ``source``; empty for others.

    Files of numbers in one folder are read in one way: they are the parts of a data set.
    """
    if record := run_of(model):
        asked = os.path.abspath(os.fsdecode(source))
        trained = record.arguments.get("source")
        if asked == trained:
            return record.reading
        if isinstance(trained, str) and os.path.isfile(asked):
            place = trained if os.path.isdir(trained) else os.path.dirname(trained)
            if os.path.dirname(asked) == place and record.reading.get("transpose"):
                return {"transpose": True}
    return {}


def is_elsewhere(model: object, source: str | os.PathLike[str]) -> bool:
    """Return whether it is known that the run a model lies in was trained on another path."""
    record = run_of(model)
    trained = record and record.arguments.get("source")
    return isinstance(trained, str) and os.path.abspath(os.fsdecode(source)) != trained


def write_info(folder: Path, values: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    info = {"format": FORMAT, "version": VERSION, **values}
    files.write_text(folder / INFO, json.dumps(info, indent=2) + "\n")


def write_split(folder: Path, columns: Sequence[str], images: Iterable[Sequence[str]]) -> None:
    """Write ``split.csv``, one line per image: there may be a million."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *images])
    files.write_text(folder / SPLIT, text.getvalue())


def write_history(folder: Path, epochs: Sequence[Mapping[str, Any]], durable: bool = True) -> None:
    """Write ``history.csv``, one line per epoch."""
    least = ("epoch", "loss", "train_accuracy", "test_accuracy", "seconds")
    columns = list(epochs[0] if epochs else least)
    files.write_text(folder / HISTORY, _csv(columns, epochs), durable)


def write_signals(folder: Path, signals: Iterable[LayerSignal], durable: bool = True) -> None:
    """Write ``signals.csv``, one line per layer and epoch."""
    files.write_text(folder / SIGNALS, _csv(_COLUMNS, map(asdict, signals)), durable)


def read_signals(folder: str | os.PathLike[str], network: Network) -> list[LayerSignal]:
    """Read ``signals.csv`` of a run of ``network``; where it is missing there are none.

    Files of an older lenet have what it called saturated: of a relu, that was the zeros. A
    DataError says that the file is damaged.
    """
    path = Path(folder) / SIGNALS
    try:
        reader = csv.DictReader(io.StringIO(_read(path)), strict=True)
        columns = tuple(reader.fieldnames or ())
        if columns not in (_COLUMNS, _FORMER_COLUMNS):
            raise ValueError("it has other columns")
        signals = [_signal(row) for row in reader]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, csv.Error) as error:  # TypeError: a line ends early
        why = reason(error) if isinstance(error, OSError) else "it is no table of signals"
        raise DataError(
            f"{path} cannot be read ({why}); bring an intact copy back, or do without."
        ) from error
    if columns == _COLUMNS:
        return signals
    layers = {place.name: place.layer.values.get("activation", "") for place in network.placed}
    return [_former_signal(signal, layers.get(signal.layer, "")) for signal in signals]


_COLUMNS: Final = tuple(field.name for field in fields(LayerSignal))
_FORMER_COLUMNS: Final = _COLUMNS[:-2]


def _signal(row: Mapping[str, str]) -> LayerSignal:
    sizes = [float(row[name]) for name in ("weight", "gradient", "output")]
    texts = (row.get(name, "") for name in ("saturated", "sparsity", "dead"))
    shares = [float(text) if text else None for text in texts]
    if min(sizes) < 0 or not all(0 <= share <= 1 for share in shares if share is not None):
        raise ValueError("a root of squares is negative, or a share is none")
    return LayerSignal(int(row["epoch"]), row["layer"], *sizes, *shares)


def _former_signal(signal: LayerSignal, activation: str) -> LayerSignal:
    kind, flat = ACTIVATIONS.get(activation), signal.saturated
    saturated = flat if kind and kind.saturates else None
    return replace(signal, saturated=saturated, sparsity=flat if kind and kind.sparse else None)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _read(path: Path) -> str:
    return files.read_regular(path, _LARGEST).decode("utf-8")


def _check(info: Any) -> None:
    """Raise, if not everything is there that a reader needs, and of the right kind."""
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    if (version := info.get("version")) != VERSION:
        raise ValueError(f"its version is {version!r:.40} and this lenet reads {VERSION}")
    for key, kind in {**_KINDS, **_KINDS_IF_THERE}.items():
        value = info.get(key)
        may_lack = key in _KINDS_IF_THERE and value is None
        is_sane = _is_number(value) or not isinstance(value, int)
        is_seed = key == "seed" and type(value) is int  # of any size
        if not may_lack and not (isinstance(value, kind) and (is_sane or is_seed)):
            raise ValueError(f"its {key} is missing or of the wrong kind")
    _check_texts(info)
    _check_arguments(info.get("arguments") or {})
    _check_epochs(info["epochs"])
    _check_recipe(info["recipe"])
    _ = parse_network(info["network"]).placed  # raises if it does not fit


def _check_recipe(recipe: Mapping[str, Any]) -> None:
    """Raise, if a page could not tell how to train so again, or what memory it took."""
    for name in with_current_names(recipe):  # a page writes them into lines of Python
        if not name.isidentifier() or iskeyword(name):
            raise ValueError(f"its recipe has a value called {shown(name)}")
    for name in _NUMBERS & recipe.keys():
        if not _is_number(recipe[name]) or recipe[name] is None:
            raise ValueError(f"the {name} of its recipe is {shown(recipe[name])}")
    if not 0 <= recipe.get("momentum", 0) < 1:
        raise ValueError(f"the momentum of its recipe is {shown(recipe['momentum'])}")
    batch = recipe.get("batch_size", 1)
    if type(batch) is not int or not 0 < batch <= _LARGEST_BATCH:
        raise ValueError(f"the batch_size of its recipe is {shown(batch)}")
    if (optimizer := recipe.get("optimizer", "sgd")) not in list(OPTIMIZERS):
        raise ValueError(f"the optimizer of its recipe is {shown(optimizer)}")


def _check_texts(info: Mapping[str, Any]) -> None:
    """Raise, if a text cannot be printed, or what is a text or a number is none."""
    for key, value in info.items():
        is_fit = _can_be_written if key == "source" else str.isprintable
        if isinstance(value, str) and not is_fit(value):
            raise ValueError(f"its {key} cannot be printed")
    for key, kind in _KINDS_INSIDE.items():
        values = info.get(key) or ()
        pairs = values.items() if isinstance(values, dict) else enumerate(values)
        for name, value in pairs:
            is_row = isinstance(value, list) and all(map(_is_number, value))
            is_good = isinstance(value, kind) or name == "augment" or (key == "recipe" and is_row)
            if not is_good or not _can_be_written(str(value)):
                raise ValueError(f"in its {key} is {shown(value)}, which is of the wrong kind")


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        is_known = isinstance(value, _ARGUMENTS.get(name, ()))
        if isinstance(value, list):
            is_known = is_known and all(isinstance(side, int) for side in value)
        if not is_known or (isinstance(value, str) and not _can_be_written(value)):
            raise ValueError(f"its arguments have a {shown(name)} = {shown(value)}")


def _check_epochs(epochs: Iterable[Any]) -> None:
    for epoch in epochs:
        if not isinstance(epoch, dict) or not all(map(_is_number, epoch.values())):
            raise ValueError("its epochs are no list of numbers by name")
        if not isinstance(epoch.get("epoch"), int):
            raise ValueError("an epoch has no number")


def _can_be_written(text: str) -> bool:
    """Return whether a path can be this; one of any bytes has surrogates, but not every one."""
    try:
        os.fsencode(text)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**63
    return value is None or isinstance(value, float)


_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("status", "network", "dataset"), str),
    **dict.fromkeys(("parameters", "seed"), int),
    **dict.fromkeys(("classes", "epochs"), list),
    **dict.fromkeys(("recipe", "machine"), dict),
    "train_seconds": int | float,
}
#: What may be missing or null, in runs of an older lenet.
_KINDS_IF_THERE: Final[dict[str, Any]] = {
    **dict.fromkeys(("started", "source", "engine"), str),
    **dict.fromkeys(("threads", "kept_epoch"), int),
    **dict.fromkeys(("train_images", "validation_images", "test_images"), int),
    **dict.fromkeys(("resumed", "image_shape"), list),
    "arguments": dict,
    **dict.fromkeys(("test_accuracy", "chance"), int | float),
}
#: What lies in a list or under a name.
_KINDS_INSIDE: Final[dict[str, Any]] = {
    **dict.fromkeys(("classes", "resumed"), str),
    "recipe": str | int | float,
    "machine": object,
}
#: What ``lenet.load`` is called with that says how files are to be read.
READING: Final = ("transpose", "label_from_name", "group", "split_seed")
#: What ``lenet.load`` is called with.
_ARGUMENTS: Final[dict[str, Any]] = {
    **dict.fromkeys(("source", "data_dir", "label_from_name", "group", "fit"), str),
    "split_seed": int,
    **dict.fromkeys(("gray", "rgb", "skip_bad", "transpose"), bool),
    "size": int | str | list,
}
