"""Markdown: tables with as many cells in every row, and nothing that breaks out of its place."""

from hypothesis import given, settings

from lenet.analysis import explain
from lenet.analysis.explanation.markdown import render_markdown
from lenet.net import Network, parse_network, zoo
from random_networks import networks


@settings(max_examples=30, deadline=None)
@given(networks(ends_dense=False))
def test_tables_are_whole(network: Network) -> None:
    text = render_markdown(explain(network))
    before, _, notation = text.removesuffix("\n```").partition("```\n")
    assert parse_network(notation) == network
    for paragraph in before.split("\n\n"):
        if paragraph.startswith("|"):
            assert len({line.count("|") for line in paragraph.splitlines()}) == 1
    assert before.count("\n| :--- ") == 3


def test_a_name_is_shown_as_it_is() -> None:
    text = render_markdown(explain(zoo.lenet(), "a_b <i>*c*\n# d | e"))
    assert text.startswith("## a\\_b \\<i\\>\\*c\\* \\# d \\| e\n\n")


def test_a_network_without_a_name() -> None:
    assert render_markdown(explain(zoo.lenet())).startswith("## network\n")
