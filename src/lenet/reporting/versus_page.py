"""Runs beside each other as a page."""

from __future__ import annotations

from collections.abc import Iterator

from lenet.reporting import markup
from lenet.reporting.thumbnails import Tile, cut, image_tile
from lenet.reporting.versus import Duel, RunComparison
from lenet.reporting.versus_text import duel_sentences, figure_rows, value_text

#: Images shown of those that only one run has right.
_MOST = 18


def render_page(comparison: RunComparison) -> str:
    """The whole document."""
    return markup.page(" and ".join(comparison.names), _body(comparison))


def _body(comparison: RunComparison) -> Iterator[str]:
    names = comparison.names
    yield f"<header><h1>{markup.text(', '.join(names))}</h1>"
    yield markup.paragraph("Runs side by side; the others are held against the first.", "lead")
    yield "</header>"
    yield markup.section(
        "What came of them", markup.table("Figures", ("", *names), figure_rows(comparison))
    ).html
    rows = [
        (one.name.replace("_", " "), *map(value_text, one.values)) for one in comparison.differences
    ]
    every = markup.table("Only what differs", ("", *names), rows, words=1 + len(names))
    nothing = markup.paragraph("The same network, data, recipe and seed.")
    yield markup.section("What was done otherwise", every if rows else nothing).html
    curves = markup.scrolled("Learning curves", markup.figure(comparison.drawing()))
    yield markup.section("Learning", curves).html
    if comparison.missing:
        yield markup.paragraph(f"Answers are not compared: {comparison.missing}", "warning")
    for name, duel in zip(names[1:], comparison.duels, strict=False):
        yield _duel(comparison, name, duel).html


def _duel(comparison: RunComparison, name: str, duel: Duel) -> markup.Section:
    first = comparison.names[0]
    parts = [markup.paragraph(words) for words in duel_sentences(first, name, duel)]
    for who, places in ((first, duel.lost), (name, duel.won)):
        if places:
            more = f", the first {_MOST} of {len(places):,}" if len(places) > _MOST else ""
            parts.append(f"<h3>{markup.text(f'Right by {who} alone{more}')}</h3>")
            parts.append(markup.tiles([_tile(comparison, name, i) for i in places[:_MOST]]))
    return markup.section(f"{first} against {name}", *parts)


def _tile(comparison: RunComparison, name: str, index: int) -> Tile:
    assert comparison.answers is not None
    first, other = comparison.answers[0], comparison.answers[comparison.names.index(name)]
    said = [one.classes[int(one.said[index])] for one in (first, other)]
    true = first.classes[int(first.part.labels[index])]
    short = [cut(word) for word in (true, *said)]
    return image_tile(
        first.part.images[index],
        (f"is {short[0]}", f"said {short[1]} and {short[2]}"),
        f"test image {index:,}: is {true}; {comparison.names[0]} said {said[0]}, {name} {said[1]}",
    )
