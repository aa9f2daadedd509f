"""``lenet evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lenet.cli.output import print_json
from lenet.writing.numbers import percent

if TYPE_CHECKING:
    from lenet.metrics import Evaluation


def run(
    model: Path,
    data: str,
    /,
    *,
    data_dir: Path | None = None,
    all: bool = False,
    skip_bad: bool = False,
    json: bool = False,
) -> None:
    """Accuracy, per class, and confusion of a saved model on a data set's test images.

    Parameters
    ----------
    model
        A .safetensors file that lenet saved.
    data
        digits, mnist or fashion-mnist; or a path of pictures, as lenet train takes it.
    data_dir
        Folder that has the IDX files already, compressed or not.
    all
        Of a path take all pictures, not only those to test on.
    skip_bad
        Of a path leave out files that cannot be read.
    json
        Print one JSON object instead.
    """
    from lenet.inference import evaluate

    found = evaluate(model, data, data_dir, everything=all, skip_bad=skip_bad)
    if json:
        print_json({"model": str(model), "dataset": data, **found.to_dict()})
    else:
        print(_render(found, f"images of {data}" if all else f"test images of {data}"))


def _render(found: Evaluation, data: str) -> str:
    counts = found.confusion.sum(axis=1)
    names = max(5, *map(len, found.classes))
    lines = [
        f"{percent(found.accuracy)} of {found.count:,} {data}, loss {found.loss:.4f}",
        "",
        f"{'class':<{names}}  images  right",
    ]
    for name, count, share in zip(found.classes, counts, found.class_accuracy, strict=True):
        right = "-" if share is None else percent(share)
        lines.append(f"{name:<{names}}  {count:>6,}  {right:>8}")
    return "\n".join([*lines, "", *_confusion(found, names)])


def _confusion(found: Evaluation, names: int) -> list[str]:
    """The table with a row a true class and a column an answer; columns are numbered."""
    width = max(len(str(found.confusion.max())), len(str(len(found.classes) - 1))) + 1
    header = "".join(f"{index:>{width}}" for index in range(len(found.classes)))
    lines = ["confusion: a row a true class, a column an answer", f"{'':<{names + 4}}{header}"]
    for index, name in enumerate(found.classes):
        row = "".join(f"{count or '.':>{width}}" for count in found.confusion[index].tolist())
        lines.append(f"{index:>3} {name:<{names}}{row}")
    return lines
