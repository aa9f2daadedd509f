"""The colours: one role a meaning, each in a light and a dark version.

Blue is convolution, green pooling, amber dense layers, grey what goes in and out. A *face* is the
area of a shape, an *edge* its outline. The lines of a chart take the *series* in their order. Every
text keeps a contrast of at least 4.5 (WCAG 2.2, level AA) on whatever it stands on.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final[dict[str, str]] = {
    "page": "#ffffff",
    "text": "#1b2735",
    "muted": "#566373",
    "line": "#8492a3",
    "frame": "#c6cfda",
    "grid": "#e7ebf0",
    "data-face": "#f1f4f8",
    "data-edge": "#66758a",
    "conv-face": "#dbe8fd",
    "conv-edge": "#2f6fde",
    "pool-face": "#d8f3e1",
    "pool-edge": "#1c9150",
    "dense-face": "#fdecc8",
    "dense-edge": "#c97a0a",
    "series-1": "#2463d6",
    "series-2": "#c2500a",
    "series-3": "#15803d",
    "series-4": "#8b3fd1",
    "series-5": "#be185d",
    "series-6": "#0b7285",
    "series-7": "#7a5b00",
    "series-8": "#52606f",
    "series-9": "#b42318",
    "series-10": "#4c5f14",
}
DARK: Final[dict[str, str]] = {
    "page": "#0d1117",
    "text": "#e6ebf1",
    "muted": "#9fadbd",
    "line": "#728195",
    "frame": "#35414f",
    "grid": "#222b36",
    "data-face": "#1b232d",
    "data-edge": "#8b9aac",
    "conv-face": "#16294a",
    "conv-edge": "#6aa5f8",
    "pool-face": "#123322",
    "pool-edge": "#4cc983",
    "dense-face": "#3b2a0d",
    "dense-edge": "#eeb04a",
    "series-1": "#6aa5f8",
    "series-2": "#f59e4b",
    "series-3": "#4cc983",
    "series-4": "#b794f6",
    "series-5": "#f272a8",
    "series-6": "#3fc7d4",
    "series-7": "#d6b545",
    "series-8": "#a3b1c2",
    "series-9": "#ff8a80",
    "series-10": "#b5cc5a",
}
#: The roles of the lines in a chart, in order; with more lines they begin again.
SERIES: Final = tuple(role for role in LIGHT if role.startswith("series-"))
#: What an explicit theme is drawn in; "auto" is light, and dark where the reader's screen is.
THEMES: Final = {"auto": LIGHT, "light": LIGHT, "dark": DARK}


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours ``#rrggbb``, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
