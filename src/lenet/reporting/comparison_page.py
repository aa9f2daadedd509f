"""Runs beside each other, written: in short for people, as a picture, and as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from math import inf
from typing import Any, Final

from lenet.drawing import Drawing
from lenet.drawing.chart import Chart
from lenet.drawing.scene import SERIES
from lenet.net.words import listed
from lenet.reporting import html
from lenet.reporting.pictures import (
    Thumbnail,
    drawing_of,
    epoch_series,
    make_thumbnail,
    spread,
)
from lenet.reporting.predictions import SIGNALS, PairedComparison, RunsSideBySide
from lenet.writing.document import Block, Document, Paragraph, Section, Table, table_of
from lenet.writing.numbers import percent, plural, value_text

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
#: What is said of each layer's signals.
_SIGNAL_TEXTS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "relative_gradient": ("gradient / weight", "{:.2g}".format),
    "saturated": ("saturated", percent),
    "sparsity": ("zeros", percent),
    "dead": ("dead units", percent),
}
_SIGNALS: Final = "Signals after the last epoch"
#: Of deeper networks, so many layers are shown, evenly spread; JSON has all.
_MOST_LAYERS: Final = 10
_MOST_ACROSS: Final = 5
#: Longer values, such as networks, have lines of their own.
_LONGEST: Final = 24
#: Images shown of those that only one run has correct.
_MOST_IMAGES: Final = 18
_NO_DIFFERENCE: Final = "The same network, data, recipe and seed."
_DUELS: Final = (
    "On how many test images only {}, and only the other, is correct; and with which probability a "
    "difference this large or larger would come, if the two models were equally good (McNemar's "
    "exact test). Of many comparisons, a few have a small one by chance."
)
#: More runs have a row each, with only what differs, and so have their duels.
_MOST_COLUMNS: Final = 4
#: Of what all runs share, this is told; the rest of the recipe is not.
_COMMON: Final = ("network", "dataset", "train_images", "seed")
#: More runs with the same long value are called all others, once.
_MOST_NAMED: Final = 3


def comparison_document(runs: RunsSideBySide) -> Document:
    """Return the comparison in short."""
    long = [row for row in _difference_rows(runs) if not _is_short(row)]
    sections = [Section("", (_figure_table(runs),))]
    for noun, *texts in long:
        table = table_of(_grouped(runs.names, texts), prose=True, indent=2)
        sections.append(Section(noun, (table,)))
    if common := list(_common_rows(runs)):
        sections.append(Section("The same in all", (table_of(common, prose=True, indent=2),)))
    sections += _signal_sections(runs)
    sections += (Section("", blocks) for blocks in _remarks(runs))
    return Document("", tuple(sections))


def _figure_table(runs: RunsSideBySide) -> Table:
    """Return what came of the runs, and short settings that differ: a column for each run, or, of
    many, a row.
    """
    rows = [*_figure_rows(runs), *filter(_is_short, _difference_rows(runs))]
    if not _are_many(runs):
        return table_of(rows, ("", *runs.names))
    rows = [row for row in rows if len(set(row[1:])) > 1] or rows
    titles = ("", *(title for title, *_ in rows))
    cells = zip(runs.names, *(texts for _, *texts in rows), strict=True)
    return table_of(cells, titles, right=range(1, len(titles)))


def _remarks(runs: RunsSideBySide) -> Iterator[tuple[Block, ...]]:
    """Yield what is said of runs in sentences, and many duels as a table."""
    first, *others = runs.names
    if not runs.differences:
        yield (Paragraph(_NO_DIFFERENCE),)
    duels = list(zip(others, runs.pairs, strict=False))
    if _are_many(runs) and duels:
        rows = [
            (name, f"{len(duel.lost):,}", f"{len(duel.won):,}", _probability_text(duel))
            for name, duel in duels
        ]
        titles = ("", f"{first} alone", "it alone", "probability")
        yield table_of(rows, titles, right=range(1, 4)), Paragraph(_DUELS.format(first), True)
    else:
        for name, duel in duels:
            yield (Paragraph(" ".join(_pair_sentences(first, name, duel))),)
    for words in _missing(runs):
        yield (Paragraph(words),)


def _are_many(runs: RunsSideBySide) -> bool:
    return len(runs.names) > _MOST_COLUMNS


def _is_short(row: Sequence[str]) -> bool:
    return max(map(len, row[1:])) <= _LONGEST


def _grouped(names: Sequence[str], texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return every long value once, with the runs that have it; that of most comes last."""
    groups: dict[str, list[str]] = {}
    for name, text in zip(names, texts, strict=True):
        groups.setdefault(text, []).append(name)
    most = max(groups, key=lambda text: len(groups[text]))
    if len(groups[most]) > _MOST_NAMED:
        del groups[most]
        rest = [("all others", most)]
    else:
        rest = []
    return [*((", ".join(own), text) for text, own in groups.items()), *rest]


def _common_rows(runs: RunsSideBySide) -> Iterator[tuple[str, str]]:
    """Yield what all runs share, once: of many, figures too."""
    for name in _COMMON:
        if name in runs.common:
            yield name.replace("_", " "), value_text(runs.common[name])
    for title, text, *others in _figure_rows(runs) if _are_many(runs) else ():
        if all(other == text for other in others):
            yield title, text


def draw_comparison(runs: RunsSideBySide) -> Drawing:
    """Draw the test accuracy and the training loss of all runs, over the epochs."""
    return drawing_of(comparison_charts(runs), "Learning curves", listed(runs.names))


