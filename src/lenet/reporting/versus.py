"""Runs beside each other: what was done otherwise, what came of it, and whether that is chance.

Two models that answer the same images are compared by McNemar's test, in its exact form (McNemar
1947; Dietterich 1998, "Approximate statistical tests for comparing supervised classification
learning algorithms"): only the images that one has right and the other wrong count, and if both
were equally good each of them would be a throw of a fair coin. It speaks of these two models on
images like these, not of what another seed would give.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lenet import files
from lenet.data import Dataset, Split
from lenet.drawing.chart import Chart, Series, draw_charts
from lenet.drawing.drawing import Drawing, format_of
from lenet.drawing.scene import SERIES
from lenet.errors import LenetError, UsageError
from lenet.reporting.answers import (
    Answers,
    answer,
    check_same_images,
    read_images,
    read_model,
)
from lenet.reporting.curves import thinned
from lenet.reporting.record import RunRecord, read_run


@dataclass(frozen=True)
class Difference:
    """A value that the runs do not share, one for each; None where a run has none."""

    name: str
    values: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Duel:
    """One run's answers against the first's, on the same test images; indices of images.

    Attributes:
        lost: right by the first, wrong by the other.
        won: the other way round.
    """

    lost: tuple[int, ...]
    won: tuple[int, ...]

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: the probability of a difference at least as large, if
        both were equally good."""
        return mcnemar(len(self.lost), len(self.won))

    def to_dict(self) -> dict[str, Any]:
        """As values for JSON."""
        return {"lost": list(self.lost), "won": list(self.won), "p_value": self.p_value}


