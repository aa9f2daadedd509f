"""``lenet compare``, and its page in docs/."""

import json

import pytest

from pages import read_page

PAGE = read_page("compare.md")


def test_json_has_the_keys_of_the_page(command):
    values = json.loads(command("compare", "lenet", "lenet-60", "--json").out)
    layers = values["differences"][0]["layers"]
    for key in [*values, *values["networks"][0], *values["differences"][0], *layers[0]]:
        assert f"`{key}`" in PAGE
    assert values["networks"][1]["ratios"]["parameters"] == pytest.approx(18602 / 44426)


def test_files_are_called_by_their_names(command, here, model):
    found = command("compare", "lenet", model)
    assert found.out.startswith("                 lenet    m\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "two or more networks, not 0"),
        (["lenet"], "two or more networks, not 1"),
        (["lenet", "nothing"], "'nothing' names no network"),
    ],
)
def test_wrong_usage(refused, arguments, words):
    refused(["compare", *arguments], 2, words)


def test_a_runs_own_page_is_not_written_over(command, here):
    for name in "ab":
        command("train", "--net", "1x8x8 | dense 10", "--epochs", "1", "--run", name, "--quiet")
    page = here / "runs" / "a" / "report.html"
    before = page.read_bytes()
    found = command("compare", "runs/a", "runs/b", "-o", str(page))
    assert (found.status, page.read_bytes()) == (2, before)
    assert "written over" in found.err
