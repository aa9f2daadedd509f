"""``lenet bench``."""

from __future__ import annotations

import shutil
import sys

from lenet.cli.output import print_json


def run(
    net: str = "lenet",
    /,
    *,
    batch: int = 256,
    threads: int | None = None,
    against: str | None = None,
    seconds: float = 2.0,
    json: bool = False,
) -> None:
    """How fast a network is on this machine, here and in other frameworks.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    batch
        Images a training step, and images at a time in inference.
    threads
        How many to use, the same for all; all processors by default.
    against
        torch, onnxruntime or both with a comma between, where they are installed; or one of
        torch-eager, torch-channels-last and torch-compile.
    seconds
        Of measuring for each figure.
    json
        Print one JSON object instead, with the raw figures.
    """
    from lenet.benchmarking import bench
    from lenet.benchmarking.chart import ASCII_BLOCK, BLOCK
    from lenet.benchmarking.text import render_benchmark
    from lenet.cli.networks import network_of
    from lenet.net import name_of

    watch = _Line()
    try:
        found = bench(
            network_of(net),
            batch=batch,
            threads=threads,
            against=split_names(against),
            seconds=seconds,
            name=name_of(net),
            watch=watch.show,
        )
    finally:
        watch.wipe()
    if json:
        print_json(found.to_dict())
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        print(render_benchmark(found, min(width, 100), BLOCK if unicode else ASCII_BLOCK))


def split_names(text: str | None) -> list[str]:
    """``torch, onnxruntime`` as a list; nothing is an empty one."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


class _Line:
    """What is being done, on one line of stderr that is written over; on a terminal only."""

    def __init__(self) -> None:
        self._length = 0

    def show(self, text: str) -> None:
        """Write ``text`` over what is there."""
        if sys.stderr.isatty():
            print(f"\r{text:<{self._length}}", end="", file=sys.stderr, flush=True)
            self._length = len(text)

    def wipe(self) -> None:
        """Leave the line empty."""
        if self._length:
            print(f"\r{'':<{self._length}}\r", end="", file=sys.stderr, flush=True)
