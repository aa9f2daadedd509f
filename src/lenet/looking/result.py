"""What ``lenet.look`` returns: pictures, and what every layer makes of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lenet import files
from lenet.drawing import FORMATS, Drawing
from lenet.drawing.formats import to_html
from lenet.drawing.scene import THEMES
from lenet.errors import UsageError
from lenet.looking import figure, layer_figure, page, unit_figure
from lenet.looking.inside import Inside
from lenet.looking.scales import Numbers
from lenet.net.words import check_choice, listed, shown
from lenet.run_folder import check_output
from lenet.terminal import can_show, columns
from lenet.writing import Result, render
from lenet.writing.document import Document

_HTML = (".html", ".htm")


@dataclass(frozen=True, eq=False, repr=False)
class Look(Inside, Result):
    """Pictures in a network, layer by layer.

    ``look["conv0"]`` is what a layer makes of all of them, (N, channels, height, width) or
    (N, units); ``print`` writes the look in short, a notebook shows its figure.

    Attributes:
        model: the network and its weights.
        pictures: N of them, as they were given and as the network sees them.
        inputs: (N, C, H, W) what the first layer is given, scaled and shifted as in training; of
            an int8 model whole numbers.
        outputs: what each layer makes of them, by its name, in order. Of an int8 model they are
            whole numbers, each layer's in a unit of its own; zero is zero.
        probabilities: (N, classes) the answers.
        layer: the layer that is enlarged; None shows all.
        units: how one number comes about, for each picture; none were asked for if empty.
        occlusion: (N, P, Q) how much less probable each answer is where a part of the picture is
            covered; None where it was not asked for.
    """

    csv_key = "layers"

    def __getitem__(self, name: str) -> Numbers:
        return self.outputs[name]

    def drawing(self, *, theme: str = "auto") -> Drawing:
        """Draw the network with the pictures in it, or the layer or unit that was asked for.

        Raises:
            UsageError: there is no such theme.
        """
        check_choice(theme, THEMES, "the theme", "theme")
        if self.units:
            drawing = unit_figure.draw(self)
        elif self.layer is not None:
            drawing = layer_figure.draw(self, self.layer)
        else:
            drawing = figure.draw(self)
        return replace(drawing, theme=theme)

    def save(self, path: str | os.PathLike[str], *, theme: str = "auto") -> Path:
        """Write the figure (.svg, .pdf, .png, .tex), or figure and numbers as a page (.html).

        Raises:
            UsageError: the ending is none of these, or the picture is too large for it.
            OutputError: the file cannot be written.
        """
        check_path(path)
        if str(path).lower().endswith(_HTML):
            return files.write_text(path, page.html_page(self, self.drawing(theme=theme)))
        return self.drawing(theme=theme).save(path)

    def page(self, form: str = "text", width: int = 80) -> Document:
        """Return what the network saw and answered, and each layer's size and range."""
        return page.document(self)

    def to_dict(self) -> dict[str, Any]:
        """Return answers, and each layer's range, as values for JSON; the arrays are attributes."""
        return page.to_dict(self)

    def __str__(self) -> str:
        """Write the pictures in characters, and the page, as wide as the terminal."""
        text = render(self, "text", columns(), ascii_only=not can_show("█▏"))
        return "\n\n".join(filter(None, (page.in_characters(self, columns()), text)))

    def _repr_html_(self) -> str:
        drawing = self.drawing()
        return to_html(drawing.scene, "auto", drawing.title, drawing.description)


def check_path(path: object, *sources: object) -> None:
    """Raise a UsageError, if a look cannot be written to ``path``, or it is one of the sources."""
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"the file is {shown(path)}; give a path that ends in .svg.")
    name = os.fspath(path)
    if os.path.splitext(name)[1].lower() not in (*(f".{known}" for known in FORMATS), *_HTML):
        what = f"{shown(os.path.basename(name))} does not say its format"
        endings = listed([*(f".{known}" for known in FORMATS), _HTML[0]], "or")
        raise UsageError(f"{what}; end it in {endings}.", parameter="output")
    check_output(path, *sources)
