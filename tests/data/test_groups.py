"""Groups of pictures, such as the frames of one film: never on two sides of a split."""

import csv

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.data.dataset import TEST, TRAIN, VALIDATION, digests_of
from lenet.data.folders import GROUP_MARK, name_reader
from lenet.data.groups import describe_groups
from lenet.data.splitting import fold_by_content, split_by_content, units_of
from lenet.errors import DataError, UsageError
from lenet.training import Recipe
from lenet.training.preparation import with_validation
from refusals import refused


def random_groups(seed, count=600, groups=40, classes=4):
    random = np.random.default_rng(seed)
    digests = random.integers(0, 2**63, count, dtype=np.uint64)
    numbers = random.integers(0, groups, count)
    labels = random.integers(0, classes, count)
    return digests, labels, [f"g{number}" for number in numbers]


def sides(chosen, groups):
    found = {}
    for group, side in zip(groups, chosen.tolist(), strict=True):
        found.setdefault(group, set()).add(side)
    return found


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.35])
def test_a_group_is_on_one_side_and_every_class_gives_its_share(seed, share):
    digests, labels, groups = random_groups(seed)
    test = split_by_content(digests, labels, groups, share=share)
    assert all(len(kinds) == 1 for kinds in sides(test, groups).values())
    given = np.bincount(labels[test], minlength=4) / np.bincount(labels)
    assert np.abs(given - share).max() < 0.08


def test_groups_of_one_class_each():
    """Ten films of ten frames in each of three classes: two of each are to test on."""
    labels = np.repeat([0, 1, 2], 100)
    groups = [f"film {place // 10}" for place in range(300)]
    test = split_by_content(np.arange(300, dtype=np.uint64), labels, groups)
    assert np.bincount(labels[test]).tolist() == [20, 20, 20]
    assert len({groups[place] for place in np.flatnonzero(test)}) == 6


def test_large_groups_come_as_near_as_they_can():
    labels = np.zeros(30, np.int64)
    halves = ["a"] * 20 + ["b"] * 10
    test = split_by_content(np.arange(30, dtype=np.uint64), labels, halves)
    assert np.flatnonzero(test).tolist() == list(range(20, 30))  # 6 are wanted
    thirds = [f"g{place // 9}" for place in range(27)]
    test = split_by_content(np.arange(27, dtype=np.uint64), labels[:27], thirds)
    assert test.sum() == 9


def test_the_order_changes_nothing_and_new_pictures_of_a_group_join_it():
    digests, labels, groups = random_groups(1)
    test = split_by_content(digests, labels, groups)
    order = np.random.default_rng(3).permutation(len(labels))
    again = split_by_content(digests[order], labels[order], [groups[place] for place in order])
    np.testing.assert_array_equal(again, test[order])
    less = np.arange(len(labels)) % 50 > 0
    some = [group for group, keep in zip(groups, less, strict=True) if keep]
    before = split_by_content(digests[less], labels[less], some)
    assert (before != test[less]).mean() < 0.15


def test_copies_join_their_groups():
    digests = np.array([1, 2, 2, 3, 3, 4, 9], np.uint64)
    units = units_of(digests, ["a", "a", "b", "b", "", "c", ""])
    assert len(set(units[:5].tolist())) == 1  # a and b share 2; what is in no group shares 3
    assert len(set(units.tolist())) == 3
    assert units[6] == 9
    np.testing.assert_array_equal(units_of(digests), digests)


def test_a_long_chain_of_groups_is_one():
    count = 20_000
    digests = np.repeat(np.arange(count, dtype=np.uint64), 2)
    groups = [f"g{(place + 1) // 2}" for place in range(2 * count)]
    assert len(set(units_of(digests, groups).tolist())) == 1