class RunComparison:
    """Two or more runs, the first against each of the others.

    Attributes:
        records: what is written down of each.
        answers: what their models say of the test images, in order; None if that cannot be
            compared.
        missing: why not.
    """

    def __init__(
        self, records: Sequence[RunRecord], answers: Sequence[Answers] | None, missing: str = ""
    ) -> None:
        self.records, self.answers, self.missing = tuple(records), answers, missing

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What to call them: their folders' names, or paths where those are equal."""
        names = [record.name for record in self.records]
        if len(set(names)) == len(names):
            return tuple(names)
        return tuple(str(record.folder) for record in self.records)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The values of recipe, seed, data and network that are not the same in all."""
        found = []
        every = [_settings(record) for record in self.records]
        for name in dict.fromkeys(key for one in every for key in one):
            values = tuple(one.get(name) for one in every)
            if any(value != values[0] for value in values[1:]):
                found.append(Difference(name, values))
        return tuple(found)

    @cached_property
    def duels(self) -> tuple[Duel, ...]:
        """The first against each of the others; empty if answers cannot be compared."""
        if not self.answers:
            return ()
        first, *others = (one.right for one in self.answers)
        return tuple(
            Duel(
                tuple(np.flatnonzero(first & ~other).tolist()),
                tuple(np.flatnonzero(~first & other).tolist()),
            )
            for other in others
        )

    def drawing(self, theme: str = "auto") -> Drawing:
        """Test accuracy and training loss of all runs, over the epochs."""
        charts = (
            Chart("Test accuracy in %", "epoch", self._lines("test_accuracy", 100, ".2f")),
            Chart(
                "Training loss in nats", "epoch", self._lines("loss", 1, "#.3g"), logarithmic=True
            ),
        )
        words = " ".join(chart.description for chart in charts)
        title = f"{', '.join(self.names[:-1])} and {self.names[-1]}"
        return Drawing(draw_charts(charts, title), theme, f"Learning curves: {title}", words)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the curves (.svg, .pdf, .png, .tex) or all of it as a page (.html).

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        if os.fspath(path).lower().endswith((".html", ".htm")):
            from lenet.reporting.versus_page import render_page

            return files.write_text(path, render_page(self))
        format_of(path)
        return self.drawing().save(path)

    def to_dict(self) -> dict[str, Any]:
        """As values for JSON; docs/compare.md explains every key."""
        return {
            "format": "lenet-run-comparison",
            "version": 1,
            "runs": [self._run(place) for place in range(len(self.records))],
            "differences": [
                {"name": one.name, "values": list(one.values)} for one in self.differences
            ],
            "duels": [
                {"name": name, **duel.to_dict()}
                for name, duel in zip(self.names[1:], self.duels, strict=False)
            ],
            "missing": self.missing or None,
        }

    def figures(self, place: int) -> dict[str, Any]:
        """What came of a run; measured anew where the test images are at hand."""
        record = self.records[place]
        epochs = record.epochs
        last = epochs[-1] if epochs else {}
        found = self.answers[place].evaluation if self.answers else None
        return {
            "status": record.info["status"],
            "parameters": record.info["parameters"],
            "epochs": len(epochs),
            "train_loss": last.get("loss"),
            "test_loss": found.loss if found else None,
            "test_accuracy": found.accuracy if found else last.get("test_accuracy"),
            "train_seconds": record.seconds,
        }

    def _run(self, place: int) -> dict[str, Any]:
        record = self.records[place]
        return {"name": self.names[place], "run": str(record.folder), **self.figures(place)}

    def _lines(self, key: str, times: float, end: str) -> tuple[Series, ...]:
        return tuple(
            _series(*both, key, times, end)
            for both in zip(self._named(), self.records, strict=True)
        )

    def _named(self) -> Iterator[tuple[str, str]]:
        for i, name in enumerate(self.names):
            yield name, SERIES[i % len(SERIES)]


def compare_runs(
    *runs: str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> RunComparison:
    """Lay runs side by side; the others are compared with the first.

    Args:
        runs: two or more folders.
        data: the data set that they were all tested on, its name, or the path of pictures; by
            default what they have written down, if it is the same.
        data_dir: see :func:`lenet.load`.

    Raises:
        UsageError: fewer than two, or a folder without a run.
        DataError: a run.json is damaged, or ``data`` has other classes.
        ModelFileError: a model cannot be read.
    """
    if len(runs) < 2:
        raise UsageError(f"give two or more runs to compare, not {len(runs)}.")
    records = [read_run(run) for run in runs]
    models = [read_model(record) for record in records]
    sources = {record.source for record in records}
    classes = {model.classes for model in models}
    if data is None and max(len(sources), len(classes)) > 1:
        return RunComparison(records, None, "they were not tested on the same data set.")
    try:
        source = records[0].source if data is None else data
        folder = data_dir or records[0].data_dir
        images = [read_images(source, folder, model) for model in models]
        answers = [answer(*both) for both in zip(models, images, strict=True)]
        for both in zip(records, answers, strict=True):
            check_same_images(*both)
        return RunComparison(records, answers)
    except LenetError as error:
        if data is not None or data_dir is not None:
            raise
        return RunComparison(records, None, str(error))


def mcnemar(lost: int, won: int) -> float:
    """McNemar's exact two-sided p-value for images that only one or only the other has right."""
    together = lost + won
    ways, tail = 1, 1  # to choose k of them: in whole numbers, so that nothing is rounded
    for k in range(min(lost, won)):
        ways = ways * (together - k) // (k + 1)
        tail += ways
    share: float = 2 * tail / 2**together
    return min(1.0, share)


def _settings(record: RunRecord) -> dict[str, object]:
    """Everything that decides a run, by name."""
    own = {
        "network": str(record.network),
        "dataset": record.info["dataset"],
        "source": record.info.get("source"),
        "train_images": record.info.get("train_images"),
    }
    recipe = {name: value for name, value in record.recipe.items() if name != "net"}
    return {**own, **recipe, "seed": record.info["seed"]}


def _series(named: tuple[str, str], record: RunRecord, key: str, times: float, end: str) -> Series:
    name, role = named
    points = tuple((int(e["epoch"]), times * e.get(key, float("nan"))) for e in record.epochs)
    value = f" {points[-1][1]:{end}}" if points else ""
    return Series(name + value, role, thinned(points))
