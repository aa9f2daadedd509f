"""What the verbs share in printing."""

import json

import pytest

from lenet.cli.output import print_json


def test_json_is_strict_and_survives_every_terminal(capsys):
    values = {"ä": [1, float("nan"), {"b": (float("inf"), None)}], "c": "\udcff 図", "d": 0.1}
    print_json(values)
    printed = capsys.readouterr().out
    assert printed.isascii()
    expected = {"ä": [1, None, {"b": [None, None]}], "c": "\udcff 図", "d": 0.1}
    assert json.loads(printed, parse_constant=lambda name: pytest.fail(name)) == expected
