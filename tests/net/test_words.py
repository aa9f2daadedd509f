"""The wording that error messages share."""

import pytest

from lenet.errors import UsageError
from lenet.net.words import check_choice, check_key, did_you_mean, name_text, natural, shown
from refusals import refused


def test_values_are_shown_short() -> None:
    assert shown("a\n\x1b") == r"'a\n\x1b'"
    assert shown("a" * 100) == "'" + "a" * 56 + "..."
    assert shown(10**5000) == "something too large to show (int)"


def test_the_nearest_word_is_offered() -> None:
    assert did_you_mean("Sigmod", ("tanh", "sigmoid")) == " (did you mean 'sigmoid'?)"
    assert did_you_mean("x" * 1_000_000, ("tanh",)) == ""


@pytest.mark.parametrize("given", ["tann", "", None, [], 3])
def test_a_choice_that_is_none_is_refused_with_all_there_are(given) -> None:
    near = " (did you mean 'tanh'?)" if given == "tann" else ""
    words = f"the rule is {given!r}{near}; it must be tanh or relu or none."
    with refused(UsageError, words) as caught:
        check_choice(given, ("tanh", "relu"), "the rule", "rule", " or none")
    assert caught.value.parameter == "rule"
    check_choice("relu", ("tanh", "relu"), "the rule")


def test_a_choice_may_be_no_word_at_all() -> None:
    check_choice("", ("", "balanced"), "the weight")
    with refused(UsageError, """it must be "" or balanced."""):
        check_choice("x", ("", "balanced"), "the weight")


def test_a_name_that_stands_for_nothing_is_refused_with_all_there_are() -> None:
    check_key("lr", ("lr", "epochs"), "a recipe")
    with refused(UsageError, "a recipe has no 'epoch' (did you mean 'epochs'?); it has lr and "):
        check_key("epoch", ("lr", "epochs"), "a recipe")


def test_names_stay_as_they_are_unless_they_are_no_text() -> None:
    assert name_text("features.0.weight") == "features.0.weight"
    assert name_text("größe") == "größe"
    assert name_text("a\x1b[31m") == r"'a\x1b[31m'"
    assert name_text("x" * 61) == shown("x" * 61)


@pytest.mark.parametrize(
    "names",
    [
        ("1", "2", "10", "100"),
        ("a2b", "a10b", "b1"),
        ("a9", "a9.b", "a10", "b1"),
        ("cat 9", "cat 10", "Dog", "dog 1"),
        ("1.9", "1.10"),
        ("0", "00", "1", "-", "x"),
        ("7", "9" * 5000, "1" + "0" * 5000),
        ("a", "ä", "図", "🐈"),
    ],
)
def test_natural_order(names: tuple[str, ...]) -> None:
    assert tuple(sorted(reversed(names), key=natural)) == names


@pytest.mark.parametrize(("name", "text"), [("a.b", "a.b"), ("a1.", "'a1.'"), (".", "'.'")])
def test_a_name_is_no_end_of_a_sentence(name: str, text: str) -> None:
    assert name_text(name) == text
