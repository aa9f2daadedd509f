"""``lenet balance``, and its page in docs/."""

import json

import pytest

from lenet.analysis.advice import read_budget
from pages import read_page

PAGE = read_page("balance.md")


def test_json_has_the_keys_of_the_page(command):
    found = command("balance", "lenet", "--budget", "macs=1M", "--budget", "memory=64KiB", "--json")
    values = json.loads(found.out)
    assert values["budget"] == {"macs": 1_000_000, "memory": 65_536}
    inner = [values[key][0] for key in ("layers", "neighbours", "claims", "proposals")]
    for key in [*values, *values["costs"], *(key for one in inner for key in one)]:
        assert f"`{key}`" in PAGE


def test_bars_where_the_terminal_has_no_blocks(process):
    found = process("balance", "lenet", env={"PYTHONIOENCODING": "ascii"})
    assert "########" in found.out
    assert found.out.isascii()


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("parameters=60000", {"parameters": 60_000}),
        ("Parameters = 60,000", {"parameters": 60_000}),
        ("macs=0.1M", {"macs": 100_000}),
        ("memory=256kB", {"memory": 256_000}),
        ("memory=1.5KiB", {"memory": 1536}),
        ("memory=12b", {"memory": 12}),
    ],
)
def test_numbers_of_a_budget(text, limits):
    assert read_budget([text]) == limits


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        (["60000"], "the budget is '60000'"),
        (["parameters="], "the budget is 'parameters='"),
        (["parameters=-5"], "the budget is 'parameters=-5'"),
        (["parameters=" + "9" * 40], "the budget is"),
        (["parameters=5i"], "the budget is"),
        (["macs=1", "macs=2"], "names macs more than once"),
        (["parms=9"], "did you mean 'parameters'?"),
        (["parameters=0"], "must be a whole number from 1 up"),
        (["parameters=60"], "this network takes 91; give that or more"),
    ],
)
def test_wrong_usage(refused, budgets, words):
    arguments = [part for budget in budgets for part in ("--budget", budget)]
    refused(["balance", "lenet", *arguments], 2, words)
