"""The page's own files, as they lie in ``lenet/web``: read once, and known by their addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lenet.serving.markup import tables_css, theme_css

FOLDER: Final = Path(__file__).parent.parent / "web"
#: The page itself, beside the address "/".
INDEX: Final = "/web/serve/index.html"
_KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def read_files() -> dict[str, tuple[bytes, str]]:
    """Return every file with its kind, by its address; what is asked for is looked up here."""
    found = {
        f"/web/{path.relative_to(FOLDER).as_posix()}": (path.read_bytes(), _KINDS[path.suffix])
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in _KINDS and path.is_file()
    }
    for name, rules in (("theme", theme_css()), ("tables", tables_css())):
        found[f"/web/{name}.css"] = rules.encode(), _KINDS[".css"]
    return {**found, "/": found[INDEX]}
