"""How tests hold an error: its class, and the few words that matter in its message."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lenet.errors import NotationError, ShapeError


@contextmanager
def refused(error: type[Exception], *words: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Check that the block raises ``error``, and that its message holds all ``words``.

    It is one line, but for what shows the place in a notation, or the changes that help.
    """
    with pytest.raises(error) as caught:
        yield caught
    message = str(caught.value)
    assert "\n" not in message or isinstance(caught.value, NotationError | ShapeError), message
    for word in words:
        assert word in message, f"{word!r} is not in {message!r}"
