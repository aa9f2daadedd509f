"""What ``recipe="auto"`` chooses by looking at images, and what it leaves as it is."""

import dataclasses

import numpy as np
import pytest

import lenet
from lenet.data import Dataset, Split
from lenet.errors import UsageError
from lenet.trainer import begin
from lenet.training.choosing import is_mirrored, is_open
from refusals import refused

SMALL = "1x28x28 | conv 2 k5 relu, maxpool 4 | dense 10"


def own(name, count, **changes):
    """The first images of a data set, as if they were somebody's own."""
    data = lenet.load(name)
    split = data.train.chosen(np.arange(count))
    made = Dataset("own", split, data.test.chosen(np.arange(20)), data.classes)
    return dataclasses.replace(made, **changes)


def coloured(count=40, side=32):
    """Photographs of two classes: red and blue, on any ground."""
    values = np.random.default_rng(0).integers(0, 256, (count, 3, side, side), np.uint8)
    labels = np.arange(count) % 2
    values[labels == 0, 0] = 255
    split = Split(values, labels)
    return Dataset("colours", split, split, ("red", "blue"))


def test_named_data_keep_their_ways():
    assert lenet.recipe("auto", data="digits") == lenet.recipe("modern")
    assert lenet.recipe("auto", data="MNIST") == lenet.recipe("modern", data="mnist")
    calibrated = lenet.recipe("modern", validation_fraction=0.02)
    assert lenet.recipe("auto", data="Fashion_MNIST") == calibrated  # docs/training.md
    for name in ("digits", " MNIST", "fashion_mnist"):
        assert not is_open("auto", name)
    assert not is_open("auto", lenet.load("digits"))
    model = lenet.train(data="digits", epochs=1)
    assert model.network == lenet.zoo.lenet_relu()
    assert lenet.Recipe.from_dict(model.training["recipe"]).replace(network="") == lenet.recipe(
        "modern", epochs=1
    )


def test_what_is_open():
    data = own("digits", 20)
    for name in ("auto", " Auto", "best"):
        assert is_open(name, data)
        assert is_open(name, "some/folder")
    for recipe in ("modern", "best-lenet", lenet.Recipe(), None, "a.toml"):
        assert not is_open(recipe, data)
    with refused(UsageError, "auto looks at the images", "lenet.choose"):
        lenet.recipe("auto")
    with refused(UsageError, "'digits'", "auto or best"):
        lenet.choose("digits")
    with refused(UsageError, "'modern'", "auto or best"):
        lenet.choose(data, recipe="modern")


def test_it_depends_on_the_images():
    grey, colour = lenet.choose(own("digits", 400)), lenet.choose(coloured())
    assert grey.network == lenet.zoo.compact()  # enlarged to what it is made for
    assert colour.network.input_shape == (3, 32, 32)
    assert colour.network.output_shape == (2,)
    for choice in (grey, colour):
        assert choice.source == "compact"
        assert choice.recipe.batch_size == (32 if choice is grey else 8)
        assert choice.recipe.augment.shift == 2
        assert choice.recipe.augment.rotate == 10
    assert grey.recipe.augment.brightness == grey.recipe.augment.saturation == 0
    assert colour.recipe.augment.brightness == colour.recipe.augment.saturation == 0.4
    assert "grey on an even ground" in str(grey)
    assert "in colour" in str(colour)
    assert len(str(grey).splitlines()) == 3


def test_grey_photographs_change_in_light():
    data = coloured()
    grey = dataclasses.replace(
        data, train=Split(data.train.images[:, 1:2], data.train.labels), test=None
    )
    augment = lenet.choose(grey).recipe.augment
    assert (augment.brightness, augment.saturation) == (0.4, 0)


def test_the_length_follows_from_the_number_of_images():
    def epochs(count, **values):
        train = Split(np.zeros((count, 1, 28, 28), np.uint8), np.arange(count) % 2)
        return lenet.choose(Dataset("own", train, None, ("a", "b")), **values).recipe

    counts = (100, 1_000, 10_000, 30_000)
    recipes = [epochs(count) for count in counts]
    assert [recipe.batch_size for recipe in recipes] == [10, 32, 64, 128]
    assert [recipe.epochs for recipe in recipes] == [200, 128, 18, 6]
    assert [recipe.validation_fraction for recipe in recipes] == [0, 0.05, 0.02, 0.02]
    assert epochs(1_000, recipe="best").epochs == 512
    assert epochs(1_000, quick=True).epochs == 32
    few = epochs(1_000, epochs=16)
    assert few.epochs == 16
    assert (few.augment.shift, few.augment.rotate, few.augment.scale) == (1, 3, 0.027)


def test_what_is_given_is_not_chosen():
    data = own("digits", 200)
    choice = lenet.choose(data, SMALL, lr=0.5, batch_size=10, augment={"shift": 0, "elastic": 1})
    assert choice.network == lenet.parse(SMALL)
    assert (choice.recipe.lr, choice.recipe.batch_size) == (0.5, 10)
    assert (choice.recipe.augment.shift, choice.recipe.augment.elastic) == (0, 1)
    assert choice.recipe.augment.rotate == 10
    bare = lenet.choose(data, augment=lenet.Augmentation()).recipe
    assert not bare.augment.active
    assert "as given" in str(choice)


