"""Pictures of a network and charts of numbers, as SVG, PDF, PNG and LaTeX.

- ``drawing``: draw(), and the Drawing that it returns
- ``figure``: the paper's figure; ``shapes``: its stacks and slabs
- ``graph``: a box a layer
- ``chart``: lines over epochs or steps; ``axes``: which numbers stand beside them
- ``wording``, ``typeface``, ``palette``, ``breaks``: words, their widths, colours, even rows
- ``scene``: what all are made of, before it is written in a format
- ``svg``, ``tikz``, ``printing``: the formats; ``printing`` (PDF, PNG) alone needs other packages
"""

from lenet.drawing.drawing import FORMATS, STYLES, Drawing, draw, format_of
from lenet.drawing.palette import THEMES

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]
