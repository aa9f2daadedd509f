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
