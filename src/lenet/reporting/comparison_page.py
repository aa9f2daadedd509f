"""Runs beside each other, written: in short for people, as a picture, and as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from lenet.drawing import Drawing
from lenet.drawing.chart import Chart
from lenet.drawing.scene import SERIES
from lenet.net.words import listed
from lenet.reporting import html
from lenet.reporting.pictures import Thumbnail, drawing_of, epoch_series, make_thumbnail
from lenet.reporting.predictions import PairedComparison, RunsSideBySide
from lenet.reporting.run_page import value_text
from lenet.writing.document import Column, Document, Paragraph, Section, Table, table_of
from lenet.writing.numbers import percent, plural

#: What came of a run, and how it is written.
_FIGURES: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "status": ("status", str),
    "parameters": ("parameters", "{:,}".format),
    "epochs": ("epochs done", "{:,}".format),
    "train_loss": ("training loss", "{:.4f}".format),
    "test_loss": ("test loss", "{:.4f}".format),
    "test_accuracy": ("test accuracy", percent),
    "train_seconds": ("seconds", "{:,.1f}".format),
}
#: Longer values, such as networks, have lines of their own.
_LONGEST: Final = 24
#: Images shown of those that only one run has correct.
_MOST_IMAGES: Final = 18
_NO_DIFFERENCE: Final = "The same network, data, recipe and seed."


def comparison_document(runs: RunsSideBySide) -> Document:
    """Return the comparison in short."""
    names, differences = runs.names, _difference_rows(runs)
    short = [row for row in differences if max(map(len, row[1:])) <= _LONGEST]
    rows = [*_figure_rows(runs), *short]
    sections = [Section("", (table_of(rows, ("", *names)),))]
    for noun, *texts in differences:
        if (noun, *texts) not in short:
            cells = Column("", names), Column("", tuple(texts), is_prose=True)
            sections.append(Section(noun, (Table(cells, indent=2),)))
    remarks = [] if differences else [_NO_DIFFERENCE]
    for place, pair in enumerate(runs.pairs, 1):
        remarks.append(" ".join(_pair_sentences(names[0], names[place], pair)))
    sections += (Section("", (Paragraph(words),)) for words in (*remarks, *_missing(runs)))
    return Document("", tuple(sections))


def draw_comparison(runs: RunsSideBySide) -> Drawing:
    """Draw the test accuracy and the training loss of all runs, over the epochs."""

    def chart(title: str, key: str, times: float, digits: str) -> Chart:
        series = tuple(
            epoch_series(record.epochs, key, name, SERIES[i % len(SERIES)], times, digits)
            for i, (name, record) in enumerate(zip(runs.names, runs.records, strict=True))
        )
        return Chart(title, "epoch", series, logarithmic=key == "loss")

    charts = (
        chart("Test accuracy in %", "test_accuracy", 100, ".2f"),
        chart("Training loss in nats", "loss", 1, "#.3g"),
    )
    return drawing_of(charts, "Learning curves", listed(runs.names))


def render_comparison(runs: RunsSideBySide) -> str:
    """Write the whole page."""
    return html.page(listed(runs.names), _body(runs))


def _body(runs: RunsSideBySide) -> Iterator[str]:
    heads = ("", *runs.names)
    lead = "Runs side by side; the others are compared with the first."
    yield html.header(", ".join(runs.names), lead)
    figures = html.table("Figures", heads, _figure_rows(runs))
    yield html.section("What came of them", figures).html
    differences = html.paragraph(_NO_DIFFERENCE)
    if rows := _difference_rows(runs):
        differences = html.table("Only what differs", heads, rows, words=len(heads))
    yield html.section("What was done otherwise", differences).html
    curves = html.scrolled("Learning curves", html.figure(draw_comparison(runs)))
    yield html.section("Learning", curves).html
    yield from (html.paragraph(words, "warning") for words in _missing(runs))
    for place, pair in enumerate(runs.pairs, 1):
        yield _pair_section(runs, place, pair).html


def _pair_section(runs: RunsSideBySide, place: int, pair: PairedComparison) -> html.Section:
    first, other = runs.names[0], runs.names[place]
    parts = [html.paragraph(words) for words in _pair_sentences(first, other, pair)]
    for name, images in ((first, pair.lost), (other, pair.won)):
        if images:
            more = f", the first {_MOST_IMAGES} of {len(images):,}"
            more *= len(images) > _MOST_IMAGES
            shown = (_thumbnail(runs, place, image) for image in images[:_MOST_IMAGES])
            parts += html.heading(f"Correct by {name} alone{more}"), html.thumbnails(shown)
    return html.section(f"{first} against {other}", *parts)


def _thumbnail(runs: RunsSideBySide, place: int, image: int) -> Thumbnail:
    assert runs.predictions is not None
    first, other = runs.predictions[0], runs.predictions[place]
    true = first.classes[int(first.split.labels[image])]
    one, two = (run.classes[int(run.predicted[image])] for run in (first, other))
    return make_thumbnail(
        first.split.images[image],
        (f"is {true}", f"predicted {one} and {two}"),
        f"test image {image:,}: is {true}; {runs.names[0]} predicted {one}, "
        f"{runs.names[place]} {two}",
    )


def _figure_rows(runs: RunsSideBySide) -> Iterator[tuple[str, ...]]:
    """Yield one row per figure that any run has: its title, and one cell per run."""
    for key, (title, write) in _FIGURES.items():
        values = [figures[key] for figures in runs.figures]
        if any(value is not None for value in values):
            yield title, *("-" if value is None else write(value) for value in values)


def _difference_rows(runs: RunsSideBySide) -> list[tuple[str, ...]]:
    """Return one row per setting that differs: its name, and one cell per run."""
    return [(row.name.replace("_", " "), *map(value_text, row.values)) for row in runs.differences]


def _pair_sentences(first: str, other: str, pair: PairedComparison) -> Iterator[str]:
    """Say which images only one has correct, and what that proves."""
    lost, won = len(pair.lost), len(pair.won)
    yield f"{first} alone is correct on {plural(lost, 'test image')}, {other} alone on {won:,}."
    if lost + won:
        probability = "less than 0.0001" if pair.p_value < 1e-4 else f"{pair.p_value:.4f}"
        yield (
            "If the two models were equally good, a difference this large or larger would come "
            f"with probability {probability} (McNemar's exact test)."
        )


def _missing(runs: RunsSideBySide) -> list[str]:
    return [f"Predictions are not compared: {runs.missing}"] if runs.missing else []
