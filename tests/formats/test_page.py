"""A model as a page: what is in the file, that its script is the network, and what it refuses."""

import base64
import hashlib
import json
import re
import shutil

import numpy as np
import pytest

import lenet
from exported_models import drawn
from lenet.cli.main import main
from lenet.errors import MissingPackageError, OutputError, UsageError
from lenet.formats import page as page_module
from lenet.formats.export import export
from lenet.formats.page import page_facts, page_parts, page_script, page_style, write_page
from refusals import refused

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
MODULES = sorted(path.stem for path in page_module.WEB.glob("*.js"))


@pytest.fixture(scope="module")
def model():
    return lenet.Model("lenet-relu").initialize(seed=1)


def split_of(model, count=12):
    shape = (count, *model.network.input_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return lenet.Split(images, np.arange(count) % len(model.classes))


@needs_node
def test_the_script_is_the_network(tmp_path) -> None:
    largest = []
    for seed in range(20):
        model, images = drawn(seed)
        split = lenet.Split(images, np.zeros(len(images), int))
        check = export(model, tmp_path / "page.html", check=split).check
        assert (check.images, check.different) == (6, 0)
        largest.append(check.largest)
    assert 0 < max(largest) < 1e-5


@needs_node
@pytest.mark.parametrize("net", ["lenet", "compact"])
def test_the_zoo_in_node(net, tmp_path) -> None:
    model = lenet.Model(net).initialize("kaiming", 2)
    check = export(model, tmp_path / "page.html", check=split_of(model, 40)).check
    assert check.different == 0
    assert check.largest < 1e-5


@needs_node
def test_a_page_that_differs_is_told(model, tmp_path, monkeypatch) -> None:
    def wrong(page):
        facts, script = page_parts(page)
        values = {**json.loads(facts), "classes": ["?"] * 10}
        values["preparation"]["scale"] = [0.1]
        return json.dumps(values), script

    monkeypatch.setattr("lenet.formats.runtimes.page_parts", wrong)
    assert export(model, tmp_path / "page.html", check=split_of(model)).check.largest > 1e-3
    monkeypatch.setattr("lenet.formats.runtimes.page_parts", lambda page: ("{}", "throw 'it'"))
    with refused(OutputError, "node does not run the page", "it"):
        export(model, tmp_path / "other.html", check=split_of(model))
    assert not (tmp_path / "other.html").exists()


def test_without_node_a_check_is_refused(model, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused(MissingPackageError, "no node is found", "Node.js"):
        export(model, tmp_path / "page.html", check=split_of(model))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", MODULES)
def test_modules_have_the_form_that_a_page_can_hold(module) -> None:
    text = (page_module.WEB / f"{module}.js").read_text(encoding="utf-8")
    assert f"const {module}Module = " in page_script()
    assert "</script" not in text
    assert "innerHTML" not in text
    assert len(text.splitlines()) < 400
    assert max(map(len, text.splitlines())) <= 100 or module == "words"


def test_another_form_of_module_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(page_module, "WEB", tmp_path)
    (tmp_path / "page.js").write_text('import all from "./other.js";\n')
    with refused(OutputError, "page.js has a line", "import all"):
        page_script()
    (tmp_path / "page.js").write_text("export default 3;\n")
    with refused(OutputError, "page.js has a line", "export default"):
        page_script()


@needs_node
def test_both_languages_say_everything(tmp_path) -> None:
    """The same keys and the same places to put values into; and each is used somewhere."""
    text = (page_module.WEB / "words.js").read_text(encoding="utf-8")
    english, chinese = text.split("  zh: {\n")
    words = [dict(re.findall(r'"?([\w.-]+)"?: "([^"]*)"', half)) for half in (english, chinese)]
    words[0].pop("en"), words[0].pop("zh")
    assert list(words[0]) == list(words[1])
    for key, said in words[0].items():
        places = set(re.findall(r"\{\w+\}", said))
        assert places == set(re.findall(r"\{\w+\}", words[1][key])), key
        assert said
        assert words[1][key]
    others = "".join(
        (page_module.WEB / f"{name}.js").read_text() for name in MODULES if name != "words"
    )
    made = ("word.", "theme.", "tab.", "conv", "maxpool", "avgpool")  # put together, or by kind
    unused = [key for key in words[0] if f'"{key}"' not in others and not key.startswith(made)]
    assert unused == []


def test_the_policy_allows_this_script_alone(model) -> None:
    page = write_page(model, split_of(model))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    for text in (script, style):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"(src|href)=|@import|url\(", page.replace("data:", ""))


def test_it_is_small_and_the_same_each_time(model, tmp_path) -> None:
    result = export(model, tmp_path / "page.html", images="digits")
    assert result.format == "page"
    assert result.size == (tmp_path / "page.html").stat().st_size < 400_000
    again = export(model, tmp_path / "again.HTM", images="digits")
    assert (tmp_path / "again.HTM").read_bytes() == (tmp_path / "page.html").read_bytes()
    assert again.check is None


def test_test_images_are_packed_to_the_byte(model) -> None:
    images = np.zeros((30, 1, 28, 28), np.uint8)
    images[:, :, 10:12, 5:20] = 255
    split = lenet.Split(images, np.repeat(np.arange(10), 3))
    facts = page_facts(model, split)
    content = base64.b64decode(facts["images"]["pixels"])
    unpacked, at = bytearray(), 0
    while at < len(content):
        if content[at]:
            unpacked.append(content[at])
            at += 1
        else:
            unpacked += bytes(content[at + 1])
            at += 2
    assert bytes(unpacked) == images.tobytes()
    assert len(content) < images.size / 10
    assert facts["images"]["labels"] == [*range(10)] * 3  # each class in its turn


def test_large_images_stay_outside() -> None:
    large = lenet.Model("3x64x64 | conv 2 k5 s4, avgpool 4 | dense 2").initialize()
    assert len(page_facts(large, split_of(large))["images"]["labels"]) == 2
    larger = lenet.Model("3x400x400 | conv 2 k5 s40 | dense 2").initialize()
    assert page_facts(larger, split_of(larger, 2))["images"] is None


def test_colours_stand_for_what_layers_have() -> None:
    network = "1x9x9 | conv 3 k3 sigmoid, maxpool 2 | conv 4 k2 tanh | dense 5 relu, dense 3"
    model = lenet.Model(network).initialize(seed=3)
    ranges = page_facts(model, split_of(model))["ranges"]
    assert ranges[0] == [0, 1]
    assert ranges[1] == ranges[0]  # a pooling keeps the colours of what it reads
    assert ranges[2] == [-1, 1]
    assert ranges[3][0] == 0 < ranges[3][1]
    assert ranges[4][0] == -ranges[4][1] < 0
    assert page_facts(model)["ranges"] is None


def test_layers_are_counted_as_explain_counts_them(model) -> None:
    facts = page_facts(model)
    assert (facts["layer_count"], len(facts["layers"])) == (5, 7)  # 2 poolings belong to theirs


def test_numbers_beyond_floats_make_no_range(tmp_path) -> None:
    model = lenet.Model("1x4x4 | dense 3, dense 2").initialize()
    for name, value in model.parameters.items():
        value[...] = 3e38 if name.endswith("weight") else 0
    ranges = page_facts(model, split_of(model))["ranges"]
    assert np.isfinite(ranges).all()
    assert "NaN" not in write_page(model, split_of(model)).rpartition("<script")[0]


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({"test_accuracy": 0.5, "dataset": "mnist"}, {"accuracy": 0.5, "dataset": "mnist"}),
        ({"test_accuracy": "0.5", "dataset": "mnist"}, None),
        ({"test_accuracy": float("nan"), "dataset": "mnist"}, None),
        ({"test_accuracy": 0.5, "dataset": ["x"]}, None),
        ({}, None),
    ],
)
def test_what_a_file_says_of_its_training_is_no_trap(training, told, model) -> None:
    known = lenet.Model("1x4x4 | dense 2").initialize()
    known.training = training
    assert page_facts(known)["training"] == told
    assert "<h1>" in write_page(known)


