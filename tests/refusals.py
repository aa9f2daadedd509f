"""How tests hold an error: its class, and the few words that matter in its message."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def refused(error: type[Exception], *words: str) -> Iterator[None]:
    """Check that the block raises ``error``, and that its message holds all ``words``."""
    with pytest.raises(error) as caught:
        yield
    for word in words:
        assert word in str(caught.value)
