"""A run as one page: ``report.html`` in its folder, to look at with any browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lenet import files
from lenet.analysis import explain
from lenet.data import Dataset, Split
from lenet.drawing.drawing import Drawing, draw
from lenet.errors import LenetError, UsageError
from lenet.model import Model
from lenet.net.words import did_you_mean, shown
from lenet.reporting import card, markup, sections
from lenet.reporting.answers import (
    Answers,
    answer,
    check_same_images,
    read_images,
    read_model,
)
from lenet.reporting.calibration import reliability_diagram
from lenet.reporting.classes import class_chart
from lenet.reporting.confusion import confusion_matrix
from lenet.reporting.curves import learning_curve, signal_curve
from lenet.reporting.record import RunRecord, read_run
from lenet.reporting.thumbnails import draw_tiles, mistake_tiles, window_tiles
from lenet.writing.numbers import percent, plural

PAGE: Final = "report.html"
PICTURES: Final = (
    "learning-curve",
    "confusion",
    "mistakes",
    "classes",
    "windows",
    "signals",
    "calibration",
    "network",
)
#: How a run ended, where it did not end by itself.
_ENDS: Final = {
    "interrupted": "It was stopped before its last epoch: everything here is as far as it came.",
    "diverged": "It diverged: the loss was no longer a number. The weights are those of the last "
    "whole epoch.",
    "running": "It is not finished, or was ended by force: everything here is as far as it came.",
}


class RunReport:
    """A run, its model, and what the model says of the test images.

    Attributes:
        record: what is written down of the run.
        model: as it is saved.
        answers: what it says of the test images; None if they are not at hand.
        missing: why they are not.
    """

    def __init__(
        self, record: RunRecord, model: Model, answers: Answers | None, missing: str = ""
    ) -> None:
        self.record, self.model, self.answers, self.missing = record, model, answers, missing

    @cached_property
    def html(self) -> str:
        """The whole page."""
        title = f"{self.record.name}: {self.record.info['dataset']}"
        return markup.page(title, self._body())

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures that there are of this run."""
        there = {
            "learning-curve": bool(self.record.epochs),
            "signals": bool(self.record.signals),
            "windows": bool(window_tiles(self.model)),
            "network": True,
        }
        return tuple(name for name in PICTURES if there.get(name, self.answers is not None))

    def picture(self, name: str, theme: str = "auto") -> Drawing:
        """One picture by itself, to save as SVG, PDF, PNG or TikZ.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.pictures:
            near = did_you_mean(str(name), self.pictures)
            why = f" ({self.missing})" if name in PICTURES and self.missing else ""
            raise UsageError(
                f"there is no picture {shown(name)} of this run{near}{why}; choose "
                f"{', '.join(self.pictures)}."
            )
        heading = f"{self.record.name} · {self.record.info['dataset']}"
        match name:
            case "learning-curve":
                return learning_curve(self.record.epochs, heading, theme)
            case "signals":
                return signal_curve(self.record.signals, heading, theme)
            case "network":
                return draw(self.record.network, theme=theme, name=self.record.name)
            case "windows":
                tiles = window_tiles(self.model)
                return draw_tiles(tiles, f"First layer: {heading}", heading, 8, 56, theme)
        assert self.answers is not None
        match name:
            case "confusion":
                return confusion_matrix(self.answers, heading, theme)
            case "classes":
                return class_chart(self.answers, heading, theme)
            case "calibration":
                return reliability_diagram(self.answers, heading, theme)
            case _:
                tiles = mistake_tiles(self.answers)
                return draw_tiles(tiles, f"Worst mistakes: {heading}", heading, 6, 96, theme)

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the page, all or nothing; by default as report.html into the run folder.

        Raises:
            OutputError: the file cannot be written.
        """
        return files.write_text(self.record.folder / PAGE if path is None else path, self.html)

    def to_dict(self) -> dict[str, Any]:
        """The numbers on the page, as values for JSON."""
        record, answers = self.record, self.answers
        found: dict[str, Any] = {
            "format": "lenet-report",
            "version": 1,
            "run": str(record.folder),
            "status": record.info["status"],
            "network": record.info["network"],
            "dataset": record.info["dataset"],
            "parameters": record.info["parameters"],
            "train_seconds": record.seconds,
            "pictures": list(self.pictures),
            "missing": self.missing or None,
            "test": None,
        }
        if answers:
            found["test"] = {
                **answers.evaluation.to_dict(),
                "interval": list(answers.interval),
                "calibration_error": answers.calibration_error,
            }
            for values, one in zip(found["test"]["classes"], answers.class_figures, strict=True):
                values |= {"precision": one.precision, "recall": one.recall, "f1": one.f1}
        return found

    def _body(self) -> Iterator[str]:
        record, answers = self.record, self.answers
        there = [sections.learning(record)]
        if answers:
            there += [sections.mistakes(answers), sections.classes(answers)]
            there += [sections.calibration(answers)]
        perhaps = (sections.signals(record), sections.windows(self.model))
        there += [part for part in perhaps if part]
        there += [sections.analysis(record), card.recipe(record)]
        there += [card.card(record, self.model, answers)]
        yield "<header>"
        yield f"<h1>{markup.text(record.name)}</h1>"
        words = f"{record.info['dataset']} · {explain(record.network).layer_text}"
        yield markup.paragraph(words, "lead")
        yield markup.pairs(self._facts(), "facts")
        if end := _ENDS.get(record.info["status"]):
            yield markup.paragraph(end, "warning")
        if self.missing:
            words = (
                f"The test images are not at hand, and what needs them is left out: {self.missing}"
            )
            yield markup.paragraph(words, "warning")
        yield "</header>"
        yield markup.contents(there)
        yield from (part.html for part in there)
        yield card.made(record)

    def _facts(self) -> Iterator[tuple[str, str]]:
        record, epochs = self.record, self.record.epochs
        if self.answers:
            low, high = (100 * share for share in self.answers.interval)
            yield (
                f"of {len(self.answers.part):,} test images right ({low:.1f} to {high:.1f} %)",
                percent(self.answers.evaluation.accuracy),
            )
        elif epochs and "test_accuracy" in epochs[-1]:
            yield "of the test images right", percent(epochs[-1]["test_accuracy"])
        yield "parameters", f"{record.info['parameters']:,}"
        yield f"seconds of training, {plural(len(epochs), 'epoch')}", f"{record.seconds:,.1f}"
        if self.answers:
            error = percent(self.answers.calibration_error)
            yield "expected calibration error", error


def write_pages(record: RunRecord, model: Model, data: Dataset, threads: int | None) -> None:
    """Put the learning curve and the page into the folder of a run that has just ended.

    Raises:
        OutputError: a file cannot be written.
    """
    title = f"{data.name} · {model.plan.parameters:,} parameters"
    learning_curve(record.epochs, title).save(record.folder / "learning-curve.png")
    RunReport(record, model, answer(model, data, threads)).save()


def report(
    run: str | os.PathLike[str],
    data: Dataset | Split | str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> RunReport:
    """The report of a run folder.

    Args:
        run: the folder.
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
    try:
        source = record.source if data is None else data
        images = read_images(source, data_dir or record.data_dir, model)
        answers = answer(model, images)
        check_same_images(record, answers)
        return RunReport(record, model, answers)
    except LenetError as error:
        if data is not None or data_dir is not None:
            raise
        return RunReport(record, model, None, str(error))
