"""What a refusal says: one line, with the words that matter."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def complains(error: type[Exception], *words: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Hold that the block raises ``error`` with all ``words`` in a message of one line."""
    with pytest.raises(error) as caught:
        yield caught
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, f"{word!r} is not in {message!r}"
