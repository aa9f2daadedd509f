"""Colours that can be read."""

import pytest

from lenet.drawing.palette import DARK, LIGHT, contrast


def test_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777")
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # a known border case


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(colors):
    for ground in ("page", "data-face", "conv-face", "pool-face", "dense-face"):
        for role in ("text", "muted"):
            assert contrast(colors[role], colors[ground]) >= 4.5, (role, ground)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_outline_can_be_seen(colors):
    for role in ("line", *(role for role in colors if role.endswith("edge"))):
        assert contrast(colors[role], colors["page"]) >= 3, role


def test_the_themes_have_the_same_roles():
    assert list(LIGHT) == list(DARK)
