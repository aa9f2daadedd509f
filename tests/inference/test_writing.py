"""Answers for any number of images: what they are made of, and what a kill leaves of them."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import lenet
from digit_pictures import write_digits
from lenet.data.pictures import Fault
from lenet.errors import DataError, MissingPackageError, OutputError, PictureError, UsageError
from lenet.inference import table as module
from lenet.inference.predicting import predict_each
from lenet.inference.table import Answers, Counts
from lenet.inference.writing import predict_into
from lenet.kinds import EMPTY
from refusals import refused

CLASSES = tuple("0123456789")


@pytest.fixture(scope="module")
def model():
    return lenet.train("1x8x8 | conv 4 k3 relu, maxpool 2 | dense 10", "digits", epochs=10)


@pytest.fixture
def sources(tmp_path):
    """Pictures, a file that is none, a list of them, and numbers: 600 and 700 images."""
    folder = tmp_path / "in"
    paths = write_digits(folder, dict.fromkeys(CLASSES, 60))
    (folder / "5" / "bad.png").write_text("no picture")
    listed = tmp_path / "list.csv"
    listed.write_text("path\n" + "".join(f"{path.relative_to(tmp_path)}\n" for path in paths[:20]))
    np.save(tmp_path / "many.npy", lenet.load("digits").train.images[:700])
    return [folder, listed, tmp_path / "many.npy"]


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def stop_after(count):
    def progress(done, told=[]):  # noqa: B006 - counts its calls
        told.append(done)
        if len(told) == count:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_a_kill_leaves_is_gone_on_with(model, sources, tmp_path, ending, monkeypatch):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
    written = predict_into(whole, model, sources)
    answered = []
    answer = type(model).predict_proba
    monkeypatch.setattr(
        type(model), "predict_proba", lambda s, x: answered.append(len(x)) or answer(s, x)
    )
    for stop in (1, 2, 1):
        with pytest.raises(KeyboardInterrupt):
            predict_into(cut, model, sources, progress=stop_after(stop))
        assert not cut.exists()
        assert (tmp_path / f"cut.{ending}.partial").exists()
    assert predict_into(cut, model, sources).images == written.images == 1320
    assert cut.read_bytes() == whole.read_bytes()
    assert sum(answered) == 1320  # each once
    assert [fault.name for fault in written.faults] == [str(sources[0] / "5" / "bad.png")]
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("kept", [0, 10, 300, 20_000, 40_000])
def test_a_piece_that_is_cut_off_is_answered_again(model, sources, tmp_path, kept):
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    written = predict_into(whole, model, sources)
    with pytest.raises(KeyboardInterrupt):
        predict_into(cut, model, sources, progress=stop_after(4))
    partial = tmp_path / "cut.csv.partial"
    content = partial.read_bytes()
    assert len(content) > 40_000
    partial.write_bytes(content[:kept] + b"\0" * 50)  # as a power cut leaves it
    again = predict_into(cut, model, sources)
    assert (again.images, again.faults) == (written.images, written.faults)
    assert cut.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {}, {"images": None}, {"images": "5"}, {"unsure": [1]}, {"last": {}}, {"faults": 5},
        {"faults": [["a"]]}, {"faults": [["a", "b", [1, 2, 3, 4, 5]]]}, {"bytes": -1},
    ],
)  # fmt: skip
def test_a_piece_that_nothing_wrote_is_left_out(tmp_path, change):
    how = tmp_path / "a.csv", ["image"], {"model": "m"}
    kept = Answers(*how)
    kept.add([["b"]], 0, [Fault("a", "is empty", EMPTY)])
    kept.close()
    first, header, rows = kept.partial.read_bytes().split(b"\n", 2)
    values = {**json.loads(header), **change}
    values = {name: value for name, value in values.items() if value is not None}
    kept.partial.write_bytes(b"\n".join([first, json.dumps(values).encode(), rows]))
    again = Answers(*how)
    again.close()
    assert again.counts == (Counts() if change else kept.counts)


def test_much_at_a_time_is_kept_in_pieces_that_can_be_read(model, sources, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    for place in range(7):
        (tmp_path / "in" / f"bad{place}.png").write_text("no picture")
    predict_into(whole, model, sources, probabilities=True)
    monkeypatch.setattr(module, "_MOST_CELLS", 100)
    monkeypatch.setattr(module, "_MOST_FAULTS", 2)
    monkeypatch.setattr(module, "_LONGEST", 5_000)
    written = predict_into(parts, model, sources, probabilities=True)
    assert (written.images, len(written.faults)) == (1320, 8)
    assert parts.read_bytes() == whole.read_bytes()


def test_a_table_is_never_written_short(tmp_path):
    kept = Answers(tmp_path / "a.csv", ["image"], {"model": "m"})
    kept.add([["b"]], 0, [])
    kept.add([["c"]], 0, [])
    content = kept.partial.read_bytes()
    kept.partial.write_bytes(content[:-2] + b"x\n")
    with refused(OutputError, "changed while"):
        kept.finish()
    kept.close()
    assert not (tmp_path / "a.csv").exists()


def test_one_process_at_a_time_writes_a_table(tmp_path):
    how = tmp_path / "a.csv", ["image"], {"model": "m"}
    kept = Answers(*how)
    code = (
        "import sys; from lenet.inference.table import Answers\n"
        "Answers(sys.argv[1], ['image'], {'model': 'm'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, how[0]], capture_output=True, text=True, check=False
    )
    assert "another process writes answers" in done.stderr
    kept.close()
    Answers(*how).remove()
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_not_read(model, sources, tmp_path):
    folder = sources[0]
    for _ in range(2):
        written = predict_into(folder / "answers.csv", model, folder)
        assert (written.images, len(written.faults)) == (600, 1)


def test_what_was_asked_otherwise_is_begun_again(model, sources, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict_into(tmp_path / "a.csv", model, sources, progress=stop_after(2))
    other = lenet.Model(model.network, model.classes).initialize(seed=1)
    predict_into(tmp_path / "a.csv", other, sources)
    predict_into(tmp_path / "b.csv", other, sources)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_folder_that_has_changed_is_told(model, sources, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict_into(tmp_path / "a.csv", model, sources, progress=stop_after(2))
    (sources[0] / "0" / "0.png").unlink()
    with refused(DataError, "a.csv.partial", "remove it"):
        predict_into(tmp_path / "a.csv", model, sources)
    assert (tmp_path / "a.csv.partial").exists()


SCRIPT = "import sys; from lenet.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_signals_leave_what_the_next_uses_and_nothing_else(model, tmp_path, number):
    np.save(tmp_path / "many.npy", np.tile(lenet.load("digits").train.images, (200, 1, 1, 1)))
    model.save(tmp_path / "m.safetensors")
    command = [sys.executable, "-c", SCRIPT, "predict", "m.safetensors", "many.npy", "-o", "a.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    partial = tmp_path / "a.csv.partial"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 100_000):
        time.sleep(0.002)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"many.npy", "m.safetensors", "a.csv.partial"}
    status = {signal.SIGTERM: 143, signal.SIGKILL: -9, signal.SIGINT: 130}[number]
    assert process.returncode == status
    if number == signal.SIGINT:
        assert "a.csv.partial; the same command goes on" in error
    before = partial.stat().st_size
    assert before > 100_000
    predict_into(tmp_path / "a.csv", tmp_path / "m.safetensors", tmp_path / "many.npy")
    assert len(rows_of(tmp_path / "a.csv")) == 200 * 1437


def test_unsure_images_are_left_open(model, tmp_path):
    images = lenet.load("digits").test.images[:200]
    np.save(tmp_path / "a.npy", images)
    shares = model.predict_proba(images).max(axis=1)
    low = shares < 0.9
    assert 0 < low.sum() < 200
    written = predict_into(
        tmp_path / "a.csv", model, tmp_path / "a.npy", reject=0.9, probabilities=True
    )
    assert written.unsure == low.sum()
    rows = rows_of(tmp_path / "a.csv")
    assert [not row["class"] for row in rows] == low.tolist()
    assert [not row["second"] + row["second_probability"] for row in rows] == low.tolist()
    assert [float(row["probability"]) for row in rows] == pytest.approx(shares)
    assert all(row["probability_3"] for row in rows)
    found = lenet.predict(model, tmp_path / "a.npy", reject=0.9)
    assert [one.is_unsure for one in found] == low.tolist()
    unsure = next(one for one in found if one.is_unsure)
    assert (unsure.label, unsure.to_dict()["class"]) == ("", None)
    line = str(unsure)
    assert "unsure" in line
    assert f"({unsure.classes[0]} " in line
    found.save(tmp_path / "b.csv")
    assert [row["class"] for row in rows_of(tmp_path / "b.csv")] == [row["class"] for row in rows]


@pytest.mark.parametrize("reject", [-0.1, 1.5, 90, float("nan"), True, "0.9", None])
def test_no_probability(model, tmp_path, reject):
    for call in (
        lambda: predict_into(tmp_path / "a.csv", model, tmp_path, reject=reject),
        lambda: lenet.predict(model, reject=reject),
        lambda: list(predict_each(model, reject=reject)),
    ):
        with refused(UsageError, "reject is", "0 to 1"):
            call()


def test_a_parquet_file_says_what_a_csv_file_says(model, sources, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    how = {"reject": 0.8, "probabilities": True}
    strange = sources[0] / b'\xff,\n".png'.decode(errors="surrogateescape")
    strange.write_bytes((sources[0] / "0" / "0.png").read_bytes())
    predict_into(tmp_path / "a.csv", model, sources, **how)
    predict_into(tmp_path / "a.parquet", model, sources, **how)
    found = pq.read_table(tmp_path / "a.parquet").to_pylist()
    raw = (tmp_path / "a.csv").read_bytes().decode("utf-8", "backslashreplace")
    rows = list(csv.DictReader(io.StringIO(raw, newline="")))
    assert len(found) == len(rows) == 1321
    for row, values in zip(rows, found, strict=True):
        assert row.keys() == values.keys()
        for name, value in values.items():
            assert row[name] == ("" if value is None else value) or float(row[name]) == value
        assert (values["class"] is None) == (values["second"] is None) == (row["class"] == "")
        assert values["prepared"] is not None
    predict_into(tmp_path / "none.parquet", model, np.zeros((0, 8, 8), np.uint8))
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def png(image):
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, "PNG")
        return file.getvalue()


def test_images_in_parquet_files(model, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    images = lenet.load("digits").test.images[:300, 0]
    wanted = [CLASSES[i] for i in model.predict(images)]
    labels = list(range(300))
    files = [png(image) for image in images]
    paths = write_digits(tmp_path / "in", {"3": 2})
    tables = {
        "pairs": {"image": [{"bytes": file, "path": None} for file in files], "label": labels},
        "bytes": {"label": labels, "picture": files},
        "flat": {"pixels": [image.ravel().tolist() for image in images], "label": labels},
        "nested": {"image": [image.tolist() for image in images]},
        "columns": {
            "label": labels,
            **{f"p{i}": images.reshape(300, -1)[:, i].tolist() for i in range(64)},
        },
        "unit": {"x": [(image.ravel() / 16 / 16).tolist() for image in images]},
    }
    for name, columns in tables.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=100)
        found = lenet.predict(model, path)
        if name != "unit":
            assert [one.label for one in found] == wanted, name
        assert found[7].image == f"{path}[7]"
        assert len(found) == 300
    listed = tmp_path / "paths.parquet"
    names = [str(path.relative_to(tmp_path)) for path in paths]
    pairs = [{"bytes": None, "path": name} for name in names]
    for column in (names, pairs):
        pq.write_table(pa.table({"file": column}), listed)
        found = lenet.predict(model, listed)
        assert [one.image for one in found] == ["in/3/0.png", "in/3/1.png"]
    bad = tmp_path / "bad.parquet"
    pq.write_table(pa.table({"image": [files[0], b"no picture", None]}), bad)
    found = lenet.predict(model, bad, skip_bad=True)
    assert [fault.name for fault in found.faults] == [f"{bad}[1]", f"{bad}[2]"]


def test_parquet_files_of_no_images(model, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    for columns, word in (
        ({"a": [True], "b": [None]}, "has the columns"),
        ({"pixels": [[1, 2], [1]]}, "different lengths"),
        ({"pixels": [[1, None]]}, "missing"),
        ({"a": [[]]}, "a.parquet"),
        ({"image": pa.array([], pa.list_(pa.uint8()))}, "no rows"),
    ):
        pq.write_table(pa.table(columns), path)
        with refused(DataError, word):
            lenet.predict(model, path)
    content = path.read_bytes()
    for damaged in (b"PAR1", content[:-9], b"PAR1" + os.urandom(400), content[:8] + content[60:]):
        path.write_bytes(damaged)
        with refused(DataError, "a.parquet"):
            lenet.predict(model, path)


def test_without_pyarrow_a_sentence_says_so(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1" * 9)
    with refused(MissingPackageError, "pyarrow", "lenet[parquet]"):
        lenet.predict(model, tmp_path / "a.parquet")
    with refused(MissingPackageError, "pyarrow", "lenet[parquet]"):
        predict_into(tmp_path / "b.parquet", model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_what_cannot_be_answered_leaves_nothing(model, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    with refused(PictureError, "bad.png"):
        predict_into(tmp_path / "a.csv", model, tmp_path / "bad.png")
    with refused(UsageError, "on is 'moon'"):
        predict_into(tmp_path / "a.csv", model, tmp_path / "bad.png", on="moon")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


def test_what_is_answered_outlives_an_error(model, sources, tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    predict_into(whole, model, sources)
    broken = tmp_path / "broken.npy"
    broken.write_bytes(sources[2].read_bytes()[:-9])
    with refused(DataError, "broken.npy"):
        predict_into(cut, model, [*sources, broken])
    assert (tmp_path / "cut.csv.partial").exists()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KeyboardInterrupt):
        predict_into(cut, model, sources, progress=stop_after(1))
    kept = (tmp_path / "cut.csv.partial").stat().st_size
    with refused(MissingPackageError, "lenet[ray]"):
        predict_into(cut, model, sources, on="ray")
    assert (tmp_path / "cut.csv.partial").stat().st_size == kept
    predict_into(cut, model, sources)
    assert cut.read_bytes() == whole.read_bytes()


def test_names_of_tables(tmp_path):
    for name in ("a.csv", "a.CSV", "/dev/null"):
        module.check_path(name if "/" in name else tmp_path / name)
    for name in ("a", "a.txt", "csv"):
        with refused(UsageError, ".csv or .parquet"):
            module.check_path(tmp_path / name)
