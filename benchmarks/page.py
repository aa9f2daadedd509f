"""Pages of networks in a browser: their size, the first paint, and a redraw of every layer.

    python benchmarks/page.py [--net NAME...] [--json FILE]

A page of each network, with random weights and no test images, is opened from a file in headless
Chromium, and a seven is drawn on it with the mouse. A redraw is one pass through the network and
the colours of every number in every layer, as the page itself takes the time of it; medians, and
the slowest of all. Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import lenet
from lenet.formats.page import write_page

NETS = ("lenet", "lenet-relu", "lenet-d2l", "tiny", "compact")
#: Where the pen goes, from 0 to 1 across the board and down.
SEVEN = ((0.25, 0.25), (0.72, 0.25), (0.42, 0.85))
STEPS = 40
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_REDRAW = "Number(document.querySelector('.look').dataset.milliseconds)"


def measure(browser: Any, net: str, folder: Path) -> dict[str, Any]:
    """Return the page's bytes, and in milliseconds its first paint and its redraws."""
    path = folder / f"{net}.html"
    path.write_text(write_page(lenet.Model(net).initialize(seed=0)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    paint = page.evaluate(_PAINT)
    box = page.locator(".board").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*places[0])
    page.mouse.down()
    times = []
    for (x0, y0), (x1, y1) in pairwise(places):
        for step in range(1, STEPS + 1):
            share = step / STEPS
            page.mouse.move(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            page.evaluate("new Promise((done) => requestAnimationFrame(done))")
            times.append(page.evaluate(_REDRAW))
    page.mouse.up()
    page.close()
    kept = times[STEPS // 2 :]  # the browser compiles what runs often
    return {
        "net": net,
        "bytes": path.stat().st_size,
        "first_paint": paint,
        "redraw": median(kept),
        "slowest": max(kept),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", nargs="+", default=list(NETS))
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("no Chromium is found; install it, for instance Debian's package chromium.")
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        rows = [measure(browser, net, Path(folder)) for net in chosen.net]
        browser.close()
    print(f"{'network':<12}{'bytes':>10}{'first paint':>13}{'redraw':>10}{'slowest':>10}  (ms)")
    for row in rows:
        times = "".join(f"{row[key]:>{w}.1f}" for key, w in (("redraw", 10), ("slowest", 10)))
        print(f"{row['net']:<12}{row['bytes']:>10,}{row['first_paint']:>13.0f}{times}")
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
