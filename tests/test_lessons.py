"""The lessons: what they tell is so, also in small, and what they give to copy can be run."""

import re

import lenet
import pages
from lenet.run_folder import read_run
from lenet.studies.claim import read_study

PAGE = pages.read_page("lessons.md")
#: Of the study to copy, and of the commands.
STUDY = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
NETWORKS = re.findall(r'"(1x28x28 \| .*?)"', PAGE.replace(STUDY, ""))


def test_the_study_to_copy_is_one(tmp_path):
    (tmp_path / "shuffled-mnist.toml").write_text(STUDY)
    ours, theirs = read_study(tmp_path / "shuffled-mnist.toml"), read_study("shuffled-pixels")
    assert ours.claim == theirs.claim
    assert ours.arms == theirs.arms
    assert ours.expect == theirs.expect


def test_networks_of_the_commands():
    networks = list(map(lenet.parse, NETWORKS))
    counts = [lenet.explain(network).total.parameters for network in networks]
    assert counts == [71_690, 71_690, 15_130, 15_130, 9_550]
    sigmoid, relu = NETWORKS[:2]
    assert sigmoid.replace("sigmoid", "relu") == relu


def test_a_deep_sigmoid_network_does_not_learn_and_says_why(tmp_path, capsys):
    """As on the page, on the digits: 0.1 s in place of 3."""
    found = {}
    for name, network in zip(("sigmoid", "relu"), NETWORKS, strict=False):
        small = network.replace("1x28x28", "1x8x8")
        how = {"epochs": 10, "optimizer": "sgd", "lr": 0.1, "init": "xavier"}
        lenet.train(small, "digits", **how, run=tmp_path / name, verbose=True)
        record = read_run(tmp_path / name)
        gradients = {s.layer: s.gradient for s in record.signals if s.epoch == 0}
        found[name] = record.kept["test_accuracy"], gradients["dense0"] / gradients["dense6"]
    said = capsys.readouterr().err
    assert found["sigmoid"][0] < 0.15
    assert found["relu"][0] > 0.85
    assert found["sigmoid"][1] < 1e-3
    assert found["relu"][1] > 0.1
    assert "The gradients of dense0 are below" in said
    assert "Try relu in place of sigmoids or fewer layers." in said  # its init is xavier already


def test_shuffled_pixels_are_those_of_the_picture():
    import numpy as np

    from lenet.studies.study import shuffled

    data = lenet.load("digits")
    mixed = shuffled(data)
    assert (np.sort(mixed.train.images.ravel()) == np.sort(data.train.images.ravel())).all()
    assert (mixed.train.images != data.train.images).any()
