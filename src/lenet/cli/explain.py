"""``lenet explain``."""

from __future__ import annotations

import shutil
import sys

from lenet.errors import UsageError


def run(
    net: str | None = None,
    /,
    *,
    format: str = "text",
    json: bool = False,
    batch: int = 256,
    optimizer: str = "sgd",
    input: str | None = None,
    dense_versus_conv: str | None = None,
    units: int = 256,
) -> None:
    """What a network is made of: one row per layer, totals, memory, and what stands out.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    format
        text, json, markdown, html, latex or csv.
    json
        Short for --format json.
    batch
        Images per training step, for the memory it takes.
    optimizer
        sgd, momentum, nesterov or adamw, for the same.
    input
        Look at the network on this input instead, such as 3x64x64.
    dense_versus_conv
        No network, but this image, such as 3x1000x1000, into a dense layer and a convolution.
    units
        Units of that dense layer, and channels of that convolution.
    """
    if json and format not in ("text", "json"):
        raise UsageError(f"--json and --format {format} are two formats; give one of them.")
    form = "json" if json else format
    if dense_versus_conv is not None:
        if net is not None:
            raise UsageError(
                "--dense-versus-conv takes no network beside it; leave one of them out."
            )
        _versus(dense_versus_conv, units, form)
        return
    if net is None:
        raise UsageError("lenet explain needs a network (NET); see lenet explain --help.")
    _explain(net, form, batch, optimizer, input)


def _explain(net: str, form: str, batch: int, optimizer: str, input_shape: str | None) -> None:
    from lenet.analysis import explain
    from lenet.cli.networks import network_of
    from lenet.net import name_of
    from lenet.writing import render

    report = explain(
        network_of(net),
        name=name_of(net),
        batch=batch,
        optimizer=optimizer,
        input_shape=input_shape,
    )
    _print(render(report, form, _columns(), ascii_only=not _shows_blocks()), form)


def _versus(image: str, units: int, form: str) -> None:
    from lenet.analysis.versus import dense_versus_conv
    from lenet.writing import render

    _print(render(dense_versus_conv(image, units=units), form, min(_columns(), 100)), form)


def _print(text: str, form: str) -> None:
    # A CSV file's last line is ended already.
    print(text, end="" if form == "csv" else "\n")


def _columns() -> int:
    return max(80, shutil.get_terminal_size((80, 24)).columns)


def _shows_blocks() -> bool:
    """Can the output's encoding write the bars?"""
    try:
        "█▏".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
