"""A run as a page, in the order in which one asks: how good, what is wrong, why; and in short.

The last section is a model card, after Mitchell et al. 2019, "Model cards for model reporting", as
far as a run knows what belongs on one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lenet.analysis import explain
from lenet.drawing import Drawing, draw
from lenet.drawing.chart import Chart
from lenet.errors import visible
from lenet.looking import look_at
from lenet.looking.figure import draw as draw_inside
from lenet.looking.pictures import picture_of
from lenet.metrics import BINS, COVERAGE_HEADS
from lenet.model import Model
from lenet.net.network import MOST_DRAWN
from lenet.net.shapes import pair_text, shape_text
from lenet.net.words import listed
from lenet.reporting import html, pictures, verdict
from lenet.reporting.html import Cell, Section, paragraph, section
from lenet.reporting.predictions import Predictions
from lenet.run_folder import INFO, RunRecord
from lenet.version import VERSION
from lenet.writing import document
from lenet.writing.numbers import percent, plural, seconds_text, value_text

#: The most frequent confusions that are listed.
_MOST_LISTED: Final = 10
_MOST_FILES: Final = 1000
#: Maps that are shown of all layers, of each at most and at least; the width of an image's column.
_MAPS: Final = 96
_MOST_MAPS: Final = 8
_LEAST_MAPS: Final = 3
_COLUMN: Final = 350.0
#: The width of a page's text, in pixels.
_WIDEST: Final = 1000
_LAYERS: Final = (
    "An image that it gets right, and the worst mistake, of the same class where there are both: "
    "where do they part?"
)
_NO_MISTAKE: Final = "An image that it gets right; there is no mistake to put beside it."
#: Of more classes, the first are named.
_MOST_NAMED: Final = 30
_CLASS_HEADS: Final = ("class", "images", "precision", "recall", "F1")
_LEARNING: Final = (
    "Loss and training accuracy are means over the epoch, each image taken before its step's "
    "update; the test images are looked at after the epoch, and never trained on."
)
_SIGNALS: Final = (
    "Measured on a few training images before the first epoch (0) and after each: the size of the "
    "gradient of a layer's weights in parts of the weights (root mean squares). Where it gets "
    "small, the layer hardly learns."
)
#: What each share means; it stands there if any layer has such a share.
_SHARES: Final = {
    "saturated": "Saturated are outputs of a sigmoid or tanh where its derivative is below 5 % of "
    "its largest: they let hardly any gradient through.",
    "sparsity": "Sparsity is the share of a relu's outputs that are zero. That is how a relu "
    "works, and no fault: other images bring out other outputs.",
    "dead": "Dead are units (the channels of a convolution) that are zero for every image looked "
    "at: no gradient reaches their weights. Some are no harm; a layer of them learns nothing.",
}
_OPEN: Final = (
    "An image that the model is unsure of can be left open, for a person to look at: "
    "lenet predict --reject with a probability of this table, or --coverage with a share. Those "
    "that are answered are right more often, if any is wrong."
)
#: Where the accuracy on all test images is too good.
_COPIES: Final = (
    "{share} of the test images are near-copies of training images, as frames of one burst are, so "
    "the accuracy looks better than it is: {without}."
)
#: How a run ended, where it did not end by itself.
_ENDS: Final = {
    "interrupted": "It was stopped before its last epoch: everything here is as far as it came.",
    "diverged": "It diverged: the loss was no longer a number. The weights are those of the last "
    "whole epoch.",
    "running": "It is not finished, or was ended by force: everything here is as far as it came.",
}


def render_page(
    record: RunRecord, model: Model, predictions: Predictions | None, missing: str
) -> str:
    """Write the whole page."""
    sections = list(_sections(record, model, predictions))
    facts = html.pairs(_facts(record, predictions), "facts")
    warnings = (
        paragraph(warning, "warning") for warning in _warnings(record, predictions, missing)
    )
    head = html.header(record.name, " · ".join(_origin(record)), facts, *warnings)
    title = f"{record.name}: {record.info['dataset']}"
    parts = (head, html.contents(sections), *(part.html for part in sections), _footer(record))
    return html.page(title, parts)


def _sections(
    record: RunRecord, model: Model, predictions: Predictions | None
) -> Iterator[Section]:
    yield _learning(record)
    if predictions:
        yield from (mistakes_section(predictions), _classes(predictions))
        yield _calibration(record, predictions)
    if record.signals:
        charts = _side_by_side(pictures.signal_charts(record.signals))
        words = [
            text
            for name, text in _SHARES.items()
            if any(getattr(signal, name) is not None for signal in record.signals)
        ]
        about = map(paragraph, (_SIGNALS, " ".join(words)) if words else (_SIGNALS,))
        yield section("Signal and gradient by layer", *about, charts)
    if predictions and len(model.plan.steps) <= MOST_DRAWN:
        yield _inside(model, predictions)
    yield from _windows(model)
    yield from (_network(record), _recipe(record), _card(record, model, predictions))


def run_document(
    record: RunRecord, predictions: Predictions | None, missing: str
) -> document.Document:
    """Return the run in short."""
    facts = document.table_of(list(_facts(record, predictions)))
    sections = [document.Section("", (facts,))]
    if predictions:
        rows = document.table_of(_class_rows(predictions), _CLASS_HEADS)
        sections.append(document.Section("Every class, in %", (rows,)))
    warnings = tuple(_warnings(record, predictions, missing))
    return document.Document(record.name, tuple(sections), _origin(record), warnings)


def _origin(record: RunRecord) -> tuple[str, str]:
    return str(record.info["dataset"]), explain(record.network).layer_text


def _facts(record: RunRecord, predictions: Predictions | None) -> Iterator[tuple[str, str]]:
    if predictions:
        low, high = (100 * share for share in predictions.interval)
        where = f"{plural(len(predictions.split), 'test image')} ({low:.1f} to {high:.1f} %)"
        yield f"accuracy on {where}", percent(predictions.evaluation.accuracy)
        without = predictions.without_copies
        if without and without.accuracy is not None:
            images = plural(without.images, "test image")
            yield f"on {images} that are no near-copy of one to train on", percent(without.accuracy)
    elif "test_accuracy" in record.kept:
        yield "accuracy on the test images", percent(record.kept["test_accuracy"])
    yield "parameters", f"{record.info['parameters']:,}"
    yield (
        f"seconds of training, {plural(len(record.epochs), 'epoch')}",
        seconds_text(record.seconds),
    )
    if predictions:
        yield "expected calibration error", percent(predictions.calibration_error)


def _warnings(record: RunRecord, predictions: Predictions | None, missing: str) -> Iterator[str]:
    if end := _ENDS.get(record.info["status"]):
        yield end
    if words := verdict.sentence(record):
        yield words
    if predictions and (without := predictions.without_copies):
        yield _COPIES.format(share=percent(without.share), without=without.text)
    if record.no_signals:
        yield f"The signals of the layers are left out: {record.no_signals}"
    if missing:
        yield f"The test images are not at hand, and what needs them is left out: {missing}"


def _learning(record: RunRecord) -> Section:
    if not record.epochs:
        return section("Learning", paragraph("No epoch was finished."))
    charts = pictures.learning_charts(record)
    return section("Learning", paragraph(_LEARNING), _side_by_side(charts))


def _side_by_side(charts: Sequence[Chart]) -> str:
    drawings = (pictures.drawing_of([chart], chart.title) for chart in charts)
    return html.side_by_side(*map(html.figure, drawings))


def mistakes_section(
    predictions: Predictions, what: str = "test image", title: str = "What it gets wrong"
) -> Section:
    """Write what is predicted wrongly: the confusion matrix, the worst mistakes, the files."""
    count = plural(len(predictions.split), what)
    wrong = len(predictions.split) - int(predictions.correct.sum())
    words = f"{wrong:,} of {count} are predicted wrongly." if wrong else f"Nothing in {count}."
    matrix = html.figure(pictures.draw_confusion(predictions))
    confusions = predictions.confusions(_MOST_LISTED)
    rows = []
    for cell in confusions:
        true, predicted = (predictions.class_metrics[i] for i in (cell.true, cell.predicted))
        bar = Cell(f"{cell.count:,}", cell.count / confusions[0].count)
        rows.append((true.name, predicted.name, bar, percent(cell.count / true.images)))
    if rows:
        heads = ("true class", "predicted", "images", "of its class")
        listing = html.table("Most often taken for another", heads, rows, words=2)
        matrix = html.side_by_side(matrix, listing)
    worst = pictures.mistake_thumbnails(predictions)
    worst_of = "The worst mistake" if len(worst) == 1 else f"The {len(worst)} worst mistakes"
    about = "Those with the least probability for what is true; the percentages are the model's."
    gallery = (html.heading(worst_of), paragraph(about), html.thumbnails(worst)) if worst else ()
    if predictions.split.names is not None and wrong:
        gallery = (*gallery, _wrong_files(predictions))
    return section(title, paragraph(words), matrix, "".join(gallery))


def _wrong_files(predictions: Predictions) -> str:
    """List the files that are predicted wrongly, folded up."""
    rows = []
    for index in predictions.mistakes(_MOST_FILES):
        places = int(predictions.split.labels[index]), int(predictions.predicted[index])
        true, predicted = (predictions.classes[place] for place in places)
        confidence = pictures.probability_text(predictions.confidence[index])
        rows.append((predictions.image_name(index), true, predicted, confidence))
    what = plural(len(rows), "image")
    heads = ("image", "true class", "predicted", "its probability")
    return html.details(
        f"The {what} predicted wrongly, worst first",
        html.table("Predicted wrongly", heads, rows, words=3),
    )


def _class_rows(predictions: Predictions) -> list[tuple[str, ...]]:
    rows = []
    for row in predictions.class_metrics:
        shares = (row.precision, row.recall, row.f1)
        cells = ("-" if share is None else f"{100 * share:.2f}" for share in shares)
        rows.append((row.name, f"{row.images:,}", *cells))
    return rows


def _classes(predictions: Predictions) -> Section:
    words = (
        "Precision: of the images that a class was predicted for, the share that are of it. "
        "Recall: of a class's images, the share that it was predicted for. F1: their harmonic mean."
    )
    table = html.table("Every class, in %", _CLASS_HEADS, _class_rows(predictions))
    if len(predictions.classes) > pictures.MOST_CLASSES:
        words += f" Drawn are the {pictures.MOST_CLASSES} classes with the least F1."
        table = html.details(f"All {len(predictions.classes):,} classes in numbers", table)
    picture = html.figure(pictures.draw_classes(predictions))
    return section("Class by class", paragraph(words), html.side_by_side(picture, table))


def _calibration(record: RunRecord, predictions: Predictions) -> Section:
    confidence = percent(float(predictions.confidence.mean()))
    words = (
        f"On average it gives its predictions a probability of {confidence}, and "
        f"{percent(predictions.evaluation.accuracy)} of them are correct. The expected calibration "
        f"error is {percent(predictions.calibration_error)}: the gap between the two, in {BINS} "
        "ranges of probability, weighted by their images (Guo et al. 2017)."
    )
    caption = (
        "Blue: how many are correct. Orange: what is missing to the probability that was promised. "
        "Green: better than promised. Faint: fewer than 10 images, where chance decides."
    )
    picture = html.figure(pictures.draw_calibration(predictions), caption)
    told = filter(None, (words, verdict.calibration_text(record)))
    calibration = (*map(paragraph, told), f'<div class="narrow">{picture}</div>')
    curve = html.figure(pictures.draw_coverage(predictions))
    rows = predictions.evaluation.coverage_rows
    both = html.side_by_side(curve, html.table("Share by share", COVERAGE_HEADS, rows))
    parts = (html.heading("If the unsurest are left open"), paragraph(_OPEN), both)
    return section("Can its probabilities be believed?", *calibration, *parts)


def _inside(model: Model, predictions: Predictions) -> Section:
    picture = html.figure(draw_layers(model, predictions))
    words = _LAYERS if len(predictions.mistakes(1)) else _NO_MISTAKE
    about = paragraph(f"{words} lenet look shows more maps, and any picture.")
    return section("Layer by layer", about, html.scrolled("Every layer", picture))


def draw_layers(model: Model, predictions: Predictions) -> Drawing:
    """Draw every layer for an image that is predicted correctly, and for the worst mistake."""
    wrong = predictions.mistakes(1)
    chosen = [*_alike(predictions, wrong), *wrong]
    found = [picture_of(model, predictions.split, place, predictions.classes) for place in chosen]
    names = map(predictions.image_name, chosen)
    seen = [replace(picture, name=name) for picture, name in zip(found, names, strict=True)]
    layers = sum(len(placed.output_shape) == 3 for placed in model.network.placed)
    most = max(_LEAST_MAPS, min(_MOST_MAPS, _MAPS // max(1, layers)))
    return draw_inside(look_at(model, seen), most, _COLUMN)


def _alike(predictions: Predictions, wrong: Sequence[int]) -> list[int]:
    """Return the image that it is surest of among the correct ones, of the same class if any."""
    labels, correct = predictions.split.labels, predictions.correct
    if wrong and (correct & (labels == labels[wrong[0]])).any():
        correct = correct & (labels == labels[wrong[0]])
    if not correct.any():
        return []
    return [int(np.argmax(np.where(correct, predictions.confidence, -1.0)))]


def _windows(model: Model) -> Iterator[Section]:
    weights, most = pictures.first_windows(model), pictures.MOST_WINDOWS
    if weights is None:
        return
    shown = "All" if len(weights) <= most else f"The first {most} of {len(weights):,}"
    words = (
        f"{shown} windows of the first layer, on one scale: white is above zero, black below, "
        "mid-grey nothing; of three channels, in colour."
    )
    images = html.thumbnails(pictures.window_thumbnails(model), "small")
    yield section("What the first layer looks for", paragraph(words), images)


def _network(record: RunRecord) -> Section:
    network = record.network
    picture = ""
    if len(network.placed) <= MOST_DRAWN:
        drawn = draw(network)
        if drawn.scene.width > _WIDEST:
            drawn = draw(network, width=_WIDEST)
        picture = html.scrolled("The network, drawn", html.figure(drawn))
    # The memory is that of this recipe; old recipes say less.
    names = {"batch_size": "batch", "optimizer": "optimizer"}
    how = {names[key]: value for key, value in record.recipe.items() if key in names and value}
    table = f'<div class="analysis">{explain(network, **how)._repr_html_()}</div>'
    return section("The network", picture, table)


def _recipe(record: RunRecord) -> Section:
    values = {**record.recipe, "seed": record.info["seed"]}
    rows = ((key.replace("_", " "), value_text(value)) for key, value in values.items())
    words = (
        "The same network, data, recipe and seed give the same weights, bit for bit, on any number "
        "of threads of the same instruction set."
    )
    arguments = "".join(f"    {key}={value!r},\n" for key, value in record.recipe.items())
    start = f"lenet.Model.load({str(record.start)!r})" if record.start else None
    again = (
        "import lenet\n\n"
        f"recipe = lenet.Recipe(\n{arguments})\n"
        f"network = {start or repr(str(record.network))}\n"
        f"data = {_loading(record)}\n"
        f"model = lenet.train(network, data, recipe, seed={record.info['seed']!r})"
    )
    return section("The recipe", html.pairs(rows, "card short"), paragraph(words), html.code(again))


def _loading(record: RunRecord) -> str:
    """Return the data in Python: their name, or how the pictures were read."""
    how = {name: value for name, value in record.arguments.items() if name != "source"}
    if not how:
        return repr(record.source)
    return f"lenet.load({record.source!r}, {', '.join(f'{k}={v!r}' for k, v in how.items())})"


def _card(record: RunRecord, model: Model, predictions: Predictions | None) -> Section:
    path, source = (shlex.quote(visible(str(place))) for place in (record.model, record.source))
    predict = f"lenet predict {path} your-image.png\nlenet evaluate {path} "
    commands = f"{predict}{source}\nlenet explain {path}"
    rows = html.pairs(_card_rows(record, model, predictions), "card")
    return section("Model card", rows, html.heading("Use it"), html.code(commands))


def _card_rows(
    record: RunRecord, model: Model, predictions: Predictions | None
) -> Iterator[tuple[str, str]]:
    info, names = record.info, model.classes
    machine = info["machine"]
    count = f"{len(names):,} class" + "es" * (len(names) != 1)
    yield (
        "For",
        f"Telling {count} apart on images like those of {info['dataset']}: one class per image, "
        f"scaled to {shape_text(model.network.input_shape)}.",
    )
    counts = {split: info.get(f"{split}_images") for split in ("train", "test")}
    images = [f"{n:,} images to {split}" for split, n in counts.items() if isinstance(n, int)]
    yield "Data", f"{info['dataset']}{': ' * bool(images)}{listed(images)}."
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    yield "Classes", ", ".join(names[:_MOST_NAMED]) + more
    yield "Preprocessing", _preprocessing(model)
    yield "Limits", _limits(record, predictions)
    made_with = [f"{k} {machine[k]}" for k in ("lenet", "python", "numpy") if k in machine]
    yield "Made with", ", ".join(made_with) or "unknown"
    yield "On", _machine(info)
    yield "Weights", f"{record.model.name}, {plural(info['parameters'], 'parameter')} in float32."


def _preprocessing(model: Model) -> str:
    known = model.preprocessing
    words = f"Images become {shape_text(known.input_shape)}"
    if any(known.mean) or set(known.std) != {1.0}:
        mean, std = (", ".join(f"{v:.4g}" for v in values) for values in (known.mean, known.std))
        words += (
            "; pixels from 0 to 1 are brought to mean 0 and standard deviation 1 by the training "
            f"images' mean {mean} and standard deviation {std}."
        )
    else:
        words += ", pixels from 0 to 1."
    if known.box is None:
        words += f" Pictures are {known.fitting}."
    if not known.polarity:
        return words
    words += (
        f" The training images have a {known.polarity} background; pictures of the other kind are "
        "turned into their negative."
    )
    if known.box is None:
        return words
    within = f"{known.box}x{known.box} in {pair_text(known.input_shape[1:])}"
    return f"{words} Ink is brought into a box of {within}, its mass in the middle, as theirs is."


def _limits(record: RunRecord, predictions: Predictions | None) -> str:
    words = (
        "It always names one of its classes, also for an image of none of them. On images that are "
        f"made otherwise than those of {record.info['dataset']} it is worse than here."
    )
    if not predictions:
        return words
    low, high = (100 * share for share in predictions.interval)
    recalls = {m.name: m.recall for m in predictions.class_metrics if m.recall is not None}
    worst = min(recalls, key=recalls.__getitem__)
    words = (
        f"{words} {plural(len(predictions.split), 'test image')} fix its accuracy to between "
        f"{low:.2f} and {high:.2f} % (95 %, Wilson)."
    )
    if recalls[worst] == 1:
        return words
    return f"{words} Its weakest class is {worst}: {percent(recalls[worst])} of them are found."


def _machine(info: Mapping[str, Any]) -> str:
    parts = [str(info["machine"].get(name, "")) for name in ("processor", "system")]
    if isinstance(info.get("engine"), str):
        parts.append(f"engine {info['engine']}")
    if isinstance(info.get("threads"), int):
        parts.append(plural(info["threads"], "thread"))
    return ", ".join(filter(None, parts)) or "unknown"


def _footer(record: RunRecord) -> str:
    started = record.info.get("started")
    began = f" of {started}" if isinstance(started, str) else ""
    words = (
        f"Made by lenet {VERSION} from {record.folder / INFO} (a {record.info['status']} run"
        f"{began}), its model and its signals. Everything on this page was computed from the model "
        "as it is saved; nothing is loaded from elsewhere. lenet report makes it again."
    )
    return f"<footer>{paragraph(words)}</footer>"
