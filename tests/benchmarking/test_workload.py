"""What everybody does: the same in every process."""

import numpy as np
import pytest

from lenet.benchmarking.workload import IMAGE_BYTES, TASKS, Workload
from lenet.errors import ShapeError, UsageError
from lenet.formats.names import ACTIVATIONS
from lenet.net import layers, parse_network, read_network
from refusals import refused


def test_another_process_draws_the_same(workload):
    other = Workload.from_dict(workload.to_dict())
    assert other == workload
    for name in ("parameters", "images", "labels", "pixels"):
        np.testing.assert_array_equal(getattr(other, name), getattr(workload, name))
    np.testing.assert_array_equal(other.order(9), workload.order(9))


def test_biases_are_drawn(workload):
    for tensor in workload.plan.tensors:
        assert tensor.view(workload.parameters).all()


def test_a_normalisation_has_numbers_that_it_could_have():
    work = Workload(parse_network("1x8x8 | conv 4 k3 batchnorm | dense 2"))
    norm = work.plan.steps[0].norm
    scale, mean, variance = (
        tensor.view(work.parameters) for tensor in (norm.scale, norm.mean, norm.variance)
    )
    assert min(scale.min(), variance.min()) > 0.5
    assert max(scale.max(), variance.max()) < 1.5
    assert 0 < np.abs(mean).max() < 0.5
    assert len({*scale, *variance}) == 8


def test_images_are_whole_batches_larger_than_a_cache():
    work = Workload(read_network("lenet"), 8)
    assert len(work.images) == 8 * work.batches
    assert 50_000 < work.pixels.nbytes <= 100_000
    assert IMAGE_BYTES > 50_000_000
    large = Workload(parse_network("1x1000x1000 | maxpool 100 | dense 2"), 100)
    assert large.batches == 2


def test_pixels_are_the_bytes_from_0_to_1(workload):
    assert workload.pixels.dtype == np.float32
    np.testing.assert_allclose(255 * workload.pixels, workload.images, rtol=1e-6)


def test_batches_come_round_again(workload):
    batches = workload.batches
    assert workload.batch_slice(1) == slice(5, 10)
    assert workload.batch_slice(batches - 1).stop == len(workload.images)
    assert workload.batch_slice(batches) == slice(0, 5)


def test_an_epochs_order_takes_every_image_once(workload):
    order = workload.order(workload.batches + 1)
    count = len(workload.images)
    assert order.dtype == np.int32
    assert sorted(order[:count]) == list(range(count))
    np.testing.assert_array_equal(order[count:], order[:5])


@pytest.mark.parametrize(
    ("notation", "training", "forward"),
    [
        (
            "1x28x28 | conv 6 k5 sigmoid, maxpool 2 | conv 16 k5 sigmoid, maxpool 2 "
            "| dense 120 sigmoid, dense 84 sigmoid, dense 10",
            758_520,
            281_640,
        ),
        ("1x4x4 | avgpool 2 | dense 3, dense 2", 2 * 12 + 3 * 6, 18),
        ("1x4x4 | avgpool 2", 0, 0),
    ],
)
def test_multiply_adds(notation, training, forward):
    counts = Workload(parse_network(notation)).multiply_adds
    assert counts == dict(zip(TASKS, (training, forward, forward), strict=True))


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, "8", 1_000_001])
def test_batches_that_cannot_be(batch):
    with refused(UsageError, "from 1 to 1,000,000"):
        Workload(read_network("lenet"), batch)


def test_threads_that_cannot_be():
    with refused(UsageError, "threads is 0"):
        Workload(read_network("lenet"), 1, 0)


def test_a_network_that_does_not_fit():
    with pytest.raises(ShapeError):
        _ = Workload(parse_network("1x4x4 | conv 3 k5")).plan


def test_every_activation_has_its_names_elsewhere():
    assert ACTIVATIONS.keys() == layers.ACTIVATIONS.keys() - {"scaled-tanh"}  # formats/plain.py
