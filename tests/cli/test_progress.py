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


def test_an_epoch_of_one_look_needs_no_bar(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    Display(10, lines=False, bar=True).step(1, 1.0)
    assert terminal.getvalue() == ""
