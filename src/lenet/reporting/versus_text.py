"""Runs beside each other as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from lenet.net.words import name_text
from lenet.reporting.versus import Duel, RunComparison
from lenet.writing.numbers import plural
from lenet.writing.prose import side_by_side, wrapped

#: What came of a run, and how it is written.
FIGURES = {
    "status": ("status", "{}"),
    "parameters": ("parameters", "{:,}"),
    "epochs": ("epochs done", "{:,}"),
    "train_loss": ("training loss", "{:.4f}"),
    "test_loss": ("test loss", "{:.4f}"),
    "test_accuracy": ("test accuracy", "{:.2f} %"),
    "train_seconds": ("seconds", "{:,.1f}"),
}
#: Longer values, such as networks, have lines of their own.
_LONGEST = 24


def render_runs(comparison: RunComparison, width: int = 80) -> str:
    """In lines of at most ``width`` characters, as far as the names allow."""
    names = [name_text(name) for name in comparison.names]
    short = [one for one in comparison.differences if max(map(_length, one.values)) <= _LONGEST]
    rows = [["", *names], *([title, *cells] for title, *cells in figure_rows(comparison))]
    rows += [[one.name.replace("_", " "), *map(value_text, one.values)] for one in short]
    sections = [[line.rstrip() for line in side_by_side(rows)]]
    for one in comparison.differences:
        if one not in short:
            lines = [one.name.replace("_", " ")]
            for name, value in zip(names, one.values, strict=True):
                lines += wrapped(f"{name}: {value_text(value)}", width, "  ", "    ")
            sections.append(lines)
    if not comparison.differences:
        sections.append(["The same network, data, recipe and seed."])
    for name, duel in zip(names[1:], comparison.duels, strict=False):
        sections.append(
            [line for text in duel_sentences(names[0], name, duel) for line in wrapped(text, width)]
        )
    if comparison.missing:
        sections.append(wrapped(f"Answers are not compared: {comparison.missing}", width))
    return "\n\n".join("\n".join(lines) for lines in sections)


def figure_rows(comparison: RunComparison) -> Iterator[tuple[str, ...]]:
    """A row a figure: its title, and a cell a run."""
    every = [comparison.figures(place) for place in range(len(comparison.records))]
    for key, (title, how) in FIGURES.items():
        values = [one[key] for one in every]
        if key == "test_accuracy":
            values = [None if value is None else 100 * value for value in values]
        if any(value is not None for value in values):
            yield title, *("-" if value is None else how.format(value) for value in values)


def duel_sentences(first: str, other: str, duel: Duel) -> Iterator[str]:
    """Which images only one has right, and what that proves."""
    lost, won = len(duel.lost), len(duel.won)
    yield (f"{first} alone is right on {plural(lost, 'test image')}, {other} alone on {won:,}.")
    if lost + won:
        chance = "less than 0.0001" if duel.p_value < 1e-4 else f"{duel.p_value:.4f}"
        yield (
            "If the two models were equally good, a difference this large or larger would come "
            f"with probability {chance} (McNemar's exact test)."
        )


def value_text(value: object) -> str:
    """A setting as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _length(value: object) -> int:
    return len(value_text(value))
