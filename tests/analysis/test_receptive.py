"""Receptive fields against their definition; published sizes are in test_report.py."""

from hypothesis import example, given, settings

from lenet.analysis import ReceptiveField, receptive_fields
from lenet.net import Dense, Network, parse_network, zoo
from random_networks import networks


def test_lenet_layer_by_layer() -> None:
    fields = receptive_fields(zoo.lenet())
    assert [field.size[0] for field in fields] == [5, 6, 14, 16, 28, 28, 28]
    assert [field.jump for field in fields] == [(1, 1), (2, 2), (2, 2), (4, 4), None, None, None]


def test_axes_are_their_own() -> None:
    (field, after) = receptive_fields(parse_network("1x9x9 | conv 2 k3x1 s1x2, maxpool 2x3"))
    assert field == ReceptiveField((3, 1), (1, 2))
    assert after == ReceptiveField((4, 5), (2, 6))


def test_when_the_input_is_covered() -> None:
    field = ReceptiveField((5, 4), (1, 1))
    assert field.covers((3, 5, 4))
    assert not field.covers((3, 5, 5))
    assert not field.covers((3, 6, 4))


def test_thousands_of_strides_do_not_make_endless_numbers() -> None:
    layer = "conv 1 k1 s10000000 p5000000"
    fields = receptive_fields(parse_network("1x1x1 | " + ", ".join([layer] * 3000)))
    assert fields[-1].jump == (10**15, 10**15)


@settings(max_examples=60, deadline=None)
@given(networks(ends_dense=False, channels=1, padding=0))
def test_the_field_is_what_changes_a_unit(network: Network) -> None:
    """Trace the corner unit of each map back to the input, window by window."""
    fields = receptive_fields(network)
    maps = [layer for layer in network.layers if not isinstance(layer, Dense)]
    for count in range(1, len(maps) + 1):
        extent = []
        for axis in (0, 1):
            first = last = 0  # of the unit, then of what it reads, layer by layer
            for layer in reversed(maps[:count]):
                before = layer.padding[2 * axis]
                first = first * layer.stride[axis] - before
                last = last * layer.stride[axis] - before + layer.kernel_size[axis] - 1
            extent.append(last - first + 1)
        assert fields[count - 1].size == tuple(extent)


@settings(max_examples=60, deadline=None)
@given(networks(padding=2, stride=3))
@example(parse_network("1x1x2 | maxpool 1x2 s1 | conv 1 k1x2 s1x2 p0.0.2.0 batchnorm | dense 1"))
def test_a_dense_layer_sees_what_its_maps_see_together(network: Network) -> None:
    """Trace every unit of the last map back to the input, pixel by pixel."""
    fields = receptive_fields(network)
    maps = [placed for placed in network.placed if not isinstance(placed.layer, Dense)]
    if any(
        stride > kernel
        for placed in maps
        for stride, kernel in zip(placed.layer.stride, placed.layer.kernel_size, strict=True)
    ):
        return  # pixels between windows are left out too, and the field is told from end to end
    seen = []
    for axis in (0, 1):
        shape = maps[-1].output_shape if maps else network.input_shape
        units = set(range(shape[1 + axis]))
        for placed in reversed(maps):
            before = placed.layer.padding[2 * axis]
            units = {
                unit * placed.layer.stride[axis] - before + offset
                for unit in units
                for offset in range(placed.layer.kernel_size[axis])
            } & set(range(placed.input_shape[1 + axis]))
        seen.append(len(units))
    assert all(
        field == ReceptiveField(tuple(seen), None)
        for field, placed in zip(fields, network.placed, strict=True)
        if isinstance(placed.layer, Dense)
    )


def test_pixels_at_the_border_that_no_window_reaches_are_not_seen() -> None:
    # The pooling drops the last of 61 columns, which alone looks at the last of 65.
    network = parse_network("3x64x65 | conv 6 k5, avgpool 2 | dense 10, dense 5")
    assert [field.size for field in receptive_fields(network)[2:]] == [(64, 64)] * 2
    # A window on nothing but padding sees nothing.
    assert receptive_fields(parse_network("1x1x1 | conv 1 k1 s9 p3 | dense 2"))[1].size == (0, 0)
