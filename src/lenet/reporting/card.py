"""The model card: what it is for, from what it was made, where it ends, and how to use it.

After Mitchell et al. 2019, "Model cards for model reporting", as far as a run knows it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any, Final

from lenet.model import Model
from lenet.net.shapes import shape_text
from lenet.net.words import listed
from lenet.reporting import markup
from lenet.reporting.answers import Answers
from lenet.reporting.record import RunRecord
from lenet.version import VERSION
from lenet.writing.numbers import plural

#: Of more classes, the first are named.
_NAMED: Final = 30


def recipe(record: RunRecord) -> markup.Section:
    """Every value that decides the training, and the line that does it again."""
    values = {**record.recipe, "seed": record.info["seed"]}
    rows = ((key.replace("_", " "), _value(value)) for key, value in values.items())
    words = (
        "The same network, data, recipe and seed give the same weights, bit for bit, on any number "
        "of threads of the same instruction set."
    )
    arguments = "".join(f"    {key}={value!r},\n" for key, value in record.recipe.items())
    again = (
        "import lenet\n\n"
        f"recipe = lenet.Recipe(\n{arguments})\n"
        f"network = {str(record.network)!r}\n"
        f"model = lenet.train(network, {record.source!r}, recipe, "
        f"seed={record.info['seed']!r})"
    )
    return markup.section(
        "The recipe", markup.pairs(rows, "card short"), markup.paragraph(words), markup.code(again)
    )


def card(record: RunRecord, model: Model, answers: Answers | None) -> markup.Section:
    """The card and the commands."""
    path = shlex.quote(str(record.model))
    commands = (
        f"lenet predict {path} your-image.png\n"
        f"lenet evaluate {path} {shlex.quote(record.source)}\n"
        f"lenet explain {path}"
    )
    rows = markup.pairs(_rows(record, model, answers), "card")
    return markup.section("Model card", rows, "<h3>Use it</h3>", markup.code(commands))


def _rows(record: RunRecord, model: Model, answers: Answers | None) -> Iterator[tuple[str, str]]:
    info, names = record.info, model.classes
    many = f"{len(names):,} class" + "es" * (len(names) != 1)
    yield (
        "For",
        (
            f"Telling {many} apart on images like those of {info['dataset']}: one class an image, "
            f"scaled to {shape_text(model.network.input_shape)}."
        ),
    )
    images = [
        f"{info[f'{part}_images']:,} images to {part}"
        for part in ("train", "test")
        if isinstance(info.get(f"{part}_images"), int)
    ]
    yield "Data", f"{info['dataset']}{': ' * bool(images)}{listed(images)}."
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    yield "Classes", ", ".join(names[:_NAMED]) + more
    yield "Preprocessing", _preprocessing(model)
    yield "Limits", _limits(record, answers)
    yield "Made with", _versions(info["machine"])
    yield "On", _machine(record)
    yield "Weights", f"{record.model.name}, {plural(info['parameters'], 'parameter')} in float32."


def _preprocessing(model: Model) -> str:
    found = model.preprocessing
    numbers = [
        f"{what} {', '.join(f'{value:.4g}' for value in values)}"
        for what, values in (("mean", found.mean), ("standard deviation", found.std))
    ]
    ground = (
        f" The training images have a {found.polarity} background; pictures of the other kind are "
        "turned into their negative."
        if found.polarity
        else ""
    )
    return (
        f"Images become {shape_text(found.input_shape)}; pixels from 0 to 1 are brought to mean 0 "
        f"and standard deviation 1 by the training images' {' and '.join(numbers)}.{ground}"
        if any(found.mean) or set(found.std) != {1.0}
        else f"Images become {shape_text(found.input_shape)}, pixels from 0 to 1.{ground}"
    )


def _limits(record: RunRecord, answers: Answers | None) -> str:
    words = (
        "It always names one of its classes, also for an image of none of them. On images that are "
        f"made otherwise than those of {record.info['dataset']} it is worse than here. "
    )
    if answers:
        low, high = (100 * share for share in answers.interval)
        words += (
            f"{len(answers.part):,} test images fix its accuracy to between {low:.2f} and "
            f"{high:.2f} % (95 %, Wilson). "
        )
        figures = [one for one in answers.class_figures if one.recall is not None]
        worst = min(figures, key=lambda one: one.recall or 0.0)
        share = 100 * (worst.recall or 0)
        words += f"Its weakest class is {worst.name}: {share:.2f} % of them are found."
    return words


def _versions(machine: dict[str, Any]) -> str:
    names = ("lenet", "python", "numpy")
    return ", ".join(f"{name} {machine[name]}" for name in names if name in machine) or "unknown"


def _machine(record: RunRecord) -> str:
    machine, info = record.info["machine"], record.info
    parts = [str(machine.get("processor", "")), str(machine.get("system", ""))]
    if isinstance(info.get("engine"), str):
        parts.append(f"engine {info['engine']}")
    if isinstance(info.get("threads"), int):
        parts.append(plural(info["threads"], "thread"))
    return ", ".join(part for part in parts if part) or "unknown"


def made(record: RunRecord) -> str:
    """The page's last lines."""
    status = record.info["status"]
    started = record.info.get("started")
    began = f" of {started}" if isinstance(started, str) else ""
    words = (
        f"Made by lenet {VERSION} from {record.folder / 'run.json'} (a {status} run{began}), its "
        "model and its signals. Everything on this page was computed from the model as it is "
        "saved; nothing is loaded from elsewhere. lenet report makes it again."
    )
    return f"<footer>{markup.paragraph(words)}</footer>"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return (
        "-" if value is None else f"{value:,.6g}" if isinstance(value, float) else json.dumps(value)
    )
