"""The wording that error messages share."""

from lenet.net.words import did_you_mean, shown


def test_values_are_shown_short() -> None:
    assert shown("a\n\x1b") == r"'a\n\x1b'"
    assert shown("a" * 100) == "'" + "a" * 56 + "..."
    assert shown(10**5000) == "something too large to show (int)"


def test_the_nearest_word_is_offered() -> None:
    assert did_you_mean("Sigmod", ("tanh", "sigmoid")) == " (did you mean 'sigmoid'?)"
    assert did_you_mean("x" * 1_000_000, ("tanh",)) == ""
