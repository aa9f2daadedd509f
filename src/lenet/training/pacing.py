"""How often a training is written down: so seldom that it costs next to nothing."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

#: The largest share of the time that may go into writing while training runs.
SHARE: Final = 0.005


class Pacing:
    """Measures what writing costs, and says when the next is due.

    Use it as a context around every writing.
    """

    def __init__(self) -> None:
        self._cost = 0.0
        self._began = self._last = time.monotonic()

    def due(self, seconds: float = 0.0) -> bool:
        """Have ``seconds`` passed since the last writing, and enough for it to be cheap?"""
        return time.monotonic() - self._last >= max(seconds, self._cost / SHARE)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last = time.monotonic()
        self._cost = self._last - self._began
