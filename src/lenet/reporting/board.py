"""The numbers of a run for TensorBoard, while it goes on, through its own public writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lenet.errors import UsageError
from lenet.reporting.signals import LayerSignal

FOLDER = "tensorboard"


class Board:
    """Event files in a folder of their own within the run's; ``tensorboard --logdir runs`` finds
    them. A training never fails for them: what cannot be written is left out.
    """

    def __init__(self, run: Path) -> None:
        """Nothing is written before the first epoch.

        Raises:
            UsageError: the package tensorboard is not installed.
        """
        require_tensorboard()
        self._folder = run / FOLDER
        self._writer: Any = None
        self._works = True

    def write(self, epoch: Mapping[str, Any], signals: Iterable[LayerSignal]) -> None:
        """Write what an epoch yielded.

        Args:
            epoch: its number under "epoch", and other numbers by name.
            signals: of its layers; those of other epochs are passed over.
        """
        number = int(epoch["epoch"])
        values = {f"run/{name}": value for name, value in epoch.items() if name != "epoch"}
        for one in signals:
            if one.epoch == number:
                values[f"relative gradient/{one.layer}"] = one.relative_gradient
                if one.saturated is not None:
                    values[f"saturated/{one.layer}"] = one.saturated
        if not self._works:
            return
        try:
            writer = self._open()
            for name, value in values.items():
                if value is not None:
                    writer.add_scalar(name, float(value), step=number)
            writer.flush()
        except OSError:
            self._works = False

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None and self._works:
            self._works = False
            try:
                self._writer.close()
            except OSError:
                return

    def _open(self) -> Any:
        if self._writer is None:
            from tensorboard.summary import Writer

            self._writer = Writer(str(self._folder))
        return self._writer


def require_tensorboard() -> None:
    """Is the package there?

    Raises:
        UsageError: it is not.
    """
    if find_spec("tensorboard") is None:
        raise UsageError(
            "--tensorboard needs the package tensorboard, which is not installed; install it with "
            "pip install 'lenet[tensorboard]', or look at the run's report.html."
        )
