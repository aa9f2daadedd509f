"""Arguments of a wrong type are refused in words, and the command line names the option."""

from collections.abc import Callable
from typing import Any

import pytest

import lenet
from lenet.errors import LenetError, UsageError

FIGURE = "1@28x28 -> 6@24x24 -> 6@12x12 -> 10"


@pytest.mark.parametrize(
    ("verb", "arguments", "options", "words"),
    [
        (lenet.balance, ["lenet"], {"budget": 3}, "parameters=60000"),
        (lenet.balance, ["lenet"], {"budget": [[1, 2]]}, "parameters=60000"),
        (lenet.deduce, [5], {}, "text"),
        (lenet.deduce, [FIGURE], {"given": 5}, "conv1 k5"),
        (lenet.deduce, [FIGURE], {"given": [5]}, "conv1 k5"),
        (lenet.dense_versus_conv, [None], {}, "(channels, height, width)"),
        (lenet.dense_versus_conv, [5], {}, "(channels, height, width)"),
        (lenet.explain, ["lenet"], {"optimizer": ["sgd"]}, "adamw"),
        (lenet.draw, ["lenet"], {"style": 3}, "figure, graph or table"),
        (lenet.draw, ["lenet"], {"theme": ["dark"]}, "dark"),
        (lenet.compare, [["lenet", "compact"]], {}, "compare(*networks)"),
        (lenet.compare, ["lenet", "compact"], {"input_shape": 5}, "(channels, height, width)"),
        (lenet.compare, ["lenet", "compact"], {"names": 5}, "names"),
        (lenet.diagnose, ["lenet"], {"input_shape": 5}, "(channels, height, width)"),
    ],
)
def test_a_wrong_type(
    verb: Callable[..., Any], arguments: list[Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        verb(*arguments, **options)
    assert words in str(caught.value)


def test_nothing_is_given() -> None:
    assert lenet.deduce(FIGURE, given=None).network == lenet.deduce(FIGURE).network


@pytest.mark.parametrize(
    ("verb", "arguments", "options", "parameter"),
    [
        (lenet.deduce, [FIGURE], {"given": "conv1"}, "given"),
        (lenet.deduce, [FIGURE], {"given": "conv7 k5"}, "given"),
        (lenet.deduce, [FIGURE], {"given": "conv0 k9 p0"}, "given"),
        (lenet.deduce, [FIGURE], {"given": ["conv0 k5", "conv0 k3"]}, "given"),
        (lenet.deduce, [FIGURE], {"params": "x"}, "params"),
        (lenet.deduce, [FIGURE], {"params": 1}, "params"),
        (lenet.deduce, [FIGURE], {"activation": "x"}, "activation"),
        (lenet.balance, ["lenet"], {"budget": {"parameters": 1}}, "budget"),
        (lenet.balance, ["lenet"], {"budget": "x=1"}, "budget"),
        (lenet.explain, ["lenet"], {"input_shape": "5"}, "input_shape"),
        (lenet.explain, ["lenet"], {"batch": 0}, "batch"),
        (lenet.explain, ["lenet"], {"optimizer": "x"}, "optimizer"),
        (lenet.dense_versus_conv, ["1x28x28"], {"units": 0}, "units"),
        (lenet.draw, ["lenet"], {"theme": "x"}, "theme"),
        (lenet.draw, ["lenet"], {"style": "x"}, "style"),
        (lenet.bench, ["lenet"], {"batch": 0}, "batch"),
        (lenet.bench, ["lenet"], {"threads": 0}, "threads"),
        (lenet.bench, ["lenet"], {"seconds": 0}, "seconds"),
    ],
)
def test_an_error_carries_its_parameter(
    verb: Callable[..., Any], arguments: list[Any], options: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(LenetError) as caught:
        verb(*arguments, **options)
    assert caught.value.parameter == parameter