def test_training_takes_what_is_chosen():
    data = own("digits", 60)
    choice = lenet.choose(data, epochs=2)
    model = lenet.train(data=data, epochs=2)
    same = lenet.train(choice.network, data, choice.recipe)
    assert model.network == choice.network
    assert model.table.tobytes() == same.table.tobytes()


def test_photographs_of_a_folder_are_bounded(tmp_path):
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 256, (6, 90, 60, 3), np.uint8)
    for number, pixels in enumerate(values):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    choice = lenet.choose(tmp_path)
    assert choice.network.input_shape == (3, 32, 28)  # 32x21: never smaller than made for


@pytest.mark.parametrize(
    ("name", "mirrored"), [("digits", False), ("mnist", False), ("fashion-mnist", True)]
)
def test_mirror_images(name, mirrored):
    split = lenet.load(name).train
    assert is_mirrored(split.images, split.labels) is mirrored


def test_left_and_right_are_no_mirror_images():
    """Two classes that are each other's mirror images, and one that is its own."""
    draw = np.random.default_rng(1)
    images = draw.integers(0, 60, (300, 1, 16, 16)).astype(np.uint8)
    labels = np.arange(300) % 3
    images[labels == 0, :, 4:12, 1:6] = 255
    images[labels == 1, :, 4:12, 10:15] = 255
    images[labels == 2, :, 4:12, 6:10] = 255
    assert not is_mirrored(images, labels)
    assert is_mirrored(images, np.where(labels < 2, 0, 1))


def test_who_is_quick_is_not_told_to_be():
    for is_quick in (False, True):
        begun = begin(None, own("digits", 100), "auto", {}, quick=is_quick)
        _, length, _ = begun.chosen("more of it", "less of it")
        assert ("less of it" in length, "more of it" in length) == (not is_quick, True)


def test_as_long_as_a_person_says(monkeypatch):
    data = own("digits", 100)
    monkeypatch.setattr("lenet.training.loop.Training.seconds_ahead", lambda self, epochs: 2.0)
    assert len(lenet.train(SMALL, data, minutes=0.1).training["epochs"]) == 3
    assert len(lenet.train(SMALL, data, minutes=0.001).training["epochs"]) == 1
    assert len(lenet.train(SMALL, "digits", "modern", quick=True).training["epochs"]) == 5
    for wrong in ({"minutes": 1, "epochs": 3}, {"quick": True, "epochs": 3}):
        with refused(UsageError, "how long"):
            lenet.train(SMALL, data, **wrong)
    for minutes in (0, -1, float("nan"), "2", True, 1e9):
        with refused(UsageError, "minutes"):
            lenet.train(SMALL, data, minutes=minutes)


def test_time_is_measured_without_learning():
    data = own("digits", 100)
    training = lenet.training.Training(lenet.parse(SMALL), data, lenet.recipe(epochs=3), 0, 1)
    before = training.model.table.tobytes()
    assert training.seconds_ahead() > 0
    for _ in training.epochs():
        pass
    other = lenet.train(SMALL, data, lenet.recipe(epochs=3))
    assert before != training.model.table.tobytes() == other.table.tobytes()


def test_a_model_is_chosen_for_at_its_own_input():
    small = own("digits", 100)
    images = np.repeat(np.repeat(small.train.images, 8, axis=2), 8, axis=3)
    large = dataclasses.replace(small, train=Split(images, small.train.labels), test=None)
    model = lenet.Model("lenet-relu").initialize()
    choice = lenet.choose(large, model)
    assert choice.network == model.network
    assert choice.recipe.augment.shift == 2  # of 28 pixels


def test_a_recipe_for_data_of_a_name_is_not_for_pictures_in_such_a_folder():
    two = dataclasses.replace(
        coloured(), name="fashion-mnist", source="x/fashion-mnist", classes=("a", "b")
    )
    begun = begin(None, two, "best-lenet", {"epochs": 1})
    made, general = begun.training.recipe, lenet.recipe("best-lenet", epochs=1)
    assert made.replace(network=general.network) == general


def test_a_shorter_training_has_a_shorter_warm_up(monkeypatch):
    data, how = own("digits", 100), {"schedule": "cosine", "warmup_epochs": 6, "epochs": 12}
    monkeypatch.setattr("lenet.training.loop.Training.seconds_ahead", lambda self, epochs: 2.0)
    warm = lenet.recipe("modern", **how)
    for length, epochs in (({"quick": True}, 3), ({"minutes": 0.001}, 1), ({"minutes": 1}, 30)):
        made = begin(SMALL, data, warm, {}, **length).training.recipe
        assert (made.epochs, made.warmup_epochs) == (epochs, epochs / 2)


def test_quick_is_a_quarter_also_where_there_are_few_epochs():
    many = coloured(40)
    split = many.train.chosen(np.arange(60_000) % 40)
    large = dataclasses.replace(many, train=split)
    usual, quick = (lenet.choose(large, quick=is_quick).recipe.epochs for is_quick in (False, True))
    assert (usual, quick) == (5, 1)