def test_another_seed_draws_another_split():
    digests, labels, groups = random_groups(5)
    for given in (None, groups):
        zero = split_by_content(digests, labels, given)
        np.testing.assert_array_equal(zero, split_by_content(digests, labels, given, seed=0))
        others = [split_by_content(digests, labels, given, seed=seed) for seed in (1, 2)]
        for other in others:
            assert (other != zero).any()
            assert (np.abs(np.bincount(labels[other]) / np.bincount(labels) - 0.2) < 0.06).all()
        assert (others[0] != others[1]).any()


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("has_groups", [False, True])
def test_folds(folds, has_groups):
    digests, labels, groups = random_groups(2)
    copies = np.flatnonzero(np.array(groups) == "g3")
    digests[copies] = digests[copies[0]]
    given = groups if has_groups else None
    fold_of = fold_by_content(digests, labels, folds, given)
    assert len(set(fold_of[copies].tolist())) == 1
    counts = np.stack([np.bincount(labels[fold_of == fold], minlength=4) for fold in range(folds)])
    spread = np.ptp(counts, axis=0) / counts.mean(axis=0)
    assert spread.max() < (0.25 if has_groups else 0.1)
    assert np.ptp(counts.sum(axis=1)) < (0.06 if has_groups else 0.03) * len(labels)
    if has_groups:
        assert all(len(kinds) == 1 for kinds in sides(fold_of, groups).values())
    order = np.random.default_rng(0).permutation(len(labels))
    some = given and [given[place] for place in order]
    again = fold_by_content(digests[order], labels[order], folds, some)
    np.testing.assert_array_equal(again, fold_of[order])


@pytest.mark.parametrize(
    ("pattern", "path", "group"),
    [
        ("{group}_*", "0/00018_00008", "00018"),
        ("{group}_#", "cat_12_left", None),
        ("*-{group}-*", "a/x-anna-3", "anna"),
        ("{group}/*", "train/cat/anna/1", "anna"),
        ("*/{group}/*", "train/anna/cat/1", "cat"),
        ("{group}/*/*", "train/anna/cat/1", "anna"),
        ("{group}/*", "1", None),
        ("{group}/{group}_*", "train/3/00018_00008", "3/00018"),
        ("{group}_{group}_*", "film_7_0001", "film/7"),
        ("{group}", "x/y", "y"),
        ("*-{group}_#", f"{'x-' * 110}anna_{'1' * 30}", "anna"),
    ],
)
def test_patterns(pattern, path, group):
    assert name_reader(pattern, GROUP_MARK)(path) == group


@pytest.mark.parametrize(
    "pattern",
    ["*", "", "{label}_*", "{group}*#*#", "{group}" * 4, "{group}{group}", "*{group}", 3, None],
)
def test_patterns_that_are_none(pattern):
    with refused(UsageError, "{group}"):
        name_reader(pattern, GROUP_MARK)


def write(folder, names, start=0):
    """Write a picture of its own for each name; return how many there are."""
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return len(names)


def films(classes="ab", groups=6, frames=4):
    return [f"{c}/{c}{g}_{f}.png" for c in classes for g in range(groups) for f in range(frames)]


def groups_of(split):
    return set(split.groups)


def test_a_folder(tmp_path):
    write(tmp_path, films())
    data = lenet.load(tmp_path, group="{group}_*")
    assert not groups_of(data.train) & groups_of(data.test)
    assert groups_of(data.train) | groups_of(data.test) == {
        f"{c}{n}" for c in "ab" for n in range(6)
    }
    assert data.class_counts == {"train": [20, 20], "test": [4, 4]}
    for split in (data.train, data.test):
        assert [name.split("/")[1].split("_")[0] for name in split.names] == list(split.groups)
    assert data.notes[0] == (
        "groups: 12 of 4 images each: 10 to train on, 2 to test on, none on two sides"
    )
    again = lenet.load(tmp_path, group="{group}_*")  # out of the cache
    assert again.train.groups == data.train.groups
    np.testing.assert_array_equal(again.train.digests, data.train.digests)
    other = lenet.load(tmp_path, group="{group}_*", split_seed=1)
    assert groups_of(other.test) != groups_of(data.test)
    assert any("(split 1)" in note for note in other.notes)
    plain = lenet.load(tmp_path)
    assert plain.train.groups is None
    assert plain.test.names == lenet.load(tmp_path, split_seed=0).test.names
    assert plain.test.names != lenet.load(tmp_path, split_seed=7).test.names


