"""Pictures of a network."""

from lenet.drawing.drawing import FORMATS, STYLES, Drawing, draw, format_of
from lenet.drawing.palette import THEMES

__all__ = ["FORMATS", "STYLES", "THEMES", "Drawing", "draw", "format_of"]
