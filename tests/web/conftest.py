"""One Chromium for all tests of what is shown in a browser; without it they are skipped."""

import os
import shutil
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import lenet
from lenet.formats.page import write_page

#: Where Chromium may be: named, or as systems call it.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, started once."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("LENET_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


def draw_strokes(page: Any, *strokes) -> None:
    """Draw strokes on the board with the mouse: lists of places from 0 to 1."""
    board = page.locator(".board")
    board.hover(trial=True)  # waits until it is in sight, stands still and nothing covers it
    box = board.bounding_box()
    for points in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=10)
        page.mouse.up()


@pytest.fixture(scope="session")
def draw():
    """Draws strokes on a page's board: draw(page, *strokes)."""
    return draw_strokes


@dataclass
class Opened:
    """A page in the browser, and what it complained of and asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def press(self, text: str) -> None:
        """Press the button that has this text."""
        self.page.get_by_role("button", name=text, exact=True).click()
        self.settle()

    def draw(self, *strokes) -> None:
        """Draw strokes on the board with the mouse: lists of places from 0 to 1."""
        draw_strokes(self.page, *strokes)
        self.settle()

    def settle(self) -> None:
        """Wait until everything is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def until(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds: the page's policy forbids waiting inside."""
        for _ in range(100):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never: {condition}")

    @property
    def answer(self) -> str:
        """The class that the page names."""
        return self.page.locator(".answer .class-name").inner_text()


@pytest.fixture
def open_page(browser):
    """Opens an address in a window of its own: open_page(url, viewport=..., color_scheme=...).

    At the end of the test nothing may have complained.
    """
    contexts, opened = [], []

    def open_it(url: str, **context) -> Opened:
        settings = {"viewport": {"width": 1440, "height": 1000}, "locale": "en-US", **context}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        found = Opened(page)
        opened.append(found)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("console", lambda message: found.complaints.append(message.text))
        page.on("request", lambda request: found.requests.append(request.url))
        page.goto(url)
        page.wait_for_selector(".layer canvas")
        found.settle()
        return found

    yield open_it
    for context in contexts:
        context.close()
    assert [found.complaints for found in opened] == [[]] * len(opened)


def strokes_of(digit: int, random: np.random.Generator) -> list:
    """A one, a four or a seven as somebody writes it: straight strokes, each time another."""
    shapes = {
        1: [[(0.5, 0.15), (0.5, 0.85)]],
        4: [[(0.35, 0.15), (0.25, 0.55), (0.75, 0.55)], [(0.6, 0.15), (0.6, 0.85)]],
        7: [[(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]],
        0: [
            [(0.5, 0.15), (0.3, 0.3), (0.3, 0.7), (0.5, 0.85), (0.7, 0.7), (0.7, 0.3), (0.5, 0.15)]
        ],
    }
    slant = random.normal(0, 0.08)
    lines = []
    for points in shapes[digit]:
        moved = np.array(points) + random.normal(0, 0.035, (len(points), 2))
        moved[:, 0] += slant * (0.5 - moved[:, 1])
        lines.append(moved.clip(0.02, 0.98).tolist())
    return lines


def drawn_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of 28x28 as MNIST has them, of written digits: (N, 1, 28, 28) and their classes."""
    from PIL import Image, ImageDraw

    from lenet.data.centring import INK, centres_of_mass

    random = np.random.default_rng(0)
    images, labels = [], []
    for n in range(count):
        label = n % 4
        pen = int(random.integers(16, 30))
        picture = Image.new("L", (280, 280))
        draw = ImageDraw.Draw(picture)
        for line in strokes_of((0, 1, 4, 7)[label], random):
            places = [tuple(280 * x for x in point) for point in line]
            draw.line(places, 255, pen, "curve")
            for x, y in places:
                draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], 255)
        crop = picture.crop(picture.getbbox())
        scale = 20 / max(crop.size)
        small = crop.resize(
            [max(1, round(side * scale)) for side in crop.size], Image.Resampling.BOX
        )
        pixels = np.pad(np.asarray(small), 28)
        (y,), (x,) = centres_of_mass((pixels * (pixels > INK))[np.newaxis])
        top, left = round(float(y)) - 14, round(float(x)) - 14
        images.append(pixels[top : top + 28, left : left + 28])
        labels.append(label)
    return np.array(images, np.uint8)[:, np.newaxis], np.array(labels)


@pytest.fixture(scope="session")
def write_digits():
    """Makes so many images of written digits, and their classes."""
    return drawn_images


@pytest.fixture(scope="session")
def written():
    """Data of written zeros, ones, fours and sevens, as MNIST has them."""
    images, labels = drawn_images(1200)
    train, test = (
        lenet.Split(images[part], labels[part]) for part in (slice(1000), slice(1000, None))
    )
    return lenet.Dataset("written", train, test, ("0", "1", "4", "7"))


@pytest.fixture(scope="session")
def trained(written):
    """A LeNet that knows them."""
    network = (
        "1x28x28 | conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2 | dense 60 relu, dense 4"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lenet.train(network, written, lenet.recipe(epochs=4), seed=0)


@pytest.fixture(scope="session")
def page_url(trained, written, tmp_path_factory):
    """Its page, as a file."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(write_page(trained, written.test), encoding="utf-8")
    return path.as_uri()
