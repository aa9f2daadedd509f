"""``lenet draw``."""

from __future__ import annotations

from pathlib import Path

from lenet.cli.output import print_json


def run(
    net: str,
    /,
    *,
    output: Path | None = None,
    style: str = "figure",
    theme: str = "auto",
    format: str | None = None,
    json: bool = False,
) -> None:
    """A picture of a network: the paper's figure or the graph of its layers.

    Parameters
    ----------
    net
        A zoo name, a notation, a .json file or a saved model.
    output
        The file to write, always needed; its ending chooses the format: .svg, .pdf, .png or .tex.
    style
        figure (stacks of feature maps, as in the paper) or graph (one box per layer).
    theme
        auto (an SVG follows the reader's screen), light or dark.
    format
        svg, pdf, png or tex, whatever the ending.
    json
        Print one JSON object instead.
    """
    from lenet.cli.networks import network_of
    from lenet.drawing import draw, format_of
    from lenet.errors import UsageError
    from lenet.net import name_of

    if output is None:
        raise UsageError("no file is given to draw into; name it: lenet draw NET -o lenet.svg")
    chosen = format_of(output, format)
    drawing = draw(network_of(net), style=style, theme=theme, name=name_of(net))
    drawing.save(output, format=chosen)
    if json:
        print_json({"file": str(output), "format": chosen, "style": style, **drawing.to_dict()})
    else:
        print(output)
