"""The figures: one scale per layer, everything in its place, and bounded."""

import re

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.drawing.scene import Pixels
from lenet.looking import figure, parts
from lenet.looking.scales import Scale, number
from looked_at import NETWORKS, drawn


def inside(scene):
    """Does every mark lie on the page?"""
    for mark in scene.marks:
        if hasattr(mark, "points"):
            xs, ys = zip(*mark.points, strict=True)
            left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        elif hasattr(mark, "box"):
            left, top, right, bottom = mark.box
        else:
            left, top = mark.x, mark.y
            right, bottom = left + mark.width, top + mark.height
        assert min(left, top) >= -1, mark
        assert right <= scene.width + 1, mark
        assert bottom <= scene.height + 1, mark


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_covers_or_leaves_anything(name, count, overlaps):
    model, images = drawn(name, count)
    look = lenet.look(model, images, occlusion=name == "colour")
    scene = look.drawing().scene
    inside(scene)
    assert not overlaps(scene)
    for layer in model.layers[:: 9 if name == "deep" else 1] if count == 2 else ():
        scene = lenet.look(model, images, layer=layer.name).drawing().scene
        inside(scene)
        assert not overlaps(scene)


@pytest.mark.parametrize("name", ["grey", "colour", "groups", "dense", "maps", "pixel"])
def test_units_cover_nothing(name, overlaps):
    model, images = drawn(name)
    for layer in model:
        zeros = ",".join("0" for _ in layer.output_shape)
        scene = lenet.look(model, images, unit=f"{layer.name}[{zeros}]").drawing().scene
        inside(scene)
        assert not overlaps(scene)


def test_long_names_are_cut(tmp_path, overlaps):
    classes = ["a class with a name that goes on and on and on and on and on", "b", "c"]
    model = lenet.Model(NETWORKS["grey"], classes).initialize()
    path = tmp_path / f"{'a very long name ' * 12}.png"
    Image.fromarray(np.zeros((12, 12), np.uint8)).save(path)
    for options in ({}, {"layer": "dense1"}, {"unit": "conv0[0,0,0]"}, {"unit": "dense1[0]"}):
        scene = lenet.look(model, path, path, path, path, **options).drawing().scene
        inside(scene)
        assert not overlaps(scene)


def test_a_layer_has_one_scale_for_all_pictures():
    model, images = drawn("grey")
    images[1] //= 8  # a dark picture: small numbers
    look = lenet.look(model, images)
    scale = Scale.of(look["conv0"])
    tiles = [
        mark
        for group in look.drawing().scene.groups
        for mark in group.marks
        if group.title.startswith("conv0, map 2:") and isinstance(mark, Pixels)
    ]
    assert len(tiles) == 2
    for tile, maps in zip(tiles, look["conv0"], strict=True):
        assert tile.data == scale.indices(maps[2]).tobytes()
        assert tile.palette == scale.palette
    text = " ".join(text.text for text in look.drawing().scene.texts)
    assert number(scale.high) in text
    assert number(scale.low) in text


def test_zero_is_neutral_on_a_signed_scale():
    scale = Scale(-1.0, 3.0)
    neutral = Scale(0.0, 3.0).palette[:3]
    values = np.array([[0.0, 3.0, -1.0, -3.0]])
    tile = scale.tile(values, 0, 0, 1, 1)
    zero, high, low, _ = (tile.color(place) for place in range(4))
    assert bytes(zero) == neutral
    assert high[2] > high[0]  # blue
    assert low[0] > low[2]  # orange
    luma = [
        sum(weight * part for weight, part in zip((2, 7, 1), color, strict=True))
        for color in (tile.color(1), tile.color(3))
    ]
    assert luma[0] == pytest.approx(luma[1], rel=0.05)  # as far from zero, as light


def test_what_is_all_above_zero_uses_the_whole_scale():
    scale = Scale.of(np.array([0.4, 0.6]))
    assert scale.indices(np.array([0.4, 0.5, 0.6])).tolist() == [0, 20, 40]
    assert Scale.of(np.array([np.nan, np.inf, 2.0])) == Scale(2.0, 2.0)
    assert Scale.of(np.array([])) == Scale(0.0, 0.0)


def test_of_many_channels_the_most_active_are_shown():
    values = np.zeros((2, 100, 3, 3))
    values[0, 40], values[1, 7], values[:, 90] = 3, -5, 1
    assert parts.most_active(values, 3) == (7, 40, 90)
    assert parts.most_active(values[:, :3], 3) == (0, 1, 2)
    model, images = drawn("wide")
    look = lenet.look(model, images)
    drawing = look.drawing()
    texts = " ".join(text.text for text in drawing.scene.texts)
    assert "600@4x4; the 32 most" in texts
    assert "10 of 300 classes" in texts
    assert len(drawing.svg) < 300_000
    assert len(figure.draw(look, 8).svg) < len(drawing.svg)


def test_the_beam_is_the_window_of_the_strongest_number():
    """A pooling's leads from its own map, and a group's from one that it reads."""
    for name in ("grey", "groups", "wide"):
        model, images = drawn(name, 1)
        look = lenet.look(model, images)
        titles = [group.title for group in look.drawing().scene.groups]
        pattern = r"the strongest number of (\w+), map (\d+), row (\d+), column (\d+): (.+);"
        found = [match for title in titles if (match := re.match(pattern, title))]
        assert len(found) == sum(values.ndim == 4 for values in look.outputs.values())
        for match in found:
            values = look[match[1]][0, int(match[2])]
            assert values[int(match[3]), int(match[4])] == values.max()
            assert match[5] == number(float(values.max()))


def test_a_shrunk_map_has_the_means_of_its_parts():
    values = np.arange(36.0).reshape(6, 6)
    small = parts.shrunk(values, 3, 3)
    np.testing.assert_allclose(small, values.reshape(3, 2, 3, 2).mean(axis=(1, 3)))
    np.testing.assert_array_equal(parts.shrunk(values, 6, 9), values)
    assert parts.shrunk(np.ones((2, 7)), 3, 3).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.03124, "-0.031"),
        (0.004567, "0.0046"),
        (1.2, "1.20"),
        (45.67, "45.67"),
        (234.5, "234"),
        (12345, "12,345"),
        (1.2e9, "1.20e+09"),
        (0.00001, "1.0e-05"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text
