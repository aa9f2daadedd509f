"""Ctrl-C is kept until nothing is half done."""

import os
import signal
import threading

import pytest
from lenet.training.interrupts import Interrupts


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_waits_and_the_second_does_not():
    with Interrupts() as interrupts:
        interrupts.check()
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()
        ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        interrupts.check()


def test_one_at_the_very_end_is_not_lost():
    with pytest.raises(KeyboardInterrupt), Interrupts():
        ctrl_c()


def test_afterwards_all_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) is before


def test_it_goes_to_whom_it_was_meant_for():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with Interrupts() as interrupts:
            ctrl_c()
            assert heard == []
            interrupts.check()
            interrupts.check()
            assert heard == [1]
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_it_is_switched_off_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            ctrl_c()
            interrupts.check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread():
    errors = []

    def use():
        try:
            with Interrupts() as interrupts:
                interrupts.check()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not errors