def test_names_that_hold_class_and_group(tmp_path):
    write(tmp_path, [f"{c}_{g}_{f}.png" for c in "ab" for g in "pqrstu" for f in range(3)])
    data = lenet.load(tmp_path, label_from_name="{label}_*", group="*_{group}_*")
    assert groups_of(data.train) | groups_of(data.test) == set("pqrstu")
    assert not groups_of(data.train) & groups_of(data.test)


def test_validation_images_are_whole_groups(tmp_path):
    write(tmp_path, films(groups=10))
    data = lenet.load(tmp_path, group="{group}_*")
    parted = with_validation(data, Recipe(network="lenet", validation_fraction=0.25))
    assert not groups_of(parted.train) & groups_of(parted.validation)
    assert parted.class_counts["validation"] == [8, 8]


def test_files_that_fit_no_pattern_are_in_no_group(tmp_path):
    write(tmp_path, [*films(), "a/x.png", "b/y.png"])
    data = lenet.load(tmp_path, group="{group}_*")
    assert "2 images in no group: only copies of each stay together" in data.notes
    groups = dict(zip(data.train.names, data.train.groups, strict=True))
    groups |= dict(zip(data.test.names, data.test.groups, strict=True))
    assert (groups["a/x.png"], groups["a/a1_0.png"]) == ("", "a1")


def test_groups_in_two_given_splits_are_said_first(tmp_path):
    names = [f"{s}/{c}/{g}_{s}.png" for s in ("train", "test") for c in "ab" for g in "pq"]
    write(tmp_path, [*names, "train/a/z_1.png"])
    data = lenet.load(tmp_path, group="{group}_*")
    assert data.notes[:2] == (
        "2 of 3 groups in more than one split, which makes tests look too good: p is in train "
        "and test",
        "groups: 3 of 1 to 4 images: 1 to train on",
    )
    assert len(data.test) == 4


def table(path, rows, delimiter=","):
    with open(path, "w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def test_a_column_of_a_table(tmp_path):
    names = films()
    write(tmp_path, names)
    rows = [[name, name[0], name[3:5] + name[2]] for name in names]
    path = table(
        tmp_path / "t.csv", [["file", "Subject ID", "label"], *((a, c, b) for a, b, c in rows)]
    )
    for group in ("Subject ID", "subject_id"):
        data = lenet.load(path, group=group)
        assert not groups_of(data.train) & groups_of(data.test)
        known = {name: group for name, _, group in rows}
        assert [known[name] for name in data.train.names] == list(data.train.groups)
    data = lenet.load(path, group="{group}_*")
    assert groups_of(data.train) | groups_of(data.test) == {name[2:4] for name in names}
    with refused(DataError, "no column called 'who'", "file, Subject ID and label") as caught:
        lenet.load(path, group="who")
    assert caught.value.parameter == "group"
    bare = table(tmp_path / "bare.csv", [row[:2] for row in rows])
    with refused(DataError, "no line of titles", "'who'"):
        lenet.load(bare, group="who")


@pytest.mark.parametrize(
    ("names", "group", "words"),
    [
        (films(), "x_{group}", ("no file in", "'x_{group}'", "a/a0_0.png is there")),
        (films(), "subject", ("is a folder, which has no columns", "'subject'", "'{group}_*'")),
        (
            [f"{c}/p_{n}.png" for c in "ab" for n in range(9)],
            "{group}_*",
            ("all 18 images are in one group, p",),
        ),
        (
            [*films("a"), *(f"b/b_{n}.png" for n in range(9))],
            "{group}_*",
            ("all 9 images of class b are in one group, b", "smaller groups"),
        ),
    ],
)
def test_groups_that_cannot_be(tmp_path, names, group, words):
    write(tmp_path, names)
    with refused(DataError, *words) as caught:
        lenet.load(tmp_path, group=group)
    assert caught.value.parameter == "group"


@pytest.mark.parametrize("group", ["", " ", 3, b"x", "{group}{group}{group}{group}"])
def test_what_is_no_group(tmp_path, group):
    write(tmp_path, films())
    with refused(UsageError, "group"):
        lenet.load(tmp_path, group=group)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", None, True])
def test_what_is_no_split_seed(tmp_path, seed):
    write(tmp_path, films())
    with refused(UsageError, "seed"):
        lenet.load(tmp_path, split_seed=seed)


def test_a_split_seed_needs_a_split_to_draw(tmp_path):
    write(tmp_path, [f"{s}/{c}/{n}.png" for s in ("train", "test") for c in "ab" for n in "pq"])
    assert lenet.load(tmp_path, split_seed=0)
    with refused(DataError, "split_seed is 3", "test split") as caught:
        lenet.load(tmp_path, split_seed=3)
    assert caught.value.parameter == "split_seed"
    for how in ({"group": "x"}, {"split_seed": 1}):
        with refused(UsageError, "digits is ready"):
            lenet.load("digits", **how)


def test_images_as_numbers_have_other_splits_but_no_groups(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 6, 6), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=images, y=np.arange(60) % 3)
    first, other = (lenet.load(tmp_path / "x.npz", split_seed=seed) for seed in (0, 1))
    assert first.class_counts == other.class_counts == {"train": [16] * 3, "test": [4] * 3}
    assert first.test.fingerprint() != other.test.fingerprint()
    np.testing.assert_array_equal(first.test.digests, digests_of(first.test.images))
    with refused(DataError, "images as numbers") as caught:
        lenet.load(tmp_path / "x.npz", group="x")
    assert caught.value.parameter == "group"


