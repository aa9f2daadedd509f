"""Colours that can be read."""

import pytest

from lenet.drawing.palette import DARK, LIGHT, SERIES, contrast


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
def test_every_line_of_a_chart_can_have_its_name_in_its_color(colors):
    assert len({colors[role] for role in SERIES}) == len(SERIES) >= 10
    for role in SERIES:
        assert contrast(colors[role], colors["page"]) >= 4.5, role
    assert contrast(colors["grid"], colors["page"]) < contrast(colors["line"], colors["page"]) / 2


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_outline_can_be_seen(colors):
    for role in ("line", *(role for role in colors if role.endswith("edge"))):
        assert contrast(colors[role], colors["page"]) >= 3, role


def test_the_themes_have_the_same_roles():
    assert list(LIGHT) == list(DARK)
