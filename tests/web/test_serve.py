"""The page that ``lenet serve`` serves, in real Chromium: what a person does with it."""

import os
import re
import subprocess
import sys
import warnings

import pytest

import lenet

pytest.importorskip("uvicorn", reason="the page needs the extra web")

NET = "1x28x28 | conv 6 k5 relu, maxpool 2 | conv 16 k5 relu, maxpool 2 | dense 60 relu, dense 4"
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LONG = 60_000  # milliseconds: a machine may be busy


@pytest.fixture(scope="module")
def address(written, tmp_path_factory):
    """A server in a folder with two runs, and its address."""
    folder = tmp_path_factory.mktemp("serve")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed, name in enumerate(("written-1", "written-2")):
            run = folder / "runs" / name
            lenet.train(NET, written, epochs=4, seed=seed, run=run)
    line = [sys.executable, "-m", "lenet", "serve", "--port", "0"]
    with subprocess.Popen(
        line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        yield re.search(r"http://\S+", process.stdout.readline())[0]
        process.terminate()
        _, complaints = process.communicate(timeout=60)
        assert complaints == ""
        assert process.returncode == 0


@pytest.fixture
def visit(browser, address):
    """Opens a part of the page in a window of its own; at the end nothing may have complained."""
    contexts, complaints = [], []

    def open_it(place="", **context):
        settings = {"viewport": {"width": 1440, "height": 1000}, "locale": "en-US", **context}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{address}{place}")
        page.wait_for_selector("nav a[aria-current]")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def fact(page, name):
    """The number that stands above a name."""
    return page.locator(".facts div", has_text=name).locator("dd").inner_text()


class TestBuild:
    def test_what_is_typed_is_followed(self, visit):
        page = visit()
        page.wait_for_selector("#table .lenet-report")
        assert fact(page, "parameters") == "44,426"
        page.fill("#notation", "1x28x28 | conv 4 k3 relu | dense 10")
        page.locator("#table", has_text="4@26x26").wait_for()
        assert fact(page, "parameters") == "27,090"
        assert "net=1x28x28" in page.url
        assert page.locator("#changes", has_text="before").is_visible()

    def test_a_number_is_dragged_and_stepped(self, visit):
        page = visit("#build?net=lenet")
        knob = page.locator(".layers .conv [role=spinbutton]").first
        page.wait_for_selector("#table .lenet-report")
        knob.hover()  # once it stands still
        box = knob.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.down()
        page.mouse.move(x + 14, y, steps=4)
        page.mouse.up()
        page.locator("#table", has_text="8@24x24").wait_for()
        assert "conv 8 k5" in page.input_value("#notation")
        knob.focus()
        knob.press("ArrowDown")
        knob.press("PageUp")
        page.locator("#table", has_text="17@24x24").wait_for()
        assert knob.get_attribute("aria-valuenow") == "17"
        page.go_back()
        page.locator("#table", has_text="7@24x24").wait_for()

    def test_what_cannot_be_read_is_marked(self, visit):
        page = visit()
        page.fill("#notation", "1x28x28 | conv 6 k5 rleu | dense 10")
        page.locator("#problem", has_text="did you mean 'relu'?").wait_for()
        assert page.locator("#problem mark").inner_text() == "rleu"

    def test_a_fix_is_taken(self, visit):
        page = visit("#build?net=1x28x28 | conv 6 k55 | dense 10")
        page.get_by_role("button", name="use a 27x27 kernel in conv0").click()
        page.locator("#table", has_text="6@2x2").wait_for()
        assert page.locator("#problem").inner_text() == ""
        assert "conv 6 k27" in page.input_value("#notation")

    def test_a_figure_is_deduced(self, visit):
        page = visit()
        page.locator("summary", has_text="From a figure").click()
        page.get_by_role("button", name="The 1998 paper's figure").click()
        page.get_by_role("button", name="Use this network").click()
        page.locator("#table", has_text="16@5x5").wait_for()
        assert fact(page, "parameters") == "61,706"

    def test_a_proposal_within_a_budget_is_taken(self, visit):
        page = visit("#build?net=lenet&budget=parameters%3D20k")
        page.get_by_role("button", name="3  all of it").click()
        page.locator("#changes", has_text="before").wait_for()
        assert int(fact(page, "parameters").replace(",", "")) <= 20_000
        assert "budget=parameters" in page.url

    def test_the_address_tells_all(self, visit):
        page = visit("#build?net=compact&style=graph&shapes=28x28 -> 6@24x24 -> 10")
        page.locator(".deduced", has_text="5x5").wait_for()
        assert fact(page, "parameters") == "58,074"
        assert page.get_by_label("Kind of figure").input_value() == "graph"


class TestTrain:
    def test_a_training_finishes_and_has_its_curves(self, visit):
        page = visit("#train?net=1x28x28 | conv 4 k5 relu, maxpool 4 | dense 10&epochs=3")
        page.get_by_role("button", name="Train", exact=True).click()
        card = page.locator(".job", has_text="digits-custom-1")
        card.locator(".badge", has_text="finished").wait_for()
        assert "epoch 3 of 3" in card.inner_text()
        chart = page.locator(".charts figure", has_text="Accuracy in %")
        chart.locator("text", has_text="test").wait_for()
        assert page.locator(".charts figure", has_text="Gradient").is_visible()
        assert "digits-custom-1" in page.url

    def test_seeds_stand_in_one_chart(self, visit):
        page = visit("#train?net=1x28x28 | dense 10&epochs=2&seeds=3&recipe=modern")
        page.get_by_role("button", name="Train", exact=True).click()
        jobs = page.locator(".job[data-status=finished]", has_text="epoch 2 of 2")
        for seed in (0, 1, 2):
            jobs.filter(has_text=f"seed {seed}").wait_for()
        chart = page.locator(".charts figure", has_text="Test accuracy in %")
        chart.locator("path").nth(3).wait_for(state="attached")
        page.get_by_role("link", name="Compare").click()
        page.locator("#compared", has_text="McNemar").wait_for()

    def test_one_is_stopped_and_goes_on(self, visit):
        page = visit("#train?net=1x28x28 | dense 20 relu, dense 10&epochs=90000")
        page.get_by_role("button", name="Train", exact=True).click()
        card = page.locator(".job[data-status=running]")
        card.locator("progress").wait_for()
        page.locator(".job", has_text="epoch 2").or_(
            page.locator(".job", has_text="loss")
        ).first.wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator(".job[data-status=stopped]").wait_for()
        page.get_by_role("button", name="Resume").click()
        page.locator(".job[data-status=running] progress").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator(".job[data-status=stopped]").wait_for()

    def test_a_slow_click_stops_one(self, visit):
        """The button is the same one all the while, though the card changes ten times a second."""
        page = visit("#train?net=1x28x28 | dense 12 relu, dense 10&epochs=90000")
        page.get_by_role("button", name="Train", exact=True).click()
        page.locator(".job[data-status=running]", has_text="loss").wait_for()
        page.get_by_role("button", name="Stop").hover()  # once it stands still
        page.mouse.down()
        page.wait_for_timeout(700)
        page.mouse.up()
        newest = page.locator(".job").first
        newest.locator(".badge", has_text="stopped").wait_for()


class TestLook:
    def test_nothing_is_shown_without_its_style(self, visit):
        page, held = visit(), []
        page.route("**/web/page.css", lambda route: held.append(route))
        page.get_by_role("link", name="Look").click()
        board = page.locator(".board")
        board.wait_for(state="attached")
        assert not board.is_visible()
        held[0].continue_()
        board.wait_for()
        assert page.locator(".look").evaluate("(e) => getComputedStyle(e).display") == "grid"

    def test_a_seven_is_a_seven(self, visit, draw):
        page = visit("#look?run=written-1")
        draw(page, SEVEN)
        page.locator(".answer .class-name", has_text="7").wait_for()
        assert page.locator(".answer .class-name").inner_text() == "7"
        page.wait_for_url(re.compile(r"ink=\w{70}"))
        again = visit(f"#{page.url.partition('#')[2]}")
        again.locator(".answer .class-name", has_text="7").wait_for()

    def test_another_run_is_chosen(self, visit):
        page = visit("#look?run=written-1")
        page.locator(".layer canvas").first.wait_for()
        page.get_by_label("Run").select_option("written-2")
        page.wait_for_url("**run=written-2**")
        page.locator(".layer canvas").first.wait_for()


class TestRuns:
    def test_runs_are_listed_and_compared(self, visit):
        page = visit("#runs")
        for name in ("written-1", "written-2"):
            page.get_by_label(f"Choose {name}").check()
        page.get_by_role("button", name="Compare 2").click()
        page.locator("#compared", has_text="parameters").wait_for()
        page.locator(".charts figure", has_text="Test accuracy in %").wait_for()
        assert "compare=" in page.url

    def test_a_report_is_shown_and_runs_nothing(self, visit):
        page = visit("#runs?report=written-1")
        report = page.frame_locator("iframe.report")
        report.locator("h1", has_text="written-1").wait_for()
        assert page.locator("iframe.report").get_attribute("sandbox") == ""


@pytest.mark.parametrize(
    ("place", "theme"),
    [
        ("#build", "light"),
        ("#build?net=compact&start=lenet&budget=macs%3D1M", "dark"),
        ("#train", "dark"),
        ("#look?run=written-1", "light"),
        ('#runs?compare=["written-1","written-2"]', "dark"),
        ("#runs?report=written-1", "light"),
    ],
)
def test_a_phone_does_not_scroll_sideways(visit, place, theme):
    page = visit(place, color_scheme=theme, **PHONE)
    page.locator(".card, .layer").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(SIDEWAYS) == 0


def test_the_page_speaks_chinese_and_changes_its_theme(visit):
    page = visit()
    page.get_by_label("Language").select_option("zh")
    page.get_by_role("heading", name="搭建网络").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("主题").select_option("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    page.get_by_role("heading", name="搭建网络").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_both_languages_say_everything(visit):
    page = visit()
    lacking = page.evaluate(
        """async () => {
          const { WORDS, LANGUAGES } = await import("/web/serve/words.js");
          const number = Object.keys(LANGUAGES).length;
          const isWhole = (words) => words.filter(Boolean).length === number;
          return Object.entries(WORDS).filter(([, words]) => !isWhole(words));
        }"""
    )
    assert lacking == []


def test_the_keyboard_reaches_the_tabs(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Train").wait_for()


def test_a_late_answer_changes_no_other_tab(visit):
    page = visit("#build?net=compact")
    page.wait_for_selector("#table .lenet-report")
    page.route("**/api/build", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.get_by_role("button", name="tiny", exact=True).click()
    page.get_by_role("link", name="Runs").click()
    page.locator(".runs", has_text="written-1").wait_for()
    page.wait_for_timeout(600)
    assert page.url.endswith("#runs")
    page.get_by_role("link", name="Build").click()
    page.locator("#table", has_text="8@28x28").wait_for()
    assert fact(page, "parameters") == "9,042"
