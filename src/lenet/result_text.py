"""How evaluations and predictions are written: as text, and as HTML for notebooks.

Both are written from what ``to_dict()`` says of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def percent(share: float) -> str:
    """Write ``0.98891`` as ``98.89 %``."""
    return f"{100 * share:.2f} %"


def evaluation_text(values: Mapping[str, Any], data: str) -> str:
    """Write accuracy and loss, one row per class, and the confusion matrix.

    Args:
        values: ``Evaluation.to_dict()``.
        data: what the images are called.
    """
    classes, confusion = values["classes"], values["confusion"]
    names = max(5, *(len(row["name"]) for row in classes))
    width = max(len(str(max(map(max, confusion)))), len(str(len(classes) - 1))) + 1
    return "\n".join(
        [
            _headline(values, data),
            "",
            f"{'class':<{names}}  images   accuracy",
            *(
                f"{row['name']:<{names}}  {row['count']:>6,}  {_accuracy(row):>9}"
                for row in classes
            ),
            "",
            "confusion matrix: one row per true class, one column per predicted class",
            f"{'':<{names + 4}}" + "".join(f"{index:>{width}}" for index in range(len(classes))),
            *(
                f"{index:>3} {row['name']:<{names}}"
                + "".join(f"{count or '.':>{width}}" for count in counts)
                for index, (row, counts) in enumerate(zip(classes, confusion, strict=True))
            ),
        ]
    )


def evaluation_html(values: Mapping[str, Any], data: str) -> str:
    """Write the same as a sentence and one table; see :func:`evaluation_text`."""
    names = [row["name"] for row in values["classes"]]
    rows = (
        (row["name"], f"{row['count']:,}", _accuracy(row), *(count or "." for count in counts))
        for row, counts in zip(values["classes"], values["confusion"], strict=True)
    )
    head = ("true class", "images", "accuracy", *(f"predicted {name}" for name in names))
    return f"<p>{escape(_headline(values, data))}</p>{_table(head, rows)}"


def predictions_text(predictions: Sequence[Mapping[str, Any]]) -> str:
    """Write one line per image: its predicted class, and the two after it."""
    width = max((len(values["image"]) for values in predictions), default=0)
    return "\n".join(
        f"{values['image']:<{width}}  {values['class']}  {percent(values['probability'])}"
        + (f"   ({others})" if (others := _others(values)) else "")
        for values in predictions
    )


def predictions_html(predictions: Sequence[Mapping[str, Any]]) -> str:
    """Write the same as a table."""
    head = ("image", "predicted class", "probability", "others")
    return _table(
        head,
        (
            (values["image"], values["class"], percent(values["probability"]), _others(values))
            for values in predictions
        ),
    )


def _headline(values: Mapping[str, Any], data: str) -> str:
    return f"{percent(values['accuracy'])} of {values['count']:,} {data}, loss {values['loss']:.4f}"


def _accuracy(row: Mapping[str, Any]) -> str:
    return "-" if row["accuracy"] is None else percent(row["accuracy"])


def _others(values: Mapping[str, Any]) -> str:
    runners_up = list(values["probabilities"].items())[1:3]
    return ", ".join(f"{name} {percent(share)}" for name, share in runners_up)


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"
