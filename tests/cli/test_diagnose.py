"""``lenet diagnose``, and its page in docs/."""

import json

import pytest

import lenet
from lenet.formats.int8 import quantise
from lenet.net.sources import is_int8
from pages import read_page

PAGE = read_page("diagnose.md")


DEEP = "1x28x28 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | conv 32 k5, maxpool 2 | dense 10"


@pytest.fixture
def mine(here):
    """Weights of lenet's layers, trained on 32x32 images."""
    from lenet import Model

    body = "conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 120, dense 84, dense 10"
    return Model(f"1x32x32 | {body}").initialize().save(here / "mine.safetensors")


def test_json_has_the_keys_of_the_page(command, mine):
    for arguments in ([DEEP], ["lenet"], ["lenet", "--weights", mine]):
        values = json.loads(command("diagnose", *arguments, "--json").out)
        for key in [*values, *(key for fix in values["fixes"] for key in fix)]:
            assert f"`{key}`" in PAGE


def test_a_fix_by_its_number(command):
    fixes = json.loads(command("diagnose", DEEP, "--json").out)["fixes"]
    for number, fix in enumerate(fixes, 1):
        line = command("diagnose", DEEP, "--fix", number).out
        assert line == fix["network"] + "\n"
        assert command("diagnose", line).out.startswith("The network fits: ")


def test_an_error_of_another_command_names_fixes(command):
    found = command("explain", DEEP)
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("lenet: conv2 gets 16@4x4 and its 5x5 kernel does not fit")
    assert "  start from 36x36 or more   16@6x6 -> 32@2x2\n" in found.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lenet", "--input", "64"], "the input is '64'"),
        (["lenet", "--input", "0x3x3"], "the input shape is (0, 3, 3)"),
        (["lenet", "--fix", "1"], "--fix is 1, and there are 0 fixes"),
        ([DEEP, "--fix", "7"], "--fix is 7, and there are 6 fixes"),
        (["nothing"], "'nothing' names no network"),
    ],
)
def test_wrong_usage(refused, arguments, words):
    refused(["diagnose", *arguments], 2, words)


def _header(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 8,
        b"\xff" * 8 + b"{}",
        b"\xff" * 100,
        _header(b"[1, 2]"),
        _header(b'{"a": 3}'),
        _header(b'{"a": {"shape": [2, -1], "data_offsets": [0, 1]}}'),
        _header(b'{"a": {"shape": [1.5, true], "data_offsets": [0, 1]}}'),
        _header(b'{"a": {"shape": "no", "data_offsets": [0, 1]}}'),
        _header(b'{"a": {"shape": [2], "data_offsets": [0, 1]}, "b": {"data_offsets": {}}}'),
        _header(b"[" * 100_000),
        _header(b'{"a": {"shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 1]}}'),
    ],
)
def test_a_file_that_is_none(refused, here, content):
    (here / "bad.safetensors").write_bytes(content)
    refused(["diagnose", "lenet", "--weights", "bad.safetensors"], 1, "bad.safetensors")


def test_a_file_without_weights_or_none_at_all(refused, here):
    (here / "a.safetensors").write_bytes(_header(b'{"__metadata__": {"format": "pt"}}'))
    refused(["diagnose", "lenet", "--weights", "a.safetensors"], 2, "holds no weights")
    refused(["diagnose", "lenet", "--weights", "gone.safetensors"], 1, "no such file")


LAST = "32x32x3 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 10"
TURNED = "3x32x32 | conv 6 k5, maxpool 2 | conv 16 k5, maxpool 2 | dense 10"


def test_channels_last_are_diagnosed(command):
    found = command("diagnose", LAST)
    assert "the input 32x32x3 has its channels last (did you mean 3x32x32?)." in found.out
    assert command("diagnose", LAST, "--fix", "1").out == f"{TURNED}\n"
    values = json.loads(command("diagnose", LAST, "--json").out)
    assert (values["fits"], values["layer"]) == (False, "input")
    assert values["fixes"][0]["network"] == TURNED


@pytest.mark.parametrize(
    "arguments",
    [
        *[["explain", LAST], ["balance", LAST], ["compare", "lenet", LAST], ["bench", LAST]],
        *[["draw", LAST, "--output", "a.svg"], ["train", "digits", "--net", LAST]],
        *[["explain", "lenet", "--input", "32x32x3"], ["diagnose", "lenet", "--input", "32x32x3"]],
        ["explain", "--dense-versus-conv", "32x32x3"],
    ],
)
def test_every_verb_refuses_channels_last(refused, arguments):
    refused(arguments, 2, "32x32x3 has its channels last (did you mean 3x32x32?)")


@pytest.mark.parametrize("first", ["1@28x28", "28x28", "28x28@1", "1x28x28"])
def test_every_verb_reads_every_spelling(command, first):
    net = f"{first} | conv 4 k5 | dense 10"
    shown = command("explain", net).out
    assert "in 1@28x28" in shown
    for arguments in (["diagnose", net], ["balance", net], ["compare", net, "lenet"]):
        assert command(*arguments).status == 0
    for arguments in (["explain", "lenet"], ["diagnose", "lenet"]):
        assert "1@28x28" in command(*arguments, "--input", first).out
    assert "1@28x28 in" in command("explain", "--dense-versus-conv", first).out
    assert command("deduce", f"{first} -> 6@24x24", "--notation").out == (
        "1x28x28 | conv 6 k5 relu\n"
    )


def test_an_int8_file_is_called_so(command, here):
    data = lenet.load("digits")
    model = lenet.Model("1x8x8 | conv 4 k3 relu | dense 10", data.classes).initialize()
    quantise(model, data.train.images[:50]).save("q.safetensors")
    found = command("diagnose", "1x8x8 | conv 4 k3 relu | dense 10", "--weights", "q.safetensors")
    assert found.status == 0
    assert "All 2 weights agree" in found.out
    assert "The file is int8" in found.out
    assert "no place" not in found.out
    assert is_int8("q.safetensors")
    model.save("f.safetensors")
    assert not is_int8("f.safetensors")
    assert not is_int8("lenet")
