"""The words of a number being made, for its figure, its page and the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from lenet.looking.inside import Inside
from lenet.looking.scales import number
from lenet.looking.unit import Unit
from lenet.net.shapes import pair_text
from lenet.writing.numbers import plural


def about_unit(look: Inside, unit: Unit) -> Iterator[str]:
    """Say which number it is, and which formula makes it."""
    names = ("channel", "row", "column") if len(unit.place) == 3 else ("unit",)
    where = ", ".join(f"{name} {at}" for name, at in zip(names, unit.place, strict=True))
    step = look.model.plan.steps[look.index(unit.layer)]
    yield f"{unit.layer}, {where}; counted from 0."
    if unit.kernel is None:
        what = "the largest of its window" if step.kind == "maxpool" else "the mean of its window"
        yield f"y = {what}. {_window(look, unit)}"
        return
    if unit.is_distance:
        yield f"y = -sum((x - w)^2). {_window(look, unit)}"
        return
    total = "sum(x w)" if step.norm is None else "normalised(sum(x w))"
    made = f"{total} + b"
    made = made if step.activation == "identity" else f"{step.activation}({made})"
    yield f"y = {made}. {_window(look, unit)}"


def map_name(look: Inside, unit: Unit, channel: int) -> str:
    """Return what to call a map that a unit's layer reads."""
    if unit.layer != look.model.network.names[0]:
        return f"map {channel}"
    return "input" if look.model.network.input_shape[0] == 1 else f"channel {channel}"


def the_map(name: str) -> str:
    """Return a map's name as it stands in a sentence."""
    return "the input" if name == "input" else name


def _window(look: Inside, unit: Unit) -> str:
    if not unit.maps:
        each = "its target, a number" if unit.is_distance else "one weight"
        return f"x: the {plural(unit.window.size, 'number')} before it; w: {each} for each."
    maps, *size = unit.window.shape
    top, left = unit.start
    rows = f"rows {top} to {top + size[0] - 1}, columns {left} to {left + size[1] - 1}"
    which = plural(maps, "map") if maps > 1 else the_map(map_name(look, unit, unit.maps[0]))
    words = f"x: {rows} of {which}"
    if unit.is_padding.any():
        words += f"; {plural(int(unit.is_padding.sum()), 'place')} of it in the padding"
    if unit.kernel is None:
        return f"{words}."
    if unit.is_distance:
        return f"{words}; w: its target, a number for each of them."
    return f"{words}; w: the kernel, {pair_text((size[0], size[1]))} weights for each map."


def term_lines(unit: Unit) -> list[tuple[str, str, str]]:
    """Return words, formula and value of each step, down to the number itself."""
    lines = [(term.words, term.formula, number(term.value)) for term in unit.terms]
    return [*lines, ("the number, as the network has it", unit.name, number(unit.value))]
