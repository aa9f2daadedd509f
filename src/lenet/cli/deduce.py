"""``lenet deduce``."""

from __future__ import annotations

import shutil


def run(
    figure: str,
    /,
    *,
    given: list[str] | None = None,
    params: str | None = None,
    activation: str = "relu",
    all: bool = False,
    notation: bool = False,
    json: bool = False,
) -> None:
    """The network behind a figure that shows only shapes: kernels, strides, padding.

    Parameters
    ----------
    figure
        The shapes as a paper prints them: "32x32 -> 6@28x28 -> 6@14x14 -> 120 -> 10".
    given
        What is known of a layer, in the notation's words: "conv1 k5"; may be repeated.
    params
        At most so many parameters in all: 60000; or exactly: =61706.
    activation
        Of every convolution and dense layer but the last dense one.
    all
        List every window that fits, not only how many there are.
    notation
        Print only the network, ready for any other verb.
    json
        Print one JSON object instead.
    """
    from lenet.analysis.deduction import deduce
    from lenet.writing import json_text
    from lenet.writing.text import write_text

    found = deduce(figure, given=given or (), params=params, activation=activation)
    if json:
        print(json_text(found.to_dict()))
    elif notation:
        print(found.network)
    else:
        width = max(80, shutil.get_terminal_size((80, 24)).columns)
        print(write_text(found.page(everything=all), width))
