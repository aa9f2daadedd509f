"""Pictures of a network and charts of numbers, as SVG, PDF, PNG and LaTeX.

- ``drawing``: draw(), and the Drawing that it returns
- ``figure``: the paper's figure; ``graph``: one box per layer; ``labels``: their words
- ``chart``: lines over epochs or steps, and the numbers beside them
- ``scene``: what all are made of, before it is written in a format
- ``markup``, ``printing``: the formats; ``printing`` (PDF, PNG) alone needs other packages
"""

from lenet.drawing.drawing import FORMATS, STYLES, Drawing, draw, format_of
from lenet.drawing.scene import THEMES

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]
