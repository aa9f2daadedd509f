"""A scene as LaTeX: a document of the class standalone that draws with TikZ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from lenet.drawing.palette import LIGHT, THEMES
from lenet.drawing.scene import Box, Mark, Paint, Path, Pixels, Scene, Text

#: A pixel in TeX's big points: 1/96 inch in 1/72 inch.
_POINTS: Final = 0.75
_ANCHORS: Final = {"start": "base west", "middle": "base", "end": "base east"}
_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{character: f"\\{character}" for character in "{}$&#%_"},
}


def to_tikz(scene: Scene, theme: str, title: str) -> str:
    """The whole document as text; it compiles with pdflatex, xelatex and lualatex."""
    colors = THEMES[theme]
    # Drawn without a background on white paper, so that it lies on a coloured one too.
    page = Box(0, 0, scene.width, scene.height, Paint("" if colors is LIGHT else "page"))
    used = scene.roles | {page.paint.fill}
    return "\n".join(
        [
            f"% {' '.join(title.split())}",
            r"\documentclass[tikz]{standalone}",
            *(
                f"\\definecolor{{{role}}}{{HTML}}{{{color[1:].upper()}}}"
                for role, color in colors.items()
                if role in used
            ),
            r"\begin{document}",
            rf"\begin{{tikzpicture}}[x={_POINTS}bp, y=-{_POINTS}bp, line join=round,",
            r"  every node/.style={inner sep=0pt}]",
            *map(_mark, (page, *scene.marks)),
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _mark(mark: Mark) -> str:
    match mark:
        case Text():
            size = f"{mark.size * _POINTS:g}bp"
            weight = r"\bfseries" if mark.bold else ""
            font = rf"\sffamily{weight}\fontsize{{{size}}}{{{size}}}\selectfont"
            options = f"anchor={_ANCHORS[mark.anchor]}, text={mark.role}, font={font}"
            return rf"\node[{options}] at {_point(mark.x, mark.y)} {{{escape(mark.text)}}};"
        case Box():
            corners = f"{_point(mark.x, mark.y)} rectangle {_point(mark.right, mark.bottom)}"
            radius = f", rounded corners={mark.radius * _POINTS:g}bp" if mark.radius else ""
            return rf"\path[{', '.join(_options(mark.paint))}{radius}] {corners};"
        case Path():
            way = " -- ".join(_point(x, y) for x, y in mark.points)
            return rf"\path[{', '.join(_options(mark.paint))}] {way}{' -- cycle' * mark.closed};"
        case Pixels():
            return "\n".join(_runs(mark))


def _runs(image: Pixels) -> Iterator[str]:
    """An image as rectangles, each of equal pixels beside each other: TeX alone reads no PNG."""
    rows, columns = image.size
    wide, high, step = image.width / columns, image.height / rows, image.channels
    for row in range(rows):
        y = image.y + row * high
        at = step * columns * row
        line = [image.data[at + step * i : at + step * (i + 1)] for i in range(columns)]
        for color, run in groupby(range(columns), line.__getitem__):
            first, *others = run
            left, right = image.x + first * wide, image.x + (first + 1 + len(others)) * wide
            red, green, blue = color * (3 // step)
            yield (
                f"\\fill[fill={{rgb,255:red,{red};green,{green};blue,{blue}}}] "
                f"{_point(left, y)} rectangle {_point(right, y + high)};"
            )


def _options(paint: Paint) -> Iterator[str]:
    yield f"line width={paint.width * _POINTS:.3g}bp"
    if paint.fill:
        yield f"fill={paint.fill}"
        if paint.opacity != 1:
            yield f"fill opacity={paint.opacity:g}"
    if paint.stroke:
        yield f"draw={paint.stroke}"


def _point(x: float, y: float) -> str:
    return f"({x:.2f},{y:.2f})"


def escape(text: str) -> str:
    """``text`` with what TeX would take for a command made printable."""
    return re.sub(r"[\\~^<>{}$&#%_]", lambda found: _SPECIAL[found[0]], text)
