"""The verbs on what was trained: ``report``, ``evaluate``, ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lenet.cli import options
from lenet.cli.options import argument, flag, option, verb
from lenet.cli.output import percent, print_json
from lenet.errors import DataError, UsageError

if TYPE_CHECKING:
    from lenet.metrics import Evaluation

MODEL = "A .safetensors file that lenet saved."


@verb
@argument("run", "A folder that lenet train wrote.", Path)
@option(
    "--output",
    "The file to write; by default report.html in the run's folder. Of a picture, its ending "
    "chooses the format: .svg, .pdf, .png or .tex.",
    Path,
)
@option(
    "--data",
    "The data set it was trained on, or the path of its pictures, if that is another now.",
)
@options.data_dir
@option(
    "--picture",
    "Only this one: learning-curve, confusion, mistakes, classes, windows, signals, calibration "
    "or network; it needs --output.",
)
@option(
    "--theme",
    "Of a picture: auto (an SVG follows the reader's screen), light or dark.",
    default="auto",
)
@flag("--json", "Print one JSON object instead, and write nothing but --output.")
def report(
    run: Path,
    output: Path | None,
    data: str | None,
    data_dir: Path | None,
    picture: str | None,
    theme: str,
    json: bool,
) -> None:
    """A run as one page to look at: how good, what it gets wrong, and why; or a picture."""
    from lenet.reporting import run_report

    if picture is None and theme != "auto":
        raise UsageError("--theme is a picture's; the page follows its reader's screen.")
    if picture is None and output and output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"the page is HTML and {output} has another ending; end it in .html, or name one of "
            "its pictures with --picture."
        )
    if picture is not None and output is None:
        raise UsageError("no file is given to draw into; name it with --output FILE.svg.")
    result = run_report.report(run, data, data_dir)
    if picture is not None:
        result.picture(picture, theme).save(output or "")
    elif output is not None or not json:
        page = run / run_report.PAGE
        if result.missing and output is None and page.exists():
            raise DataError(
                f"the test images are not at hand ({result.missing.rstrip('.')}), so {page} is "
                "left as it is; --output FILE.html writes a page without them."
            )
        output = result.save(output)
    if json:
        print_json({**result.to_dict(), "file": None if output is None else str(output)})
    else:
        print(output)
        if result.missing and picture is None:
            print(f"without the test images: {result.missing}")


@verb
@argument("model", MODEL, Path)
@argument("data", "digits, mnist or fashion-mnist; or a path of pictures, as for lenet train.")
@options.data_dir
@flag("--all", "Of a path take all pictures, not only those to test on.")
@flag("--skip-bad", "Of a path leave out files that cannot be read.")
@options.json
def evaluate(
    model: Path, data: str, data_dir: Path | None, all: bool, skip_bad: bool, json: bool
) -> None:
    """Accuracy, per class, and confusion of a saved model on a data set's test images."""
    from lenet import inference

    result = inference.evaluate(model, data, data_dir, everything=all, skip_bad=skip_bad)
    if json:
        print_json({"model": str(model), "dataset": data, **result.to_dict()})
    else:
        print(_render(result, f"images of {data}" if all else f"test images of {data}"))


def _render(result: Evaluation, data: str) -> str:
    counts = result.confusion.sum(axis=1)
    names = max(5, *map(len, result.classes))
    lines = [
        f"{percent(result.accuracy)} of {result.count:,} {data}, loss {result.loss:.4f}",
        "",
        f"{'class':<{names}}  images  right",
    ]
    for name, count, share in zip(result.classes, counts, result.class_accuracy, strict=True):
        right = "-" if share is None else percent(share)
        lines.append(f"{name:<{names}}  {count:>6,}  {right:>8}")
    width = max(len(str(result.confusion.max())), len(str(len(result.classes) - 1))) + 1
    header = "".join(f"{index:>{width}}" for index in range(len(result.classes)))
    lines += ["", "confusion: a row a true class, a column an answer", " " * (names + 4) + header]
    for index, name in enumerate(result.classes):
        row = "".join(f"{count or '.':>{width}}" for count in result.confusion[index].tolist())
        lines.append(f"{index:>3} {name:<{names}}{row}")
    return "\n".join(lines)


@verb
@argument("model", MODEL, Path)
@argument(
    "images",
    "PNG, JPEG or BMP pictures of any size, or IDX or npy files of images.",
    Path,
    nargs=-1,
    required=True,
)
@options.json
def predict(model: Path, images: tuple[Path, ...], json: bool) -> None:
    """What a saved model sees on pictures."""
    from lenet import inference

    predictions = inference.predict(model, *images)
    if json:
        values = [prediction.to_dict() for prediction in predictions]
        print_json({"model": str(model), "predictions": values})
        return
    width = max(len(prediction.image) for prediction in predictions)
    for prediction in predictions:
        others = ", ".join(
            f"{name} {percent(share)}"
            for name, share in list(zip(prediction.classes, prediction.probabilities, strict=True))[
                1:3
            ]
        )
        rest = f"   ({others})" if others else ""
        likeliest = f"{prediction.label}  {percent(prediction.probability)}"
        print(f"{prediction.image:<{width}}  {likeliest}{rest}")
