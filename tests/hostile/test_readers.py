"""A small portion of what ``python -m tests.hostile`` tries in full."""

import pytest

from hostile.fuzzing import fuzz
from hostile.readers import READERS

#: For each reader, times its share.
INPUTS = 120


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_whatever_is_read(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / "cache"))
    outcome = fuzz(reader, tmp_path, round(INPUTS * reader.share))
    assert outcome.inputs
    assert not outcome.faults, "\n".join(outcome.faults[:5])
