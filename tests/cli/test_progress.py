"""The epoch's line, and the bar that a person sees between two lines."""

import io

import pytest

from lenet.cli.progress import Display
from lenet.training import EpochRecord

RECORD = EpochRecord(3, 0.12345, 0.5, 1.0, 12.345)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_an_epoch(capsys):
    Display(10, lines=True, bar=True).epoch(RECORD)
    found = capsys.readouterr()
    assert found.out == "epoch  3/10   loss 0.1235   train 0.5000   test 1.0000   12.35 s\n"
    assert found.err == ""


def test_without_lines(capsys):
    Display(10, lines=False, bar=False).epoch(RECORD)
    assert capsys.readouterr().out == ""


def test_no_bar_where_nobody_looks(capsys):
    display = Display(10, lines=True, bar=True)
    display.step(1, 0.5)
    display.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("bar", [True, False])
def test_a_bar_on_a_terminal_that_wipes_itself(monkeypatch, capsys, bar):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    display = Display(10, lines=True, bar=bar)
    display.step(1, 0.5)
    display.step(1, 1.0)
    display.epoch(RECORD)
    display.close()
    assert ("epoch 1/10" in terminal.getvalue()) == bar
    assert capsys.readouterr().out.startswith("epoch  3/10")


@pytest.mark.parametrize("columns", [8, 20, 50, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_bar_fits_the_terminal(monkeypatch, columns, encoding):
    """It never wraps: a line that did could not be overwritten."""
    bytes_written = io.BytesIO()
    terminal = io.TextIOWrapper(bytes_written, encoding=encoding)
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    display = Display(9, lines=False, bar=True)
    for share in (0.001, 0.25, 0.5, 1.0):
        display.step(1, share)
    display.close()
    *drawn, wiped, end = bytes_written.getvalue().decode(encoding).split("\r")[1:]
    assert all(len(text) < max(columns, 12) for text in drawn)
    assert (wiped.strip(), end) == ("", "")
    assert len(wiped) >= len(drawn[-1].rstrip())
    if columns == 200:
        full, empty = "━─" if encoding == "utf-8" else "#-"
        assert f"epoch 1/9 {full * 10}{empty * 30}  25 %, 0:00:00 left" in drawn
        assert f"epoch 1/9 {full * 40} 100 %, 0:00:00 left" in drawn[-1]


def test_an_epoch_of_one_look_needs_no_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    Display(10, lines=False, bar=True).step(1, 1.0)
    assert terminal.getvalue() == ""


def test_validation_has_a_place_in_the_line(capsys):
    record = EpochRecord(1, 0.5, 0.5, 0.25, 1.0, validation_accuracy=0.75)
    Display(1, lines=True, bar=False).epoch(record)
    found = capsys.readouterr().out
    assert (
        found
        == "epoch 1/1   loss 0.5000   train 0.5000   validation 0.7500   test 0.2500   1.00 s\n"
    )


def test_a_notice_wipes_the_bar_first(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    display = Display(10, lines=True, bar=True)
    display.step(1, 0.5)
    display.notice("no checkpoint")
    shown = terminal.getvalue()
    assert shown.endswith("\rlenet: no checkpoint\n")
    assert "epoch 1/10" in shown
