"""Pictures of a network, as SVG, PDF, PNG and LaTeX.

- ``drawing``: draw(), and the Drawing that it returns
- ``figure``: the paper's figure; ``shapes``: its stacks and slabs
- ``graph``: a box a layer
- ``wording``, ``typeface``, ``palette``, ``breaks``: words, their widths, colours, even rows
- ``scene``: what both are made of, before it is written in a format
- ``svg``, ``tikz``, ``printing``: the formats; ``printing`` is the only user of matplotlib
"""

from lenet.drawing.drawing import FORMATS, STYLES, Drawing, draw, format_of
from lenet.drawing.palette import THEMES

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]
