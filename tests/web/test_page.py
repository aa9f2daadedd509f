"""The page of a network in real Chromium, opened from a file: what a person does with it."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import lenet
from exported_models import drawn
from lenet.data.decoder import read_picture
from lenet.data.prepare import prepare_picture
from lenet.formats.page import page_facts, write_page

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
DIGITS = {
    "7": [SEVEN],
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "4": [[(0.35, 0.15), (0.25, 0.55), (0.75, 0.55)], [(0.6, 0.15), (0.6, 0.85)]],
}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

#: Of every layer: its canvas's colours, counted.
COLOURS = """() => [...document.querySelectorAll(".layer")].map((layer) => {
  const canvas = layer.querySelector(".maps canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
})"""
LEGENDS = """() => [...document.querySelectorAll(".layer > .under > .legend")].map(
  (legend) => legend.textContent)"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def page_of(model, tmp_path, split=None) -> str:
    path = tmp_path / "page.html"
    path.write_text(write_page(model, split), encoding="utf-8")
    return path.as_uri()


def open_unit(found, layer: str, *place: int) -> None:
    """Choose a unit by the keyboard."""
    found.page.locator(f"[data-layer={layer}] .maps").first.focus()
    found.page.keyboard.press("Escape")
    found.page.keyboard.press("ArrowLeft")  # begins at the first
    keys = ("ArrowRight",) if len(place) == 1 else ("PageDown", "ArrowDown", "ArrowRight")
    for key, times in zip(keys, place, strict=True):
        for _ in range(times):
            found.page.keyboard.press(key)


def test_what_is_drawn_is_recognised(open_page, page_url) -> None:
    found = open_page(page_url)
    for digit, strokes in DIGITS.items():
        found.press("Clear")
        found.draw(*strokes)
        assert found.answer == digit
        best = found.page.locator(".bars .best")
        assert best.locator(".class-name").inner_text() == digit
    found.press("Clear")
    found.draw([(0.03 + x / 4, 0.7 + y / 4) for x, y in SEVEN])  # small, in a corner
    assert found.answer == "7"
    assert "centred by its mass" in found.page.locator(".done").inner_text()


def test_every_layer_is_painted_while_drawing(open_page, page_url) -> None:
    found = open_page(page_url)
    found.press("Clear")
    found.draw(SEVEN[:2])
    first = found.page.locator(".layer .maps canvas").first
    before = first.evaluate("(canvas) => canvas.toDataURL()")
    box = found.page.locator(".board").bounding_box()
    found.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    found.page.mouse.down()
    found.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    found.settle()
    assert first.evaluate("(canvas) => canvas.toDataURL()") != before  # the mouse is still down
    assert min(found.page.evaluate(COLOURS)) > 3
    found.page.mouse.up()


def test_it_asks_for_nothing(open_page, page_url) -> None:
    found = open_page(page_url)
    found.draw(SEVEN)
    assert found.requests == [page_url]


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_a_units_sum_adds_up_to_lenets_number(seed, open_page, tmp_path) -> None:
    model, images = drawn(seed)
    classes = len(model.classes)
    split = lenet.Split(images, np.arange(len(images)) % classes)
    found = open_page(page_of(model, tmp_path, split))
    x = model.prepare(split.images[np.argmin(split.labels)][np.newaxis])
    for layer in model:
        x = layer(x)
        value = x.ravel()[0]
        open_unit(found, layer.name, 0)
        unit = found.page.locator(".unit")
        assert float(unit.get_attribute("data-value")) == pytest.approx(float(value), abs=1e-5)
        assert sum_of(unit) == pytest.approx(float(value), abs=1e-5)


def sum_of(unit) -> float:
    """What comes out of the lines of a unit's sum."""
    rows = unit.locator(".sums tr").evaluate_all(
        "(rows) => rows.map((r) => [r.className, Number(r.lastChild.dataset.value)])"
    )
    lines = dict(rows)
    if "before" not in lines:
        return lines["value"]
    z = lines["sum"]
    if "mean" in lines:
        z = (z - lines["mean"]) / lines["deviation"] * lines["scale"]
    assert z + lines["bias"] == pytest.approx(lines["before"], abs=1e-6)
    return lines["value"]


def test_a_hovered_unit_lights_its_window_up(open_page, page_url, trained) -> None:
    found = open_page(page_url)
    maps = found.page.locator("[data-layer=conv1] .maps").first
    maps.scroll_into_view_if_needed()
    box = maps.bounding_box()
    found.page.mouse.move(box["x"] + 20, box["y"] + 20)
    found.settle()
    unit = found.page.locator(".unit")
    name, channel, *_ = unit.get_attribute("data-unit").split(".")
    assert (name, channel) == ("conv1", "0")
    marks = found.page.locator("[data-layer=pool0] .mark.strong").first.get_attribute("d")
    assert marks.count("M") == 6  # a window on each of the six maps that it reads
    assert found.page.locator("[data-layer=conv0] .mark.soft").first.get_attribute("d")
    assert found.page.locator(".saw .mark.soft").get_attribute("d")
    # Products, bias and activation give the number: 6 channels of 5x5, as they are in the page.
    assert len(found.page.locator(".channels button").all()) == 6
    weight, bias = trained["conv1"].weight, trained["conv1"].bias
    assert float(unit.locator(".bias .right").get_attribute("data-value")) == pytest.approx(bias[0])
    kernel = unit.locator(".grid").nth(1).locator(".cell")
    pressed = int(found.page.locator(".channels [aria-pressed=true] small").inner_text())
    titles = [float(c.get_attribute("title").replace("−", "-")) for c in kernel.all()]
    np.testing.assert_allclose(titles, weight[0, pressed].ravel(), atol=1e-4)
    found.page.mouse.move(5, 5)
    found.settle()
    assert unit.get_attribute("data-unit").startswith("conv0.")  # what was chosen before


def test_an_answer_is_a_number_of_the_last_layer(open_page, tmp_path) -> None:
    model = lenet.Model("2x4x4 | maxpool 2", [f"class {n}" for n in range(8)])
    images = np.arange(64, dtype=np.uint8).reshape(2, 2, 4, 4) * 4
    split = lenet.Split(images, np.array([7, 5]))
    found = open_page(page_of(model.initialize(), tmp_path, split))
    value = model.prepare(images[1:])[0, 1, :2, 2:].max()  # class 5: map 1, row 0, column 1
    found.page.locator(".bars [data-class='5'] button").click()
    unit = found.page.locator(".unit")
    assert unit.get_attribute("data-unit") == "pool0.1.0.1"
    assert float(unit.get_attribute("data-value")) == pytest.approx(float(value), abs=1e-6)
    assert "class 5" in unit.inner_text()
    share = float(unit.locator(".probability .right").get_attribute("data-value"))
    scores = np.exp(model.scores(images[1:])[0])
    assert share == pytest.approx(float(scores[5] / scores.sum()), abs=1e-6)


def test_colours_mean_the_same_in_any_order(open_page, page_url) -> None:
    found = open_page(page_url)
    legends = found.page.evaluate(LEGENDS)
    assert all(legends)
    found.draw(SEVEN)
    open_unit(found, "conv1", 3, 2, 2)
    open_unit(found, "conv0", 1, 2, 2)
    found.press("Clear")
    found.page.locator(".next").click()
    assert found.page.evaluate(LEGENDS) == legends


def test_the_window_slides_and_stops(open_page, page_url) -> None:
    found = open_page(page_url)
    open_unit(found, "conv1", 2, 1, 1)
    unit = found.page.locator(".unit")
    before = unit.get_attribute("data-unit")
    found.page.locator(".transport input").fill("7")
    found.page.locator(".play").click()
    found.until(f"document.querySelector('.unit').dataset.unit !== '{before}'")
    found.until("document.querySelector('.play').ariaPressed === 'false'")
    assert unit.get_attribute("data-unit") == "conv1.2.7.7"  # at the end it stops by itself


def test_undo_clear_and_polarity(open_page, page_url) -> None:
    found = open_page(page_url)
    first = found.answer
    found.draw(SEVEN)
    assert found.answer == "7"
    saw = found.page.locator(".saw canvas")
    seven = saw.evaluate("(canvas) => canvas.toDataURL()")
    found.press("Clear")
    assert "Nothing is drawn" in found.page.locator(".answer").inner_text()
    found.press("Undo")
    assert found.answer == "7"
    found.page.get_by_label("Black on white").check()
    found.settle()
    assert "inverted" in found.page.locator(".done").inner_text()
    assert saw.evaluate("(canvas) => canvas.toDataURL()") == seven
    found.page.get_by_label("As it is").check()
    found.settle()
    assert "inverted" not in found.page.locator(".done").inner_text()
    assert saw.evaluate("(canvas) => canvas.toDataURL()") != seven
    found.page.get_by_label("As it is").uncheck()
    found.page.get_by_label("Black on white").uncheck()
    found.settle()
    found.press("Undo")
    assert found.answer == first
    assert found.page.get_by_role("button", name="Undo").is_disabled()


def test_test_images_step_round(open_page, page_url, written) -> None:
    found = open_page(page_url)
    named = found.page.locator(".named")
    assert named.inner_text() == "Test image 1 of 40: 0"
    found.page.locator(".previous").click()
    assert named.inner_text().startswith("Test image 40 of 40: ")
    for _ in range(2):
        found.page.locator(".next").click()
    found.settle()
    assert named.inner_text() == "Test image 2 of 40: 1"
    assert found.page.locator(".answer").inner_text().split() == ["1", "100.00", "%", "right:", "1"]


def test_a_picture_of_ones_own(open_page, page_url, tmp_path) -> None:
    found = open_page(page_url)
    paper = np.full((200, 300, 3), 235, np.uint8)
    paper[40:160, 100:112] = paper[40:52, 60:112] = (20, 30, 60)
    Image.fromarray(paper).save(tmp_path / "seven.png")
    found.page.locator("input[type=file]").set_input_files(tmp_path / "seven.png")
    found.until("document.querySelector('.done').textContent.includes('inverted')")
    found.settle()
    assert found.answer == "7"
    found.page.locator("[name=language]").select_option("zh")  # it stays in another language
    found.settle()
    assert found.answer == "7"
    assert "已反色" in found.page.locator(".done").inner_text()
    found.page.locator("[name=language]").select_option("en")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    found.page.locator("input[type=file]").set_input_files(tmp_path / "bad.png")
    found.until("document.querySelector('.done').textContent.includes('cannot')")


def test_by_keyboard_alone(open_page, page_url) -> None:
    found = open_page(page_url)
    found.press("Clear")
    board = found.page.locator(".board")
    board.focus()
    for key, times in (("ArrowUp", 8), (" ", 1), ("ArrowDown", 16), (" ", 1)):
        for _ in range(times):
            board.press(key)
    found.settle()
    assert found.answer == "1"
    open_unit(found, "dense1", 1)
    assert found.page.locator(".unit").get_attribute("data-unit") == "dense1.1.0.0"
    found.page.keyboard.press("Escape")
    assert found.page.locator(".unit.open").count() == 0
    found.page.locator("#tab-layers").focus()
    found.page.keyboard.press("ArrowRight")
    assert found.page.locator("#tab-table").get_attribute("aria-selected") == "true"


def test_languages_and_themes(open_page, page_url) -> None:
    found = open_page(page_url, color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = found.page.evaluate(background)
    found.draw(SEVEN)
    found.page.locator("[name=language]").select_option("zh")
    assert found.page.locator("html").get_attribute("lang") == "zh-Hans"
    assert "卷积层" in found.page.locator("[data-layer=conv0]").inner_text()
    assert found.answer == "7"  # what was drawn stays
    found.page.locator("[name=theme]").select_option("dark")
    assert found.page.evaluate(background) != light
    found.page.locator("[name=language]").select_option("en")
    assert found.page.evaluate(background) != light
    found.page.locator("[name=theme]").select_option("auto")
    assert found.page.evaluate(background) == light
    found.page.emulate_media(color_scheme="dark")
    assert found.page.evaluate(background) != light


def test_an_address_brings_everything_back(open_page, page_url) -> None:
    found = open_page(page_url)
    found.draw(SEVEN)
    open_unit(found, "conv1", 3, 2, 4)
    found.page.get_by_label("As it is").check()
    found.page.locator("[name=theme]").select_option("dark")
    found.until("location.hash.includes('theme=dark')")
    again = open_page(found.page.url)
    assert again.answer == "7"
    assert again.page.locator(".unit").get_attribute("data-unit") == "conv1.3.2.4"
    assert again.page.locator("html").get_attribute("data-theme") == "dark"
    assert again.page.get_by_label("As it is").is_checked()
    assert again.page.locator(".done").inner_text() == "as it is"


HOSTILE_ADDRESSES = (
    "tab=none&theme=<b>&unit=conv9.0.0.0&image=99999",
    "unit=conv0.0.99.0&ink=zz..ff",
    "unit=__proto__.0.0.0&language=constructor&ink=.",
    "ink=" + "0" * 5000,
)


def test_no_address_breaks_the_page(open_page, page_url) -> None:
    found = open_page(page_url)
    for address in HOSTILE_ADDRESSES:
        found.page.goto("about:blank")
        found.page.goto(f"{page_url}#{address}")
        found.draw(SEVEN)
        assert found.page.locator(".answer .class-name").count() == 1
        example = found.page.locator(".unit").get_attribute("data-unit")
        assert example.startswith("conv0.0.")


def test_nothing_scrolls_sideways(open_page, page_url) -> None:
    found = open_page(page_url)
    for summary in found.page.locator(".layer summary").all():
        summary.click()
    for width in (1180, 820, 390, 320):
        found.page.set_viewport_size({"width": width, "height": 800})
        for tab in ("table", "quiz", "layers"):
            found.page.locator(f"#tab-{tab}").click()
            assert found.page.evaluate(SIDEWAYS) <= 0, (width, tab)
        open_unit(found, "conv1", 3, 2, 2)
        found.settle()
        assert found.page.evaluate(SIDEWAYS) <= 0, width
        found.page.keyboard.press("Escape")


def test_on_a_phone_the_layers_begin_on_the_first_screen(open_page, page_url) -> None:
    found = open_page(page_url, **PHONE)
    tops = [
        found.page.locator(place).first.bounding_box()["y"]
        for place in (".board", ".layer .maps", ".answers")
    ]
    assert tops == sorted(tops)
    assert tops[1] < PHONE["viewport"]["height"]


@pytest.mark.parametrize("height", [900, 1100])
def test_on_a_desk_all_ten_probabilities_are_in_sight(height, open_page, tmp_path) -> None:
    model = lenet.Model("lenet-relu").initialize(seed=1)
    images = lenet.Split(np.zeros((2, 1, 28, 28), np.uint8), np.arange(2))
    found = open_page(page_of(model, tmp_path, images), viewport={"width": 1440, "height": height})
    assert found.page.locator(".bars li").count() == 10
    last = found.page.locator(".bars li").last.bounding_box()
    assert last["y"] + last["height"] <= height


def test_the_last_units_have_the_names_of_their_classes(open_page, page_url, trained) -> None:
    found = open_page(page_url)
    names = found.page.locator(".names .class-name")
    assert names.all_inner_texts() == list(trained.classes)
    last = trained.network.placed[-1].name
    assert found.page.locator(f"[data-layer={last}] .names").count() == 1


def test_a_finger_draws_and_does_not_scroll(open_page, page_url) -> None:
    found = open_page(page_url, **PHONE)
    box = found.page.locator(".board").bounding_box()
    session = found.page.context.new_cdp_session(found.page)

    def touch(kind, *places):
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in places
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", SEVEN[0])
    for (x0, y0), (x1, y1) in pairwise(SEVEN):
        for step in range(1, 9):
            touch("touchMove", (x0 + (x1 - x0) * step / 8, y0 + (y1 - y0) * step / 8))
    touch("touchEnd")
    found.settle()
    assert found.answer == "7"
    assert found.page.evaluate("scrollY") == 0


def test_a_tap_on_a_phone_opens_a_sheet(open_page, page_url) -> None:
    found = open_page(page_url, **PHONE)
    assert found.page.locator(".unit.open").count() == 0
    found.page.locator("[data-layer=conv0] .maps").first.tap(position={"x": 30, "y": 30})
    sheet = found.page.locator(".unit.open").bounding_box()
    assert sheet["y"] + sheet["height"] <= 844 + 1
    found.page.get_by_role("button", name="Close").tap()
    assert found.page.locator(".unit.open").count() == 0


def test_the_quiz_knows_the_shapes(open_page, page_url, trained) -> None:
    found = open_page(page_url)
    found.page.locator("#tab-quiz").click()
    quiz = found.page.locator(".quiz")
    counts = [row["parameters"] for row in page_facts(trained)["layers"]]
    questions = 2 * len(trained)
    for place, count in zip(trained.network.placed, counts, strict=True):
        for answer in (place.output_shape, (count,)):
            fields = quiz.locator("input").all()
            if place.name == "conv0":  # wrong first, for once
                fields[0].fill("7")
                quiz.get_by_role("button", name="Check").click()
                assert "Not yet" in quiz.locator(".told").inner_text()
            for field, number in zip(fields, answer, strict=True):
                field.fill(str(number))
            fields[-1].press("Enter")
            assert "Right." in quiz.locator(".told").inner_text()
            assert quiz.locator(".told").evaluate("(e) => getComputedStyle(e).textAlign") == "start"
            if place.name == "conv1" and len(answer) == 1:
                assert "16 kernels × 5×5×6 numbers each + 16 biases = 2,416" in quiz.inner_text()
            if place.name == "pool0" and len(answer) == 3:
                assert "(24 − 2 + 0 + 2) / 2 = 12" in quiz.inner_text()
                assert "the stride is s = 2" in quiz.inner_text()
            quiz.locator(".primary").click()
    assert f"0 of {questions} right" in quiz.inner_text()  # it has begun again


def test_the_table_is_explains(open_page, page_url, trained) -> None:
    found = open_page(page_url)
    found.page.locator("#tab-table").click()
    rows = found.page.locator(".table tbody tr").all()
    facts = page_facts(trained)
    for row, layer in zip(rows, facts["layers"], strict=True):
        text = row.inner_text()
        assert layer["name"] in text
        assert f"{layer['parameters'] or '–':,}" in text if layer["parameters"] else "–" in text
    assert f"{facts['total']['parameters']:,}" in found.page.locator(".table tfoot").inner_text()
    assert str(trained.network) in found.page.locator(".table code").inner_text()


HOSTILE = (
    "</script><script>document.title='broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "שלום",
    "🙂" * 30,
    "{title}",
    "__proto__",
)


def test_names_of_classes_are_text(open_page, tmp_path) -> None:
    model = lenet.Model(f"1x9x9 | conv 4 k3 relu | dense {len(HOSTILE)}", HOSTILE).initialize()
    images = np.random.default_rng(0).integers(0, 256, (6, 1, 9, 9), np.uint8)
    found = open_page(page_of(model, tmp_path, lenet.Split(images, np.arange(6))))
    assert found.page.title() == "network · lenet"
    shown = found.page.locator(".bars .class-name").all_inner_texts()
    assert shown == list(HOSTILE)
    assert found.page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize(
    "net",
    [
        "compact",
        "3x12x20 | conv 8 k3 p1 batchnorm silu, conv 8 k3 g8 tanh, avgpool 2 s1 p1 | dense 30",
        "9x1x64 | conv 4 k1x5 leaky-relu, maxpool 1x2 | dense 3",
        "2x4x4 | maxpool 2",
        "1x1x1 | dense 1",
        "1x10x10 | " + " | ".join(["conv 3 k3 p1 relu"] * 29) + " | dense 5",
    ],
)
def test_every_network_has_a_page(net, open_page, tmp_path) -> None:
    network = lenet.parse(net) if "|" in net else net
    found = open_page(page_of(lenet.Model(network).initialize(), tmp_path), **PHONE)
    found.draw(SEVEN)
    assert found.page.locator(".answer .class-name").count() == 1
    for layer in found.page.locator(".layer").all():
        layer.locator(".maps").first.focus()
        found.page.keyboard.press("ArrowRight")
        assert np.isfinite(float(found.page.locator(".unit").get_attribute("data-value")))
    assert found.page.evaluate(SIDEWAYS) <= 0


#: The colours of what the network saw, 16x16, as the page shows it: each pixel's middle.
SAW = """() => {
  const canvas = document.querySelector(".saw canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const step = canvas.width / 16;
  const middle = (n) => Math.floor((n + 0.5) * step);
  const at = (row, column) => middle(row) * canvas.width + middle(column);
  const places = Array.from({ length: 256 }, (_, n) => 4 * at(n >> 4, n & 15));
  return places.map((place) => [...data.slice(place, place + 3)]);
}"""


@pytest.mark.parametrize(
    ("fit", "word"),
    [("stretch", "stretched"), ("pad", "repeated"), ("crop", "cut out"), ("border", "border's")],
)
def test_a_photograph_becomes_what_lenet_makes_of_it(open_page, tmp_path, fit, word) -> None:
    seen = lenet.Preprocessing((3, 16, 16), (0.0,) * 3, (1.0,) * 3, None, fit=fit)
    model = lenet.Model("3x16x16 | conv 4 k3 | dense 2", preprocessing=seen).initialize()
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(coarse).resize((700, 400)).save(tmp_path / "photo.png")
    found = open_page(page_of(model, tmp_path))
    found.page.locator("input[type=file]").set_input_files(tmp_path / "photo.png")
    found.until("document.querySelector('.done').textContent.includes('700×400')")
    shown = np.array(found.page.evaluate(SAW)).T.reshape(3, 16, 16)
    ours, _ = prepare_picture(read_picture(tmp_path / "photo.png"), seen)
    assert np.abs(shown - ours).max() <= 1
    assert word in found.page.locator(".done").inner_text()
