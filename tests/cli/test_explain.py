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


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "lenet    in 1@28x28"),
        ("json", '{\n  "format": "lenet-explanation",'),
        ("markdown", "## lenet\n"),
        ("html", "<!DOCTYPE html>\n"),
        ("latex", "% \\usepackage{booktabs,graphicx,tabularx}\n"),
        ("csv", "name,kind,block,"),
    ],
)
def test_formats(command, form, start):
    found = command("explain", "lenet", "--format", form)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(start)
    assert found.out.endswith("\n")
    assert not found.out.endswith("\n\n")


VERBS = (
    ("explain", "--dense-versus-conv", "3x100x100"),
    ("deduce", "28x28 -> 6@24x24 -> 6@12x12 -> 10"),
    ("diagnose", "1x28x28 | conv 6 k5, maxpool 2, conv 16 k5, maxpool 2, conv 9 k5"),
    ("diagnose", "lenet"),
    ("balance", "lenet", "--budget", "macs=300k"),
    ("compare", "lenet", "lenet-60"),
    ("checks",),
)
STARTS = {
    "json": "{",
    "markdown": ("## ", "|", "\n|"),
    "html": "<!DOCTYPE html>\n",
    "latex": "% \\usepackage{booktabs,graphicx,tabularx}\n",
}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("form", STARTS)
def test_every_verb_has_the_formats(command, verb, form):
    found = command(*verb, "--format", form)
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(STARTS[form])
    assert found.out.endswith("\n")
    assert command(*verb).out == command(*verb, "--format", "text").out
    if form == "json":
        assert found.out == command(*verb, "--json").out


@pytest.mark.parametrize("verb", VERBS[1:4], ids=" ".join)
def test_what_has_no_rows_is_no_csv(refused, verb):
    refused([*verb, "--format", "csv"], 2, "the format is 'csv'; it must be text, json")


def test_all_windows_in_every_format(command):
    """--all lists them, whatever the format; --notation is for text alone."""
    figure = "28x28 -> 6@24x24 -> 6@12x12 -> 10"
    for form in ("text", "markdown", "html", "latex"):
        few, every = (
            command("deduce", figure, "--format", form, *more).out for more in ((), ("--all",))
        )
        assert len(every) > len(few)
    notation = command("deduce", figure, "--notation").out
    assert notation.startswith("1x28x28 | ")
    assert notation.count("\n") == 1


def test_json_is_short_for_its_format(command):
    assert command("explain", "lenet", "--json") == command("explain", "lenet", "--format", "json")


def test_another_input_batch_and_optimizer(command):
    found = command(
        *(
            "explain",
            "lenet",
            "--input",
            "3x64x64",
            "--batch",
            "8",
            "--optimizer",
            "adamw",
            "--json",
        )
    )
    values = json.loads(found.out)
    assert values["input_shape"] == [3, 64, 64]
    assert (values["memory"]["batch"], values["memory"]["optimizer"]) == (8, "adamw")


def test_dense_versus_conv(command):
    found = command("explain", "--dense-versus-conv", "3x1000x1000", "--units", "256")
    assert (found.status, found.err) == (0, "")
    assert "saves weights, not activations" in found.out
    values = json.loads(command("explain", "--dense-versus-conv", "1x28x28", "--json").out)
    assert values["cases"][0]["name"] == "dense 256"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "needs a network"),
        (["lenet", "--format", "pdf"], "the format is 'pdf'; it must be text, json, mark"),
        (["lenet", "--json", "--format", "csv"], "--json and --format csv are two formats"),
        (["lenet", "--batch", "0"], "the batch is 0; it must be a whole number from 1"),
        (["lenet", "--optimizer", "adam"], "'adam' (did you mean 'adamw'?)"),
        (["lenet", "--input", "64"], "the input is '64'; it must be channels x height x width"),
        (["lenet", "--input", "1x8x8"], "conv1 gets 6@2x2"),
        (["lenet", "--dense-versus-conv", "3x9x9"], "not both"),
        (["--dense-versus-conv", "9"], "must be channels x height x width, such as 3x64x64"),
        (["--dense-versus-conv", "3x9x9", "--format", "pdf"], "'pdf'"),
        (["--dense-versus-conv", "3x9x9", "--units", "0"], "units is 0; it must be a whole number"),
    ],
)
def test_wrong_usage(refused, arguments, words):
    refused(["explain", *arguments], 2, words)


def test_bars_where_the_encoding_has_them(process):
    wide = {"COLUMNS": "100"}
    text = process("explain", "lenet", env={"PYTHONIOENCODING": "utf-8", **wide}).out
    assert "█" in text
    assert "\x1b" not in text
    assert process("explain", "lenet", env={"PYTHONIOENCODING": "ascii", **wide}).out.isascii()


def test_a_notation_with_its_own_text_back(command):
    text = "2x9x9 | conv 3 k3 s2 p1, avgpool 2 | dense 4"
    assert str(lenet.parse(text)).split() == text.split()
    assert command("explain", text).status == 0


def test_a_saved_model_that_is_normalised(command, tmp_path):
    network = "1x8x8 | conv 4 k3 batchnorm silu, avgpool 6 | dense 3"
    path = lenet.Model(network).initialize().save(tmp_path / "n.safetensors")
    found = command("explain", path).out
    assert found == command("explain", network).out.replace("network    in", "n    in", 1)
    assert "running means, variances" in found
    assert "pool0 is a global average pooling" in found
    assert command("diagnose", path, "--weights", path).out == "All 2 weights agree with n.\n"


def test_a_saved_model(command, model):
    assert command("explain", model).out.startswith("m ")


@pytest.mark.parametrize(
    ("net", "status", "words"),
    [
        ("nonsense", 2, ["'nonsense' names no network", "give one of lenet"]),
        ("1x28x28 | conv 6 k5 oops", 2, ["'oops' does not fit here", "a convolution takes"]),
        ("1x28x28 | conv 6 k5 | maxpool 30", 2, ["pool0 gets", "does not fit"]),
        ("1x28x28 | dense 10, maxpool 2", 2, ["drop pool0"]),
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