def test_sentences_on_groups():
    splits = np.array([TRAIN, TRAIN, VALIDATION, TEST, TRAIN])
    assert list(describe_groups(["a", "a", "b", "c", ""], splits, True)) == [
        "groups: 3 of 1 to 2 images: 1 to train on, 1 to validate, 1 to test on, none on two sides",
        "1 image in no group: only copies of each stay together",
    ]
    assert list(describe_groups(["a"] * 5, splits, False)) == [
        "1 of 1 group in more than one split, which makes tests look too good: a is in train and "
        "validation and test",
        "groups: 1 of 5 images",
    ]


def test_splits_have_groups_and_digests_of_each_image():
    images, labels = np.zeros((2, 1, 2, 2), np.uint8), np.arange(2)
    split = lenet.Split(images, labels, groups=["a", "b"], digests=np.arange(2, dtype=np.uint64))
    assert split.chosen(np.array([1])).groups == ("b",)
    assert split.chosen(np.array([False, True])).digests.tolist() == [1]
    assert lenet.Split(images, labels).known_digests().tolist() == digests_of(images).tolist()
    assert split.fingerprint() != lenet.Split(images, labels).fingerprint()
    for wrong in ({"groups": ["a"]}, {"groups": 3}, {"digests": np.arange(2)}, {"digests": [1, 2]}):
        with refused(DataError, next(iter(wrong))):
            lenet.Split(images, labels, **wrong)
    with refused(DataError, "3 digests for 2 images"):
        lenet.Split(images, labels, digests=np.arange(3, dtype=np.uint64))


def test_a_column_of_groups_that_is_empty(tmp_path):
    names = films(groups=2, frames=2)
    write(tmp_path, names)
    lines = "".join(f"{name},{name[0]},\n" for name in names)
    (tmp_path / "list.csv").write_text(f"path,label,person\n{lines}")
    with refused(DataError, "no picture is in a group") as caught:
        lenet.load(tmp_path / "list.csv", group="person")
    assert caught.value.parameter == "group"


def test_a_pattern_takes_no_time_that_grows_without_end():
    with refused(UsageError, "{group}"):
        name_reader("{group}_*_{group}_*_{group}_*x", GROUP_MARK)
    assert name_reader("{group}/{group}_*_#_x", GROUP_MARK)("a/b_c_1_x") == "a/b"
