"""What the two languages must agree on: native/include/constants.h against Python's own."""

import dataclasses

import numpy as np
import pytest

from lenet import randomness
from lenet.engine import native, normalise, operations, optimizer, plan, warp
from lenet.net import layers
from lenet.optimizers import OPTIMIZERS

#: By the name that the extension has for it.
OURS = {
    # A subsampling is a pooling and a convolution to the extension.
    "kinds": [kind for kind in layers.LAYERS if kind != "subsample"],
    "activations": {
        name: (activation.monotone, activation.keeps == "input")
        for name, activation in layers.ACTIVATIONS.items()
    },
    "optimizers": dict(OPTIMIZERS),
    "leaky_slope": pytest.approx(layers.LEAKY_SLOPE),
    "scaled_tanh": pytest.approx(layers.SCALED_TANH),
    "alignment": plan.ALIGNMENT,
    "max_size": layers.MAX_SIZE,
    "max_elements": plan.MAX_ELEMENTS,
    "max_window": plan.MAX_WINDOW,
    "max_threads": native.MAX_THREADS,
    "scored_alone": native.SCORED_ALONE,
    "ghost_batch": normalise.GHOST_BATCH,
    "running_momentum": pytest.approx(normalise.MOMENTUM),
    "norm_epsilon": normalise.EPSILON,
    "clip_epsilon": optimizer.CLIP_EPSILON,
    "golden_ratio": int(randomness._GOLDEN),
    "split_mix": (int(randomness._MIX_1), int(randomness._MIX_2)),
    "dropout_stream": randomness.DROPOUT,
    "dropout_hash": tuple(map(int, randomness._HASH_32)),
    "warp_nodes": warp.NODES,
    "warp_longest": warp.LONGEST,
    "warp_reach": warp.REACH,
}


def test_both_languages_have_the_same_constants() -> None:
    theirs = native.extension().CONSTANTS
    assert theirs.keys() == OURS.keys()
    for name, value in OURS.items():
        assert theirs[name] == value, name


def test_every_kind_of_layer_is_known_everywhere() -> None:
    """A kind that is missing in a table would otherwise be met by a KeyError of a user's."""
    assert operations.KINDS.keys() == layers.LAYERS.keys()
    assert plan.KIND_COMPLAINTS.keys() == layers.LAYERS.keys()


def test_every_activation_is_known_everywhere() -> None:
    assert operations.FUNCTIONS.keys() == layers.ACTIVATIONS.keys()


def test_a_step_has_every_field_of_every_layer() -> None:
    """Or its shapes show it: a field that a step does not have would be ignored by every engine."""
    step_fields = {field.name for field in dataclasses.fields(plan.Step)}
    for layer in layers.LAYERS.values():
        assert {field.name for field in layer.fields} <= step_fields | plan.SHOWN_BY_SHAPES


@pytest.mark.parametrize("activation", layers.ACTIVATIONS)
def test_what_is_said_of_an_activation_is_true(activation: str) -> None:
    z = np.linspace(-6, 6, 4001)
    z = z[np.abs(z) > 1e-6]  # but for the kinks
    facts, y = layers.ACTIVATIONS[activation], operations.activate(activation, z)
    derivative = operations.derivative(activation, z if facts.keeps == "input" else y)
    np.testing.assert_allclose(
        derivative,
        (operations.activate(activation, z + 1e-6) - operations.activate(activation, z - 1e-6))
        / 2e-6,
        atol=1e-6,
    )
    assert (np.diff(y) >= 0).all() == facts.monotone
    assert np.abs(derivative).max() == pytest.approx(facts.steepest, rel=1e-4)
