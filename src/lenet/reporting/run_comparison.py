"""Runs beside each other: what was done otherwise, what came of it, and whether that is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lenet.reporting.predictions import PairedComparison, Predictions, compare_pair
from lenet.reporting.record import RunRecord


@dataclass(frozen=True)
class Difference:
    """A value that the runs do not share, one per run; None where a run has none."""

    name: str
    values: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class RunsSideBySide:
    """What is known of two or more runs; the first is compared with each of the others.

    Attributes:
        records: what is written down of each.
        predictions: what their models predict for the test images, in order; None if that cannot
            be compared.
        missing: why not.
    """

    records: Sequence[RunRecord]
    predictions: Sequence[Predictions] | None = None
    missing: str = ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What to call them: their folders' names, or paths where those are equal."""
        names = tuple(record.name for record in self.records)
        if len(set(names)) == len(names):
            return names
        return tuple(str(record.folder) for record in self.records)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The values of recipe, seed, data and network that are not the same in all."""
        settings = [_settings(record) for record in self.records]
        keys = dict.fromkeys(key for values in settings for key in values)
        rows = [Difference(key, tuple(values.get(key) for values in settings)) for key in keys]
        return tuple(row for row in rows if any(value != row.values[0] for value in row.values))

    @cached_property
    def pairs(self) -> tuple[PairedComparison, ...]:
        """The first against each of the others; empty without predictions."""
        if not self.predictions:
            return ()
        first, *others = self.predictions
        return tuple(compare_pair(first, other) for other in others)

    @cached_property
    def figures(self) -> list[dict[str, Any]]:
        """What came of each run; measured anew where the test images are at hand."""
        return [self._figures(place) for place in range(len(self.records))]

    def _figures(self, place: int) -> dict[str, Any]:
        record = self.records[place]
        last: Mapping[str, float] = record.epochs[-1] if record.epochs else {}
        evaluation = self.predictions[place].evaluation if self.predictions else None
        return {
            "status": record.info["status"],
            "parameters": record.info["parameters"],
            "epochs": len(record.epochs),
            "train_loss": last.get("loss"),
            "test_loss": evaluation.loss if evaluation else None,
            "test_accuracy": evaluation.accuracy if evaluation else last.get("test_accuracy"),
            "train_seconds": record.seconds,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON; docs/compare.md explains every key."""
        return {
            "format": "lenet-run-comparison",
            "version": 1,
            "runs": [
                {"name": name, "run": str(record.folder), **figures}
                for name, record, figures in zip(
                    self.names, self.records, self.figures, strict=True
                )
            ],
            "differences": [
                {"name": row.name, "values": list(row.values)} for row in self.differences
            ],
            "duels": [
                {
                    "name": name,
                    "lost": list(pair.lost),
                    "won": list(pair.won),
                    "p_value": pair.p_value,
                }
                for name, pair in zip(self.names[1:], self.pairs, strict=False)
            ],
            "missing": self.missing or None,
        }


def _settings(record: RunRecord) -> dict[str, object]:
    """Return everything that decides a run, by name."""
    own = {
        "network": str(record.network),
        "dataset": record.info["dataset"],
        "source": record.info.get("source"),
        "train_images": record.info.get("train_images"),
    }
    recipe = {name: value for name, value in record.recipe.items() if name != "net"}
    return {**own, **recipe, "seed": record.info["seed"]}