def comparison_charts(runs: RunsSideBySide) -> list[Chart]:
    """Chart the test accuracy and the training loss of all runs, over the epochs."""
    names = _endings(runs.names)

    def chart(title: str, key: str, times: float, digits: str) -> Chart:
        series = tuple(
            epoch_series(record.epochs, key, name, SERIES[i % len(SERIES)], times, digits)
            for i, (name, record) in enumerate(zip(names, runs.records, strict=True))
        )
        guess = key != "loss" and any(record.is_guessing for record in runs.records)
        limits = (0, 100) if guess else (-inf, inf)
        return Chart(title, "epoch", series, limits, whole=guess, logarithmic=key == "loss")

    return [
        chart("Test accuracy in %", "test_accuracy", 100, ".2f"),
        chart("Training loss in nats", "loss", 1, "#.3g"),
    ]


def _endings(names: Sequence[str]) -> list[str]:
    """Shorten names that begin alike, so that there is room for what tells them apart; but a number
    alone is no name."""
    words = [name.split("-") for name in names]
    shared = takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False))
    for start in range(len(list(shared)), 0, -1):
        endings = ["-".join(parts[start:]) for parts in words]
        if not any(ending.isdecimal() or not ending for ending in endings):
            return endings
    return list(names)


def render_comparison(runs: RunsSideBySide) -> str:
    """Write the whole page."""
    return html.page(listed(runs.names), _body(runs))


def _body(runs: RunsSideBySide) -> Iterator[str]:
    heads = ("", *runs.names)
    lead = "Runs side by side; the others are compared with the first."
    yield html.header(", ".join(runs.names), lead)
    figures = html.table("Figures", heads, _figure_rows(runs))
    yield html.section("Results", figures).html
    yield html.section("Differences in training", *_difference_tables(runs)).html
    if common := list(_common_rows(runs)):
        alike = html.table("The same in all", ("", "all"), common, words=2)
        yield html.section("What was done alike", alike).html
    curves = html.scrolled("Learning curves", html.figure(draw_comparison(runs)))
    yield html.section("Learning", curves).html
    if signals := _signal_rows(runs):
        rows = ((f"{layer} {title}", *cells) for layer, title, *cells in signals)
        table = html.table(_SIGNALS, heads, rows)
        yield html.section("Signal and gradient by layer", table).html
    yield from (html.paragraph(words, "warning") for words in _missing(runs))
    for place, pair in enumerate(runs.pairs, 1):
        yield _pair_section(runs, place, pair).html


def _difference_tables(runs: RunsSideBySide) -> Iterator[str]:
    """Yield what differs: short values with a column for each run, a long one once."""
    heads, rows = ("", *runs.names), _difference_rows(runs)
    if short := list(filter(_is_short, rows)):
        yield html.table("Only what differs", heads, short, words=len(heads))
    for noun, *texts in (row for row in rows if not _is_short(row)):
        yield html.table(noun, ("", "value"), _grouped(runs.names, texts), words=2)
    if not rows:
        yield html.paragraph(_NO_DIFFERENCE)


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


def _signal_sections(runs: RunsSideBySide) -> Iterator[Section]:
    """Yield the signals: a column for each run; of many, a table for each signal and a row for each
    run."""
    if not _are_many(runs):
        rows = [(f"{layer} {title}", *cells) for layer, title, *cells in _signal_rows(runs)]
        if rows:
            yield Section(_SIGNALS, (table_of(rows, ("", *runs.names)),))
        return
    found = _signal_rows(runs, _MOST_ACROSS)
    for title in dict.fromkeys(title for _, title, *_ in found):
        layers = [(layer, cells) for layer, name, *cells in found if name == title]
        rows = list(zip(runs.names, *(cells for _, cells in layers), strict=True))
        heads = ("", *(layer for layer, _ in layers))
        table = table_of(rows, heads, right=range(1, len(heads)))
        yield Section(f"{_SIGNALS}: {title}", (table,))


def _signal_rows(runs: RunsSideBySide, most: int = _MOST_LAYERS) -> list[tuple[str, ...]]:
    """Return one row per layer and signal that any run has, of ``most`` layers: the layer, what it
    is, and one cell per run."""
    known = [{signal.layer: signal for signal in run.last_signals} for run in runs.records]
    layers = spread((signal for run in known for signal in run.values()), most)
    rows = []
    for layer in layers:
        for name, (title, write) in _SIGNAL_TEXTS.items():
            values = [SIGNALS[name](run[layer]) if layer in run else None for run in known]
            if any(value is not None for value in values):
                cells = ("-" if value is None else write(value) for value in values)
                rows.append((layer, title, *cells))
    return rows


def _difference_rows(runs: RunsSideBySide) -> list[tuple[str, ...]]:
    """Return one row per setting that differs: its name, and one cell per run."""
    return [(row.name.replace("_", " "), *map(value_text, row.values)) for row in runs.differences]


def _pair_sentences(first: str, other: str, pair: PairedComparison) -> Iterator[str]:
    """Say which images only one has correct, and what that proves."""
    lost, won = len(pair.lost), len(pair.won)
    yield f"{first} alone is correct on {plural(lost, 'test image')}, {other} alone on {won:,}."
    if lost + won:
        yield (
            "If the two models were equally good, a difference this large or larger would come "
            f"with probability {_probability_text(pair)} (McNemar's exact test)."
        )


def _probability_text(pair: PairedComparison) -> str:
    return "less than 0.0001" if pair.p_value < 1e-4 else f"{pair.p_value:.4f}"


def _missing(runs: RunsSideBySide) -> list[str]:
    return [f"Predictions are not compared: {runs.missing}"] if runs.missing else []
