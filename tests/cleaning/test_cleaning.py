"""``lenet.clean``: what is found in a folder that was made untidy, and how it is told."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lenet
from bursts import write_bursts
from digit_pictures import write_digits
from lenet.errors import DataError, UsageError
from lenet.writing import render
from refusals import refused

COUNTS = dict.fromkeys("0123456789", 20)


@pytest.fixture(scope="module")
def untidy(tmp_path_factory):
    """200 digits as files, of which some are copied, misplaced or blank."""
    folder = tmp_path_factory.mktemp("untidy") / "digits"
    write_digits(folder, COUNTS)
    shutil.copy(folder / "1" / "3.png", folder / "1" / "again.png")
    shutil.copy(folder / "2" / "5.png", folder / "7" / "both.png")
    shutil.copy(folder / "2" / "5.png", folder / "8" / "third.png")
    (folder / "0" / "4.png").rename(folder / "6" / "misplaced.png")
    Image.new("L", (8, 8), 40).save(folder / "5" / "blank.png")
    (wide := np.zeros((8, 40), np.uint8))[2:6, 4:36] = 200
    Image.fromarray(wide).save(folder / "9" / "wide.png")
    return folder


@pytest.fixture(scope="module")
def found(untidy):
    return lenet.clean(untidy, threads=1)


def named(found, what):
    return {finding.image: finding for finding in found.of_kind(what)}


def test_nothing_is_changed(untidy):
    before = {(path, path.stat().st_mtime_ns) for path in untidy.rglob("*")}
    lenet.clean(untidy, folds=2)
    assert {(path, path.stat().st_mtime_ns) for path in untidy.rglob("*")} == before


def test_a_misplaced_picture(found):
    finding = named(found, "wrong label")["6/misplaced.png"]
    assert (finding.label, finding.suspected, finding.other) == ("6", "0", None)
    assert 0.9 < finding.score <= 1
    assert finding.why.startswith("rather 0 (")


def test_one_picture_in_three_classes_names_all_files(found):
    pairs = named(found, "in two classes")
    files = {(finding.image, finding.other) for finding in pairs.values()}
    assert files == {("7/both.png", "2/5.png"), ("8/third.png", "2/5.png")}
    assert pairs["7/both.png"].why == "the same picture is in 7 and in 2"


def test_a_copy(found):
    (finding,) = found.of_kind("copy")
    assert {finding.image, finding.other} == {"1/3.png", "1/again.png"}


def test_blank_and_odd(found):
    assert list(named(found, "blank")) == ["5/blank.png"]
    assert "5/blank.png" not in named(found, "wrong label")
    finding = named(found, "odd")["9/wide.png"]
    assert finding.why == "of 8x40, another shape than most"


def test_near_copies_of_bursts(tmp_path):
    result = lenet.clean(write_bursts(tmp_path / "bursts"), folds=2)
    pairs = result.of_kind("near-copy")
    assert len(pairs) >= 24  # of 24 scenes with three frames each
    for finding in pairs:
        assert finding.image.split("_")[0] == finding.other.split("_")[0]
        assert finding.image != finding.other
    assert len({frozenset((f.image, f.other)) for f in pairs}) == len(pairs)
    assert not result.of_kind("copy")


def test_near_copies_of_a_group_are_known(tmp_path):
    result = lenet.clean(write_bursts(tmp_path / "bursts"), folds=2, group="{group}_*")
    assert not result.of_kind("near-copy")


def test_as_text(found):
    text = str(found)
    assert text.startswith("digits: 205 images of 8x8, 10 classes    ")
    assert "findings; nothing was changed" in text
    assert "6/misplaced.png  6      0" in text


def test_as_json(found):
    values = json.loads(render(found, "json"))
    assert (values["data"], values["images"], values["folds"]) == ("digits", 205, 5)
    assert values["counts"]["in two classes"] == 2
    kinds = [row["what"] for row in values["findings"]]
    assert len(kinds) == sum(values["counts"].values())
    assert list(dict.fromkeys(kinds)) == [kind for kind, n in values["counts"].items() if n]


def test_as_a_table(found, tmp_path):
    path = found.save(tmp_path / "a.csv")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "what", "label", "suspected", "score", "other", "why"]
    assert len(rows) == len(found.findings)
    row = next(row for row in rows if row["image"] == "6/misplaced.png")
    assert (row["what"], row["label"], row["suspected"]) == ("wrong label", "6", "0")


def test_as_a_page(found, tmp_path):
    page = found.save(tmp_path / "a.html").read_text()
    assert page.count("<img") == len(found.findings) + len(found.of_kind("copy")) + 2
    assert "6 → 0?" in page
    assert "7 or 2?" in page
    assert "6/<wbr>misplaced.png" in page
    assert "<script" not in page


def test_a_clean_collection(tmp_path):
    write_digits(tmp_path / "digits", COUNTS)
    found = lenet.clean(tmp_path / "digits", threads=1)
    assert set(finding.what for finding in found.findings) <= {"wrong label"}
    assert len(found.findings) <= 1  # of 200: a five that could be a nine
    nothing = replace(found, findings=())
    assert "0 findings; nothing was changed" in str(nothing)
    assert "Nothing was found." in nothing.save(tmp_path / "a.html").read_text()
    assert nothing.save(tmp_path / "a.csv").read_text().count("\n") == 1


def test_names_of_images_without_files(tmp_path):
    part = lenet.load("digits").test
    named = lenet.clean("digits", folds=2, threads=1)
    assert set(named.ranking) == {
        *(f"digits/train[{number}]" for number in range(1437)),
        *(f"digits/test[{number}]" for number in range(360)),
    }
    x, y = part.images[:, 0], part.labels
    np.savez(tmp_path / "own.npz", x=x, y=y)
    own = lenet.clean(tmp_path / "own.npz", folds=2, threads=1)
    for name, image in zip(own.material.names[:50], own.material.images[:50], strict=True):
        np.testing.assert_array_equal(
            image[0], x[int(name.removeprefix("own.npz[").removesuffix("]"))]
        )
    np.savez(
        tmp_path / "parts.npz", x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:]
    )
    parts = lenet.clean(tmp_path / "parts.npz", folds=2, threads=1)
    assert (parts.material.names[299], parts.material.names[300]) == (
        "parts.npz/x_train[299]",
        "parts.npz/x_test[0]",
    )


def test_what_cannot_be_judged_is_said(tmp_path):
    write_digits(tmp_path / "one", {"3": 12})
    found = lenet.clean(tmp_path / "one")
    assert found.doubts is None
    assert found.ranking == []
    assert "there is one class only, so no label can be judged" in found.notes
    write_digits(tmp_path / "two", {"3": 12, "4": 12, "5": 1})
    found = lenet.clean(tmp_path / "two")
    assert any(note.startswith("the labels of 1 image cannot be judged") for note in found.notes)
    assert len(found.ranking) == 24


def test_refusals(tmp_path, found):
    for folds in (1, 21, 2.5, "5", True):
        with refused(UsageError, "folds is", "from 2 to 20"):
            lenet.clean("digits", folds=folds)
    with refused(UsageError, "the seed is -1"):
        lenet.clean("digits", seed=-1)
    with refused(UsageError, "are for pictures of your own"):
        lenet.clean("digits", gray=True)
    write_digits(tmp_path / "few", {"3": 1, "4": 2})
    with refused(DataError, "3 images cannot be dealt to 5 folds"):
        lenet.clean(tmp_path / "few")
    for name in ("a.txt", "a", "a.parquet", 5):
        with refused(UsageError):
            found.save(name)
    with refused(UsageError, "no kind of finding 'label'"):
        found.of_kind("label")


def test_a_broken_picture(untidy, tmp_path):
    shutil.copytree(untidy, tmp_path / "digits")
    (tmp_path / "digits" / "1" / "broken.png").write_bytes(b"nothing")
    with refused(DataError, "1/broken.png"):
        lenet.clean(tmp_path / "digits")
    found = lenet.clean(tmp_path / "digits", skip_bad=True, folds=2)
    assert any("1/broken.png" in note for note in found.notes)


def test_progress_reaches_its_end():
    shares = []
    data = lenet.load("digits")
    few = lenet.Dataset("few", data.test, None, data.classes)
    lenet.clean(few, folds=2, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_groups_of_a_data_set_count(tmp_path):
    data = lenet.load(write_bursts(tmp_path / "bursts"), group="{group}_*")
    assert not lenet.clean(data, folds=2).of_kind("near-copy")


def test_the_last_seed(tmp_path):
    data = write_bursts(tmp_path / "bursts", scenes=4)
    assert lenet.clean(data, folds=2, seed=2**63 - 1).seed == 2**63 - 1
