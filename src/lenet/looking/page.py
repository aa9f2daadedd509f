"""A look in words: its page, what JSON says of it, and the pictures in a terminal's characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from lenet.data.preprocess import Images
from lenet.drawing import Drawing
from lenet.errors import visible
from lenet.looking.figure import about_picture, int8_words
from lenet.looking.inside import Inside
from lenet.looking.parts import MOST_MAPS, most_active, shown_classes, shrunk
from lenet.looking.scales import Numbers, Scale, number
from lenet.looking.unit import Unit
from lenet.looking.words import about_unit, map_name, term_lines, the_map
from lenet.net import PlacedLayer
from lenet.net.shapes import shape_text
from lenet.terminal import can_show
from lenet.writing.document import Document, Paragraph, Section, Table, table_of
from lenet.writing.html import whole_page, write_html
from lenet.writing.numbers import percent, plural

#: Classes of an answer in a text.
_MOST_CLASSES: Final = 5
#: Dark to light, in characters; each stands for two pixels, one above the other.
_SHADES: Final = (" ░▒▓█", " .:*#")
_SIDE: Final = 28  # characters of a picture, at most
_APART: Final = 4
#: The longer side of a window whose numbers are written, and of how many maps they are.
_MOST_NUMBERS: Final = 7
_MOST_WINDOWS: Final = 3


def document(look: Inside) -> Document:
    """Return the page: answers, then layers, or the layer or unit that was asked for."""
    sections = [Section("", (_answers(look), *map(Paragraph, _notes(look))))]
    if look.units:
        sections += _units(look)
    elif look.layer is not None:
        sections.append(_layer(look, look.layer))
    else:
        sections.append(_layers(look))
    if look.occlusion is not None:
        sections.append(_occlusion(look))
    network = look.model.network
    flow = f"{shape_text(network.input_shape)} to {shape_text(network.output_shape)}"
    return Document(f"Inside the network, {flow}", tuple(sections))


def _notes(look: Inside) -> Iterator[str]:
    for picture in look.pictures:
        if words := about_picture(picture):
            yield f"{picture.name}: {words}" if len(look.pictures) > 1 else words
    if words := int8_words(look):
        yield words


def _answers(look: Inside) -> Table:
    """Return the most probable classes: one row per class, one column per picture."""
    mean = look.probabilities.max(axis=0)
    chosen = shown_classes(mean, _MOST_CLASSES)
    order = sorted(chosen, key=lambda place: -float(mean[place]))
    rows = [
        (look.model.classes[place], *(percent(float(row[place])) for row in look.probabilities))
        for place in order
    ]
    truths = [picture.truth for picture in look.pictures]
    if any(truths):
        rows.append(("it is", *(truth or "-" for truth in truths)))
    names = [picture.name for picture in look.pictures]
    return table_of(rows, ("answer", *names), right=range(1, len(names) + 1))


def _kind(placed: PlacedLayer) -> str:
    layer = placed.layer
    activation = getattr(layer, "activation", "identity")
    return layer.keyword if activation == "identity" else f"{layer.keyword} {activation}"


def _layers(look: Inside) -> Section:
    rows = []
    for placed, values in look.layers:
        scale = Scale.of(values)
        shape = shape_text(placed.output_shape)
        rows.append(
            (
                placed.name,
                _kind(placed),
                shape,
                number(scale.low),
                number(scale.high),
                _zeros(values),
            )
        )
    heads = ("layer", "kind", "output", "from", "to", "zeros")
    what = "Every layer" if len(look.pictures) == 1 else "Every layer, over all pictures"
    return Section(what, (table_of(rows, heads, right=(3, 4, 5)),))


def _zeros(values: Numbers) -> str:
    return f"{100 * float((values == 0).mean()):.0f} %"


def _layer(look: Inside, name: str) -> Section:
    """Return each map's or unit's range, for each picture."""
    values = look.outputs[name]
    chosen = most_active(values, MOST_MAPS)
    is_map = values.ndim == 4
    names = [picture.name for picture in look.pictures]
    rows = []
    for place in chosen:
        cells = (
            Scale.of(part[place]).text if is_map else number(float(part[place])) for part in values
        )
        rows.append((f"{'map' if is_map else 'unit'} {place}", *cells))
    title = f"{name}, {shape_text(values.shape[1:])}"
    if len(chosen) < values.shape[1]:
        title += f": the {len(chosen)} most active"
    return Section(title, (table_of(rows, (name, *names), right=range(1, len(names) + 1)),))


def _units(look: Inside) -> Iterator[Section]:
    for picture, unit in zip(look.pictures, look.units, strict=True):
        about = tuple(map(Paragraph, about_unit(look, unit)))
        yield Section(f"{unit.name} = {number(unit.value)}: {picture.name}", about)
        names = [map_name(look, unit, channel) for channel in unit.maps]
        if max(unit.window.shape[1:]) <= _MOST_NUMBERS and 0 < len(names) <= _MOST_WINDOWS:
            for place, name in enumerate(names):
                yield from _windows(unit, place, name)
        if unit.kernel is not None and len(names) > 1:
            yield Section("", (_sums(unit, names),))
        yield Section("", (table_of(term_lines(unit), right=(2,)),))


def _windows(unit: Unit, place: int, name: str) -> Iterator[Section]:
    """Write the window on one map in numbers, its kernel and the products."""
    parts = {f"x, its window on {the_map(name)}": unit.window[place]}
    if unit.kernel is not None:
        kernel, products = unit.kernel[place], unit.products[place]
        weights = "w, the target" if unit.is_distance else "w, the kernel"
        total = number(float(products.sum()))
        parts |= {weights: kernel, f"{unit.formula}, in all {total}": products}
    for title, values in parts.items():
        scale = Scale.of(values)
        rows = [[scale.short(value) for value in row] for row in values.tolist()]
        yield Section(title, (table_of(rows, right=range(len(rows[0]))),))


def _sums(unit: Unit, names: Sequence[str]) -> Table:
    """Return what each map adds; of many, those that add most."""
    sums = unit.products.sum(axis=(1, 2))
    order = np.argsort(-np.abs(sums), kind="stable")[:MOST_MAPS]
    shown = sorted(map(int, order))
    rows = [(names[place], number(float(sums[place]))) for place in shown]
    if len(rows) < len(names):
        others = float(sums.sum() - sums[shown].sum())
        rows.append((f"the other {plural(len(names) - len(rows), 'map')}", number(others)))
    return table_of(rows, ("it reads", f"sum of {unit.formula}"), right=(1,))


def _occlusion(look: Inside) -> Section:
    assert look.occlusion is not None
    words = []
    for picture, answer, row, found in zip(
        look.pictures, look.answers, look.probabilities, look.occlusion, strict=True
    ):
        place = np.unravel_index(int(found.argmax()), found.shape)
        sides = zip(place, found.shape, picture.image.shape[1:], strict=True)
        row_at, column = (round(int(at) * (side - 1) / max(1, n - 1)) for at, n, side in sides)
        if found.max() <= 0:
            words.append(f"{picture.name}: no part of it lowers {answer} when it is covered.")
            continue
        before = float(row.max())
        after = before - float(found.max())
        words.append(
            f"{picture.name}: {answer} falls from {percent(before)} to {percent(after)} where row "
            f"{row_at}, column {column} and what is around it are covered."
        )
    return Section("Where it matters", tuple(map(Paragraph, words)))


def to_dict(look: Inside) -> dict[str, Any]:
    """Return what there is to say, as values for JSON."""
    classes = look.model.classes
    pictures = [
        {
            "image": picture.name,
            "prepared": picture.prepared,
            "truth": picture.truth,
            "class": answer,
            "probability": float(row.max()),
            "probabilities": dict(zip(classes, row.tolist(), strict=True)),
        }
        for picture, answer, row in zip(
            look.pictures, look.answers, look.probabilities, strict=True
        )
    ]
    layers = []
    for placed, values in look.layers:
        scale = Scale.of(values)
        layers.append(
            {
                "name": placed.name,
                "kind": placed.layer.keyword,
                "output_shape": list(placed.output_shape),
                "low": scale.low,
                "high": scale.high,
                "zeros": float((values == 0).mean()),
            }
        )
    return {
        "network": str(look.model.network),
        "pictures": pictures,
        "layers": layers,
        "layer": look.layer,
        "units": [unit.to_dict() for unit in look.units],
        "occlusion": None if look.occlusion is None else look.occlusion.tolist(),
    }


def html_page(look: Inside, drawing: Drawing) -> str:
    """Write figure and numbers as one file, which loads nothing and runs nothing."""
    title = escape(visible(drawing.title))
    style = (
        "body{margin:0;font:16px/1.5 system-ui,sans-serif}"
        "main{max-width:76em;margin:0 auto;padding:1em}"
        ".figure{overflow-x:auto}.figure svg{max-width:none!important}"
        ":root{color-scheme:light dark}body{background:#fff}"
        "@media (prefers-color-scheme:dark){body{background:#0d1117}}"
    )
    figure = (
        f'<div class="figure" tabindex="0" role="region" aria-label="{title}">{drawing.svg}</div>'
    )
    return whole_page(title, style, f"{figure}\n{write_html(document(look))}")


def in_characters(look: Inside, width: int) -> str:
    """Draw what the network sees, side by side, as far as there is room for all."""
    shades = _SHADES[0] if can_show(_SHADES[0]) else _SHADES[1]
    pictures = [_characters(picture.image, shades) for picture in look.pictures]
    wide = [max(map(len, lines)) for lines in pictures]
    if sum(wide) + _APART * (len(wide) - 1) > width:
        return ""
    height = max(map(len, pictures))
    rows = (
        (" " * _APART).join(
            (lines[row] if row < len(lines) else "").ljust(size)
            for lines, size in zip(pictures, wide, strict=True)
        )
        for row in range(height)
    )
    return "\n".join(row.rstrip() for row in rows)


def _characters(image: Images, shades: str) -> list[str]:
    """Return an image (C, H, W) as lines; dark is nothing, light is full."""
    grey = image.mean(axis=0)
    rows, columns = grey.shape
    scale = min(1.0, _SIDE / columns, 2 * _SIDE / rows)
    wide, tall = max(1, round(columns * scale)), max(1, round(rows * scale / 2))
    places = (shrunk(grey, tall, wide) / 256 * len(shades)).astype(int)
    return ["".join(shades[place] for place in line) for line in places.tolist()]
