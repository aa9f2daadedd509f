"""Writing is rare enough to be cheap."""

from lenet.training.pacing import Pacing

from lenet.training import pacing


def test_after_a_costly_writing_it_waits(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now[0])
    pace = Pacing()
    assert pace.due()
    assert not pace.due(1.0)
    with pace:
        now[0] += 0.5
    assert not pace.due()
    now[0] += 99.9  # half a second is half a hundredth of 100
    assert not pace.due()
    now[0] += 0.2
    assert pace.due()
    assert not pace.due(120)
    now[0] += 40
    assert pace.due(120)


def test_a_writing_that_fails_counts_too(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now[0])
    pace = Pacing()
    try:
        with pace:
            now[0] += 1
            raise OSError
    except OSError:
        pass
    assert not pace.due()
