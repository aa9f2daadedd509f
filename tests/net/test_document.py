"""JSON documents: round trips, and strictness towards documents from anywhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.errors import UsageError
from lenet.net import (
    Block,
    Conv2d,
    Network,
    from_document,
    from_json,
    parse_network,
    to_document,
    to_json,
    zoo,
)
from lenet.net.layers import MAX_SIZE
from lenet.net.network import MAX_LAYERS
from random_networks import networks
from refusals import refused


@given(networks(ends_dense=False))
def test_a_network_is_read_back_from_its_json(network: Network) -> None:
    assert from_document(to_document(network)) == network
    assert from_json(to_json(network)) == network
    assert json.loads(to_json(network)) == to_document(network)


def test_the_format() -> None:
    network = Network((1, 28, 28), [Conv2d(6, 5, 1, (0, 1, 2, 3), "sigmoid")])
    assert to_json(network) == (
        '{"format": "lenet-network", "version": 1, "input": [1, 28, 28], "blocks": [\n'
        '  {"layers": [\n'
        '    {"kind": "conv", "channels": 6, "kernel_size": [5, 5], "stride": [1, 1], '
        '"padding": [0, 1, 2, 3], "activation": "sigmoid"}]}]}\n'
    )


def test_normalisation_is_written_only_where_there_is_one() -> None:
    """Documents from before it could be written still say what they said."""
    network = Network((1, 9, 9), [Conv2d(2, 3, batch_norm=True), Conv2d(2, 3)])
    normalised, plain = to_document(network)["blocks"][0]["layers"]
    assert "groups" not in plain
    assert normalised == {**plain, "batch_norm": True}
    plain["batch_norm"] = False
    document = to_document(network)
    document["blocks"][0]["layers"] = [normalised, plain]
    assert from_document(document) == from_json(to_json(network)) == network


def _changed(path: str, value: object) -> dict[str, Any]:
    """lenet's document with one value replaced, or taken out by the value ``...``."""
    document = to_document(zoo.lenet())
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    place: Any = document
    for key in parents:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "onnx", "its format is 'onnx', not 'lenet-network'"),
        ("format", ..., "its format is None"),
        ("version", 2, "was written by a newer lenet (format 2, this one reads 1): upgrade lenet"),
        ("version", 0, "version is 0; it must be 1"),
        ("version", True, "version is True"),
        ("version", 1.0, "version is 1.0"),
        ("weights", [], "a key of the document is 'weights'"),
        ("input", ..., "the document lacks the key 'input'"),
        ("input", [1, 28], "input is [1, 28]; it must be a list of 3 whole numbers, [channels,"),
        ("input", [1, 28, True], "input is [1, 28, True]"),
        ("input", [1, 28, 0], "the input shape is (1, 28, 0)"),
        ("blocks", {}, "blocks is {}; it must be a list"),
        ("blocks", [], "the network has no layers"),
        ("blocks/0", 5, "blocks[0] is 5; it must be a JSON object"),
        ("blocks/0/name", "a", "a key of blocks[0] is 'name'"),
        ("blocks/0/layers", [], "blocks[0].layers is empty"),
        ("blocks/0/layers", "x", "blocks[0].layers is 'x'; it must be a list"),
        ("blocks/0/layers/1", None, "blocks[0].layers[1] is None"),
        (
            "blocks/0/layers/1/kind",
            "pool",
            "blocks[0].layers[1].kind is 'pool' (did you mean 'maxpool'?); it",
        ),
        ("blocks/0/layers/1/kind", "flatten", "[1].kind: flatten is not written: a dense layer"),
        ("blocks/2/layers/0/activation", "softmax", "layers[0]: softmax is not written: it is"),
        ("blocks/0/layers/1/kind", [], "blocks[0].layers[1].kind is []"),
        ("blocks/0/layers/1/stride", ..., "blocks[0].layers[1] lacks the key 'stride'; it has"),
        ("blocks/0/layers/1/strides", 1, "is 'strides' (did you mean 'stride'?)"),
        ("blocks/0/layers/1/padding", [2] * 4, "blocks[0].layers[1]: a 2x2 pooling cannot have"),
        ("blocks/0/layers/0/padding", [0, 0], "it must be a list of 4 whole numbers, [top,"),
        ("blocks/0/layers/0/kernel_size", 5, "[0].kernel_size is 5; it must be a list of 2"),
        ("blocks/0/layers/0/kernel_size", ["5", 5], "kernel_size is ['5', 5]"),
        ("blocks/0/layers/0/channels", 6.0, "blocks[0].layers[0]: channels is 6.0"),
        ("blocks/0/layers/0/channels", -6, "blocks[0].layers[0]: channels is -6"),
        ("blocks/0/layers/0/channels", float("nan"), "channels is nan; it must be a whole number"),
        ("blocks/0/layers/0/activation", "gelu", "activation is 'gelu' (did you"),
        ("blocks/0/layers/0/activation", ["relu"], "activation is ['relu']"),
        ("blocks/0/layers/0/batch_norm", 1, "[0]: batch_norm is 1; it must be True or False"),
        ("blocks/0/layers/0/batchnorm", True, "'batchnorm' (did you mean 'batch_norm'?); it must"),
        ("blocks/0/layers/1/batch_norm", True, "layers[1] is 'batch_norm'; it"),
        ("blocks/2/layers/0/batch_norm", True, "layers[0] is 'batch_norm'; it"),
        ("blocks/2/layers/0/units", None, "blocks[2].layers[0]: units is None"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(path: str, value: object, message: str) -> None:
    document = _changed(path, value)
    for read, given_ in ((from_document, document), (from_json, json.dumps(document))):
        if value is not None or read is from_document:
            with pytest.raises(UsageError) as caught:
                read(given_)  # type: ignore[operator]
            assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no valid JSON"),
        ("{", "no valid JSON: Expecting property name enclosed in double quotes at line 1"),
        ("[]", "the document is []"),
        ("[" * 1_000_000, "nested too deep"),
        ("9" * 10_000, "too many digits"),
        ('{"format": "a", "format": "b"}', "has the key 'format' twice in one object"),
        (" " * 4_000_001, "has 4,000,001 characters; at most 4,000,000"),
    ],
    ids=["empty", "cut", "list", "nested", "digits", "twice", "long"],
)
def test_hostile_json_gets_one_sentence(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_longest_network_can_be_read_back() -> None:
    sides = (MAX_SIZE, MAX_SIZE, MAX_SIZE, MAX_SIZE)
    layer = Conv2d(MAX_SIZE, MAX_SIZE, MAX_SIZE, sides, "leaky-relu", batch_norm=True)
    network = Network((1, 1, 1), [Block([layer])] * MAX_LAYERS)
    assert from_json(to_json(network)) == network


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(["version", "input", "blocks", "blocks/0", "blocks/0/layers/0"]), json_values
)
def test_any_value_anywhere_is_a_usage_error(path: str, value: object) -> None:
    try:
        network = from_document(_changed(path, value))
    except UsageError:
        return
    assert from_document(to_document(network)) == network


def test_an_input_that_would_be_taken_for_channels_last_is_text() -> None:
    network = parse_network("28@28x1 | dense 10")
    document = to_document(network)
    assert document["input"] == "28@28x1"
    assert from_document(document).placed
    assert to_document(parse_network("1@28x28 | dense 10"))["input"] == [1, 28, 28]
    for text in ("28x28x1", "28@28", "a@b", "28@0x1", "", "28@28x1 | conv"):
        with refused(UsageError, "input"):
            from_document({**document, "input": text})