def test_its_own_test_images_are_inside(tmp_path, capsys) -> None:
    network = "1x8x8 | conv 4 k3 relu | dense 10"
    model = lenet.train(network, "digits", lenet.recipe(epochs=1))
    model.save(tmp_path / "mine.safetensors")
    command = ["export", str(tmp_path / "mine.safetensors"), str(tmp_path / "p.html"), "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == "page"
    facts = json.loads(page_parts((tmp_path / "p.html").read_text(encoding="utf-8"))[0])
    assert len(facts["images"]["labels"]) == 40
    assert facts["name"] == "mine"
    assert facts["training"]["dataset"] == "digits"
    odd = tmp_path / "\udcff<b>.safetensors"  # as a file name of another encoding comes
    model.save(odd)
    export(odd, tmp_path / "p.html")
    assert "<h1>&#x27;\\udcff&lt;b&gt;&#x27;</h1>" in (tmp_path / "p.html").read_text("utf-8")


def test_where_the_data_are_not_at_hand_it_does_without(tmp_path, monkeypatch) -> None:
    model = lenet.Model("1x28x28 | dense 10").initialize()
    model.training = {"dataset": "mnist"}
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    export(model, tmp_path / "p.html")
    assert json.loads(page_parts((tmp_path / "p.html").read_text())[0])["images"] is None


def test_what_cannot_be_a_page(model, tmp_path) -> None:
    with refused(UsageError, "images is put into a page alone", ".onnx", ".html"):
        export(model, tmp_path / "m.onnx", images="digits")
    with refused(UsageError, "has no weights yet"):
        export(lenet.Model("lenet"), tmp_path / "p.html")
    images = split_of(model, 20)
    export(model, tmp_path / "m8.safetensors", int8=True, calibrate=images)
    with refused(UsageError, "int8", "the model that it was made of"):
        export(tmp_path / "m8.safetensors", tmp_path / "p.html")
    large = lenet.Model("1x64x64 | dense 1000, dense 10").initialize()
    with refused(UsageError, "4,107,010 parameters", "at most 4,000,000"):
        export(large, tmp_path / "p.html")
    assert [path.name for path in tmp_path.iterdir()] == ["m8.safetensors"]


def test_the_style_knows_lenets_colours() -> None:
    style = page_style()
    used = set(re.findall(r"var\(--([\w-]+)", style))
    known = set(re.findall(r"--([\w-]+):", style))
    by_script = {"cell", "cell-text", "across", "letters", "share", "side"}
    assert used - by_script <= known
