"""The page of verbs against the verbs themselves."""

from importlib import import_module

import pytest

from lenet.cli.overview import VERBS, render_overview


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_line_is_its_own(verb):
    page = import_module(f"lenet.cli.{verb}").run.__doc__
    assert page.splitlines()[0] == VERBS[verb]


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_fits_the_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    page = render_overview()
    assert max(map(len, page.splitlines())) <= max(40, min(100, columns))
    words = " ".join(page.split())
    assert all(f"{verb} {summary}" in words for verb, summary in VERBS.items())
