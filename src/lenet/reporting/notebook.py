"""A training in a notebook: one line and the learning curve, kept up to date in their place.

They are one output of the cell, which is replaced: IPython's own display does that everywhere
(JupyterLab, VS Code, Colab), and what stands there at the end stays in the notebook.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

from lenet.reporting.pictures import drawing_of, epoch_charts
from lenet.training import EpochRecord
from lenet.writing import Document, Section, notebook_html
from lenet.writing.document import Column, Paragraph, Table

#: Seconds between two updates: more often nobody sees, and every one takes time from the training.
_SECONDS: Final = 0.25
#: Below this accuracy the axis is 0 to 100 %: nobody shall take the rise of a hair for learning.
_HARDLY: Final = 0.5


class LiveCurve:
    """What a training shows of itself in a notebook.

    It is told of steps, epochs and notices; :meth:`close` shows how it ended.
    """

    def __init__(self, epochs: int, before: Iterable[EpochRecord] = ()) -> None:
        """Begin to show a training of so many epochs, of which some may be done already."""
        self._epochs, self._history = epochs, list(before)
        self._notices: list[str] = []
        self._share = 0.0  # of the epoch that is not done yet
        self._curve, self._drawn = "", 0  # of so many epochs
        self._output: Any = None
        self._shown = -_SECONDS
        self._is_over = False
        self._show()

    def step(self, epoch: int, share: float) -> None:
        """Show how far the epoch is."""
        self._share = share
        self._show()

    def epoch(self, record: EpochRecord) -> None:
        """Show one more epoch."""
        self._history.append(record)
        self._share = 0.0
        self._show()

    def notice(self, text: str) -> None:
        """Show what a person should know."""
        self._notices.append(text)
        self._show(now=True)

    def close(self) -> None:
        """Show all that came of it, however early it ended."""
        self._is_over = True
        self._show(now=True)

    def _show(self, now: bool = False) -> None:
        if not now and time.monotonic() - self._shown < _SECONDS:
            return
        from IPython import display  # only a notebook comes here, and it has IPython

        show: Any = display.display  # has no types everywhere
        content = {"text/html": self._html(), "text/plain": self._text}
        if self._output is None:
            self._output = show(content, raw=True, display_id=True)
        else:
            self._output.update(content, raw=True)
        self._shown = time.monotonic()

    @property
    def _text(self) -> str:
        return self._history[-1].text(self._epochs) if self._history else "before the first epoch"

    def _html(self) -> str:
        if self._drawn != len(self._history):
            self._curve, self._drawn = _draw(self._history), len(self._history)
        return f"{notebook_html(self._page())}\n{self._curve}"

    def _page(self) -> Document:
        done = len(self._history) + self._share
        name = f"epoch {min(int(done) + 1, self._epochs)}/{self._epochs}"
        bar = Column("", ("",), bars=(min(1.0, done / self._epochs),))
        progress = Table((Column("", (name,)), bar))
        section = Section("", (*[progress] * (not self._is_over), Paragraph(self._text)))
        return Document("", (section,), below=tuple(self._notices))


def _draw(history: list[EpochRecord]) -> str:
    if not history:
        return ""
    last = history[-1].test_accuracy
    hardly = (history[-1].train_accuracy if last is None else last) < _HARDLY
    charts = epoch_charts([record.to_dict() for record in history], whole=hardly)
    return drawing_of(charts, "Learning curve")._repr_html_()
