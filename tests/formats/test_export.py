"""One verb for every format, and the proof on whole test sets."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lenet
from exported_models import drawn
from lenet.cli.main import main
from lenet.errors import (
    DataError,
    LenetError,
    MissingPackageError,
    OutputError,
    UsageError,
)
from lenet.formats import export as export_module
from lenet.formats.export import export
from lenet.formats.mxnet_arrays import write_params
from refusals import refused

CHECKED = (".onnx", ".c", ".pt", ".safetensors")


@pytest.fixture(scope="module")
def model() -> lenet.Model:
    return lenet.train(data="digits", epochs=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "r"
    lenet.train("tiny", epochs=1, run=folder)
    return folder


@pytest.mark.parametrize("suffix", CHECKED)
def test_every_image_of_a_test_set_gets_the_same_class(model, suffix, tmp_path) -> None:
    pytest.importorskip({".onnx": "onnxruntime", ".pt": "torch"}.get(suffix, "lenet"))
    result = export(model, tmp_path / f"m{suffix}", check="digits")
    check = result.check
    assert (check.images, check.different) == (360, 0)
    assert check.largest < 5e-6
    assert check.accuracy == model.evaluate(lenet.load("digits")).accuracy
    assert result.size == (tmp_path / f"m{suffix}").stat().st_size
    assert "0 of 360 images get another class" in str(result)
    assert json.loads(json.dumps(result.to_dict()))["check"]["different"] == 0


@pytest.mark.parametrize("input", ["uint8", "float", "raw"])
@pytest.mark.parametrize("opset", [13, 17])
def test_onnx_takes_bytes_floats_or_what_the_network_reads(model, input, opset, tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "m.onnx"
    assert export(model, path, check="digits", input=input, opset=opset).check.different == 0
    file = onnx.load(path)
    assert (file.ir_version, file.opset_import[0].version) == (8, opset)
    assert [i.name for i in file.graph.input] == ["image"]
    assert [o.name for o in file.graph.output] == ["scores" if input == "raw" else "probabilities"]
    metadata = {entry.key: entry.value for entry in file.metadata_props}
    assert json.loads(metadata["classes"]) == list(model.classes)
    seen = lenet.Preprocessing.from_dict(json.loads(metadata["preprocessing"]))
    assert seen == model.preprocessing
    assert file.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


@pytest.mark.parametrize(
    "net",
    ["lenet", "compact", "3x9x9 | conv 6 k3 s2 p1.0.2.1 g3 silu, avgpool 2 s1 p1 | conv 4 k2"],
)
def test_pytorch_code_loads_the_state_dict(net, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    model = lenet.Model(net).initialize(seed=3)
    export(model, tmp_path / "weights.pt")
    export(model, tmp_path / "network.py")
    names: dict = {"__name__": "network"}
    exec((tmp_path / "network.py").read_text(), names)
    module = names["network"]()
    module.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    images = np.random.default_rng(0).integers(0, 256, (5, *model.network.input_shape), np.uint8)
    with torch.inference_mode():
        scores = module.eval()(names["prepare"](torch.from_numpy(images)))
    np.testing.assert_allclose(scores.numpy(), model.scores(images), rtol=1e-4, atol=1e-4)
    assert names["CLASSES"] == list(model.classes)


MXNET = os.environ.get("LENET_MXNET_PYTHON")


@pytest.mark.skipif(not MXNET, reason="LENET_MXNET_PYTHON names no Python with MXNet")
@pytest.mark.parametrize("seed", range(4))
def test_mxnet_runs_its_files(seed, tmp_path) -> None:
    model, images = drawn(seed)
    split = lenet.Split(images, np.zeros(len(images), int))
    check = export(model, tmp_path / "m.params", check=split).check
    assert (check.different, check.note) == (0, "")
    assert check.largest < 1e-5


def test_without_mxnet_its_files_are_read_back(model, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LENET_MXNET_PYTHON", raising=False)
    path = tmp_path / "m.params"
    result = export(model, path, check="digits")
    assert (result.check.different, result.check.largest < 1e-6) == (0, True)
    assert "read back by lenet" in result.to_dict()["check"]["note"]
    assert result.check.note in str(result).replace("\n", " ")

    def wrong(content):
        return write_params({name: -values for name, values in content.items()})

    monkeypatch.setattr(export_module, "write_params", wrong)
    assert export(model, path, check="digits").check.different > 100


#: Stands for MXNet: it answers with the model beside it, a place further.
OTHER = """#!{python}
import sys
sys.path.insert(0, {source!r})
import lenet, numpy as np
import os; os.environ.pop("LENET_MXNET_PYTHON")
answers = lenet.import_model("m.params").predict_proba(np.load("images.npy"))
assert "def network()" in open("network.py").read()
np.save("answers.npy", np.roll(answers, 1, axis=1))
"""


def test_what_the_other_python_answers_counts(model, tmp_path, monkeypatch) -> None:
    other = tmp_path / "python"
    source = Path(lenet.__file__).parents[1]
    other.write_text(OTHER.format(python=sys.executable, source=str(source)))
    other.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LENET_MXNET_PYTHON", "./python")
    assert export(model, tmp_path / "m.params", check="digits").check.different == 360
    other.write_text("#!/bin/sh\necho it is old >&2\nexit 3\n")
    with refused(OutputError, "MXNet does not run the file (it is old)", "LENET_MXNET_PYTHON"):
        export(model, tmp_path / "m.params", check="digits")
    monkeypatch.setenv("LENET_MXNET_PYTHON", "nowhere/python")
    with refused(MissingPackageError, "nowhere/python", "cannot be started"):
        export(model, tmp_path / "m.params", check="digits")


def test_a_run_is_a_model(run, tmp_path, capsys) -> None:
    assert main(["export", str(run), str(tmp_path / "m.c"), "--check", "digits", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["check"]["different"]) == ("C99 source", 0)
    assert (
        f"accuracy   {100 * told['check']['accuracy']:.2f} % of the test images of digits (360)\n"
        in (tmp_path / "m.c").read_text()
    )


def test_no_name_of_data_leaves_the_comment(model, tmp_path) -> None:
    data = dataclasses.replace(lenet.load("digits"), name="a*/ int x; \n \u00e9 ??/")
    for how in ({}, {"int8": True, "calibrate": data}):
        assert export(model, tmp_path / "m.c", check=data, **how).check.different == 0
        text = (tmp_path / "m.c").read_text(encoding="ascii")
        assert "the test images of a* / int x; \\n \\xe9 ??/ (360)" in text


@pytest.mark.parametrize(
    ("option", "value", "suffix", "instead"),
    [
        ("input", "raw", ".c", ".onnx"),
        ("opset", 13, ".pt", ".onnx"),
        ("framework", "keras", ".onnx", ".py"),
        ("prefix", "a", ".py", ".c"),
        ("prefix", "2a", ".c", "a letter first"),
        ("prefix", "a-b", ".c", "a letter first"),
        ("prefix", 5, ".c", "a letter first"),
    ],
)
def test_an_option_of_another_format(model, option, value, suffix, instead, tmp_path) -> None:
    with refused(UsageError, option, instead):
        export(model, tmp_path / f"m{suffix}", **{option: value})
    assert not list(tmp_path.iterdir())


def test_a_file_that_differs_is_told(run, tmp_path, capsys, monkeypatch) -> None:
    def wrong(model, content, _):
        return export_module.runtimes.likeliest(
            lambda images: np.roll(model.predict_proba(images), 1, axis=1)
        )

    monkeypatch.setitem(export_module._RUNNERS, ".json", wrong)
    assert main(["export", str(run), str(tmp_path / "m.json"), "--check", "digits"]) == 1
    assert "names another class than the model for 360 of 360" in capsys.readouterr().err


def test_nothing_is_written_where_the_check_lacks_its_compiler(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CC", "none")
    assert main(["export", str(run), str(tmp_path / "m.c"), "--check", "digits"]) == 1
    assert "no C compiler" in capsys.readouterr().err
    assert list(tmp_path.glob("m.*")) == []


def test_the_class_that_a_c_file_returns_is_checked(run, tmp_path, capsys, monkeypatch) -> None:
    """Its probabilities alone could be right."""

    def wrong(model, content, _):
        return lambda images: (np.full(len(images), 99), model.predict_proba(images))

    monkeypatch.setattr(export_module.runtimes, "answer_c", wrong)
    assert main(["export", str(run), str(tmp_path / "m.c"), "--check", "digits"]) == 1
    assert "names another class than the model for 360 of 360" in capsys.readouterr().err


def test_a_file_in_int8_that_differs_is_told(run, tmp_path, capsys, monkeypatch) -> None:
    def wrong(model, content, _):
        return lambda images: (np.full(len(images), 99), model.predict_proba(images))

    monkeypatch.setattr(export_module.runtimes, "answer_c", wrong)
    command = ["export", str(run), str(tmp_path / "m.c"), "--int8", "--calibrate", "digits"]
    assert main([*command, "--check", "digits"]) == 1
    assert "names another class than its simulation for 360 of 360" in capsys.readouterr().err


def test_int8_says_how_it_is_asked_for(run, tmp_path, capsys) -> None:
    assert main(["export", str(run), str(tmp_path / "m.c"), "--int8"]) == 2
    assert "--calibrate" in capsys.readouterr().err
    assert main(["export", str(run), str(tmp_path / "m.c"), "--calibrate", "digits"]) == 2
    assert "--int8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("m.onxx", {}, ("m.onxx", ".onnx", ".safetensors")),
        ("m", {}, ("does not say its format",)),
        ("m.onnx", {"input": "bytes"}, ("the input is 'bytes'", "uint8, float or raw")),
        ("m.py", {"framework": "tensorflow"}, ("'tensorflow'", "torch, keras or gluon")),
        ("m.onnx", {"opset": 12}, ("the opset is 12", "from 13 to 17")),
        ("m.json", {"check": "digits"}, (".json", "cannot be run", "leave the check out")),
    ],
)
def test_what_cannot_be_meant(model, tmp_path, path, options, words) -> None:
    with refused(UsageError, *words):
        export(model, tmp_path / path, **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(model, tmp_path) -> None:
    with refused(OutputError, "cannot write", "no such file"):
        export(model, tmp_path / "none" / "m.c")


def test_nothing_is_imported_for_a_c_file(run, tmp_path) -> None:
    """Frameworks take seconds to load."""
    code = (
        "import sys, lenet; lenet.export(sys.argv[1], sys.argv[2]); "
        "print(sorted({'torch', 'onnx', 'onnxruntime'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, str(run), str(tmp_path / "m.c")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_help_names_every_ending(capsys) -> None:
    assert main(["export", "--help"]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert all(suffix in text for suffix in export_module._FORMATS)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop", "border"])
def test_every_file_says_how_pictures_get_their_size(fit, tmp_path) -> None:
    seen = lenet.Preprocessing((1, 8, 8), (0.0,), (1.0,), None, fit=fit, sizes=((9, 9),) * 3)
    model = lenet.Model("1x8x8 | dense 4", preprocessing=seen).initialize()
    for name in ("m.c", "m.py", "m.html", "m.params", "m.safetensors"):
        export(model, tmp_path / name)
    words = " ".join(seen.fitting.split()[-3:])
    for name in ("m.c", "m.py"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert words in " ".join(text.replace("\n *", " ").split())
    told = json.dumps(fit)
    assert f'"fit":{told}' in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert lenet.Model.load(tmp_path / "m.safetensors").preprocessing == seen
    assert lenet.import_model(tmp_path / "m.params").preprocessing == seen
    if fit == "pad":
        pytest.importorskip("onnx")
        export(model, tmp_path / "m.onnx")
        assert lenet.import_model(tmp_path / "m.onnx").preprocessing == seen


def test_a_model_is_not_written_over_itself(model, run, tmp_path) -> None:
    path = model.save(tmp_path / "m.safetensors")
    kept = run / "last.safetensors"
    for source, target in ((path, path), (run, kept), (kept, kept)):
        before = target.read_bytes()
        with refused(UsageError, "written over"):
            export(source, target, int8=True, calibrate="digits")
        assert target.read_bytes() == before


@pytest.mark.parametrize("std", [1 / 255, 0.005])
@pytest.mark.parametrize("input", ["uint8", "float", "raw"])
def test_small_deviations_come_back_from_onnx(std, input, tmp_path) -> None:
    pytest.importorskip("onnx")
    seen = lenet.Preprocessing((1, 8, 8), (0.1,), (std,), None, fit="crop")
    model = lenet.Model("1x8x8 | dense 4", preprocessing=seen).initialize()
    export(model, tmp_path / "m.onnx", input=input)
    assert lenet.import_model(tmp_path / "m.onnx").preprocessing == seen


def test_images_of_other_classes_check_nothing(tmp_path) -> None:
    model = lenet.Model("1x8x8 | dense 2", ("even", "odd")).initialize()
    model.training = {"dataset": "digits"}
    for check in ("digits", lenet.load("digits")):
        with refused(DataError, "even", "same classes"):
            export(model, tmp_path / "two.c", check=check)
    export(model, tmp_path / "two.html")  # whose test images would be of ten


@pytest.mark.parametrize("opset", [17.0, "17", True, 5])
def test_opsets_that_are_none(model, opset, tmp_path) -> None:
    with refused(UsageError, "opset"):
        export(model, tmp_path / "m.onnx", opset=opset)


def test_what_is_no_model(tmp_path) -> None:
    with refused(LenetError, "type int"):
        export(5, tmp_path / "m.c")


@pytest.mark.parametrize("name", ["run.json", "history.csv", "report.html", "last.safetensors"])
def test_a_run_is_not_written_over(run, name, tmp_path) -> None:
    before = (run / name).read_bytes()
    suffix = Path(name).suffix
    orders = {
        ".json": ["export", str(run), str(run / name)],
        ".csv": ["evaluate", str(run), "digits", "-o", str(run / name)],
        ".html": ["look", str(run), "digits", "-o", str(run / name)],
        ".safetensors": ["export", str(run), str(run / name)],
    }
    assert main(orders[suffix]) == 2
    assert main(["draw", "lenet", "--format", "svg", "-o", str(run / name)]) == 2
    assert (run / name).read_bytes() == before


@pytest.mark.parametrize(("name", "beside"), [("m.c", "m.h"), ("m.params", "m-symbol.json")])
def test_of_two_files_none_stands_alone(model, name, beside, tmp_path) -> None:
    for blocked, other in ((beside, name), (name, beside)):
        folder = tmp_path / blocked
        (folder / blocked).mkdir(parents=True)
        (folder / other).write_text("of before")
        with refused(OutputError, "cannot write"):
            export(model, folder / name)
        assert (folder / other).read_text() == "of before"
