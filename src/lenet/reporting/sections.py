"""The sections of a run's page, in the order in which one asks: how good, what is wrong, why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lenet.analysis import Report, explain
from lenet.drawing.drawing import draw
from lenet.model import Model
from lenet.reporting import markup
from lenet.reporting.answers import BINS, Answers, ClassFigures
from lenet.reporting.calibration import reliability_diagram
from lenet.reporting.classes import MOST, class_chart
from lenet.reporting.confusion import confusion_matrix
from lenet.reporting.curves import drawing, learning_charts, signal_charts
from lenet.reporting.markup import Cell, Section
from lenet.reporting.record import RunRecord
from lenet.reporting.thumbnails import MOST_WINDOWS, mistake_tiles, window_tiles
from lenet.writing.numbers import percent, plural

#: The most frequent confusions that are listed.
_LISTED: Final = 10
#: Figures of longer networks would be larger than the page.
_MOST_LAYERS: Final = 40


def learning(record: RunRecord) -> Section:
    """Loss and accuracy over the epochs."""
    epochs = record.epochs
    if not epochs:
        return markup.section("Learning", markup.paragraph("No epoch was finished."))
    charts = learning_charts(epochs)
    words = (
        "Loss and training accuracy are means over the epoch, each image taken before its step's "
        "update; the test images are looked at after the epoch, and never trained on."
    )
    pictures = (markup.figure(drawing([chart], chart.title)) for chart in charts)
    return markup.section("Learning", markup.paragraph(words), markup.side_by_side(*pictures))


def mistakes(answers: Answers) -> Section:
    """What is taken for what, and the images themselves."""
    wrong = len(answers.part) - int(answers.right.sum())
    confusions = answers.confusions(_LISTED)
    listing = ""
    if confusions:
        rows = [
            (
                answers.classes[one.true],
                answers.classes[one.said],
                Cell(f"{one.count:,}", one.count / confusions[0].count),
                percent(one.count / answers.class_figures[one.true].images),
            )
            for one in confusions
        ]
        heads = ("it is", "it said", "images", "of its class")
        listing = markup.table("Most often taken for another", heads, rows, words=2)
    worst = mistake_tiles(answers)
    gallery = ""
    if worst:
        title = "The worst mistake" if len(worst) == 1 else f"The {len(worst)} worst mistakes"
        words = (
            "Those with the least probability for what is true; the percentages are the model's."
        )
        gallery = f"<h3>{title}</h3>{markup.paragraph(words)}{markup.tiles(worst)}"
    count = f"{plural(len(answers.part), 'test image')}"
    words = f"{wrong:,} of {count} are answered wrongly." if wrong else f"Nothing in {count}."
    matrix = markup.figure(confusion_matrix(answers))
    together = markup.side_by_side(matrix, listing) if listing else matrix
    return markup.section("What it gets wrong", markup.paragraph(words), together, gallery)


def classes(answers: Answers) -> Section:
    """Precision, recall and F1 of every class."""
    figures = answers.class_figures
    words = (
        "Precision: of the images it said a class of, the share that are. Recall: of a class's "
        "images, the share it found. F1: their harmonic mean."
    )
    everything = _class_table(figures)
    if len(figures) > MOST:
        words += f" Drawn are the {MOST} classes with the least F1."
        everything = markup.details(f"All {len(figures):,} classes in numbers", everything)
    picture = markup.figure(class_chart(answers))
    return markup.section(
        "Class by class", markup.paragraph(words), markup.side_by_side(picture, everything)
    )


def _class_table(figures: Sequence[ClassFigures]) -> str:
    rows = (
        (
            one.name,
            f"{one.images:,}",
            *("-" if s is None else f"{100 * s:.2f}" for s in (one.precision, one.recall, one.f1)),
        )
        for one in figures
    )
    heads = ("class", "images", "precision", "recall", "F1")
    return markup.table("Every class, in %", heads, rows)


def calibration(answers: Answers) -> Section:
    """Does a probability mean what it says?"""
    error = percent(answers.calibration_error)
    confidence = percent(float(answers.confidence.mean()))
    words = (
        f"On average it gives its answers a probability of {confidence}, and "
        f"{percent(answers.evaluation.accuracy)} of them are right. The expected calibration error "
        f"is {error}: the gap between the two, in {BINS} stretches of probability, weighted by "
        "their images (Guo et al. 2017)."
    )
    caption = (
        "Blue: how many are right. Orange: what is missing to the probability that was promised. "
        "Green: better than promised. Faint: fewer than 10 images, where chance decides."
    )
    picture = markup.figure(reliability_diagram(answers), caption)
    return markup.section(
        "Can its probabilities be believed?",
        markup.paragraph(words),
        f'<div class="narrow">{picture}</div>',
    )


def signals(record: RunRecord) -> Section | None:
    """Saturation and gradient size."""
    if not record.signals:
        return None
    words = (
        "Measured on a few training images before the first epoch (0) and after each: the size of "
        "the gradient of a layer's weights in parts of the weights (root mean squares), and the "
        "share of its outputs where the activation is nearly flat, its slope below 5 % of its "
        "largest; of relu, the zeros. Where a gradient gets small, the layer hardly learns."
    )
    pictures = (
        markup.figure(drawing([chart], chart.title)) for chart in signal_charts(record.signals)
    )
    return markup.section(
        "Signal and gradient by layer", markup.paragraph(words), markup.side_by_side(*pictures)
    )


def analysis(record: RunRecord) -> Section:
    """The network, drawn and explained."""
    network = record.network
    picture = ""
    if len(network.placed) <= _MOST_LAYERS:
        picture = markup.scrolled("The network, drawn", markup.figure(draw(network)))
    table = f'<div class="analysis">{_explain(record)._repr_html_()}</div>'
    return markup.section("The network", picture, table)


def _explain(record: RunRecord) -> Report:
    """Explain the network with the memory that this recipe takes; old recipes say less."""
    recipe = record.recipe
    values = {"batch": recipe.get("batch_size"), "optimizer": recipe.get("optimizer")}
    return explain(record.network, **{name: v for name, v in values.items() if v is not None})


def windows(model: Model) -> Section | None:
    """What the first layer looks for."""
    found = window_tiles(model)
    if not found:
        return None
    count = len(next(step for step in model.plan.steps if step.weight).tensors[1].view(model.table))
    shown = f"The first {MOST_WINDOWS} of {count:,}" if count > MOST_WINDOWS else "All"
    words = (
        f"{shown} windows of the first layer, on one scale: white is above zero, black below, "
        "mid-grey nothing; of three channels, in colour."
    )
    return markup.section(
        "What the first layer looks for", markup.paragraph(words), markup.tiles(found, "small")
    )
