"""The verbs on this machine: ``bench`` and ``checks``."""

from __future__ import annotations

from lenet.cli import options
from lenet.cli.options import argument, option, verb
from lenet.cli.output import show
from lenet.cli.progress import Line


@verb
@argument("net", options.NET, default="lenet")
@option(
    "--batch",
    "Images per training step, and images at a time in inference.",
    int,
    default=256,
)
@option("--threads", "How many to use, the same for all; all processors by default.", int)
@option(
    "--against",
    "torch, onnxruntime or both with a comma between, where they are installed; or one of "
    "torch-eager, torch-channels-last and torch-compile.",
    default="",
)
@option("--seconds", "Of measuring for each figure.", float, default=2.0)
@options.json
def bench(
    net: str, batch: int, threads: int | None, against: str, seconds: float, json: bool
) -> None:
    """How fast a network is on this machine, here and in other frameworks."""
    from lenet import benchmarking

    line = Line()
    try:
        result = benchmarking.bench(
            net,
            batch=batch,
            threads=threads,
            against=split_names(against),
            seconds=seconds,
            watch=line.write,
        )
    finally:
        line.wipe()
    show(result, json)


def split_names(text: str) -> list[str]:
    """Read ``torch, onnxruntime`` as a list; of nothing, an empty one."""
    return [name.strip() for name in text.split(",") if name.strip()]


@verb
@options.json
def checks(json: bool) -> None:
    """Versions, machine, instruction set, threads and folders: for a bug report."""
    from lenet.installation import checks

    show(checks(), json)
