"""What ``report`` and ``compare_runs`` return: a run, and runs side by side.

Each prints itself, shows itself in a notebook, gives itself as JSON and saves itself as a page.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.drawing import Drawing, draw
from lenet.drawing.scene import THEMES
from lenet.errors import LenetError, UsageError
from lenet.model import Model
from lenet.net.words import check_choice, did_you_mean, shown
from lenet.reporting import comparison_page, html, pictures, run_page, verdict
from lenet.reporting.predictions import (
    Images,
    Predictions,
    RunsSideBySide,
    predict_test,
    read_model,
)
from lenet.run_folder import CURVE, PAGE, RunRecord, check_files, read_run
from lenet.writing import Result
from lenet.writing.document import Document


@dataclass(frozen=True, eq=False, repr=False)
class RunReport(Result):
    """A run, its model, and what the model predicts for the test images.

    Attributes:
        record: what is written down of the run.
        model: as it is saved.
        predictions: for the test images; None if these are not at hand.
        missing: why they are not.
    """

    record: RunRecord
    model: Model
    predictions: Predictions | None
    missing: str = ""

    @cached_property
    def html(self) -> str:
        """The whole page."""
        return run_page.render_page(self.record, self.model, self.predictions, self.missing)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures that there are of this run."""
        return tuple(name for name, (subject, _) in _PICTURES.items() if subject(self))

    def picture(self, name: str, *, theme: str = "auto") -> Drawing:
        """Draw one picture by itself, to save as SVG, PDF, PNG or TikZ.

        Raises:
            UsageError: there is none of that name, or no such theme.
        """
        check_choice(theme, THEMES, "the theme", "theme")
        if name not in self.pictures:
            near = did_you_mean(name, self.pictures)
            why = f" ({self.missing})" if name in PICTURES and self.missing else ""
            raise UsageError(
                f"there is no picture {shown(name)} of this run{near}{why}; choose "
                f"{', '.join(self.pictures)}.",
                parameter="picture",
            )
        subject, draw_it = _PICTURES[name]
        heading = f"{self.record.name} · {self.record.info['dataset']}"
        return replace(draw_it(subject(self), heading), theme=theme)

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the page, all or nothing; by default as report.html into the run folder, and the
        learning curve beside it.

        Raises:
            OutputError: a file cannot be written.
        """
        if path is None:
            check_files(self.record.folder)
            path = self.record.folder / PAGE
            if self.record.epochs:
                info = self.record.info
                heading = f"{info['dataset']} · {info['parameters']:,} parameters"
                pictures.draw_learning(self.record, heading).save(self.record.folder / CURVE)
        return files.write_text(path, self.html)

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the run in short."""
        return run_page.run_document(self.record, self.predictions, self.missing)

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the learning curve, the confusion matrix and the worst mistakes."""
        chosen = ("learning-curve", "confusion", "mistakes")
        return [self.picture(name) for name in chosen if name in self.pictures]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers on the page, for JSON; docs/report.md explains every key."""
        record, predictions = self.record, self.predictions
        test = None
        if predictions:
            test = {
                **predictions.evaluation.to_dict(),
                "interval": list(predictions.interval),
            }
            if without := predictions.without_copies:
                test["near_copies"] = without.to_dict()
            for values, row in zip(test["classes"], predictions.class_metrics, strict=True):
                values |= {"precision": row.precision, "recall": row.recall, "f1": row.f1}
        known = {key: record.info[key] for key in ("status", "network", "dataset", "parameters")}
        return {
            "format": "lenet-report",
            "version": 1,
            "run": str(record.folder),
            **known,
            "train_seconds": record.seconds,
            **verdict.to_dict(record),
            "pictures": list(self.pictures),
            "missing": self.missing or None,
            "test": test,
        }


#: Each picture by name: what it shows of a run, empty where there is nothing, and who draws it.
_PICTURES: Final[dict[str, tuple[Callable[[RunReport], Any], Callable[[Any, str], Drawing]]]] = {
    "learning-curve": (lambda run: run.record.epochs and run.record, pictures.draw_learning),
    "confusion": (lambda run: run.predictions, pictures.draw_confusion),
    "mistakes": (lambda run: run.predictions, pictures.draw_mistakes),
    "classes": (lambda run: run.predictions, pictures.draw_classes),
    "windows": (lambda run: pictures.window_thumbnails(run.model), pictures.draw_windows),
    "signals": (lambda run: run.record.signals, pictures.draw_signals),
    "calibration": (lambda run: run.predictions, pictures.draw_calibration),
    "coverage": (lambda run: run.predictions, pictures.draw_coverage),
    "layers": (
        lambda run: run.predictions and run,
        lambda run, _: run_page.draw_layers(run.model, run.predictions),
    ),
    "network": (lambda run: run.record, lambda run, _: draw(run.network, name=run.name)),
}
PICTURES: Final = tuple(_PICTURES)


def report(
    run: str | os.PathLike[str],
    *,
    data: Images | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> RunReport:
    """Report on a run folder.

    Args:
        run: the folder. A training that finds a run in its folder goes into ``run-2``: name that.
        data: the data set it was trained on, its name, or the path of pictures; by default what
            the run has written down. If that is not here any more, the report does without.
        data_dir: see :func:`lenet.load`.

    Raises:
        UsageError: there is no run in the folder.
        DataError: its run.json is damaged, it has no model yet, or ``data`` are not the images that
            it was tested on.
        ModelFileError: its model cannot be read.
    """
    record = read_run(run)
    model = read_model(record)
    predictions, missing = _predict([record], [model], data, data_dir)
    return RunReport(record, model, predictions[0] if predictions else None, missing)


class RunComparison(RunsSideBySide, Result):
    """Two or more runs, the first against each of the others."""

    csv_key = "runs"

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the test accuracy and the training loss of all runs, over the epochs."""
        return replace(comparison_page.draw_comparison(self), theme=theme)

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return the comparison in short."""
        return comparison_page.comparison_document(self)

    def pictures_below(self) -> Iterable[Drawing]:
        """Return the curves."""
        return [self.drawing()]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the curves (.svg, .pdf, .png, .tex) or all of it as a page (.html).

        Raises:
            UsageError: the ending is none of these.
            OutputError: the file cannot be written.
        """
        return html.save(path, lambda: comparison_page.render_comparison(self), self.drawing)


def compare_runs(
    *runs: str | os.PathLike[str],
    data: Images | None = None,
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
    tested_on = {
        (record.source, model.classes) for record, model in zip(records, models, strict=True)
    }
    if data is None and len(tested_on) > 1:
        return RunComparison(records, None, "they were not tested on the same data set.")
    return RunComparison(records, *_predict(records, models, data, data_dir))


def _predict(
    records: Sequence[RunRecord],
    models: Sequence[Model],
    data: Images | None,
    data_dir: str | os.PathLike[str] | None,
) -> tuple[list[Predictions] | None, str]:
    """Return what models predict for the images they were tested on; or None, and why not."""
    source = records[0].source if data is None else data
    folder = data_dir or records[0].data_dir
    try:
        runs = zip(records, models, strict=True)
        return [predict_test(record, model, source, folder) for record, model in runs], ""
    except LenetError as error:
        if data is not None or data_dir is not None:
            raise
        return None, str(error)
