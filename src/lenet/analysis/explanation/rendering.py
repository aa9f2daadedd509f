"""One report in any of its formats; a format's module is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lenet.analysis.explanation.report import Report
from lenet.errors import UsageError
from lenet.net.words import did_you_mean, shown


def render(report: Report, form: str = "text", width: int = 80, ascii_only: bool = False) -> str:
    """``report`` in one of ``FORMATS``; ``width`` and ``ascii_only`` are the text's.

    Raises:
        UsageError: ``form`` is none of these.
    """
    if form == "text":
        from lenet.analysis.explanation.text import render_text

        return render_text(report, width, ascii_only)
    if form not in _OTHERS:
        near = did_you_mean(str(form), FORMATS)
        raise UsageError(
            f"the format is {shown(form)}{near}; it must be one of {', '.join(FORMATS)}."
        )
    return _OTHERS[form](report)


def _json(report: Report) -> str:
    import json

    # In ASCII, so that it arrives in every terminal's encoding.
    return json.dumps(report.to_dict(), indent=2, allow_nan=False)


def _markdown(report: Report) -> str:
    from lenet.analysis.explanation.markdown import render_markdown

    return render_markdown(report)


def _html(report: Report) -> str:
    from lenet.analysis.explanation.html import render_html

    return render_html(report)


def _latex(report: Report) -> str:
    from lenet.analysis.explanation.latex import render_latex

    return render_latex(report)


def _csv(report: Report) -> str:
    from lenet.analysis.explanation.csv_table import render_csv

    return render_csv(report)


_OTHERS: Final[dict[str, Callable[[Report], str]]] = {
    "json": _json,
    "markdown": _markdown,
    "html": _html,
    "latex": _latex,
    "csv": _csv,
}
#: What :func:`render` can write.
FORMATS: Final = ("text", *_OTHERS)
