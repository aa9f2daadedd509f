"""``lenet explain``."""

import json

import pytest

import lenet


def test_text(command):
    found = command("explain", "lenet")
    assert (found.status, found.err) == (0, "")
    assert "5 layers: 2 conv + 3 dense" in found.out
    assert "44,426" in found.out
    for name in ("conv0", "pool0", "conv1", "pool1", "dense0", "dense1", "dense2"):
        assert name in found.out


def test_json(command):
    values = json.loads(command("explain", "lenet", "--json").out)
    assert isinstance(values, dict)


def test_a_notation_with_its_own_text_back(command):
    text = "2x9x9 | conv 3 k3 s2 p1, avgpool 2 | dense 4"
    assert str(lenet.parse(text)).split() == text.split()
    assert command("explain", text).status == 0


def test_a_saved_model(command, model):
    assert command("explain", model).out.startswith("m ")


@pytest.mark.parametrize(
    ("net", "status", "words"),
    [
        ("nonsense", 2, ["'nonsense' names no network", "give one of lenet"]),
        ("1x28x28 | conv 6 k5 oops", 2, ["'oops' does not fit here", "a convolution takes"]),
        ("1x28x28 | conv 6 k5 | maxpool 30", 2, ["pool0 gets", "does not fit"]),
        ("1x28x28 | dense 10, maxpool 2", 2, ["before the first dense layer"]),
        ("1x28x28 |", 2, []),
        ("1x28x28 | dense 99999999999999999999", 2, ["too many digits"]),
        ("0x28x28 | dense 10", 2, []),
        ("nowhere.json", 2, ["'nowhere.json' cannot be read", "o such file"]),
        ("nowhere.safetensors", 1, ["cannot read nowhere.safetensors", "no such file"]),
        (".json", 2, ["cannot be read"]),
        ("a\0.json", 2, ["cannot be read"]),
    ],
)
def test_refusals(refused, net, status, words):
    refused(["explain", net], status, *words)


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b"null", b'{"a":'])
def test_a_document_that_is_no_network(refused, here, content):
    (here / "a.json").write_bytes(content)
    refused(["explain", "a.json"], 2, "'a.json'")
